"""Assemble clips into a reel: one MP4 with one chapter per clip."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from prefect_storyboard.media.encode import render
from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.join import TICKS, join, join_mixed, joinable
from prefect_storyboard.media.loudness import gain, measure
from prefect_storyboard.media.picture import Canvas, cadence, even, standard
from prefect_storyboard.media.probe import Probe, probe
from prefect_storyboard.media.sound import RATE
from prefect_storyboard.media.timing import Shot, Transition, boundaries, spans
from prefect_storyboard.media.tracks import Clip, look


@dataclass(frozen=True)
class Part:
    """A clip of the reel, the title of its chapter, and how it begins: None for a cut."""

    path: Path
    title: str
    into: Transition | None = None


@dataclass(frozen=True)
class Finish:
    """What a reel gets beyond its clips: clips equally loud, and music under all of it."""

    loudness: bool = False
    music: Path | None = None


class Assembled(Probe):
    """The facts of a reel: the gain in dB of every clip's sound, and the seconds at which each clip begins."""

    gains: tuple[float, ...]
    starts: tuple[float, ...]


_PLAIN = Finish()


def assemble(parts: Sequence[Part], out: Path, finish: Finish = _PLAIN) -> Assembled:
    """Join the clips in order into one MP4 at `out`: picture, sound and a chapter for each; the same bytes every time.

    Clips coded alike are copied without loss, in a tenth of a second. Else all are encoded again: in the most common
    size and rate (ties go to the larger), black bars where shapes differ, 48 kHz stereo. A clip without sound is
    silent; sound is cut or filled up to the length of its picture. Transitions encode all pictures; loudness and music
    only the sound. Memory does not grow with the number of clips.
    Raises `MediaError` for no parts at all, or for a clip or music that cannot be read, which it names; `out` is then
    untouched.
    """
    if not parts:
        raise MediaError("There is no clip to assemble; render at least one scene first.")
    out = Path(out)
    clips = [_look(part) for part in parts]
    gains = _gains(clips) if finish.loudness else [0.0] * len(clips)
    shots = [
        Shot(clip.path, clip.first, clip.seconds, part.title, gain, part.into)
        for part, clip, gain in zip(parts, clips, gains, strict=True)
    ]
    made = canvas(clips)
    fps = made.fps
    if not joinable(clips) or any(part.into for part in parts[1:]):
        render(shots, made, out, music=finish.music)
    elif finish.music or any(gains):
        join_mixed(shots, clips, out, music=finish.music)
        fps = TICKS
    else:
        join(clips, [part.title for part in parts], out)
        fps = TICKS
    starts = tuple(float(span.start / fps) for span in spans(shots, fps))
    return Assembled(**dict(probe(out)), gains=tuple(gains), starts=starts)


def _gains(clips: Sequence[Clip]) -> list[float]:
    """The gain of every clip's sound in dB; two clips are measured at a time."""

    def one(clip: Clip) -> float:
        return gain(measure(clip.path, clip.first, round(clip.seconds * RATE))) if clip.probe.has_audio else 0.0

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(one, clips))


def layout(clips: Sequence[Clip]) -> tuple[Canvas, list[int]]:
    """Size and rate of the reel that `assemble` makes of these clips, and the frame at which each of them starts.

    One more number than clips: the last one is the length of the reel.
    """
    made = canvas(clips)
    if joinable(clips):  # the copied pictures keep their rate, whatever it is
        made = replace(made, fps=standard(clips[0].probe.fps))
    return made, boundaries([clip.seconds for clip in clips], made.fps)


def canvas(clips: Sequence[Clip]) -> Canvas:
    """Choose size and rate for a reel of these clips."""
    sizes = Counter(even(clip.probe) for clip in clips)
    rates = Counter(cadence(clip.probe.fps) for clip in clips)
    width, height = max(sizes, key=lambda size: (sizes[size], size[0] * size[1], size))
    return Canvas(width, height, max(rates, key=lambda rate: (rates[rate], rate)))


def _look(part: Part) -> Clip:
    try:
        return look(Path(part.path))
    except MediaError as reason:
        raise MediaError(f"{part.title}: {reason}") from reason
