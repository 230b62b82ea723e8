"""Read a clip of a reel: its facts, and the parameters that decide whether it can be joined without loss."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from av import Packet
from av.container import InputContainer
from av.video import VideoStream

from prefect_storyboard.media.probe import Probe, opened, picture_track, probe, sound_track, unreadable

AAC_FRAME = 1024
_STATING = {"mp4", "mov", "webm", "mkv"}  # containers whose header states the length
_TORN = 0.3  # seconds by which the packets of a complete file may be shorter than the stated length


@dataclass(frozen=True)
class Clip:
    """One clip: `first` is the time of its first frame on the file's own clock, `seconds` the length of its picture.

    `frames` counts the frames that a player shows. `picture` and `sound` are the coding parameters; they are None if a
    stream copy is impossible, and `sound` also if there is no sound (see `probe.has_audio`).
    """

    path: Path
    probe: Probe
    first: Fraction
    seconds: Fraction
    frames: int
    picture: tuple[object, ...] | None
    sound: tuple[object, ...] | None


def read_clip(path: Path) -> Clip:
    """Read a clip's facts and scan its packets, decoding at most one frame."""
    facts = probe(path)
    with opened(path) as source:  # opened again, because a file without an index cannot be rewound
        stream = picture_track(source, path)
        packets = [(p.stream.index, _times(p)) for p in source.demux() if p.size]
        times = [seen for index, seen in packets if index == stream.index]
        shown = [t for t in times if not t.hidden] or times
        if not shown:
            raise unreadable(path, "it contains no picture")
        first = min(t.shown for t in shown)
        end = max(t.shown + (t.lasts or 1 / facts.fps) for t in shown)
        # WebM states one length for all tracks, that of the longest.
        last = end if facts.container in {"mp4", "mov"} else max(t.shown + t.lasts for _, t in packets)
        if facts.container in _STATING and float(last - min(first, Fraction(0))) < facts.seconds - _TORN:
            raise unreadable(path, f"it is truncated after {float(end - first):.1f} of {facts.seconds:.1f} s")
        return Clip(
            path=path,
            probe=facts,
            first=first,
            seconds=end - first,
            frames=len(shown),
            picture=_picture(stream, times, facts),
            sound=_sound(source),
        )


class _Times(NamedTuple):
    shown: Fraction
    lasts: Fraction
    decoded: Fraction | None
    hidden: bool
    key: bool


def _times(packet: "Packet[Any]") -> _Times:
    base, moment = packet.time_base, packet.dts if packet.pts is None else packet.pts  # AVI has no pts
    return _Times(
        shown=(moment or 0) * base,
        lasts=(packet.duration or 0) * base,
        decoded=None if packet.dts is None else packet.dts * base,
        hidden=packet.is_discard,
        key=packet.is_keyframe,
    )


def _picture(stream: VideoStream, times: list[_Times], facts: Probe) -> tuple[object, ...] | None:
    """Only H.264 in MP4 or MOV, which plays everywhere. A copy would lose hidden packets, a display matrix and HDR."""
    start = times[0].decoded
    if stream.codec_context.name != "h264" or facts.container not in {"mp4", "mov"}:
        return None
    if facts.rotation or facts.range:
        return None
    if start is None or not times[0].key or any(t.hidden or t.decoded is None for t in times):
        return None
    context = stream.codec_context
    delay = min(t.shown for t in times) - start
    shape = (context.width, context.height, stream.sample_aspect_ratio, context.pix_fmt, facts.fps, delay)
    return (*shape, context.profile, bytes(context.extradata or b""))


def _sound(source: InputContainer) -> tuple[object, ...] | None:
    """Only AAC-LC in mono or stereo, for which a silent frame can be made that is compatible with any encoder."""
    stream = sound_track(source)
    if stream is None:
        return None
    context = stream.codec_context
    if context.name != "aac" or stream.profile != "LC" or context.layout.name not in {"mono", "stereo"}:
        return None
    return (context.sample_rate, context.layout.name, bytes(context.extradata or b""))
