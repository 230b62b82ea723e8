"""Assemble clips into a reel: one MP4 with one chapter per clip."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from prefect_storyboard.media.captions import Cue, srt, vtt
from prefect_storyboard.media.encode import Shot, boundaries, render
from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.join import join, joinable
from prefect_storyboard.media.picture import Canvas, cadence, even, standard
from prefect_storyboard.media.probe import Probe, probe
from prefect_storyboard.media.tracks import Clip, look


@dataclass(frozen=True)
class Part:
    """A clip of the reel, the title of its chapter, and the caption that stands as long as it plays."""

    path: Path
    title: str
    caption: str = ""


def assemble(parts: Sequence[Part], out: Path, *, burn: bool = False) -> Probe:
    """Join the clips in order into one MP4 at `out`: picture, sound and a chapter for each; the same bytes every time.

    Clips coded alike are copied without loss, in a tenth of a second. Else all are encoded again: in the most common
    size and rate (ties go to the larger), black bars where shapes differ, 48 kHz stereo. A clip without sound is
    silent; sound is cut or filled up to the length of its picture. Memory does not grow with the number of clips.

    Captions are a track of the MP4, and stand beside it as .srt and .vtt; without a caption nothing is written there.
    With `burn` they are drawn into the pictures as well, which are then encoded again.
    Raises `MediaError` for no parts at all, or for a clip that cannot be read, which it names; `out` is then untouched.
    """
    if not parts:
        raise MediaError("There is no clip to assemble; render at least one scene first.")
    out = Path(out)
    clips = [looked(part) for part in parts]
    cues, burning = captions(parts, clips), burn and any(part.caption for part in parts)
    if joinable(clips) and not burning:
        join(clips, [part.title for part in parts], out, cues)
    else:
        shots = [_shot(part, clip, burn=burning) for part, clip in zip(parts, clips, strict=True)]
        render(shots, layout(clips)[0], out, cues=cues)
    for suffix, text in ((".srt", srt), (".vtt", vtt)):
        if cues:
            out.with_suffix(suffix).write_text(text(cues), encoding="utf-8", newline="")
    return probe(out)


def captions(parts: Sequence[Part], clips: Sequence[Clip]) -> list[Cue]:
    """The captions of the reel that is made of these clips, each for as long as its clip plays."""
    made, starts = layout(clips)
    spans = pairwise(frame / made.fps for frame in starts)
    return [
        Cue(start, stop, part.caption, part.title)
        for part, (start, stop) in zip(parts, spans, strict=True)
        if part.caption.strip()
    ]


def _shot(part: Part, clip: Clip, *, burn: bool) -> Shot:
    return Shot(clip.path, clip.first, clip.seconds, part.title, part.caption if burn else "")


def layout(clips: Sequence[Clip], *, before: float | None = None) -> tuple[Canvas, list[int]]:
    """Size and rate of the reel that `assemble` makes of these clips, and the frame at which each of them starts.

    One more number than clips: the last one is where the last clip ends. With cards the clips are encoded; then
    `before` are the seconds of the card in front of them, which may be 0.
    """
    made, lengths = canvas(clips), [clip.seconds for clip in clips]
    if before is not None:
        lead = Fraction(round(Fraction(str(before)) * made.fps)) / made.fps
        return made, boundaries([lead, *lengths], made.fps)[1:] if lead else boundaries(lengths, made.fps)
    if joinable(clips):  # the copied pictures keep their rate, whatever it is
        made = replace(made, fps=standard(clips[0].probe.fps))
    return made, boundaries(lengths, made.fps)


def canvas(clips: Sequence[Clip]) -> Canvas:
    """Choose size and rate for a reel of these clips."""
    sizes = Counter(even(clip.probe) for clip in clips)
    rates = Counter(cadence(clip.probe.fps) for clip in clips)
    width, height = max(sizes, key=lambda size: (sizes[size], size[0] * size[1], size))
    return Canvas(width, height, max(rates, key=lambda rate: (rates[rate], rate)))


def looked(part: Part) -> Clip:
    """Read the facts of a part's clip. Raises MediaError, which names the part."""
    try:
        return look(Path(part.path))
    except MediaError as reason:
        raise MediaError(f"{part.title}: {reason}") from reason
