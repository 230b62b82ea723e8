"""The aspect ratio, size and frame rate to which a clip is converted so that a model accepts it."""

from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor, sqrt

from prefect_storyboard.media.picture import RATES, Canvas, cadence, even
from prefect_storyboard.media.probe import Probe
from prefect_storyboard.storyboards import ClipLimits

_WIDE = Fraction(16, 9)
_SIDES = (1080, 720, 480)


def sized(facts: Probe, limits: ClipLimits) -> tuple[Canvas, list[str]]:
    """Return the target canvas and its conversion steps as text: padded first, then scaled, then resampled."""
    (width, height), steps = even(facts), []
    if limits.max_aspect and max(width, height) > min(width, height) * limits.max_aspect:
        shape = min(_WIDE, Fraction(limits.max_aspect))
        longest = max(width, height)
        other = ceil(longest / shape / 2) * 2
        width, height = (longest, other) if width > height else (other, longest)
        steps.append(f"padded to {'16:9' if width > height else '9:16'}")
    if (size := _within(width, height, limits)) != (width, height):
        width, height = size
        steps.append(f"scaled to {width}x{height}")
    rate = _rate(facts.fps, limits)
    if (limits.min_fps or limits.max_fps) and not _accepted(facts.fps, limits):
        steps.append(f"resampled from {float(facts.fps):.4g} to {float(rate):.4g} frames a second")
    return Canvas(width, height, rate), steps


def smaller(canvas: Canvas, limits: ClipLimits) -> Canvas | None:
    """Return the next smaller canvas within the limits, of 1080, 720 and 480 lines; None if there is none."""
    for side in _SIDES:
        if max(limits.min_short_side or 0, _SIDES[-1]) <= side < min(canvas.width, canvas.height):
            width, height = _with_short_side(canvas.width, canvas.height, side)
            return Canvas(width, height, canvas.fps) if width * height >= (limits.min_area or 0) else None
    return None


def _within(width: int, height: int, limits: ClipLimits) -> tuple[int, int]:
    """Return the nearest even size with the same aspect ratio within the limits."""
    if limits.max_short_side and min(width, height) > limits.max_short_side:
        width, height = _with_short_side(width, height, limits.max_short_side)
    area = width * height
    if limits.max_area and area > limits.max_area:
        return _scaled(width, height, sqrt(limits.max_area / area), floor)
    if limits.min_area and area < limits.min_area:
        return _scaled(width, height, sqrt(limits.min_area / area), ceil)
    return width, height


def _scaled(width: int, height: int, factor: float, whole: Callable[[float], int]) -> tuple[int, int]:
    return whole(width * factor / 2) * 2, whole(height * factor / 2) * 2


def _with_short_side(width: int, height: int, short: int) -> tuple[int, int]:
    """Return the even size whose shorter side is `short`."""
    short = short // 2 * 2
    long = round(Fraction(max(width, height) * short, min(width, height)) / 2) * 2
    return (long, short) if width > height else (short, long)


def _rate(fps: Fraction, limits: ClipLimits) -> Fraction:
    """Return the best usual frame rate within the limits: preferably a multiple or a fraction of the clip's own."""
    usual = cadence(fps)
    if _accepted(fps, limits) and _accepted(usual, limits):
        return usual
    offered = [rate for rate in RATES if _accepted(rate, limits)]
    return min(offered, key=lambda rate: (_unevenness(rate, fps), abs(rate - fps)))


def _unevenness(rate: Fraction, fps: Fraction) -> Fraction:
    """How far two rates are from being multiples of each other; 1 if frames would be shown for different times."""
    ratio = max(rate, fps) / min(rate, fps)
    apart = abs(ratio - round(ratio))
    return apart if apart <= Fraction(1, 100) else Fraction(1)


def _accepted(fps: Fraction, limits: ClipLimits) -> bool:
    return (limits.min_fps or 0) <= fps <= (limits.max_fps or fps)
