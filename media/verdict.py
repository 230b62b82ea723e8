"""Judge an analysed clip by the thresholds and by what was ordered."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from prefect_storyboard.media.looks import Looks, analyse_clip
from prefect_storyboard.media.thresholds import Thresholds, thresholds
from prefect_storyboard.media.thumbs import Likeness, Thumb
from prefect_storyboard.storyboards import Asked, Expected, Verdict
from prefect_storyboard.storyboards.verdicts import State, worst


class Ordered(NamedTuple):
    """The order of a clip, as far as the checks need it."""

    prompt: str
    asked: Asked | None = None
    expected: Expected = Expected()


class CheckedClip(NamedTuple):
    """A verdict, and a thumbnail of the clip's last picture."""

    verdict: Verdict
    ending: str


class _Finding(NamedTuple):
    state: State
    reason: str


def check_clip(path: Path, ordered: Ordered) -> CheckedClip:
    """Analyse a clip and judge it. Raises MediaError if it cannot be read."""
    seen = analyse_clip(path)
    return CheckedClip(verdict(seen, ordered), seen.ending.text if seen.ending else "")


def verdict(seen: Looks, ordered: Ordered, given: Thresholds | None = None) -> Verdict:
    """The verdict on a clip: the worst state of all findings, with a sentence for each finding."""
    limits = given or thresholds()
    found = [
        *_length(seen, ordered, limits),
        *_size(seen, ordered, limits),
        *_black(seen, ordered, limits),
        *_still(seen, ordered, limits),
        *_doubled(seen, ordered, limits),
        *_bars(seen, ordered, limits),
        *_sound(seen, ordered, limits),
        *_start(seen, ordered, limits),
    ]
    return Verdict(state=worst(each.state for each in found), reasons=tuple(each.reason for each in found))


def _length(seen: Looks, ordered: Ordered, limits: Thresholds) -> Iterator[_Finding]:
    if ordered.asked is None or ordered.expected.free_length:
        return
    asked = ordered.asked.seconds
    reason = f"It is {seen.seconds:.1f} s long; {asked} s were ordered."
    if seen.seconds >= limits.sampling.most_seconds or abs(seen.seconds - asked) <= limits.length.warn_off_seconds:
        return
    if seen.seconds < asked * limits.length.bad_short:
        yield _Finding("bad", reason)
    elif abs(seen.seconds - asked) > asked * limits.length.warn_off:
        yield _Finding("warn", reason)


def _size(seen: Looks, ordered: Ordered, limits: Thresholds) -> Iterator[_Finding]:
    shape, lines = _numbers(ordered.asked)
    if shape:
        off = abs(seen.width / seen.height / shape - 1)
        reason = f"It is {seen.width}x{seen.height}; {ordered.asked and ordered.asked.aspect} was ordered."
        if off > limits.size.bad_aspect and not ordered.expected.free_shape:
            yield _Finding("bad", reason)
        elif off > limits.size.warn_aspect:
            yield _Finding("warn", reason)
    if lines and min(seen.width, seen.height) < lines * limits.size.warn_short_side:
        asked = ordered.asked and ordered.asked.resolution
        yield _Finding("warn", f"It is {seen.width}x{seen.height}; {asked} was ordered.")


def _numbers(asked: Asked | None) -> tuple[float | None, int | None]:
    """Aspect ratio and lines of an order, if it has them in the usual form: 16:9, 720p."""
    shape = re.fullmatch(r"(\d+):(\d+)", asked.aspect) if asked else None
    lines = re.fullmatch(r"(\d+)p", asked.resolution) if asked else None
    sides = [int(each) for each in shape.groups()] if shape else [0, 0]
    return (sides[0] / sides[1] if all(sides) else None), (int(lines[1]) if lines else None)


