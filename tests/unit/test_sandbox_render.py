"""Sandbox clips are real, exact, repeatable, and tell which clip they are."""

import hashlib
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image, ImageChops

from prefect_storyboard.sandbox.figures import colour_of, figure
from prefect_storyboard.sandbox.render import render
from prefect_storyboard.sandbox.state import Clip


def make(folder: Path, **changes: Any) -> Path:
    clip = Clip(width=320, height=180, seconds=4, prompt="Mara climbs the stairs", cast=("Mara",), label="sora-2")
    return render(clip.but(**changes), folder, folder)


def frames(path: Path) -> list[Image.Image]:
    with av.open(str(path)) as container:
        return [frame.to_image() for frame in container.decode(video=0)]


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


def test_a_first_frame_is_shown(tmp_path: Path) -> None:
    Image.new("RGB", (320, 180), (255, 0, 0)).save(tmp_path / "red.png")
    (tmp_path / "red.png").rename(tmp_path / "red")
    red, green, _ = frames(make(tmp_path, image="red"))[0].getpixel((260, 45))  # type: ignore[misc]
    assert (red > 200, green < 60) == (True, True)


def test_a_character_looks_the_same_however_its_name_is_written() -> None:
    assert colour_of("Mara") == colour_of("MARA") != colour_of("Otto")
    assert figure("Mara", 60).tobytes() == figure("mara", 60).tobytes()


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
