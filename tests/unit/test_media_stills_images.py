"""A user's picture is sent as it is, or made to fit; what is no picture, or too small, is refused."""

import pytest
from PIL import Image, ImageCms
from test_media_fitting_kit import room

from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.probe import probe_image
from prefect_storyboard.media.sources import local_file
from prefect_storyboard.media.stills import fit_image
from prefect_storyboard.providers.table import models
from prefect_storyboard.storyboards.model import References

FREE = References(images=9)
SETS = {
    f"{model.provider} {model.name}": model.references
    for family in models().values()
    for model in family.values()
    if model.references
}


def sent(path, limits, folder):
    return fit_image(local_file(path), limits, "Mara", folder=folder / "made").path


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp"])
def test_a_picture_that_fits_is_sent_as_it_is(name, tmp_path):
    room((800, 450)).save(tmp_path / name)
    _, _, kind = probe_image(tmp_path / name)
    for limits in SETS.values():
        if kind in limits.formats:
            assert sent(tmp_path / name, limits, tmp_path) == tmp_path / name
    assert not (tmp_path / "made").exists()


def test_a_format_that_the_model_does_not_take_is_converted(tmp_path):
    room((800, 450)).save(tmp_path / "a.webp")
    out = sent(tmp_path / "a.webp", SETS["kie kling-v3"], tmp_path)
    assert probe_image(out) == (800, 450, "jpeg")


@pytest.mark.parametrize("name", SETS)
def test_a_picture_that_breaks_every_limit_is_made_to_fit_every_model(name, tmp_path):
    limits, path = SETS[name], tmp_path / "a.tiff"
    room((2100, 700)).save(path)
    out = sent(path, limits, tmp_path)
    width, height, kind = probe_image(out)
    assert kind == "jpeg"
    assert width <= height * (limits.max_aspect or 3)
    assert out.stat().st_size <= (limits.max_bytes or 10**9)


@pytest.mark.parametrize("name", ["a.bmp", "a.tiff", "a.gif"])
def test_another_format_is_converted(name, tmp_path):
    room().save(tmp_path / name)
    out = sent(tmp_path / name, FREE, tmp_path)
    assert probe_image(out) == (320, 180, "jpeg")


def test_the_rotation_of_the_camera_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Image.new("RGB", (300, 200), "white")
    picture.paste("red", (0, 0, 60, 60))
    picture.save(tmp_path / "a.jpg", exif=exif)
    with Image.open(sent(tmp_path / "a.jpg", FREE, tmp_path)) as out:
        assert out.size == (200, 300)
        assert out.getexif().get(0x0112, 1) == 1
        assert out.getpixel((180, 20))[1] < 40


def test_transparency_becomes_white_before_the_picture_is_padded(tmp_path):
    Image.new("RGBA", (600, 200), (200, 0, 0, 0)).save(tmp_path / "a.png")
    with Image.open(sent(tmp_path / "a.png", References(images=1, max_aspect=2.5), tmp_path)) as out:
        assert min(out.getpixel((300, 120))) > 250


@pytest.mark.parametrize(("size", "padded"), [((600, 200), (600, 240)), ((200, 600), (240, 600))])
def test_a_picture_too_long_is_padded_in_the_colour_of_its_edges(size, padded, tmp_path):
    Image.new("RGB", size, (240, 230, 210)).save(tmp_path / "a.png")
    with Image.open(sent(tmp_path / "a.png", References(images=1, max_aspect=2.5), tmp_path)) as out:
        assert out.size == padded
        assert out.getpixel((2, 2)) == pytest.approx((240, 230, 210), abs=3)


def test_a_file_too_large_is_made_smaller_but_not_smaller_than_the_least(tmp_path):
    Image.effect_noise((800, 600), 90).convert("RGB").save(tmp_path / "a.png")
    out = sent(tmp_path / "a.png", References(images=1, max_bytes=200_000), tmp_path)
    assert 100_000 < out.stat().st_size <= 200_000
    with pytest.raises(MediaError, match=r"^Mara: a\.png cannot be made as small as 20\.0 kB; use a picture with"):
        sent(tmp_path / "a.png", References(images=1, max_bytes=20_000, min_side=500), tmp_path)


@pytest.mark.parametrize("mode", ["CMYK", "L", "P", "LA", "1"])
def test_every_colour_mode_comes_out_in_colour(mode, tmp_path):
    name = "a.jpg" if mode == "CMYK" else "a.tiff"
    room().convert(mode).save(tmp_path / name)
    with Image.open(sent(tmp_path / name, FREE, tmp_path)) as out:
        assert (out.mode, out.format) == ("RGB", "JPEG")


def test_the_colour_profile_goes_along(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    room((600, 200)).save(tmp_path / "a.png", icc_profile=profile)
    with Image.open(sent(tmp_path / "a.png", References(images=1, max_aspect=2.5), tmp_path)) as out:
        assert out.info["icc_profile"] == profile


def test_a_moving_picture_gives_its_first(tmp_path):
    first, second = Image.new("RGB", (64, 64), "red"), Image.new("RGB", (64, 64), "blue")
    first.save(tmp_path / "a.webp", save_all=True, append_images=[second], lossless=True)
    with Image.open(sent(tmp_path / "a.webp", FREE, tmp_path)) as out:
        assert out.getpixel((32, 32))[0] > 240


def test_a_picture_too_small_is_refused(tmp_path):
    room((320, 180)).save(tmp_path / "a.png")
    with pytest.raises(MediaError) as caught:
        sent(tmp_path / "a.png", References(images=1, min_side=300), tmp_path)
    assert str(caught.value) == (
        "Mara: a.png is 320x180: the shorter side needs at least 300 pixels; use a larger picture."
    )


@pytest.mark.parametrize("body", [b"", b"no picture", None])
def test_what_is_no_picture_is_refused(body, tmp_path):
    if body is None:
        room().save(tmp_path / "whole.png")
        body = (tmp_path / "whole.png").read_bytes()[:700]
    (tmp_path / "a.png").write_bytes(body)
    with pytest.raises(MediaError, match=r"^Mara: a\.png is not a picture that can be read; give a JPEG, PNG or WebP"):
        sent(tmp_path / "a.png", FREE, tmp_path)


def test_the_same_picture_gives_the_same_file_once(tmp_path):
    for name in ("a.bmp", "b.bmp"):
        room().save(tmp_path / name)
    one, two = sent(tmp_path / "a.bmp", FREE, tmp_path), sent(tmp_path / "b.bmp", FREE, tmp_path)
    assert one == two
