"""The seconds of a reference clip that are used: the user's range, else the whole clip or its best part."""

from math import inf
from typing import NamedTuple

from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.motion import analyse_range, best_start, between, has_motion
from prefect_storyboard.media.reference import tolerance
from prefect_storyboard.media.tracks import Clip
from prefect_storyboard.storyboards import ClipLimits

_SLACK = 0.05  # seconds by which a given range may exceed a limit


class Range(NamedTuple):
    """Seconds from the clip's first frame. `cut` is False if the model uses this range of the whole clip anyway."""

    start: float
    seconds: float
    cut: bool


def used_range(clip: Clip, limits: ClipLimits, name: str, wanted: tuple[float | None, float | None]) -> Range:
    """Find the range; `wanted` are the start and the end that the user gave.

    With only a start or only an end, the range is as long as the model allows. Raises `MediaError` for a range that is
    empty, outside the clip, too long or too short, or without motion if the model requires motion.
    """
    whole, most = float(clip.seconds), min(limits.max_seconds or inf, limits.used_seconds or inf)
    slack = tolerance(clip.probe)
    if wanted == (None, None):
        if limits.min_seconds and whole < limits.min_seconds - slack:
            least = f"at least {limits.min_seconds:g} s are needed; use a longer clip"
            raise MediaError(f"{name} is {whole:.2f} s long: {least}.")
        begin, seconds = _best(clip, limits, name, most) if whole > most + slack else (0.0, whole)
    else:
        begin, seconds = _given(clip, limits, name, wanted)
    if limits.motion and (wanted != (None, None) or seconds == whole):
        _must_move(has_motion(analyse_range(clip, begin, begin + seconds, seconds).steps), name, begin, seconds)
    # The model itself ignores the rest of a clip, unless it refuses the clip because of its length.
    open_end = limits.used_seconds == seconds and whole <= (limits.max_seconds or inf) + slack
    return Range(begin, seconds, cut=begin > slack or not (open_end or begin + seconds >= whole - slack))


def _best(clip: Clip, limits: ClipLimits, name: str, seconds: float) -> tuple[float, float]:
    seen = analyse_range(clip, 0.0, float(clip.seconds), seconds)
    begin = best_start(seen, seconds)
    if limits.motion:
        _must_move(has_motion(between(seen, begin, seconds)), name, 0.0, float(clip.seconds))
    return begin, seconds


def _given(clip: Clip, limits: ClipLimits, name: str, wanted: tuple[float | None, float | None]) -> tuple[float, float]:
    whole, (start, end) = float(clip.seconds), wanted
    slack, most = tolerance(clip.probe), min(limits.max_seconds or inf, limits.used_seconds or inf)
    begin = start if start is not None else max(0.0, (end or 0.0) - most)
    stop = end if end is not None else min(whole, begin + most)
    which = f"{name}, {begin:g} to {stop:g} s"
    if stop <= begin < whole:
        raise MediaError(f"{which}: the range ends before it begins; give an end after the start.")
    if begin < 0 or begin >= whole or stop > whole + slack:
        raise MediaError(f"{which}: the clip is only {whole:.2f} s long; choose a range inside it.")
    length = min(stop, whole) - begin
    if limits.max_seconds and length > limits.max_seconds + _SLACK:
        longest = f"longer than {limits.max_seconds:g} s, the most accepted"
        raise MediaError(f"{which}: the range is {longest}; choose a shorter one.")
    if limits.min_seconds and length < limits.min_seconds - slack:
        shortest = f"shorter than {limits.min_seconds:g} s, the least accepted"
        raise MediaError(f"{which}: the range is {shortest}; choose a longer one.")
    return begin, min(length, most)


def _must_move(moves: bool, name: str, begin: float, seconds: float) -> None:  # noqa: FBT001  # says what was seen
    if not moves:
        remedy = "use a clip or a range in which the character moves or speaks"
        raise MediaError(f"{name}: nothing moves from {begin:g} to {round(begin + seconds, 2):g} s; {remedy}.")
