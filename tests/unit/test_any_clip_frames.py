"""The last frame and the poster are the clip's own pictures: with B-frames, edit lists, rotation, odd pixels."""

from fractions import Fraction

import av
import pytest
from PIL import Image, ImageChops
from test_media_kit import clip

from prefect_storyboard.media.frames import last_frame, poster

SIZE = (320, 180)
CASES = {
    "b-frames": {},
    "mkv": {"name": "a.mkv"},
    "ts": {"name": "a.ts"},
    "webm": {"name": "a.webm", "codec": "libvpx-vp9"},
    "edit list": {"name": "a.mov", "late": 30},
    "negative start": {"name": "a.ts", "late": -6},
    "long": {"seconds": 6},
    "hd": {"size": (1280, 720), "seconds": 0.5},
    "full range": {"full": True},
}


def shade(number):
    """A colour of its own for each picture."""
    return ((37 * number) % 200 + 20, (91 * number) % 200 + 20, (53 * number) % 200 + 20)


def counting(path, size=SIZE, seconds=2, codec="libx264", late=0, *, full=False):
    """A clip whose every picture has another colour, the left half in grey; `late` shifts its times, in frames."""
    with av.open(path, "w") as target:
        stream = target.add_stream(codec, rate=24, width=size[0], height=size[1])
        stream.pix_fmt = "yuv420p"
        stream.options = {"preset": "fast", "bf": "3", "crf": "4"} if codec == "libx264" else {"crf": "4", "b": "0"}
        stream.codec_context.color_range = 2 if full else 1
        for number in range(round(24 * seconds)):
            image = Image.new("RGB", size, shade(number))
            image.paste((90, 90, 90), (0, 0, size[0] // 2, size[1]))
            frame = av.VideoFrame.from_image(image).reformat(format="yuv420p", dst_color_range=2 if full else 1)
            frame.pts, frame.time_base = number + late, Fraction(1, 24)
            target.mux(stream.encode(frame))
        target.mux(stream.encode())
    return path


def own_pictures(path):
    """Every picture as the clip's own decoder gives it, with the matrix that players assume."""
    with av.open(path) as source:
        frames = list(source.decode(video=0))
    matrix = "itu709" if min(frames[0].width, frames[0].height) >= 720 else "itu601"
    return [(frame.time, frame.to_image(src_colorspace=matrix)) for frame in frames]


def apart(one, other):
    """The largest difference of colour in the middles of both halves."""
    boxes = [(0.2, 0.2, 0.4, 0.8), (0.6, 0.2, 0.8, 0.8)]
    found = []
    for box in boxes:
        place = tuple(round(part * side) for part, side in zip(box, (*one.size, *one.size), strict=True))
        difference = ImageChops.difference(one.convert("RGB").crop(place), other.convert("RGB").crop(place))
        found += [high for _, high in difference.getextrema()]
    return max(found)


@pytest.mark.parametrize("case", CASES)
def test_the_last_frame_is_the_clips_own_last_picture(case, tmp_path):
    facts = dict(CASES[case])
    path = counting(tmp_path / facts.pop("name", "a.mp4"), **facts)
    last_frame(path, tmp_path / "last.png")
    with Image.open(tmp_path / "last.png") as image:
        assert apart(image, own_pictures(path)[-1][1]) <= 2


@pytest.mark.parametrize("case", CASES)
def test_the_poster_is_the_clips_own_picture_at_its_time(case, tmp_path):
    facts = dict(CASES[case])
    path = counting(tmp_path / facts.pop("name", "a.mp4"), **facts)
    poster(path, tmp_path / "poster.jpg", at=0.5, max_width=4000)
    own = own_pictures(path)
    begin, end = own[0][0], own[-1][0] + 1 / 24
    shown = [picture for time, picture in own if time <= begin + (end - begin) / 2 + 1e-3][-1]
    with Image.open(tmp_path / "poster.jpg") as image:
        assert apart(image, shown) <= 6  # JPEG's own loss


@pytest.mark.parametrize(
    ("rotation", "corner"), [(0, (0.1, 0.1)), (90, (0.1, 0.9)), (180, (0.9, 0.9)), (270, (0.9, 0.1))]
)
def test_a_turned_clip_gives_upright_pictures(rotation, corner, tmp_path):
    path = clip(tmp_path / "a.mp4", rotation=rotation, cue=None)
    last_frame(path, tmp_path / "last.png")
    poster(path, tmp_path / "poster.jpg")
    for name in ("last.png", "poster.jpg"):
        with Image.open(tmp_path / name) as image:
            assert image.size == ((90, 160) if rotation % 180 else (160, 90))
            red, green, _ = image.convert("RGB").getpixel((int(image.width * corner[0]), int(image.height * corner[1])))
            assert red > 150
            assert green < 80


def test_pixels_that_are_not_square_are_stretched(tmp_path):
    path = clip(tmp_path / "a.mp4", pixel_shape=Fraction(2, 1), cue=None)
    last_frame(path, tmp_path / "last.png")
    poster(path, tmp_path / "poster.jpg")
    for name in ("last.png", "poster.jpg"):
        with Image.open(tmp_path / name) as image:
            assert image.size == (320, 90)


def test_the_last_frame_of_a_small_clip_is_enlarged_to_what_a_model_takes(tmp_path):
    path = counting(tmp_path / "a.mp4", size=(192, 108))
    last_frame(path, tmp_path / "last.png", min_side=300)
    with Image.open(tmp_path / "last.png") as image:
        assert image.size == (533, 300)
