"""Mix the sound of a reel: each clip with its gain, crossfades at dissolves, and music under the whole reel."""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from heapq import heapify, heappop, heappush
from itertools import pairwise
from pathlib import Path

import av
from av import AudioFifo, AudioFrame, AudioStream, Packet
from av.filter import Graph
from av.filter.context import FilterContext

from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.filters import chain, drained, through
from prefect_storyboard.media.loudness import PEAK, gain, measure
from prefect_storyboard.media.probe import opened, sound_track
from prefect_storyboard.media.sound import LAYOUT, RATE, sound
from prefect_storyboard.media.timing import Shot, Span

_MUSIC = -20.0  # LUFS; it is ducked further while a clip has sound
_DUCK = "threshold=0.02:ratio=6:attack=40:release=700"
_FADE_OUT = 2 * RATE  # samples over which the music fades out at the end
_LIMIT = f"limit={10 ** (PEAK / 20):.4f}:level=false:latency=true"


def encoded(frames: Iterable[AudioFrame], target: AudioStream) -> Iterator["Packet[AudioStream]"]:
    """Encode frames one after the other."""
    cursor = 0
    for frame in frames:
        frame.pts, frame.time_base = cursor, Fraction(1, RATE)
        cursor += frame.samples
        yield from target.encode(frame)
    yield from target.encode()


def mixed(
    shots: Sequence[Shot], placed: Sequence[Span], fps: Fraction, music: Path | None = None
) -> Iterator[AudioFrame]:
    """Yield the sound of the shots, exactly as long as their pictures. Memory does not grow with their number."""
    frames = _joined(shots, placed, fps)
    yield from frames if music is None else _over_music(frames, music, _samples(placed[-1].stop, fps))


def _joined(shots: Sequence[Shot], placed: Sequence[Span], fps: Fraction) -> Iterator[AudioFrame]:
    """Yield one shot after the other; the samples shared with the next shot are held back until it begins."""
    tail: AudioFrame | None = None
    for shot, span, after in zip(shots, placed, [*placed[1:], None], strict=True):
        samples = _samples(span.stop, fps) - _samples(span.start, fps)
        kept = _samples(span.stop, fps) - _samples(after.start, fps) if after else 0
        own, done = AudioFifo(), 0
        for frame in _shaped(shot, span, kept, fps):
            frame.pts = None
            own.write(frame)
            if tail is not None and own.samples >= tail.samples:
                done += tail.samples
                yield _summed(tail, _taken(own, tail.samples))
                tail = None
            free = 0 if tail is not None else min(own.samples, samples - kept - done)
            if free:
                done += free
                yield _taken(own, free)
        tail = _taken(own, kept) if kept else None


def _shaped(shot: Shot, span: Span, kept: int, fps: Fraction) -> Iterator[AudioFrame]:
    """The sound of one shot with its gain and its fades; its last `kept` samples are shared with the next shot."""
    start, stop = _samples(span.start, fps), _samples(span.stop, fps)
    shared = _samples(span.start + span.shared, fps) - start
    rise = shared or _samples(span.fades[0], fps)
    fall = kept or _samples(span.fades[1], fps)
    curve = ":curve=qsin" if shared or kept else ""
    filters: list[tuple[str, str | None]] = []
    filters += [("volume", f"{shot.gain}dB")] if shot.gain else []
    filters += [("afade", f"t=in:ss=0:ns={rise}{curve}")] if rise else []
    filters += [("afade", f"t=out:ss={stop - start - fall}:ns={fall}{curve}")] if fall else []
    frames = sound(shot.path, shot.origin, stop - start)
    if not filters:
        return frames
    return through(chain(*filters, ("abuffersink", None), rate=RATE, layout=LAYOUT), frames)


