"""The positions of a reel's shots, in frames of the reel, and the transitions between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple


@dataclass(frozen=True)
class Transition:
    """How a shot begins: with a dissolve from the previous one, or with a fade in after that one has faded out."""

    kind: Literal["fade", "dissolve"]
    seconds: Fraction


def transition(kind: Literal["cut", "fade", "dissolve"], seconds: float) -> Transition | None:
    """A transition with this length in seconds; None for a cut."""
    return None if kind == "cut" else Transition(kind, Fraction(str(seconds)))


@dataclass(frozen=True)
class Shot:
    """A part of a clip: `seconds` long, from `origin` on the file's own clock. With a title it is a chapter.

    `gain` is that of its sound, in dB. Without `into` it begins with a cut. `burn` is a text to draw into its frames.
    """

    path: Path
    origin: Fraction
    seconds: Fraction
    title: str | None = None
    gain: float = 0.0
    into: Transition | None = None
    burn: str = ""


class Span(NamedTuple):
    """The frames of a shot in the reel: from `start` up to, but not including, `stop`.

    The first `shared` frames also show the previous shot; `fades` frames at the beginning and the end are darkened.
    """

    start: int
    stop: int
    shared: int = 0
    fades: tuple[int, int] = (0, 0)

    @property
    def frames(self) -> int:
        return self.stop - self.start


def spans(shots: Sequence[Shot], fps: Fraction) -> list[Span]:
    """Place the shots without accumulating rounding errors. A transition takes at most half of its shorter shot."""
    joints = [0, *(_joint(before, after, fps) for before, after in pairwise(shots)), 0]
    kinds = [None, *(shot.into.kind if shot.into else None for shot in shots[1:]), None]
    shared = [frames if kind == "dissolve" else 0 for frames, kind in zip(joints, kinds, strict=True)]
    faded = [frames // 2 if kind == "fade" else 0 for frames, kind in zip(joints, kinds, strict=True)]
    placed, time, stop = [], Fraction(0), 0
    for number, shot in enumerate(shots):
        start = max(stop - shared[number], 0)
        time += shot.seconds - shared[number] / fps
        stop = max(start + 1, round(time * fps))
        placed.append(Span(start, stop, shared[number], (faded[number], faded[number + 1])))
    return placed


def _joint(before: Shot, after: Shot, fps: Fraction) -> int:
    """The number of frames of the transition between two shots."""
    if after.into is None:
        return 0
    most = int(min(before.seconds, after.seconds) * fps) // 2
    return max(0, min(round(after.into.seconds * fps), most))
