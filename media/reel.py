"""Assemble clips into a reel: one MP4 with one chapter per clip."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise, zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

from prefect_storyboard.media.captions import Cue, srt, vtt
from prefect_storyboard.media.encode import render
from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.join import TICKS, join, join_mixed, joinable
from prefect_storyboard.media.kept_sound import gains, pieces
from prefect_storyboard.media.picture import Canvas, cadence, even, standard
from prefect_storyboard.media.probe import Probe, probe
from prefect_storyboard.media.timing import Shot, Transition, spans
from prefect_storyboard.media.tracks import Clip, read_clip


@dataclass(frozen=True)
class Part:
    """A clip of the reel, the title of its chapter, the transition into it (None for a cut), and its caption.

    `kept` is the path, without suffix, of cache files for results about its sound, which other reels can use.
    """

    path: Path
    title: str
    into: Transition | None = None
    caption: str = ""
    kept: Path | None = None


@dataclass(frozen=True)
class Finish:
    """Options of a reel: equal loudness of the clips, music under the whole reel, captions burned into the pictures."""

    loudness: bool = False
    music: Path | None = None
    burn: bool = False


class Assembled(Probe):
    """The facts of a reel: each clip's gain in dB, the seconds at which each begins, and at which the last one ends."""

    gains: tuple[float, ...]
    starts: tuple[float, ...]
    end: float


_PLAIN = Finish()


def assemble(parts: Sequence[Part], out: Path, finish: Finish = _PLAIN) -> Assembled:
    """Join the clips in order into one MP4 at `out`: picture, sound and a chapter for each; the same bytes every time.

    Clips with the same coding are copied without loss, in a tenth of a second. Otherwise all are encoded again: in the
    most common size and rate (the larger one on a tie), with black bars if aspect ratios differ, 48 kHz stereo. A clip
    without sound is silent; sound is cut or padded to the length of its picture. Transitions and burned-in captions
    encode all pictures again; loudness and music only the sound. Memory does not grow with the number of clips.

    Captions become a track of the MP4, and the files .srt and .vtt beside it; without captions, these are not written.
    Raises `MediaError` if there are no parts, or if a clip or the music, which it names, cannot be read; `out` is then
    unchanged.
    """
    if not parts:
        raise MediaError("There is no clip to assemble; render at least one scene first.")
    out = Path(out)
    with TemporaryDirectory(dir=out.parent) as folder:
        places = [part.kept or Path(folder) / str(number) for number, part in enumerate(parts)]
        return _assembled(parts, places, out, finish)


def _assembled(parts: Sequence[Part], places: Sequence[Path], out: Path, finish: Finish) -> Assembled:
    clips = [read_part(part) for part in parts]
    levels = gains(clips, places) if finish.loudness else [0.0] * len(clips)
    burning = finish.burn and any(part.caption for part in parts)
    shots = [
        Shot(clip.path, clip.first, clip.seconds, part.title, gain, part.into, part.caption if burning else "")
        for part, clip, gain in zip(parts, clips, levels, strict=True)
    ]
    copied = joinable(clips) and not burning and not any(part.into for part in parts[1:])
    made, _ = layout(clips, [part.into for part in parts])
    fps = TICKS if copied else made.fps
    placed = spans(shots, fps)
    moments = [*(span.start / fps for span in placed), placed[-1].stop / fps]
    cues = _cues(parts, moments)
    if not copied:
        render(shots, made, out, music=finish.music, cues=cues)
    elif finish.music or any(levels):
        join_mixed(shots, clips, out, music=finish.music, pieces=pieces(shots, placed, places), cues=cues)
    else:
        join(clips, [part.title for part in parts], out, cues)
    for suffix, text in ((".srt", srt), (".vtt", vtt)):
        if cues:
            out.with_suffix(suffix).write_text(text(cues), encoding="utf-8", newline="")
    *starts, end = map(float, moments)
    return Assembled(**dict(probe(out)), gains=tuple(levels), starts=tuple(starts), end=end)


def _cues(parts: Sequence[Part], moments: Sequence[Fraction]) -> list[Cue]:
    """The captions; each one ends where the next clip begins."""
    return [
        Cue(start, stop, part.caption, part.title)
        for part, (start, stop) in zip(parts, pairwise(moments), strict=True)
        if part.caption.strip()
    ]


def layout(
    clips: Sequence[Clip], into: Sequence[Transition | None] = (), *, before: float | None = None
) -> tuple[Canvas, list[int]]:
    """Size and rate of the reel that `assemble` makes of these clips, and the frame at which each clip starts.

    One more frame than clips: the last one is where the last clip ends. `into` has the transition into each clip. If
    the reel has cards, the clips are encoded, and `before` is the length of the card in front of them, which may be 0.
    """
    made = canvas(clips)
    if before is None and joinable(clips) and not any(into[1:]):
        made = replace(made, fps=standard(clips[0].probe.fps))  # copied pictures keep their rate
    shots = [Shot(clip.path, clip.first, clip.seconds, into=each) for clip, each in zip_longest(clips, into)]
    if before:
        shots.insert(0, Shot(Path(), Fraction(0), Fraction(round(Fraction(str(before)) * made.fps)) / made.fps))
    placed = spans(shots, made.fps)[1 if before else 0 :]
    return made, [*(span.start for span in placed), placed[-1].stop]


def canvas(clips: Sequence[Clip]) -> Canvas:
    """Choose size and rate for a reel of these clips."""
    sizes = Counter(even(clip.probe) for clip in clips)
    rates = Counter(cadence(clip.probe.fps) for clip in clips)
    width, height = max(sizes, key=lambda size: (sizes[size], size[0] * size[1], size))
    return Canvas(width, height, max(rates, key=lambda rate: (rates[rate], rate)))


def read_part(part: Part) -> Clip:
    """Read the facts of a part's clip. Raises MediaError, which names the part."""
    try:
        return read_clip(Path(part.path))
    except MediaError as reason:
        raise MediaError(f"{part.title}: {reason}") from reason
