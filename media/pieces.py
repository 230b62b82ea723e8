"""The sound of a reel of plain cuts, encoded clip by clip: in any order, and before the other clips are there.

AAC comes in frames of 1024 samples, and each is coded from its own samples and from those of the frame after it. The
frames well inside a clip depend on the clip, on its gain, and on where in a frame of the reel the clip begins: they are
its piece. The few frames about a cut are encoded of what both pieces bring along when the reel is joined. The reel's
sound is where it would be if it were encoded as a whole, to the sample.
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

_FIRST = 2  # frame of a clip at which its piece begins: an encoder needs some to get going
_LAST = 4  # the same from the clip's end: an encoder looks ahead
_HEAD = _FIRST + 3  # frames of samples that are brought along
_WARM = 3  # frames that are encoded once more before a cut, and dropped
_SHORTEST = _HEAD + _LAST + _WARM
_SAMPLE = 4  # bytes


@dataclass(frozen=True)
class Piece:
    """A clip's coded frames, and the samples before and behind them, one plane for each channel.

    A clip that is too short has no frames, and all its samples in `head`.
    """

    head: tuple[bytes, ...]
    frames: tuple[bytes, ...]
    tail: tuple[bytes, ...]


def kept_piece(shot: Shot, start: int, samples: int, place: Path) -> Path:
    """The file with the piece of a shot that begins at sample `start` of the reel; made if it is not there.

    `place` stands for the shot's sound; gain, length and start are added to its name.
    """
    file = place.with_name(f"{place.name}-{shot.gain:+.2f}-{samples}-{start % AAC_FRAME}.aac")
    if not file.exists():
        part = file.with_suffix(f".{os.urandom(6).hex()}.part")
        _write(_encoded(shot, start, samples), part)
        part.replace(file)
    return file


def joined(pieces: Iterable[Piece]) -> Iterator[bytes]:
    """The AAC frames of the reel, beginning with the encoder's run-up, which players skip."""
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
        frames=tuple(frames[_FIRST + 1 : last + 2]),  # the first of them is the run-up
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
    """Encode samples, the first of which begins a frame: one frame of run-up, and one for each begun 1024 samples."""
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
