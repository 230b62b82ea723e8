"""The sound of one clip, made to fit its picture: 48 kHz stereo, an exact number of samples."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av import AudioFrame
from av.filter import Graph

from prefect_storyboard.media.probe import opened, seek

RATE = 48_000
LAYOUT = "stereo"


def sound(path: Path, origin: Fraction, samples: int) -> Iterator[AudioFrame]:
    """Yield `samples` samples from `origin` (seconds on the file's clock) on.

    What starts late or ends early is filled with silence, gaps inside as well; what is too much is cut. A clip without
    sound gives silence. Frames come in float planes; their pts mean nothing.
    """
    made = 0
    for frame in _decoded(path, origin, samples):
        made += frame.samples
        yield frame
    while made < samples:
        count = min(RATE, samples - made)
        made += count
        yield silence(count)


def silence(samples: int) -> AudioFrame:
    """Return a frame of silence."""
    frame = AudioFrame("fltp", LAYOUT, samples)
    frame.sample_rate = RATE
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    return frame


def _decoded(path: Path, origin: Fraction, samples: int) -> Iterator[AudioFrame]:
    with opened(path) as source:
        if not source.streams.audio:
            return
        seek(source, origin - 1)
        graph, made = None, 0
        for frame in source.decode(source.streams.audio[0]):
            graph = graph or _conform(frame, samples)
            moment = (frame.pts or 0) * (frame.time_base or Fraction(0))
            frame.pts = round((moment - origin) * frame.sample_rate)
            frame.time_base = Fraction(1, frame.sample_rate)
            graph.push(frame)
            for ready in _drain(graph):
                made += ready.samples
                yield ready
            if made >= samples:
                return
        if graph:
            graph.push(None)
            yield from _drain(graph)


def _conform(frame: AudioFrame, samples: int) -> Graph:
    graph = Graph()
    node = graph.add_abuffer(
        sample_rate=frame.sample_rate,
        format=frame.format.name,
        layout=frame.layout.name,
        time_base=Fraction(1, frame.sample_rate),
    )
    for name, arguments in (
        ("atrim", "start=0"),
        ("aresample", f"{RATE}:async=1:first_pts=0"),
        ("aformat", f"sample_fmts=fltp:sample_rates={RATE}:channel_layouts={LAYOUT}"),
        ("apad", f"whole_len={samples}"),
        ("atrim", f"end_sample={samples}"),
        ("abuffersink", None),
    ):
        following = graph.add(name, arguments)
        node.link_to(following)
        node = following
    graph.configure()
    return graph


def _drain(graph: Graph) -> Iterator[AudioFrame]:
    while True:
        try:
            frame = graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return
        if isinstance(frame, AudioFrame):
            yield frame
