"""Encode clips into one MP4 of one size, rate and sound, one clip at a time, so that memory use stays constant."""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

from av import AudioStream, Packet, VideoFrame, VideoStream
from av.container import OutputContainer
from av.video.frame import PictureType

from prefect_storyboard.media.blend import blended, faded
from prefect_storyboard.media.burning import burned
from prefect_storyboard.media.captions import Cue, caption_packets
from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.mix import encoded, mixed
from prefect_storyboard.media.mp4 import Mark, interleave, mp4
from prefect_storyboard.media.picture import Canvas, fitted
from prefect_storyboard.media.probe import opened, picture_track, seek
from prefect_storyboard.media.sound import AAC, LAYOUT, RATE
from prefect_storyboard.media.timing import Shot, Span, spans

_X264 = {"preset": "veryfast", "threads": "4"}  # a fixed number of threads, because it changes the bytes
_BT709 = 1
CRF = 18


def render(
    shots: Sequence[Shot],
    canvas: Canvas,
    out: Path,
    *,
    crf: int = CRF,
    music: Path | None = None,
    cues: Sequence[Cue] = (),
) -> None:
    """Encode the shots one after the other: H.264 (a smaller `crf` gives better quality), stereo AAC at 48 kHz.

    Every shot starts on a frame, is at least one frame long, and its sound is exactly as long as its picture. `cues`
    become a subtitle track; the text in a shot's `burn` is drawn into its frames.
    """
    placed = spans(shots, canvas.fps)
    with mp4(out, chapters(shots, placed, canvas.fps)) as target:
        video = video_stream(target, canvas, crf)
        audio = sound_stream(target)
        sounds = encoded(mixed(shots, placed, canvas.fps, music), audio)
        captions = caption_packets(target, cues)
        interleave(target, _pictures(shots, placed, canvas, video), sounds, captions)


def chapters(shots: Sequence[Shot], placed: Sequence[Span], fps: Fraction) -> list[Mark]:
    """A chapter for each shot with a title; it ends where the next shot begins."""
    stops = [*(span.start for span in placed[1:]), placed[-1].stop]
    return [
        Mark(shot.title, span.start / fps, stop / fps)
        for shot, span, stop in zip(shots, placed, stops, strict=True)
        if shot.title is not None
    ]


def sound_stream(target: OutputContainer) -> AudioStream:
    """Add the sound track of a reel."""
    return target.add_stream("aac", rate=RATE, layout=LAYOUT, bit_rate=AAC.bit_rate, options=AAC.options)


def paced(frames: Iterable[VideoFrame], origin: Fraction, fps: Fraction, count: int) -> Iterator[VideoFrame]:
    """Yield exactly `count` frames, `fps` per second from `origin` on: for each moment, the newest source frame.

    Source frames are dropped or repeated; the first one is also used for the time before it, the last one for the time
    after it.
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


def video_stream(target: OutputContainer, canvas: Canvas, crf: int) -> VideoStream:
    """Add the picture track; a smaller `crf` gives better quality."""
    options = _X264 | {"crf": str(crf)}
    stream = target.add_stream("libx264", rate=canvas.fps, width=canvas.width, height=canvas.height, options=options)
    stream.pix_fmt, stream.time_base = "yuv420p", 1 / canvas.fps
    context = stream.codec_context
    context.colorspace = context.color_primaries = context.color_trc = context.color_range = _BT709
    return stream


def _pictures(
    shots: Sequence[Shot], placed: Sequence[Span], canvas: Canvas, target: VideoStream
) -> Iterator["Packet[VideoStream]"]:
    tail: list[VideoFrame] = []
    for shot, span, after in zip(shots, placed, [*placed[1:], None], strict=True):
        before, tail = tail, []
        for number, own in enumerate(_shown(shot, span.frames, canvas)):
            share = (number + 1) / (len(before) + 1)
            mixed_in = blended(before[number], own, share) if number < len(before) else own
            frame = faded(mixed_in, _light(number, span))
            if after and span.start + number >= after.start:
                tail.append(frame)
                continue
            frame.pts, frame.time_base = span.start + number, 1 / canvas.fps
            # A key frame at every chapter; elsewhere the encoder decides, not the source.
            frame.pict_type = PictureType.I if number == 0 else PictureType.NONE
            yield from target.encode(frame)
    yield from target.encode()


def _light(number: int, span: Span) -> float:
    """The brightness of a frame of the shot: 1, or less while the shot fades in or out."""
    rise, fall = span.fades
    return min(1.0, (number + 1) / (rise + 1), (span.frames - number) / (fall + 1))


def _shown(shot: Shot, count: int, canvas: Canvas) -> Iterator[VideoFrame]:
    with opened(shot.path) as source:
        stream = picture_track(source, shot.path)
        stream.thread_type = "AUTO"
        seek(source, shot.origin)
        steady = paced(source.decode(stream), shot.origin, canvas.fps, count)
        pictures = fitted(steady, stream.sample_aspect_ratio, canvas)
        yield from burned(pictures, shot.burn, canvas) if shot.burn else pictures
