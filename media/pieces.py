"""Encode the sound of a reel with only cuts clip by clip: in any order, and before the other clips exist.

AAC has frames of 1024 samples, each of which is coded from its own samples and those of the next frame. So the frames
well inside a clip depend only on the clip, on its gain, and on the offset in a frame of the reel at which the clip
begins: these frames are its piece. The few frames around a cut are encoded when the reel is joined, from the samples
that both pieces contain. Every sample is in the same place as if the reel were encoded as a whole.
"""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain as following
from math import ceil
from pathlib import Path

import av
from av import AudioFifo, AudioFrame
from av.codec.context import Flags

from prefect_storyboard.media.filters import chain, through
from prefect_storyboard.media.sound import AAC, LAYOUT, RATE, sound
from prefect_storyboard.media.timing import Shot
from prefect_storyboard.media.tracks import AAC_FRAME

_FIRST = 2  # frame of a clip at which its piece begins, because an encoder needs some frames to settle
_LAST = 4  # the same from the clip's end, because an encoder looks ahead
_HEAD = _FIRST + 3  # frames of samples that a piece contains
_WARM = 3  # frames that are encoded again before a cut, and dropped
_SHORTEST = _HEAD + _LAST + _WARM
_SAMPLE = 4  # bytes


@dataclass(frozen=True)
class Piece:
    """A clip's coded frames, and the samples before and after them, one plane per channel.

    If a clip is too short, `frames` is empty and `head` has all its samples.
    """

    head: tuple[bytes, ...]
    frames: tuple[bytes, ...]
    tail: tuple[bytes, ...]


def kept_piece(shot: Shot, start: int, samples: int, place: Path) -> Path:
    """The file with the piece of a shot that begins at sample `start` of the reel; made if it does not exist.

    `place` is a path that identifies the shot's sound; gain, length and offset are added to its name.
    """
    file = place.with_name(f"{place.name}-{shot.gain:+.2f}-{samples}-{start % AAC_FRAME}.aac")
    if not file.exists():
        part = file.with_suffix(f".{os.urandom(6).hex()}.part")
        _write(_encoded(shot, start, samples), part)
        part.replace(file)
    return file


def joined(pieces: Iterable[Piece]) -> Iterator[bytes]:
    """Yield the AAC frames of the reel; the first one is the encoder's priming frame, which players skip."""
    waiting: list[tuple[bytes, ...]] = []
    dropped = 0
    for piece in pieces:
        waiting.append(piece.head)
        if piece.frames:
            yield from _aac(waiting)[dropped : _FIRST - _HEAD]
            yield from piece.frames
            waiting, dropped = [piece.tail], _WARM + 1
    yield from _aac(waiting)[dropped:]


def _encoded(shot: Shot, start: int, samples: int) -> Piece:
    planes = _planes(shot, samples)
    skipped = -start % AAC_FRAME
    count = (samples - skipped) // AAC_FRAME  # whole frames of the reel inside the clip
    if count < _SHORTEST:
        return Piece(planes, (), ())
    last = count - _LAST
    frames = _aac([_cut(planes, skipped, skipped + count * AAC_FRAME)])
    return Piece(
        head=_cut(planes, 0, skipped + _HEAD * AAC_FRAME),
        frames=tuple(frames[_FIRST + 1 : last + 2]),  # the first one is the priming frame
        tail=_cut(planes, skipped + (last + 1 - _WARM) * AAC_FRAME, samples),
    )


def _planes(shot: Shot, samples: int) -> tuple[bytes, ...]:
    """The samples of the shot with its gain."""
    frames: Iterable[AudioFrame] = sound(shot.path, shot.origin, samples)
    if shot.gain:
        volume = chain(("volume", f"{shot.gain}dB"), ("abuffersink", None), rate=RATE, layout=LAYOUT)
        frames = through(volume, frames)
    found = [[bytes(plane)[: frame.samples * _SAMPLE] for plane in frame.planes] for frame in frames]
    return tuple(b"".join(parts) for parts in zip(*found, strict=True))


def _cut(planes: Sequence[bytes], start: int, stop: int) -> tuple[bytes, ...]:
    return tuple(plane[start * _SAMPLE : stop * _SAMPLE] for plane in planes)


def _aac(parts: Sequence[tuple[bytes, ...]]) -> list[bytes]:
    """Encode samples from the beginning of a frame: a priming frame, then one frame for every 1024 samples begun."""
    samples = AudioFifo()
    for planes in parts:
        if size := len(planes[0]) // _SAMPLE:
            frame = AudioFrame("fltp", LAYOUT, size)
            frame.sample_rate = RATE
            for plane, body in zip(frame.planes, planes, strict=True):
                plane.update(body.ljust(plane.buffer_size, b"\0"))
            samples.write(frame)
    encoder = av.CodecContext.create("aac", "w")
    encoder.sample_rate, encoder.layout, encoder.format = RATE, LAYOUT, "fltp"
    encoder.bit_rate, encoder.options, encoder.time_base = AAC.bit_rate, AAC.options, Fraction(1, RATE)
    encoder.flags |= Flags.bitexact
    count, made = ceil(samples.samples / AAC_FRAME), []
    for number in range(count):
        if taken := samples.read(AAC_FRAME, partial=True):
            taken.pts, taken.time_base = number * AAC_FRAME, Fraction(1, RATE)
            made += encoder.encode(taken)
    return [bytes(packet) for packet in following(made, encoder.encode(None))][: count + 1]


def _write(piece: Piece, file: Path) -> None:
    """Write the lengths of all parts in one line, then the parts."""
    groups = [piece.head, piece.frames, piece.tail]
    sizes = json.dumps([[len(part) for part in group] for group in groups])
    file.write_bytes(b"".join((sizes.encode(), b"\n", *following(*groups))))


def read_piece(file: Path) -> Piece:
    """The piece in a file of `kept_piece`."""
    with file.open("rb") as source:
        sizes = json.loads(source.readline())
        return Piece(*(tuple(source.read(size) for size in group) for group in sizes))
