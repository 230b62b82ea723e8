"""Fit a character's reference clip to a model's limits: use it unchanged, convert it, or refuse it."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, log2
from pathlib import Path

import av

from prefect_storyboard.media.derived import derived, derived_name
from prefect_storyboard.media.encode import CRF, render
from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.picture import Canvas
from prefect_storyboard.media.probe import Probe, opened, picture_track, probe, probe_image
from prefect_storyboard.media.ranges import Range, used_range
from prefect_storyboard.media.reference import check, megabytes, size_faults, tolerance
from prefect_storyboard.media.sizing import sized, smaller
from prefect_storyboard.media.sources import LocalFile, local_file
from prefect_storyboard.media.timing import Shot
from prefect_storyboard.media.tone import label
from prefect_storyboard.media.tracks import Clip, read_clip
from prefect_storyboard.storyboards import ClipLimits, Frozen

_SLACK = 0.05  # seconds below a hard limit, because some probes count the last, half-filled AAC frame
_COARSE = 30  # CRF above which a smaller picture looks better than a higher CRF
_COARSEST = 40


class Fitting(Frozen):
    """The changes to a clip before it is sent, in short phrases, and the range (seconds) and size of the result."""

    steps: tuple[str, ...]
    start: float
    seconds: float
    width: int
    height: int

    @property
    def needed(self) -> bool:
        """Whether anything is changed; otherwise the clip is sent byte for byte."""
        return bool(self.steps)


def describe_fit(path: Path, limits: ClipLimits, name: str, *, start: float | None, end: float | None) -> Fitting:
    """Describe what `fit` will do. Takes about 0.1 s, or a few times that if the best range has to be found.

    Raises `MediaError` for a clip that cannot be fixed, in one sentence that names the character, the fact and the
    remedy: no video, too small, too short, a range that is outside the clip or too long, no movement.
    """
    return _plan(_read(Path(path), name), limits, name, (start, end)).fitting


def fit(
    clip: LocalFile, limits: ClipLimits, name: str, *, start: float | None, end: float | None, folder: Path
) -> LocalFile:
    """Return the clip itself if it is within the limits, else an MP4 (H.264, AAC) in `folder` that is.

    A given range is cut out. Without one, the best range is used if the clip is too long, or longer than the part that
    the model uses. The result is cached in `folder`. Raises `MediaError` as `describe_fit` does, and if the file cannot
    be made small enough.
    """
    target = folder / f"{derived_name('clip', clip, limits, start, end)}.mp4"
    if target.exists():
        return local_file(target)
    seen = _read(clip.path, name)
    plan = _plan(seen, limits, name, (start, end))
    if not plan.fitting.needed:
        return clip
    return derived(target, lambda draft: _make(seen, plan, limits, name=name, out=draft))


@dataclass(frozen=True)
class _Plan:
    fitting: Fitting
    canvas: Canvas


def _read(path: Path, name: str) -> Clip:
    try:
        return read_clip(path)
    except MediaError as error:
        raise MediaError(f"{name}: {_reason(path) or error}") from error


def _reason(path: Path) -> str | None:
    """A more exact reason why a file is not a clip: it is empty, or a picture. None if it is neither."""
    if path.is_file() and not path.stat().st_size:
        return f"{path.name} is empty; export or download it again."
    try:
        probe_image(path)
    except MediaError:
        return None
    return f"{path.name} is a picture, not a clip; list it under images."


def _plan(clip: Clip, limits: ClipLimits, name: str, wanted: tuple[float | None, float | None]) -> _Plan:
    facts = clip.probe
    for fault in size_faults(facts, limits):
        raise MediaError(f"{name} {fault}.")
    chosen = used_range(clip, limits, name, wanted)
    canvas, sizing = sized(facts, limits)
    steps = [*_shape_steps(clip), *sizing, *_file_steps(clip, limits, chosen)]
    if facts.container != "mp4" and (steps or chosen.cut or _refused(facts, limits)):
        steps.append("as MP4")
    seconds = chosen.seconds
    if steps or chosen.cut:
        if limits.max_seconds:
            seconds = min(seconds, max(limits.max_seconds - _SLACK, limits.min_seconds or 0.0))
        if chosen.cut or chosen.start + seconds < float(clip.seconds) - _SLACK - tolerance(facts):
            steps.insert(0, f"seconds {round(chosen.start, 2):g} to {round(chosen.start + seconds, 2):g}")
    size = (canvas.width, canvas.height) if steps else (facts.width, facts.height)
    fitting = Fitting(steps=tuple(steps), start=chosen.start, seconds=seconds, width=size[0], height=size[1])
    return _Plan(fitting, canvas)


def _refused(facts: Probe, limits: ClipLimits) -> bool:
    return bool(limits.containers) and facts.container not in limits.containers


def _shape_steps(clip: Clip) -> Iterator[str]:
    if clip.probe.rotation:
        yield "turned upright"
    with opened(clip.path) as source:
        shape = picture_track(source, clip.path).sample_aspect_ratio or Fraction(1)
    if abs(shape - 1) > Fraction(1, 200):
        yield "pixels made square"
    if clip.probe.range:
        yield f"colours converted from {label(clip.probe.range)} to BT.709"


def _file_steps(clip: Clip, limits: ClipLimits, chosen: Range) -> Iterator[str]:
    facts = clip.probe
    if limits.sound and not facts.has_audio:
        yield "silent track added"
    if limits.max_bytes and facts.bytes > limits.max_bytes and not chosen.cut:
        yield f"compressed to at most {megabytes(limits.max_bytes)}"
    if limits.max_seconds and not chosen.cut and _longest_track(clip.path) > limits.max_seconds + _SLACK:
        yield "sound cut to the picture"


def _longest_track(path: Path) -> float:
    with opened(path) as source:
        return (source.duration or 0) / av.time_base


def _make(clip: Clip, plan: _Plan, limits: ClipLimits, *, name: str, out: Path) -> None:
    shot = Shot(clip.path, clip.first + Fraction(plan.fitting.start), Fraction(plan.fitting.seconds))
    render([shot], plan.canvas, out)
    if limits.max_bytes:
        _squeeze(shot, plan.canvas, limits, name=name, out=out)
    check(probe(out), limits, name)


def _squeeze(shot: Shot, canvas: Canvas, limits: ClipLimits, *, name: str, out: Path) -> None:
    """Render again until the file is small enough: first with a higher CRF (6 more halve it), then smaller."""
    crf, most = CRF, limits.max_bytes or 0
    while (size := out.stat().st_size) > most:
        needed = crf + ceil(6 * log2(size / most))
        lower = smaller(canvas, limits)
        if needed > _COARSE and lower:
            before, canvas = canvas.width * canvas.height, lower
            needed = max(CRF, needed - round(4 * log2(before / (canvas.width * canvas.height))))
        elif crf >= _COARSEST:
            raise MediaError(f"{name} cannot be made as small as {megabytes(most)}; choose a shorter range.")
        crf = min(_COARSEST, needed)
        render([shot], canvas, out, crf=crf)
