"""Cached results about a clip's sound: its loudness, and its piece of the reel's sound."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

from prefect_storyboard.media.loudness import Loudness, gain, measure
from prefect_storyboard.media.pieces import Piece, kept_piece, read_piece
from prefect_storyboard.media.sound import RATE
from prefect_storyboard.media.timing import Shot, Span
from prefect_storyboard.media.tracks import Clip, read_clip

_AT_ONCE = 2  # threads


def gains(clips: Sequence[Clip], places: Sequence[Path]) -> list[float]:
    """The gain of every clip's sound in dB; two clips are measured at a time."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(kept_gain, clips, places))


def kept_gain(clip: Clip, place: Path) -> float:
    """The gain of a clip's sound in dB, measured once; `place` is the path of the cache file, without suffix."""
    if not clip.probe.has_audio:
        return 0.0
    file = place.with_name(f"{place.name}.loudness")
    if not file.exists():
        part = file.with_suffix(f".{os.urandom(6).hex()}.part")
        part.write_text(json.dumps(measure(clip.path, clip.first, round(clip.seconds * RATE))))
        part.replace(file)
    return gain(Loudness(*json.loads(file.read_text())))


def keep_sound(path: Path, place: Path, begins: Callable[[Fraction], Fraction | None]) -> None:
    """Measure a clip, and make its piece if `begins(length)` returns the moment in the reel at which it begins."""
    clip = read_clip(path)
    start = begins(clip.seconds)
    level = kept_gain(clip, place)
    if start is not None and level:
        first, after = round(start * RATE), round((start + clip.seconds) * RATE)
        kept_piece(Shot(path, clip.first, clip.seconds, gain=level), first, after - first, place)


def pieces(shots: Sequence[Shot], placed: Sequence[Span], places: Sequence[Path]) -> Iterator[Piece]:
    """Yield the piece of every shot, for spans in samples. Two are made at a time; one is in memory."""
    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        spans = ([span.start for span in placed], [span.frames for span in placed])
        yield from map(read_piece, pool.map(kept_piece, shots, *spans, places))
    finally:
        pool.shutdown(cancel_futures=True)
