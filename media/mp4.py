"""Write an MP4 atomically: index in front, chapter marks, the same bytes for the same packets."""

import heapq
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
from av import Packet
from av.container import OutputContainer

MILLISECOND = Fraction(1, 1000)


class Mark(NamedTuple):
    """A chapter: seconds from the beginning of the file."""

    title: str
    start: Fraction
    end: Fraction


@contextmanager
def mp4(out: Path, marks: Sequence[Mark] = ()) -> Iterator[OutputContainer]:
    """Open an MP4 for writing; the file appears under its name only if no error occurs."""
    draft = out.with_name(f"{out.name}.part")
    try:
        with av.open(draft, "w", format="mp4", options={"movflags": "+faststart", "fflags": "+bitexact"}) as target:
            target.set_chapters(
                [
                    {
                        "id": number,
                        "start": round(mark.start / MILLISECOND),
                        "end": round(mark.end / MILLISECOND),
                        "time_base": MILLISECOND,
                        "metadata": {"title": mark.title},
                    }
                    for number, mark in enumerate(marks)
                ]
            )
            yield target
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)


def interleave(target: OutputContainer, *tracks: Iterator["Packet[Any]"]) -> None:
    """Write the packets of all tracks in order of time, holding one packet per track in memory."""
    for packet in heapq.merge(*tracks, key=_when):
        target.mux(packet)


def _when(packet: "Packet[Any]") -> Fraction:
    return (packet.dts or 0) * packet.time_base
