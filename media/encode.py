"""Encode clips into one MP4 of one size, rate and sound, one clip at a time, so that memory use stays constant."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from av import AudioStream, Packet, VideoFrame, VideoStream
from av.container import OutputContainer
from av.video.frame import PictureType

from prefect_storyboard.media.burning import burned
from prefect_storyboard.media.captions import Cue, caption_packets
from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.mp4 import Mark, interleave, mp4
from prefect_storyboard.media.picture import Canvas, fitted
from prefect_storyboard.media.probe import opened, picture_track, seek
from prefect_storyboard.media.sound import LAYOUT, RATE, sound

_X264 = {"preset": "veryfast", "threads": "4"}  # a number that does not depend on the machine: it changes the bytes
_BT709 = 1
CRF = 18


@dataclass(frozen=True)
class Shot:
    """A stretch of a clip: from `origin`, on the file's own clock, `seconds` long; with a title it is a chapter.

    `burn` is a text that is drawn into its pictures.
    """

    path: Path
    origin: Fraction
    seconds: Fraction
    title: str | None = None
    burn: str = ""


def render(shots: Sequence[Shot], canvas: Canvas, out: Path, *, crf: int = CRF, cues: Sequence[Cue] = ()) -> None:
    """Encode the shots one after the other: H.264 (a smaller `crf` is finer and larger), stereo AAC at 48 kHz.

    Every shot starts on a frame, is at least one frame long, and has exactly as much sound as picture. Captions become
    a track; those that a shot burns in are part of its pictures.
    """
    frames = boundaries([shot.seconds for shot in shots], canvas.fps)
    spans = [(a / canvas.fps, b / canvas.fps) for a, b in pairwise(frames)]
    marks = [Mark(shot.title, *span) for shot, span in zip(shots, spans, strict=True) if shot.title is not None]
    with mp4(out, marks) as target:
        video = video_stream(target, canvas, crf)
        audio = target.add_stream("aac", rate=RATE, layout=LAYOUT, bit_rate=160_000)
        captions = caption_packets(target, cues)
        interleave(target, _pictures(shots, frames, canvas, video), _sounds(shots, frames, canvas.fps, audio), captions)


def paced(frames: Iterable[VideoFrame], origin: Fraction, fps: Fraction, count: int) -> Iterator[VideoFrame]:
    """Yield exactly `count` frames, `fps` a second from `origin` on, each the newest picture of its moment.

    Source frames are dropped or repeated; the first one also stands for the time before it, the last for that after.
    """
    shown, given = None, 0
    for frame in frames:
        due = round(((frame.pts or 0) * (frame.time_base or 0) - origin) * fps)
        while shown is not None and given < min(due, count):
            yield shown
            given += 1
        if given >= count:
            return
        shown = frame
    if shown is None:
        raise MediaError(f"No picture can be decoded from {float(origin):.2f} s on; export the clip again.")
    for _ in range(given, count):
        yield shown


def boundaries(lengths: Iterable[Fraction], fps: Fraction) -> list[int]:
    """Number the frame at which each shot starts, and the one after the last; rounding never adds up."""
    numbers, time = [0], Fraction(0)
    for seconds in lengths:
        time += seconds
        numbers.append(max(numbers[-1] + 1, round(time * fps)))
    return numbers


def video_stream(target: OutputContainer, canvas: Canvas, crf: int) -> VideoStream:
    """Add the track of the pictures; a smaller `crf` is finer."""
    options = _X264 | {"crf": str(crf)}
    stream = target.add_stream("libx264", rate=canvas.fps, width=canvas.width, height=canvas.height, options=options)
    stream.pix_fmt, stream.time_base = "yuv420p", 1 / canvas.fps
    context = stream.codec_context
    context.colorspace = context.color_primaries = context.color_trc = context.color_range = _BT709
    return stream


def _pictures(
    shots: Sequence[Shot], frames: Sequence[int], canvas: Canvas, target: VideoStream
) -> Iterator["Packet[VideoStream]"]:
    for shot, (start, stop) in zip(shots, pairwise(frames), strict=True):
        for number, frame in enumerate(_shown(shot, stop - start, canvas), start):
            frame.pts, frame.time_base = number, 1 / canvas.fps
            # A key frame at every chapter; elsewhere the encoder's choice, not the source's.
            frame.pict_type = PictureType.I if number == start else PictureType.NONE
            yield from target.encode(frame)
    yield from target.encode()


def _shown(shot: Shot, count: int, canvas: Canvas) -> Iterator[VideoFrame]:
    with opened(shot.path) as source:
        stream = picture_track(source, shot.path)
        stream.thread_type = "AUTO"
        seek(source, shot.origin)
        steady = paced(source.decode(stream), shot.origin, canvas.fps, count)
        pictures = fitted(steady, stream.sample_aspect_ratio, canvas)
        yield from burned(pictures, shot.burn, canvas) if shot.burn else pictures


def _sounds(
    shots: Sequence[Shot], frames: Sequence[int], fps: Fraction, target: AudioStream
) -> Iterator["Packet[AudioStream]"]:
    samples = [round(number * RATE / fps) for number in frames]
    cursor = 0
    for shot, (start, stop) in zip(shots, pairwise(samples), strict=True):
        for frame in sound(shot.path, shot.origin, stop - start):
            frame.pts, frame.time_base = cursor, Fraction(1, RATE)
            cursor += frame.samples
            yield from target.encode(frame)
    yield from target.encode()
