"""Find the best range of a clip, and check whether it has motion."""

from array import array
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from math import floor
from operator import mul
from statistics import fmean, median
from typing import NamedTuple

from av import AudioFrame

from prefect_storyboard.media.probe import opened, seek, sound_track
from prefect_storyboard.media.samples import STEP, Sample, change, sampled, stretches
from prefect_storyboard.media.sound import uniform
from prefect_storyboard.media.tracks import Clip

_GRID = 0.25  # seconds from one window to the next
_MOVED = 5.0  # of 255, in one of 1024 fields: more than coding changes in a still picture
_CUT = 20.0  # of 255, mean of all fields
_EQUAL = 0.05  # of 3 points: differences of the score that nobody sees
_RATE = 4000
_AUDIBLE = 100.0  # of 32768, root mean square: -50 dB


class Step(NamedTuple):
    """The change from one sample to the next: whether it is a hard cut, the mean motion, and the most in one field."""

    begin: float
    end: float
    cut: bool
    moved: float
    most: float


class RangeAnalysis(NamedTuple):
    """The samples of a clip, or of parts of it; `audible` says for each quarter of a second whether sound is heard."""

    stretches: list[tuple[float, float]]
    samples: list[Sample]
    steps: list[Step]
    audible: dict[int, bool]


def analyse_range(clip: Clip, begin: float, end: float, seconds: float) -> RangeAnalysis:
    """Analyse picture and sound from `begin` to `end`, as far as needed to choose a window of `seconds`."""
    parts = stretches(begin, end, seconds)
    samples = [sample for part in parts for sample in sampled(clip, *part)]
    audible = {at: loud for part in parts for at, loud in _audible_slots(clip, *part).items()}
    return RangeAnalysis(parts, samples, _steps(samples, parts), audible)


def has_motion(steps: Sequence[Step]) -> bool:
    """Whether the picture changes at least twice without a cut: an encoder refines a still picture once."""
    moved = [step.most >= _MOVED for step in steps if not step.cut]
    return sum(moved) >= min(2, max(1, len(moved)))


def best_start(seen: RangeAnalysis, seconds: float) -> float:
    """The start of the best window."""
    windows = [start for begin, end in seen.stretches for start in _starts(begin, end, seconds)]
    sharp = [fmean(_within(seen.samples, start, seconds)) for start in windows]
    moved = [_motion(seen.steps, start, seconds) for start in windows]
    sound = [_audible_share(seen, start, seconds) for start in windows]
    sharpest, liveliest = max(sharp) or 1.0, max(*moved, 0.5)
    scores = [
        s / sharpest + m / liveliest + a + _faults(seen, start, seconds)
        for start, s, m, a in zip(windows, sharp, moved, sound, strict=True)
    ]
    return next(start for start, score in zip(windows, scores, strict=True) if score >= max(scores) - _EQUAL)


def between(seen: RangeAnalysis, start: float, seconds: float) -> list[Step]:
    """The steps that overlap the window."""
    return [step for step in seen.steps if step.end > start and step.begin < start + seconds]


def _starts(begin: float, end: float, seconds: float) -> list[float]:
    last = max(begin, end - seconds)
    steps = floor((last - begin) / _GRID + 1e-6)
    found = [begin + n * _GRID for n in range(steps + 1)]
    return found if last - found[-1] < 0.01 else [*found, last]


def _within(samples: Sequence[Sample], start: float, seconds: float) -> list[float]:
    return [sample.sharp for sample in samples if start - 0.01 <= sample.at < start + seconds] or [0.0]


def _motion(steps: Sequence[Step], start: float, seconds: float) -> float:
    return fmean([s.moved for s in steps if s.begin >= start - 0.01 and s.end <= start + seconds and not s.cut] or [0])


def _faults(seen: RangeAnalysis, start: float, seconds: float) -> float:
    """The penalty for cuts, black pictures and stillness; each outweighs sharpness, motion and sound together."""
    steps = between(seen, start, seconds)
    black = any(sample.black for sample in seen.samples if start - STEP < sample.at < start + seconds + STEP)
    return -4.0 * sum(step.cut for step in steps) - 4.0 * black - 8.0 * (not has_motion(steps))


def _audible_share(seen: RangeAnalysis, start: float, seconds: float) -> float:
    """The share of the window that is audible. It makes no difference if all of the clip is audible, or nothing."""
    slots = range(floor(start / _GRID), floor((start + seconds) / _GRID))
    return fmean([seen.audible.get(slot, False) for slot in slots] or [0])


def _steps(samples: Sequence[Sample], parts: Sequence[tuple[float, float]]) -> list[Step]:
    """Compare neighbouring samples of the same stretch."""
    firsts = {begin for begin, _ in parts[1:]}
    pairs = [
        (one, other, change(one, other))
        for one, other in pairwise(samples)
        if not any(one.at < first <= other.at for first in firsts)
    ]
    usual = median([c.mean / _spans(one, other) for one, other, c in pairs] or [0.0])
    return [
        Step(
            begin=one.at,
            end=other.at,
            cut=c.mean > _CUT and c.mean / _spans(one, other) > 3 * usual,
            moved=c.mean / _spans(one, other),
            most=c.most,
        )
        for one, other, c in pairs
    ]


def _spans(one: Sample, other: Sample) -> float:
    """The time between two samples, as a multiple of the usual step."""
    return max(1.0, (other.at - one.at) / STEP)


def _audible_slots(clip: Clip, begin: float, end: float) -> dict[int, bool]:
    """For each quarter of a second, by its number, whether it is louder than -50 dB."""
    if not clip.probe.has_audio:
        return {}
    power: dict[int, list[float]] = {}
    with opened(clip.path) as source:
        seek(source, clip.first + Fraction(begin))
        track = sound_track(source)
        for frame in uniform(source.decode(track) if track else (), "s16", "mono", _RATE):
            at = float((frame.pts or 0) * (frame.time_base or Fraction(0)) - clip.first)
            if at >= end:
                break
            power.setdefault(floor(at / _GRID), []).append(_power(frame))
    return {slot: fmean(powers) > _AUDIBLE**2 for slot, powers in power.items() if begin <= (slot + 1) * _GRID}


def _power(frame: AudioFrame) -> float:
    values = array("h", bytes(frame.planes[0])[: 2 * frame.samples])
    return float(sum(map(mul, values, values)) / max(1, frame.samples))
