"""Chains of libavfilter's sound filters."""

from collections.abc import Iterable, Iterator
from fractions import Fraction

import av
from av import AudioFrame
from av.filter import Graph


def chain(*filters: tuple[str, str | None], rate: int, layout: str) -> Graph:
    """Chain these filters into a graph for planar float samples; the last filter is an `abuffersink`."""
    graph = Graph()
    node = graph.add_abuffer(sample_rate=rate, format="fltp", layout=layout, time_base=Fraction(1, rate))
    for name, arguments in filters:
        following = graph.add(name, arguments)
        node.link_to(following)
        node = following
    graph.configure()
    return graph


def through(graph: Graph, frames: Iterable[AudioFrame]) -> Iterator[AudioFrame]:
    """Send frames through a chain without gaps between them, and yield its output."""
    made = 0
    for frame in frames:
        frame.pts, frame.time_base = made, Fraction(1, frame.sample_rate)
        made += frame.samples
        graph.push(frame)
        yield from drained(graph)
    graph.push(None)
    yield from drained(graph)


def drained(graph: Graph) -> Iterator[AudioFrame]:
    """Yield the frames that a graph has ready."""
    while True:
        try:
            frame = graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return
        if isinstance(frame, AudioFrame):
            yield frame
