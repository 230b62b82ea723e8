"""Sandbox clips are real, exact, repeatable, and tell which clip they are."""

import hashlib
import io
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image, ImageChops

from prefect_storyboard.sandbox.documents import Clip
from prefect_storyboard.sandbox.figures import colour_of, figure
from prefect_storyboard.sandbox.portraits import still
from prefect_storyboard.sandbox.render import render


def make(folder: Path, **changes: Any) -> Path:
    clip = Clip(width=320, height=180, seconds=4, prompt="Mara climbs the stairs", cast=("Mara",), label="sora-2")
    return render(clip.copy_with(**changes), folder, folder)


def frames(path: Path) -> list[Image.Image]:
    with av.open(str(path)) as container:
        return [frame.to_image() for frame in container.decode(video=0)]


def reference(*colours: str, width: int = 1280, height: int = 720) -> bytes:
    """A clip of a few frames in each of the colours."""
    target = io.BytesIO()
    with av.open(target, "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for colour in colours:
            picture = Image.new("RGB", (width, height), colour)
            for _ in range(4):
                file.mux(stream.encode(av.VideoFrame.from_image(picture)))
        file.mux(stream.encode(None))
    return target.getvalue()


def kept(folder: Path, name: str, *colours: str) -> str:
    """A portrait among the inputs."""
    portrait = still(reference(*colours))
    assert portrait
    (folder / name).write_bytes(portrait)
    return name


def near(pixel: Any, colour: tuple[int, int, int]) -> bool:
    return all(abs(one - other) < 24 for one, other in zip(pixel, colour, strict=True))


def differs(one: Image.Image, other: Image.Image) -> bool:
    return ImageChops.difference(one, other).getbbox() is not None


@pytest.mark.parametrize("seconds", [4, 12])
def test_picture_and_sound_are_exactly_as_long_as_was_asked(tmp_path: Path, seconds: int) -> None:
    with av.open(str(make(tmp_path, seconds=seconds))) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert [stream.duration * stream.time_base for stream in (video, audio)] == [seconds, seconds]
        assert (video.frames, video.average_rate, video.start_time, audio.start_time) == (seconds * 24, 24, 0, 0)
        assert (video.codec_context.name, audio.codec_context.name, audio.rate) == ("h264", "aac", 48_000)


@pytest.mark.parametrize("size", [(1280, 720), (720, 1280), (1792, 1024), (1080, 1920)])
def test_every_size_can_be_rendered(tmp_path: Path, size: tuple[int, int]) -> None:
    path = make(tmp_path, width=size[0], height=size[1], seconds=1)
    assert frames(path)[0].size == size


def test_the_same_clip_has_the_same_bytes(tmp_path: Path) -> None:
    digests = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        digests.append(hashlib.sha256(make(tmp_path / name).read_bytes()).hexdigest())
    assert digests[0] == digests[1]


def test_a_clip_is_rendered_once(tmp_path: Path) -> None:
    first = make(tmp_path)
    born = first.stat().st_mtime_ns
    assert make(tmp_path).stat().st_mtime_ns == born


@pytest.mark.parametrize("change", [{"prompt": "Otto waits"}, {"cast": ("Otto",)}, {"stamp": "405a114e"}])
def test_another_clip_looks_different(tmp_path: Path, change: dict[str, Any]) -> None:
    assert differs(frames(make(tmp_path))[0], frames(make(tmp_path, **change))[0])


def test_something_moves(tmp_path: Path) -> None:
    pictures = frames(make(tmp_path))
    assert differs(pictures[0].crop((0, 0, 320, 150)), pictures[-1].crop((0, 0, 320, 150)))


def a_red_frame(folder: Path, size: tuple[int, int] = (320, 180)) -> str:
    Image.new("RGB", size, (255, 0, 0)).save(folder / "red.png")
    (folder / "red.png").rename(folder / "red")
    return "red"


@pytest.mark.parametrize("size", [(320, 180), (180, 320), (400, 300)])
def test_a_clip_begins_with_its_first_frame_over_the_whole_picture(tmp_path: Path, size: tuple[int, int]) -> None:
    begun = frames(make(tmp_path, image=a_red_frame(tmp_path, size)))[0]
    assert all(near(begun.getpixel(spot), (254, 0, 0)) for spot in ((4, 4), (160, 90), (315, 175)))


def test_a_first_frame_gives_way_to_the_card_and_stays_on_it(tmp_path: Path) -> None:
    pictures = frames(make(tmp_path, image=a_red_frame(tmp_path)))
    for late in (pictures[48], pictures[-1]):
        assert near(late.getpixel((260, 45)), (254, 0, 0))
        assert not near(late.getpixel((20, 120)), (254, 0, 0))
    melting = [frame.getpixel((20, 120)) for frame in pictures[:12]]
    assert [red for red, *_ in melting] == sorted((red for red, *_ in melting), reverse=True)


def test_a_character_looks_the_same_however_its_name_is_written() -> None:
    assert colour_of("Mara") == colour_of("MARA") != colour_of("Otto")
    assert figure("Mara", 60).tobytes() == figure("mara", 60).tobytes()


def test_a_portrait_is_a_square_from_the_middle_of_the_reference_clip() -> None:
    for size in ((1280, 720), (720, 1280), (1920, 800)):
        portrait = Image.open(io.BytesIO(still(reference("red", "blue", "lime", width=size[0], height=size[1])) or b""))
        assert (portrait.format, portrait.size) == ("JPEG", (480, 480))
        assert near(portrait.getpixel((240, 240)), (0, 0, 255))


def test_the_same_reference_clip_gives_the_same_portrait() -> None:
    assert still(reference("red")) == still(reference("red")) != still(reference("blue"))


@pytest.mark.parametrize("data", [b"", b"no clip at all", reference("red")[:200]])
def test_what_cannot_be_decoded_has_no_portrait(data: bytes) -> None:
    assert still(data) is None


def test_characters_are_shown_by_their_portraits_in_the_order_of_the_cast(tmp_path: Path) -> None:
    red, blue = kept(tmp_path, "red", "red"), kept(tmp_path, "blue", "blue")
    alone = frames(make(tmp_path, portraits=(red,)))
    assert all(near(frame.getpixel((248, 86)), (255, 0, 0)) for frame in alone)
    pair = frames(make(tmp_path, cast=("Mara", "Otto"), portraits=(red, blue)))[0]
    assert near(pair.getpixel((194, 72)), (255, 0, 0))
    assert near(pair.getpixel((270, 100)), (0, 0, 255))
    upright = frames(make(tmp_path, width=180, height=320, portraits=(blue,)))[0]
    assert near(upright.getpixel((90, 216)), (0, 0, 255))


def test_whoever_has_no_portrait_is_drawn_as_a_figure(tmp_path: Path) -> None:
    body = colour_of("Mara")
    for portraits in ((), (None,), (None, kept(tmp_path, "red", "red"))):
        pair = frames(make(tmp_path, cast=("Mara", "Otto"), portraits=portraits))[0]
        assert near(pair.getpixel((194, 75)), body), portraits


def test_another_portrait_is_another_clip(tmp_path: Path) -> None:
    red, blue = kept(tmp_path, "red", "red"), kept(tmp_path, "blue", "blue")
    assert make(tmp_path, portraits=(red,)) != make(tmp_path, portraits=(blue,))


@pytest.mark.parametrize("cast", [("A",) * 3, ("A",) * 6, ("",), ("x" * 80, "Ж" * 80)])
@pytest.mark.parametrize("size", [(320, 180), (180, 320), (240, 240)])
def test_any_cast_fits(tmp_path: Path, cast: tuple[str, ...], size: tuple[int, int]) -> None:
    assert len(frames(make(tmp_path, cast=cast, width=size[0], height=size[1], seconds=1))) == 24


@pytest.mark.parametrize("prompt", ["", "x" * 300, "word " * 400, "Ölförderung, Москва, Ναύπακτος, 物語"])
def test_any_prompt_fits(tmp_path: Path, prompt: str) -> None:
    assert len(frames(make(tmp_path, prompt=prompt, seconds=1))) == 24


def test_the_sound_is_not_silent_and_differs_from_clip_to_clip(tmp_path: Path) -> None:
    sounds = set()
    for prompt in ("a", "b", "c", "d"):
        with av.open(str(make(tmp_path, prompt=prompt, seconds=1))) as container:
            samples = b"".join(bytes(frame.planes[0]) for frame in container.decode(audio=0))
        assert any(samples)
        sounds.add(samples)
    assert len(sounds) > 1
