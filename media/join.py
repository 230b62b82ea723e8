"""Join clips without decoding them: lossless, in at most a tenth of a second per clip."""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import accumulate, pairwise
from math import ceil, floor
from pathlib import Path
from typing import Any

import av
from av import AudioFrame, AudioStream, Packet, VideoStream
from av.stream import Stream

from prefect_storyboard.media.captions import Cue, caption_packets
from prefect_storyboard.media.encode import chapters, sound_stream
from prefect_storyboard.media.mix import encoded, mixed
from prefect_storyboard.media.mp4 import MILLISECOND, Mark, interleave, mp4
from prefect_storyboard.media.pieces import Piece, joined
from prefect_storyboard.media.probe import opened, picture_track, sound_track
from prefect_storyboard.media.sound import LAYOUT, RATE
from prefect_storyboard.media.timing import Shot, spans
from prefect_storyboard.media.tracks import AAC_FRAME, Clip

TICKS = Fraction(RATE)  # copied pictures are placed with the precision of a sound sample


def joinable(clips: Sequence[Clip]) -> bool:
    """Whether all picture tracks have the same coding, and all sound tracks. Clips without sound are allowed."""
    if any(clip.picture is None or (clip.probe.has_audio and clip.sound is None) for clip in clips):
        return False
    return len({clip.picture for clip in clips}) == 1 and len({clip.sound for clip in clips if clip.sound}) <= 1


def join(clips: Sequence[Clip], titles: Sequence[str], out: Path, cues: Sequence[Cue] = ()) -> None:
    """Copy the packets of `joinable` clips into one MP4; captions become a subtitle track.

    Every clip's picture starts where the previous one ends. AAC has frames of 1024 samples, which a copy cannot cut, so
    every sound starts at the nearest slot of one continuous grid: at 48 kHz at most 11 ms from its picture.
    """
    starts = list(accumulate((clip.seconds for clip in clips), initial=Fraction(0)))
    marks = [Mark(title, *ends) for title, ends in zip(titles, pairwise(starts), strict=True)]
    sounding = next((clip for clip in clips if clip.sound), None)
    with opened(clips[0].path) as first, opened((sounding or clips[0]).path) as audible, mp4(out, marks) as target:
        video = target.add_stream_from_template(picture_track(first, clips[0].path), opaque=True)
        if track := sound_track(audible):
            audio = target.add_stream_from_template(track, opaque=True)
        else:
            audio = target.add_stream("aac", rate=RATE, layout=LAYOUT)
        captions = [*caption_packets(target, cues)]
        grid = _Grid(audio, starts[-1])
        for clip, (start, stop) in zip(clips, pairwise(starts), strict=True):
            while captions and (captions[0].pts or 0) * MILLISECOND < stop:
                target.mux(captions.pop(0))
            for packet in _copied(clip, start - clip.first, video, grid, grid.before(stop)):
                target.mux(packet)


def join_mixed(
    shots: Sequence[Shot],
    clips: Sequence[Clip],
    out: Path,
    *,
    music: Path | None = None,
    pieces: Iterable[Piece] = (),
    cues: Sequence[Cue] = (),
) -> None:
    """Copy the pictures of `joinable` clips as `join` does, with new sound in which the gains are applied.

    With music the sound is encoded as a whole; otherwise it is joined from the `pieces` of the shots.
    """
    starts = list(accumulate((clip.seconds for clip in clips), initial=Fraction(0)))
    placed = spans(shots, TICKS)
    with opened(clips[0].path) as first, mp4(out, chapters(shots, placed, TICKS)) as target:
        video = target.add_stream_from_template(picture_track(first, clips[0].path), opaque=True)
        audio = sound_stream(target)
        mixing = encoded(mixed(shots, placed, TICKS, music), audio) if music else None
        sounds = mixing or _numbered(joined(pieces), audio, starts[-1])
        pictures = (
            packet
            for clip, start in zip(clips, starts[:-1], strict=True)
            for packet in _pictures(clip, start - clip.first, video)
        )
        interleave(target, pictures, sounds, caption_packets(target, cues))


def _numbered(frames: Iterable[bytes], target: AudioStream, seconds: Fraction) -> Iterator["Packet[Any]"]:
    """Yield AAC frames as packets; the first one is the encoder's priming frame."""
    for slot, body in enumerate(frames, -1):
        yield _in_slot(slot, body, target, seconds * RATE)