def _black(seen: Looks, ordered: Ordered, limits: Thresholds) -> Iterator[_Finding]:
    if not seen.black:
        return
    share = _total(seen.black) / seen.seconds
    middle = [span for span in seen.black if span[0] > 0 and span[1] < seen.seconds - 0.001]
    reason = f"The picture is black {_times(seen.black)}."
    if share >= limits.black.bad_share:
        yield _Finding(_unless(ordered, limits.asked_for.black), reason)
    elif share >= limits.black.warn_share or any(_total([span]) >= limits.black.warn_seconds for span in middle):
        yield _Finding("warn", reason)


def _still(seen: Looks, ordered: Ordered, limits: Thresholds) -> Iterator[_Finding]:
    spans = [span for span in seen.still if _total([span]) >= limits.still.warn_seconds]
    share = _total(spans) / seen.seconds if spans else 0.0
    reason = f"The picture is frozen {_times(spans)}."
    if share >= limits.still.bad_share:
        yield _Finding(_unless(ordered, limits.asked_for.still), reason)
    elif share >= limits.still.warn_share:
        yield _Finding("warn", reason)


def _doubled(seen: Looks, ordered: Ordered, limits: Thresholds) -> Iterator[_Finding]:
    if seen.doubled >= limits.doubled.warn_share and not _says(ordered, limits.asked_for.doubled):
        yield _Finding("warn", f"{seen.doubled:.0%} of its frames repeat the one before.")


def _bars(seen: Looks, ordered: Ordered, limits: Thresholds) -> Iterator[_Finding]:
    for share, where in zip(seen.bars, ("above and below", "at the sides"), strict=True):
        reason = f"It has black bars {where}, {share:.0%} of the picture each."
        if share >= limits.bars.bad_share:
            yield _Finding("warn" if ordered.expected.free_shape else _unless(ordered, limits.asked_for.bars), reason)
        elif share >= limits.bars.warn_share:
            yield _Finding("warn", reason)


def _sound(seen: Looks, ordered: Ordered, limits: Thresholds) -> Iterator[_Finding]:
    silent = seen.peak_db is None or seen.peak_db < limits.sound.silent_db
    what = "It has no sound" if seen.peak_db is None else "Its sound is silent"
    if ordered.expected.sound and silent:
        yield _Finding(_unless(ordered, limits.asked_for.silence), f"{what}; sound was ordered.")
    elif ordered.expected.sound is None and silent and seen.peak_db is not None:
        if not _says(ordered, limits.asked_for.silence):
            yield _Finding("warn", f"{what}.")
    elif ordered.expected.sound is False and seen.peak_db is not None and seen.peak_db > limits.sound.heard_db:
        yield _Finding("warn", "It has sound; a silent clip was ordered.")


def _start(seen: Looks, ordered: Ordered, limits: Thresholds) -> Iterator[_Finding]:
    wanted = Thumb.read(ordered.expected.starts) if ordered.expected.starts else None
    if wanted is None or not seen.opening:
        return
    alike = max((wanted.likeness(shown) for shown in seen.opening), key=lambda each: _closeness(each, limits))
    if alike.correlation >= limits.start.alike or alike.difference <= limits.start.near:
        return
    if alike.correlation < limits.start.unlike:
        yield _Finding("bad", "It does not begin with the given picture.")
    else:
        yield _Finding("warn", "It begins with a picture that is only similar to the given one.")


def _closeness(alike: Likeness, limits: Thresholds) -> tuple[bool, float]:
    return alike.difference <= limits.start.near, alike.correlation


def _unless(ordered: Ordered, words: Iterable[str]) -> State:
    """Bad, or a warning if the prompt asks for the fault."""
    return "warn" if _says(ordered, words) else "bad"


def _says(ordered: Ordered, words: Iterable[str]) -> bool:
    return any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", ordered.prompt, re.IGNORECASE) for word in words)


def _total(spans: Iterable[tuple[float, float]]) -> float:
    return sum(until - begun for begun, until in spans)


def _times(spans: Iterable[tuple[float, float]]) -> str:
    return " and ".join(f"from {begun:.1f} s to {until:.1f} s" for begun, until in spans)
