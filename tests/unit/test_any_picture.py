"""Pictures of more than 8 bits keep their shades, transparent ones go on white, too large ones are scaled down."""

import pytest
from PIL import Image

from prefect_storyboard.media.sources import local_file
from prefect_storyboard.media.stills import fit_image
from prefect_storyboard.storyboards import PictureLimits

FREE = PictureLimits()


def sent(path, folder, limits=FREE):
    """The picture that is sent, and whether it is another file than the user's."""
    file = fit_image(local_file(path), limits, "Mara", folder=folder / "made").path
    with Image.open(file) as image:
        return image.convert("RGB"), file != path


@pytest.mark.parametrize(
    ("mode", "dark", "light", "name"),
    [
        ("I;16", 16384, 49151, "a.png"),
        ("I;16", 16384, 49151, "a.tiff"),
        ("I", 16384, 49151, "a.tiff"),
        ("I", 64, 191, "a.tiff"),
        ("F", 0.25, 0.75, "a.tiff"),
        ("F", 64.0, 191.0, "a.tiff"),
    ],
)
def test_a_deep_picture_keeps_its_shades(mode, dark, light, name, tmp_path):
    picture = Image.new("I" if mode == "I;16" else mode, (300, 200), dark)
    picture.paste(light, (0, 0, 150, 200))
    if (mode, light) == ("I", 49151):
        picture.putpixel((0, 0), 65535)
    (picture.convert(mode) if mode == "I;16" else picture).save(tmp_path / name)
    out, converted = sent(tmp_path / name, tmp_path)
    assert converted
    assert out.getpixel((250, 100)) == pytest.approx((64,) * 3, abs=2)
    assert out.getpixel((50, 100)) == pytest.approx((191,) * 3, abs=2)


@pytest.mark.parametrize("name", ["a.png", "a.webp"])
def test_a_transparent_picture_is_put_on_white(name, tmp_path):
    picture = Image.new("RGBA", (300, 200), (0, 0, 0, 0))
    picture.paste((200, 30, 30, 255), (0, 0, 150, 200))
    picture.save(tmp_path / name, lossless=True)
    out, converted = sent(tmp_path / name, tmp_path)
    assert converted
    assert out.getpixel((250, 100)) == pytest.approx((255,) * 3, abs=2)
    assert out.getpixel((50, 100)) == pytest.approx((200, 30, 30), abs=4)


def test_a_picture_whose_transparency_is_not_used_is_sent_as_it_is(tmp_path):
    Image.new("RGBA", (300, 200), (200, 30, 30, 255)).save(tmp_path / "a.png")
    assert not sent(tmp_path / "a.png", tmp_path)[1]


@pytest.mark.parametrize(("size", "shape"), [((1200, 900), (800, 600)), ((500, 2000), (320, 800))])
def test_a_picture_with_too_many_pixels_is_scaled_into_every_limit(size, shape, tmp_path):
    Image.new("RGB", size, "red").save(tmp_path / "a.png")
    out, _ = sent(tmp_path / "a.png", tmp_path, PictureLimits(max_side=800, max_aspect=2.5))
    assert out.size == shape