def _pictures(clip: Clip, shift: Fraction, video: VideoStream) -> Iterator["Packet[Any]"]:
    """Yield the picture packets of one clip, delayed by `shift` seconds."""
    with opened(clip.path) as source:
        for packet in source.demux(picture_track(source, clip.path)):
            if packet.pts is not None and packet.dts is not None:
                yield _moved(packet, packet.pts, packet.dts, shift, video)


def _copied(clip: Clip, shift: Fraction, video: VideoStream, grid: "_Grid", until: int) -> Iterator["Packet[Any]"]:
    """Yield the packets of one clip, delayed by `shift` seconds; its sound is padded or cut to end at slot `until`."""
    grid.offset = None
    with opened(clip.path) as source:
        tracks = filter(None, (picture_track(source, clip.path), sound_track(source)))
        for packet in source.demux(*tracks):
            if packet.pts is None or packet.dts is None:
                continue
            if packet.stream.type == "audio":
                yield from grid.put(bytes(packet), packet.pts * packet.time_base + shift, until)
            else:
                yield _moved(packet, packet.pts, packet.dts, shift, video)
    yield from grid.fill(until)


def _moved(packet: "Packet[Any]", pts: int, dts: int, shift: Fraction, target: VideoStream) -> "Packet[Any]":
    tick = target.time_base or Fraction(1, 90_000)
    ticks, moved = packet.time_base / tick, shift / tick
    return _packet(
        bytes(packet),
        target,
        tick,
        pts=round(pts * ticks + moved),
        dts=round(dts * ticks + moved),
        duration=round((packet.duration or 0) * ticks),
        is_keyframe=packet.is_keyframe,
    )


class _Grid:
    """The continuous row of AAC frames of a reel; slot -1 is the encoder's priming frame, which players skip."""

    def __init__(self, target: AudioStream, seconds: Fraction) -> None:
        self.target = target
        self.rate = target.codec_context.sample_rate
        self.end = seconds * self.rate
        self.slot = -1
        self.offset: Fraction | None = None
        self.quiet = _silent(self.rate, target.codec_context.layout.name)

    def before(self, stop: Fraction) -> int:
        """The slot before which the sound of a clip that stops at `stop` has to end.

        The reel ends with the slot that contains its last sample. Every other clip leaves one more slot to the next
        clip for its priming frame, so that the beginning of that sound is decoded correctly.
        """
        samples = stop * self.rate
        return ceil(samples / AAC_FRAME) if samples == self.end else _nearest(samples / AAC_FRAME) - 1

    def put(self, body: bytes, moment: Fraction, until: int) -> Iterator["Packet[Any]"]:
        """Put one AAC frame into its slot, and silence into free slots before it; drop it if the slot is taken."""
        place = moment * self.rate / AAC_FRAME
        # One offset for the whole clip: if each packet were rounded, two could get the same slot.
        self.offset = _nearest(place) - place if self.offset is None else self.offset
        slot = _nearest(place + self.offset)
        yield from self.fill(min(slot, until))
        if slot == self.slot and slot < until:
            yield self._next(body)

    def fill(self, until: int) -> Iterator["Packet[Any]"]:
        """Put silence into all free slots before `until`."""
        while self.slot < until:
            yield self._next(self.quiet)

    def _next(self, body: bytes) -> "Packet[Any]":
        self.slot += 1
        return _in_slot(self.slot - 1, body, self.target, self.end)


def _nearest(place: Fraction) -> int:
    return floor(place + Fraction(1, 2))  # round() rounds halves to even, so neighbours would differ


def _silent(rate: int, layout: str) -> bytes:
    """Encode one AAC frame of silence."""
    encoder = av.CodecContext.create("aac", "w")
    encoder.sample_rate, encoder.layout, encoder.format = rate, layout, "fltp"
    frame = AudioFrame("fltp", layout, AAC_FRAME * 4)
    frame.sample_rate = rate
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    return bytes(encoder.encode(frame)[2])


def _in_slot(slot: int, body: bytes, target: AudioStream, end: Fraction) -> "Packet[Any]":
    """Wrap an AAC frame in a packet; the last one ends with the picture, at sample `end`."""
    pts, rate = slot * AAC_FRAME, target.codec_context.sample_rate
    length = min(Fraction(AAC_FRAME), end - pts)
    return _packet(body, target, Fraction(1, rate), pts=pts, dts=pts, duration=round(length))


def _packet(body: bytes, stream: Stream, time_base: Fraction, **facts: int) -> "Packet[Any]":
    """Wrap coded bytes in a packet, without the side data (edit lists, padding) of the clip's own file."""
    packet = Packet(body)
    packet.stream, packet.time_base, packet.is_keyframe = stream, time_base, True
    for name, value in facts.items():
        setattr(packet, name, value)
    return packet
