"""The files of an order, fetched as a gateway would fetch them, measured, and held against the model's limits."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import av
import av.error
from PIL import Image

from prefect_storyboard.sandbox import inputs
from prefect_storyboard.sandbox.catalogue.orders import Wanted
from prefect_storyboard.sandbox.catalogue.rows import Files
from prefect_storyboard.sandbox.exchange import Sandbox

SLACK = 0.1  # seconds: the sound of a clip ends with a whole frame, a little after its picture
Problem = Literal[
    "download",
    "too large",
    "unreadable",
    "format",
    "small",
    "side",
    "aspect",
    "pixels",
    "fps",
    "short",
    "long",
    "with output",  # input and output last too long together
]


class BadFile(Exception):
    """A file that its model does not take: what is wrong, and the file; None for all of its kind together."""

    def __init__(
        self, problem: Problem, rules: Files, wanted: Wanted, *, together: bool = False, got: Any = None
    ) -> None:
        super().__init__(f"{wanted.where}: {problem} {got or ''}".strip())
        self.problem = problem
        self.rules = rules
        self.wanted = wanted
        self.together = together
        self.got = got


@dataclass(frozen=True)
class Measured:
    """A file that was fetched: its bytes, and its size and length as far as it has any."""

    wanted: Wanted
    data: bytes
    size: tuple[int, int] | None = None
    seconds: float = 0.0
    fps: float = 0.0
    formats: frozenset[str] = frozenset()


async def fetch(sandbox: Sandbox, base: str, wanted: Wanted, megabyte: int) -> Measured:
    """The file behind an address, measured; raises `BadFile`."""
    rules = wanted.rules
    data = await inputs.fetch(sandbox, base, wanted.url)
    if data is None:
        raise BadFile("download", rules, wanted)
    if len(data) > rules.megabytes * megabyte:
        raise BadFile("too large", rules, wanted, got=len(data))
    measure = {"image": _picture, "video": _clip, "audio": _sound}[rules.kind]
    measured: Measured | None = await measure(sandbox, Measured(wanted, data))
    if measured is None:
        raise BadFile("unreadable", rules, wanted)
    problem = _problem(rules, measured)
    if problem is not None:
        seconds = problem in {"short", "long"}
        raise BadFile(problem, rules, wanted, got=round(measured.seconds, 1) if seconds else measured.size)
    return measured


def check_together(files: Sequence[Measured], megabyte: int) -> None:
    """Hold all files of a kind together against the model's limits."""
    for rules in dict.fromkeys(_rules(files)):
        those = [each for each in files if each.wanted.rules == rules]
        seconds = round(sum(each.seconds for each in those), 1)  # encoders pad the end by some milliseconds
        first = those[0].wanted
        if rules.together and seconds < rules.together[0]:
            raise BadFile("short", rules, first, together=True, got=seconds)
        if rules.together and seconds > rules.together[1] + SLACK:
            raise BadFile("long", rules, first, together=True, got=seconds)
        most = rules.megabytes_together
        if most is not None and sum(len(each.data) for each in those) > most * megabyte:
            raise BadFile("too large", rules, first, together=True)


def _rules(files: Iterable[Measured]) -> Iterable[Files]:
    return (each.wanted.rules for each in files if each.wanted.rules.together or each.wanted.rules.megabytes_together)


def _problem(rules: Files, file: Measured) -> Problem | None:
    if rules.formats and file.formats.isdisjoint(rules.formats):
        return "format"
    if rules.seconds and file.seconds and not rules.seconds[0] - SLACK <= file.seconds <= rules.seconds[1] + SLACK:
        return "short" if file.seconds < rules.seconds[0] else "long"
    if rules.fps and file.fps and not rules.fps[0] <= round(file.fps, 2) <= rules.fps[1]:
        return "fps"
    if file.size is None:
        return None
    wide, high = file.size
    if rules.side and min(wide, high) < rules.side[0]:
        return "small"
    if rules.side and max(wide, high) > rules.side[1]:
        return "side"
    if rules.aspect and not rules.aspect[0] <= wide / high <= rules.aspect[1]:
        return "aspect"
    return "pixels" if rules.pixels and not rules.pixels[0] <= wide * high <= rules.pixels[1] else None


async def _picture(sandbox: Sandbox, file: Measured) -> Measured | None:
    size = await inputs.picture_size(sandbox, file.data)
    if size is None:
        return None
    with Image.open(io.BytesIO(file.data)) as picture:
        form = str(picture.format).lower()
    # A phone's JPEG with a second picture is an MPO.
    return replace(file, size=size, formats=frozenset({"jpeg" if form == "mpo" else form}))


async def _clip(sandbox: Sandbox, file: Measured) -> Measured | None:
    found = await inputs.video(sandbox, file.data)
    if found is None:
        return None
    size = found.width, found.height
    return replace(file, size=size, seconds=found.seconds, fps=found.fps, formats=found.containers)


async def _sound(sandbox: Sandbox, file: Measured) -> Measured | None:
    found: tuple[float, frozenset[str]] | None = await sandbox.in_pool(_measure_sound, file.data)
    return None if found is None else replace(file, seconds=found[0], formats=found[1])


def _measure_sound(data: bytes) -> tuple[float, frozenset[str]] | None:
    """Seconds and containers of a sound, by FFmpeg."""
    try:
        with av.open(io.BytesIO(data), "r") as container:
            if not container.streams.audio:
                return None
            return (container.duration or 0) / 1_000_000, frozenset(container.format.name.split(","))
    except (av.error.FFmpegError, ValueError):
        return None
