"""Draw a caption into frames, at the bottom of each."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

from av import VideoFrame
from av.filter import Graph
from av.filter.context import FilterContext
from PIL import Image

from prefect_storyboard.media.lettering import draw_text, find_font
from prefect_storyboard.media.picture import Canvas

_WIDE, _LETTER, _BOTTOM = 0.86, 0.052, 0.05  # shares of the picture's width, shorter side, height
_TICK = Fraction(1, 25)


def burned(frames: Iterable[VideoFrame], text: str, canvas: Canvas) -> Iterator[VideoFrame]:
    """Yield the frames, which have the canvas's size, with the text drawn into them.

    A frame that is repeated is drawn on once. Raises MediaError if no font has all letters of the text.
    """
    overlay, previous, result, count = None, None, None, 0
    for frame in frames:
        if frame is not previous:
            overlay = overlay or _overlay(frame, text, canvas)
            previous, result = frame, overlay.on(frame, count)
            count += 1
        if result is not None:
            yield result


class _Overlay(NamedTuple):
    """A filter graph that draws on frames, with its input and output."""

    graph: Graph
    source: FilterContext
    sink: FilterContext

    def on(self, frame: VideoFrame, number: int) -> VideoFrame:
        frame.pts, frame.time_base = number, _TICK
        self.source.push(frame)
        drawn = self.sink.pull()
        if not isinstance(drawn, VideoFrame):
            raise TypeError("the overlay returned no picture")
        return drawn


def _overlay(frame: VideoFrame, text: str, canvas: Canvas) -> _Overlay:
    """A filter graph that lays the text over each frame; its second input is a single picture, used for all frames."""
    size = max(8, round(_LETTER * min(canvas.height, canvas.width)))
    image = draw_text(text, round(_WIDE * canvas.width), size, find_font(text))
    image = image.crop((0, 0, min(image.width, canvas.width), min(image.height, canvas.height)))
    left = (canvas.width - image.width) // 4 * 2
    top = max(0, (canvas.height - image.height - round(_BOTTOM * canvas.height)) // 2 * 2)
    graph = Graph()
    graph.threads = 1
    colours = f"colorspace={frame.colorspace}:range={frame.color_range}"
    under = graph.add(
        "buffer", f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base=1/25:{colours}"
    )
    over = graph.add("buffer", f"video_size={image.width}x{image.height}:pix_fmt=rgba:time_base=1/25")
    planes, both = graph.add("format", "yuva420p"), graph.add("overlay", f"{left}:{top}:format=yuv420")
    last, sink = graph.add("format", "yuv420p"), graph.add("buffersink")
    over.link_to(planes)
    under.link_to(both, 0, 0)
    planes.link_to(both, 0, 1)
    both.link_to(last)
    last.link_to(sink)
    graph.configure()
    over.push(_frame(image))
    over.push(None)
    return _Overlay(graph, under, sink)


def _frame(image: Image.Image) -> VideoFrame:
    """The picture with its transparency, which `VideoFrame.from_image` drops."""
    frame = VideoFrame(image.width, image.height, "rgba")
    plane = frame.planes[0]
    plane.update(image.tobytes("raw", "RGBA", plane.line_size, 1).ljust(plane.buffer_size, b"\0"))
    frame.pts, frame.time_base = 0, _TICK
    return frame
