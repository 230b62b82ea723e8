"""A character's reference clip: judge it by a model's limits, and make it fit where that can be done."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from math import ceil, log2
from pathlib import Path

from prefect_storyboard.media.encode import CRF, Shot, render
from prefect_storyboard.media.picture import Canvas, cadence, even
from prefect_storyboard.media.probe import MediaError, Probe, probe
from prefect_storyboard.media.tracks import Clip, look
from prefect_storyboard.storyboards import ClipLimits

_SLACK = 0.05
_COARSEST = 40


def check(facts: Probe, limits: ClipLimits, name: str) -> None:
    """Raise `MediaError` with one sentence that names the clip, the fact and the remedy, if a limit is not kept."""
    for fault in chain(_shape_faults(facts, limits), _file_faults(facts, limits)):
        raise MediaError(f"{name} {fault}.")


def preflight(path: Path, limits: ClipLimits, name: str, *, start: float | None, end: float | None) -> None:
    """Raise `MediaError` for what `conform` cannot mend: no video, too small, too wide, a range outside the clip."""
    facts = probe(path)
    for fault in _shape_faults(facts, limits):
        raise MediaError(f"{name} {fault}.")
    if needs_conform(facts, limits, start, end):
        _range(look(path), limits, start, end)


def needs_conform(facts: Probe, limits: ClipLimits, start: float | None, end: float | None) -> bool:
    """Whether the clip must be rendered anew: for the range (seconds), its container, length, size or rotation."""
    whole = (start or 0) <= _tolerance(facts) and (end is None or end >= facts.seconds - _tolerance(facts))
    refused = bool(limits.containers) and facts.container not in limits.containers
    long = limits.max_seconds is not None and facts.seconds > limits.max_seconds + _tolerance(facts)
    heavy = limits.max_bytes is not None and facts.bytes > limits.max_bytes
    return not whole or refused or long or heavy or facts.rotation != 0


def conform(
    path: Path, out: Path, *, start: float | None = None, end: float | None = None, limits: ClipLimits | None = None
) -> Probe:
    """Render the range [start, end] (seconds; default the whole clip) as H.264 and AAC in an MP4, and probe the result.

    The picture is turned upright, its pixels square, its sides even; a silent clip gets a silent track. With no `end`,
    a clip that is too long gives its first `max_seconds`; a file too large is rendered again, coarser. The same
    input gives the same bytes. Size and aspect stay: `check` judges them. Raises `MediaError` for a range that is
    empty, outside the clip, or longer or shorter than the limits allow.
    """
    limits = limits or ClipLimits()
    clip, out = look(Path(path)), Path(out)
    begin, seconds = _range(clip, limits, start, end)
    canvas = Canvas(*even(clip.probe), cadence(clip.probe.fps))
    shot = Shot(clip.path, clip.first + begin, seconds)
    render([shot], canvas, out)
    return probe(out) if limits.max_bytes is None else _squeeze(shot, canvas, out, limits.max_bytes)


def _squeeze(shot: Shot, canvas: Canvas, out: Path, most: int) -> Probe:
    """Render `out` again, ever coarser, until it fits into `most` bytes: six steps of CRF about halve a file."""
    facts, crf = probe(out), CRF
    while facts.bytes > most and crf < _COARSEST:
        crf = min(_COARSEST, crf + ceil(6 * log2(facts.bytes / most)))
        render([shot], canvas, out, crf=crf)
        facts = probe(out)
    if facts.bytes <= most:
        return facts
    out.unlink()
    raise MediaError(f"{shot.path.name} cannot be made as small as {_megabytes(most)}; choose a shorter range.")


def _range(clip: Clip, limits: ClipLimits, start: float | None, end: float | None) -> tuple[Fraction, Fraction]:
    """Begin and length in seconds."""
    whole, longest = float(clip.seconds), limits.max_seconds
    begin = start or 0.0
    stop = end if end is not None else min(whole, begin + longest if longest else whole)
    name = f"{clip.path.name}, {begin:g} to {stop:g} s"
    if stop <= begin < whole:
        raise MediaError(f"{name}: the range ends before it begins; give an end after the start.")
    if begin < 0 or begin >= whole or stop > whole + _tolerance(clip.probe):
        raise MediaError(f"{name}: the clip is only {whole:.2f} s long; choose a range inside it.")
    length = min(stop, whole) - begin
    if longest and length > longest + _SLACK:
        raise MediaError(f"{name}: the range is longer than {longest:g} s, the most accepted; choose a shorter one.")
    if limits.min_seconds and length < limits.min_seconds - _tolerance(clip.probe):
        raise MediaError(f"{name}: the range is shorter than {limits.min_seconds:g} s, the least; choose a longer one.")
    if longest:  # some probes count the last, half-filled AAC frame: stay inside a hard limit
        length = min(length, max(longest - _SLACK, limits.min_seconds or 0))
    return Fraction(begin), Fraction(length)


def _shape_faults(facts: Probe, limits: ClipLimits) -> Iterator[str]:
    size, long, short = f"{facts.width}x{facts.height}", max(facts.width, facts.height), facts.short_side
    if limits.min_short_side and short < limits.min_short_side:
        yield f"is {size}: the shorter side needs at least {limits.min_short_side} pixels; use a larger recording"
    if limits.max_aspect and long > short * limits.max_aspect:
        shape = f"{long / short:.2f}:1"
        yield f"is {size}, that is {shape}: at most {limits.max_aspect:g}:1 is accepted; crop it, for example to 16:9"


def _file_faults(facts: Probe, limits: ClipLimits) -> Iterator[str]:
    seconds = f"is {facts.seconds:.2f} s long"
    if limits.containers and facts.container not in limits.containers:
        accepted = " or ".join(_label(container) for container in limits.containers)
        yield f"is a {_label(facts.container)} file: only {accepted} is accepted; convert it"
    if limits.min_seconds and facts.seconds < limits.min_seconds - _tolerance(facts):
        yield f"{seconds}: at least {limits.min_seconds:g} s are needed; choose a longer clip or range"
    if limits.max_seconds and facts.seconds > limits.max_seconds + _tolerance(facts):
        yield f"{seconds}: at most {limits.max_seconds:g} s are accepted; give a start and an end"
    if limits.max_bytes and facts.bytes > limits.max_bytes:
        most = _megabytes(limits.max_bytes)
        yield f"has {_megabytes(facts.bytes)}: at most {most} are accepted; shorten it or compress it more"


def _tolerance(facts: Probe) -> float:
    """Half a frame: containers round lengths."""
    return float(0.5 / facts.fps)


def _label(container: str) -> str:
    return {"webm": "WebM", "matroska": "MKV"}.get(container, container.upper())


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"
