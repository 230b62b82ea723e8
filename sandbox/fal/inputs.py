"""What fal says about the files of a job's input."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import av
import av.error
from PIL import Image

from prefect_storyboard.sandbox import inputs
from prefect_storyboard.sandbox.exchange import Sandbox
from prefect_storyboard.sandbox.fal.cast import Kind, Measured, Rules, Total, Wanted
from prefect_storyboard.sandbox.fal.schema import Where, refusal
from prefect_storyboard.sandbox.portraits import still
from prefect_storyboard.sandbox.state import Job

_LIMIT = 512 * 1024 * 1024


async def video(sandbox: Sandbox, job: Job, url: str, name: str) -> str | None:
    """Check a character's reference clip: an MP4 of at least 720p, no wider than 2.67:1. The hash of its portrait."""
    data = await _fetch(sandbox, job, url, (name,))
    measured = await inputs.video(sandbox, data)
    if measured is None or "mp4" not in measured.containers:
        raise refusal("unsupported_video_format", (name,), "Unsupported video format.", supported_formats=["mp4"])
    short, long = sorted((measured.width, measured.height))
    if short < 720:
        raise refusal("value_error", (name,), f"Video must be at least 720p, got {short}p.", min_height=720)
    if long / short > 2.67:
        raise refusal("value_error", (name,), "Video aspect ratio must not exceed 2.67:1.", max_aspect_ratio=2.67)
    portrait = await sandbox.in_pool(still, data)
    return None if portrait is None else sandbox.state.keep(portrait)


async def image(sandbox: Sandbox, job: Job, url: str, name: str) -> tuple[str, tuple[int, int]]:
    """The hash under which a first frame was kept, and its size."""
    data = await _fetch(sandbox, job, url, (name,))
    size = await inputs.picture_size(sandbox, data)
    if size is None:
        raise refusal("image_load_error", (name,), "Failed to load the image.")
    return sandbox.state.keep(data), size


async def reference(sandbox: Sandbox, job: Job, wanted: Wanted) -> Measured:
    """Fetch a file of the cast and hold it against the model's rules."""
    data = await _fetch(sandbox, job, wanted.url, wanted.where, wanted.rules.most_bytes)
    measure = {"image": _picture, "video": _clip, "audio": _sound}[wanted.rules.kind]
    measured, formats = await measure(sandbox, Measured(wanted, data))
    allowed = wanted.rules.formats
    if allowed and formats.isdisjoint(allowed):
        raise _unsupported(wanted)
    if measured.size is not None:
        _check_size(wanted.where, wanted.rules, measured.size)
    return measured


def check_totals(totals: Mapping[Kind, Total], files: Sequence[Measured]) -> None:
    """Hold all files of a kind together against the model's limits."""
    for kind, total in totals.items():
        those, where = [each for each in files if each.wanted.rules.kind == kind], (f"{kind}_urls",)
        seconds = round(sum(each.seconds for each in those), 1)  # encoders pad the end by some milliseconds
        shortest, longest = total.seconds
        if those and seconds < shortest:
            limits = {"min_duration": shortest, "provided_duration": seconds}
            raise refusal(f"{kind}_duration_too_short", where, f"The {kind} is too short in all.", **limits)
        if seconds > longest:
            limits = {"max_duration": longest, "provided_duration": seconds}
            raise refusal(f"{kind}_duration_too_long", where, f"The {kind} is too long in all.", **limits)
        if sum(len(each.data) for each in those) > total.most_bytes:
            raise refusal("file_too_large", where, "The files are too large in all.", max_size=total.most_bytes)


async def _fetch(sandbox: Sandbox, job: Job, url: str, where: Where, most_bytes: int = _LIMIT) -> bytes:
    data = await inputs.fetch(sandbox, job.base, url)
    if data is None:
        raise refusal("file_download_error", where, "Failed to download the file.")
    if len(data) > most_bytes:
        raise refusal("file_too_large", where, "The file is too large.", max_size=most_bytes)
    return data


async def _picture(sandbox: Sandbox, file: Measured) -> tuple[Measured, frozenset[str]]:
    size = await inputs.picture_size(sandbox, file.data)
    if size is None:
        raise refusal("image_load_error", file.wanted.where, "Failed to load the image.")
    with Image.open(io.BytesIO(file.data)) as picture:
        name = (
            "jpeg" if picture.format == "MPO" else str(picture.format).lower()
        )  # a phone's JPEG with a second picture
    return Measured(file.wanted, file.data, size), frozenset({name})


async def _clip(sandbox: Sandbox, file: Measured) -> tuple[Measured, frozenset[str]]:
    found = await inputs.video(sandbox, file.data)
    if found is None:
        raise _unsupported(file.wanted)
    return Measured(file.wanted, file.data, (found.width, found.height), found.seconds), found.containers


async def _sound(sandbox: Sandbox, file: Measured) -> tuple[Measured, frozenset[str]]:
    found: tuple[float, frozenset[str]] | None = await sandbox.in_pool(_measure_sound, file.data)
    if found is None:
        raise _unsupported(file.wanted)
    return Measured(file.wanted, file.data, seconds=found[0]), found[1]


def _measure_sound(data: bytes) -> tuple[float, frozenset[str]] | None:
    """Seconds and containers of a sound, by FFmpeg."""
    try:
        with av.open(io.BytesIO(data), "r") as container:
            if not container.streams.audio:
                return None
            return (container.duration or 0) / 1_000_000, frozenset(container.format.name.split(","))
    except (av.error.FFmpegError, ValueError):
        return None


def _unsupported(wanted: Wanted) -> Exception:
    kind, formats = wanted.rules.kind, list(wanted.rules.formats)
    return refusal(f"unsupported_{kind}_format", wanted.where, f"Unsupported {kind} format.", supported_formats=formats)


def _check_size(where: Where, rules: Rules, size: tuple[int, int]) -> None:
    wide, high = size
    limits: dict[str, Any] = {"min_width": rules.least_side, "min_height": rules.least_side}
    if min(size) < rules.least_side:
        raise refusal("image_too_small", where, f"The image is too small, got {wide}x{high}.", **limits)
    if rules.aspect and not rules.aspect[0] <= wide / high <= rules.aspect[1]:
        limits = {"min_aspect_ratio": rules.aspect[0], "max_aspect_ratio": rules.aspect[1]}
        raise refusal("value_error", where, f"Unsupported aspect ratio, got {wide}x{high}.", **limits)
    if rules.pixels and not rules.pixels[0] <= wide * high <= rules.pixels[1]:
        raise refusal("value_error", where, f"The resolution must be between 480p and 720p, got {wide}x{high}.")
