"""Stills show what a player shows."""

from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image
from test_media_kit import clip

from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.frames import last_frame, poster

GREY = (40, 60, 90)


def colour(path: Path, at: tuple[float, float] = (0.7, 0.7)) -> tuple[int, ...]:
    with Image.open(path) as image:
        return image.convert("RGB").getpixel((int(image.width * at[0]), int(image.height * at[1])))


@pytest.mark.parametrize("length", [0.9, 5.0])
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.mp4", {}),
        ("a.webm", {"codec": "libvpx-vp9", "sound": "libopus"}),
        ("a.avi", {"codec": "mpeg4", "sound": None}),
    ],
)
def test_the_last_frame_is_the_very_last(name, kind, length, tmp_path):
    last = (round(length * 24) - 1) / 24
    path = clip(tmp_path / name, seconds=length, cue=last, **kind)
    last_frame(path, tmp_path / "last.png")
    assert min(colour(tmp_path / "last.png")) > 245
    with Image.open(tmp_path / "last.png") as image:
        assert (image.size, image.format) == ((160, 90), "PNG")


@pytest.mark.parametrize("name", ["a.mp4", "a.ts"])
def test_the_last_frame_is_found_when_the_sound_goes_on(name, tmp_path):
    path = clip(tmp_path / name, seconds=1, sound_seconds=9, cue=23 / 24)
    last_frame(path, tmp_path / "last.png")
    assert min(colour(tmp_path / "last.png")) > 245


def test_stills_stand_upright_with_square_pixels(tmp_path):
    path = clip(tmp_path / "a.mp4", rotation=-90, pixel_shape=Fraction(4, 3))
    last_frame(path, tmp_path / "last.png")
    poster(path, tmp_path / "poster.jpg")
    for name in ("last.png", "poster.jpg"):
        with Image.open(tmp_path / name) as image:
            assert image.size == (90, 213)
        assert colour(tmp_path / name, (0.9, 0.1))[0] > 180  # turned clockwise: the top left comes to the top right


@pytest.mark.parametrize(("size", "tag"), [((1280, 720), None), ((160, 90), None), ((160, 90), 1), ((1280, 720), 5)])
def test_colours_are_those_that_a_player_shows(size, tag, tmp_path):
    """Untagged pictures are BT.709 from 720 lines up, BT.601 below; a tag wins."""
    matrix = "itu709" if tag == 1 or (tag is None and size[1] >= 720) else "itu601"
    with av.open(tmp_path / "a.mp4", "w") as target:
        stream = target.add_stream("libx264", rate=24, width=size[0], height=size[1], options={"crf": "1"})
        if tag:
            stream.codec_context.colorspace = tag
        frame = av.VideoFrame.from_image(Image.new("RGB", size, (200, 120, 40)))
        frame = frame.reformat(format="yuv420p", dst_colorspace=matrix)
        target.mux([*stream.encode(frame), *stream.encode()])
    last_frame(tmp_path / "a.mp4", tmp_path / "last.png")
    assert colour(tmp_path / "last.png") == pytest.approx((200, 120, 40), abs=3)


def test_a_poster_is_taken_where_asked(tmp_path):
    path = clip(tmp_path / "a.mp4", seconds=4, cue=3.0)
    poster(path, tmp_path / "at.jpg", at=0.75)
    poster(path, tmp_path / "else.jpg")
    assert min(colour(tmp_path / "at.jpg")) > 240
    assert colour(tmp_path / "else.jpg") == pytest.approx(GREY, abs=12)


@pytest.mark.parametrize("at", [0, 1, 1.5])
def test_a_poster_at_the_edge_is_still_a_poster(at, tmp_path):
    poster(clip(tmp_path / "a.mp4"), tmp_path / "a.jpg", at=at)
    assert colour(tmp_path / "a.jpg") == pytest.approx(GREY, abs=12)


def test_a_poster_is_no_wider_than_asked_and_never_enlarged(tmp_path):
    path = clip(tmp_path / "a.mp4", size=(640, 360), seconds=0.2)
    for width, expected in ((320, (320, 180)), (5000, (640, 360))):
        poster(path, tmp_path / "a.jpg", max_width=width)
        with Image.open(tmp_path / "a.jpg") as image:
            assert image.size == expected


def test_stills_are_the_same_bytes_every_time(tmp_path):
    path = clip(tmp_path / "a.mp4")
    for name in ("one", "two"):
        last_frame(path, tmp_path / f"{name}.png")
        poster(path, tmp_path / f"{name}.jpg")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert (tmp_path / "one.jpg").read_bytes() == (tmp_path / "two.jpg").read_bytes()


def test_a_still_of_no_video_is_an_error(tmp_path):
    (tmp_path / "a.mp4").write_text("no video")
    for take in (last_frame, poster):
        with pytest.raises(MediaError, match=r"^a\.mp4 is not a video"):
            take(tmp_path / "a.mp4", tmp_path / "out")
