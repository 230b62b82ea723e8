"""Captions of a reel: as SubRip, as WebVTT, and as a subtitle track of an MP4."""

import struct
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from html import escape
from typing import Any, NamedTuple

from av import Packet
from av.container import OutputContainer
from av.stream import Stream

from prefect_storyboard.media.mp4 import MILLISECOND

_LONGEST = 65_535  # bytes that a sample of timed text may have
# The style header that libav's encoder requires: white, at the bottom, in the player's own font.
_HEADER = b"""[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


class Cue(NamedTuple):
    """A caption, shown from `start` to `stop` (seconds of the reel); `name` is its scene."""

    start: Fraction
    stop: Fraction
    text: str
    name: str = ""

    @property
    def lines(self) -> str:
        """The text without empty lines and arrows: in SRT and VTT, the former end a cue, and the latter mark a time."""
        return "\n".join(each for line in self.text.splitlines() if (each := line.strip())).replace("-->", "→")


def srt(cues: Iterable[Cue]) -> str:
    """The captions as SubRip."""
    return "\n".join(
        f"{number}\n{clock(cue.start, ',')} --> {clock(cue.stop, ',')}\n{cue.lines}\n"
        for number, cue in enumerate(cues, 1)
    )


def vtt(cues: Iterable[Cue]) -> str:
    """The captions as WebVTT, each named after its scene."""
    parts = [
        f"{cue.name}\n{clock(cue.start)} --> {clock(cue.stop)}\n{escape(cue.lines, quote=False)}\n" for cue in cues
    ]
    return "\n".join(["WEBVTT\n", *parts])


def clock(seconds: Fraction, point: str = ".") -> str:
    """A time as hours, minutes, seconds and thousandths."""
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{point}{thousandths:03}"


def caption_packets(target: OutputContainer, cues: Sequence[Cue]) -> Iterator["Packet[Any]"]:
    """Add a track of timed text to an MP4 before its first packet, and yield the packets. No track without captions."""
    if not cues:
        return iter(())
    stream = target.add_stream("mov_text")
    stream.time_base = MILLISECOND
    stream.codec_context.subtitle_header = _HEADER
    return (_packet(cue, stream) for cue in cues)


def _packet(cue: Cue, stream: Stream) -> "Packet[Any]":
    body = cue.lines.encode()[:_LONGEST].decode(errors="ignore").encode()
    packet = Packet(struct.pack(">H", len(body)) + body)
    packet.stream, packet.time_base, packet.is_keyframe = stream, MILLISECOND, True
    packet.pts = packet.dts = round(cue.start / MILLISECOND)
    packet.duration = round(cue.stop / MILLISECOND) - packet.pts
    return packet
