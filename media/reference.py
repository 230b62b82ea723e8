"""Check a reference clip against a model's limits; each fault is one sentence."""

from collections.abc import Iterator
from itertools import chain

from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.probe import Probe
from prefect_storyboard.storyboards import ClipLimits


def check(facts: Probe, limits: ClipLimits, name: str) -> None:
    """Raise `MediaError` if the clip exceeds a limit: one sentence that names the clip, the fact and the remedy."""
    for fault in chain(size_faults(facts, limits), _shape_faults(facts, limits), _file_faults(facts, limits)):
        raise MediaError(f"{name} {fault}.")


def size_faults(facts: Probe, limits: ClipLimits) -> Iterator[str]:
    """Faults that no conversion fixes: a picture that is too small."""
    if limits.min_short_side and facts.short_side < limits.min_short_side:
        fault = f"the shorter side needs at least {limits.min_short_side} pixels; use a larger recording"
        yield f"is {facts.width}x{facts.height}: {fault}"


def tolerance(facts: Probe) -> float:
    """Half a frame in seconds, because containers round lengths."""
    return float(0.5 / facts.fps)


def label(container: str) -> str:
    """The usual name of a container: MP4, WebM."""
    return {"webm": "WebM"}.get(container, container.upper())


def megabytes(count: int) -> str:
    """A number of bytes as text, in MB or kB."""
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"


def _shape_faults(facts: Probe, limits: ClipLimits) -> Iterator[str]:
    size, long, short = f"{facts.width}x{facts.height}", max(facts.width, facts.height), facts.short_side
    if limits.max_short_side and short > limits.max_short_side:
        yield f"is {size}: the shorter side may have at most {limits.max_short_side} pixels; scale it down"
    if limits.max_aspect and long > short * limits.max_aspect:
        shape = f"{long / short:.2f}:1"
        yield f"is {size}, that is {shape}: at most {limits.max_aspect:g}:1 is accepted; crop it, for example to 16:9"
    area = facts.width * facts.height
    if limits.min_area and area < limits.min_area:
        yield f"is {size}, {area:,} pixels: at least {limits.min_area:,} are needed; use a larger recording"
    if limits.max_area and area > limits.max_area:
        yield f"is {size}, {area:,} pixels: at most {limits.max_area:,} are accepted; scale it down"
    rate = f"has {float(facts.fps):.4g} frames a second"
    if limits.min_fps and facts.fps < limits.min_fps:
        yield f"{rate}: at least {limits.min_fps} are needed; export it at a higher rate"
    if limits.max_fps and facts.fps > limits.max_fps:
        yield f"{rate}: at most {limits.max_fps} are accepted; export it at a lower rate"


def _file_faults(facts: Probe, limits: ClipLimits) -> Iterator[str]:
    seconds = f"is {facts.seconds:.2f} s long"
    if limits.containers and facts.container not in limits.containers:
        accepted = " or ".join(label(container) for container in limits.containers)
        yield f"is a {label(facts.container)} file: only {accepted} is accepted; convert it"
    if limits.min_seconds and facts.seconds < limits.min_seconds - tolerance(facts):
        yield f"{seconds}: at least {limits.min_seconds:g} s are needed; choose a longer clip or range"
    if limits.max_seconds and facts.seconds > limits.max_seconds + tolerance(facts):
        yield f"{seconds}: at most {limits.max_seconds:g} s are accepted; give a start and an end"
    if limits.max_bytes and facts.bytes > limits.max_bytes:
        most = megabytes(limits.max_bytes)
        yield f"has {megabytes(facts.bytes)}: at most {most} are accepted; shorten it or compress it more"
    if limits.sound and not facts.has_audio:
        yield "has no sound: a sound track is needed; add one, even if it is silent"
