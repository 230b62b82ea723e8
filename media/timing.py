"""Where the shots of a reel stand, counted in its frames, and how one shot becomes the next."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple


@dataclass(frozen=True)
class Transition:
    """How a shot begins: it dissolves out of the one before, or fades in from black after that has faded out."""

    kind: Literal["fade", "dissolve"]
    seconds: Fraction


def transition(kind: Literal["cut", "fade", "dissolve"], seconds: float) -> Transition | None:
    """A transition of that many seconds; None for a cut."""
    return None if kind == "cut" else Transition(kind, Fraction(str(seconds)))


@dataclass(frozen=True)
class Shot:
    """A stretch of a clip: from `origin`, on the file's own clock, `seconds` long; with a title it is a chapter.

    `gain` in dB is that of its sound. Without `into` it begins with a cut. `burn` is a text that is drawn into its
    pictures.
    """

    path: Path
    origin: Fraction
    seconds: Fraction
    title: str | None = None
    gain: float = 0.0
    into: Transition | None = None
    burn: str = ""


class Span(NamedTuple):
    """The frames of a shot in the reel: from `start` up to, but without, `stop`.

    `shared` frames at its beginning show the shot before as well; `fades` frames at either end are darkened.
    """

    start: int
    stop: int
    shared: int = 0
    fades: tuple[int, int] = (0, 0)

    @property
    def frames(self) -> int:
        return self.stop - self.start


def spans(shots: Sequence[Shot], fps: Fraction) -> list[Span]:
    """Place the shots; rounding never adds up. A transition takes at most half of the shorter of its two shots."""
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
    """The frames of the transition between two shots."""
    if after.into is None:
        return 0
    most = int(min(before.seconds, after.seconds) * fps) // 2
    return max(0, min(round(after.into.seconds * fps), most))