def _summed(tail: AudioFrame, head: AudioFrame) -> AudioFrame:
    """Mix two frames of the same length."""
    graph = Graph()
    inputs = [_input(graph) for _ in range(2)]
    mix, sink = graph.add("amix", "inputs=2:normalize=0"), graph.add("abuffersink")
    for number, node in enumerate(inputs):
        node.link_to(mix, 0, number)
    mix.link_to(sink)
    graph.configure()
    for node, frame in zip(inputs, (tail, head), strict=True):
        frame.pts, frame.time_base = 0, Fraction(1, RATE)
        node.push(frame)
        node.push(None)
    made = AudioFifo()
    for frame in drained(graph):
        frame.pts = None
        made.write(frame)
    return _taken(made, made.samples)


def _over_music(frames: Iterable[AudioFrame], music: Path, samples: int) -> Iterator[AudioFrame]:
    """Mix sound over music that is ducked under it and fades out at the end."""
    graph = Graph()
    voice, below = _input(graph), _input(graph)
    split, duck = graph.add("asplit", "2"), graph.add("sidechaincompress", _DUCK)
    mix, limit = graph.add("amix", "inputs=2:normalize=0:duration=first"), graph.add("alimiter", _LIMIT)
    whole, sink = graph.add("atrim", f"end_sample={samples}"), graph.add("abuffersink")
    voice.link_to(split)
    split.link_to(mix, 0, 0)
    split.link_to(duck, 1, 1)
    below.link_to(duck, 0, 0)
    duck.link_to(mix, 0, 1)
    for node, following in pairwise((mix, limit, whole, sink)):
        node.link_to(following)
    graph.configure()
    supply = _played(music, samples)
    for node, each in _in_step((voice, frames), (below, supply)):
        node.push(each)
        yield from drained(graph)


def _in_step(*inputs: tuple[FilterContext, Iterable[AudioFrame]]) -> Iterator[tuple[FilterContext, AudioFrame | None]]:
    """Yield the frames of several inputs with their timestamps, always the earliest one; None marks an input's end."""
    waiting = [(0, number, node, iter(frames)) for number, (node, frames) in enumerate(inputs)]
    heapify(waiting)
    while waiting:
        made, number, node, frames = heappop(waiting)
        frame = next(frames, None)
        if frame is not None:
            frame.pts, frame.time_base = made, Fraction(1, RATE)
            heappush(waiting, (made + frame.samples, number, node, frames))
        yield node, frame


def _played(music: Path, samples: int) -> Iterator[AudioFrame]:
    """Yield the music at its level, repeated to this many samples."""
    own = round(length(music) * RATE)
    level = gain(measure(music, Fraction(0), min(own, samples)), _MUSIC)
    fall = min(_FADE_OUT, samples)
    shape = (("volume", f"{level}dB"), ("afade", f"t=out:ss={samples - fall}:ns={fall}"), ("abuffersink", None))
    rounds = [min(own, samples - start) for start in range(0, samples, own)]
    frames = (frame for part in rounds for frame in sound(music, Fraction(0), part))
    return through(chain(*shape, rate=RATE, layout=LAYOUT), frames)


def length(music: Path) -> Fraction:
    """The length of a sound file in seconds. Raises MediaError if it has no sound."""
    with opened(music) as source:
        track = sound_track(source)
        seconds = Fraction(source.duration or 0, av.time_base)
        if track is None or seconds <= 0:
            raise MediaError(f"{music.name} has no sound; give an MP3, M4A, WAV, FLAC or OGG file.")
        return seconds


def _taken(frames: AudioFifo, samples: int) -> AudioFrame:
    taken = frames.read(samples)
    if taken is None:
        raise ValueError(f"expected {samples} samples, got {frames.samples}")
    return taken


def _input(graph: Graph) -> FilterContext:
    return graph.add_abuffer(sample_rate=RATE, format="fltp", layout=LAYOUT, time_base=Fraction(1, RATE))


def _samples(frames: int, fps: Fraction) -> int:
    return round(frames * RATE / fps)
