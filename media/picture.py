"""Convert a decoded frame to what a player shows (rotation, square pixels, colours), as an image or on a canvas."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from av import VideoFrame
from av.filter import Graph
from PIL import Image

from prefect_storyboard.media.probe import Probe, display_size, turn
from prefect_storyboard.media.tone import table, wide_range

_TURNS = {90: ["transpose=cclock"], 180: ["hflip", "vflip"], 270: ["transpose=clock"]}
_MATRICES = {1: "bt709", 4: "fcc", 5: "bt601", 6: "bt601", 7: "smpte240m", 9: "bt2020", 10: "bt2020"}
RATES = [Fraction(n) for n in ("24000/1001", "24", "25", "30000/1001", "30", "48", "50", "60000/1001", "60")]


@dataclass(frozen=True)
class Canvas:
    """The format of every frame of a rendered file: even width and height in pixels, constant frames per second."""

    width: int
    height: int
    fps: Fraction


def upright(frame: VideoFrame, pixel_shape: Fraction | None, max_width: int | None = None) -> Image.Image:
    """Return the frame as an RGB image, exactly as a player shows it, or scaled down to `max_width` pixels."""
    width, height = display_size(frame, pixel_shape)
    if max_width and width > max_width:  # in one step with the colours, because Pillow takes three times as long
        width, height = max_width, max(1, round(height * max_width / width))
    scale = f"scale={width}:{height}:flags=lanczos+accurate_rnd+full_chroma_int:in_color_matrix={_matrix(frame)}"
    graph = _graph(frame, [*_TURNS.get(turn(frame), []), *_toned(frame, scale), "format=rgb24"])
    graph.vpush(frame)
    image: Image.Image = graph.vpull().to_image()  # type: ignore[no-untyped-call]  # av does not annotate it
    return image


def fitted(frames: Iterable[VideoFrame], pixel_shape: Fraction | None, canvas: Canvas) -> Iterator[VideoFrame]:
    """Rotate and scale each frame onto the canvas, with black bars if the aspect ratios differ; BT.709, 8 bit 4:2:0.

    A frame that is repeated is converted once.
    """
    graph, shape, previous, result = None, None, None, None
    for frame in frames:
        if frame is not previous:
            if graph is None or shape != _shape(frame):
                graph, shape = _graph(frame, _fit(frame, pixel_shape, canvas)), _shape(frame)
            graph.vpush(frame)
            previous, result = frame, graph.vpull()
        if result is not None:
            yield result


def even(facts: Probe) -> tuple[int, int]:
    """Displayed size in pixels, rounded down to the even numbers that H.264 requires."""
    return max(2, facts.width // 2 * 2), max(2, facts.height // 2 * 2)


def cadence(fps: Fraction) -> Fraction:
    """Return the usual rate for a measured one: the nearest within 0.5 %, else the next higher one, at most 60.

    A variable rate is measured as, for example, 19.83, and WebM's milliseconds give 23.98 or 24.04.
    """
    near = standard(fps)
    return near if near in RATES else next((rate for rate in RATES if rate > fps), RATES[-1])


def standard(fps: Fraction) -> Fraction:
    """Return the usual rate within 0.5 % of a measured one; else the measured rate itself."""
    near = min(RATES, key=lambda rate: abs(rate - fps))
    return near if abs(near - fps) <= near / 200 else fps


def _fit(frame: VideoFrame, pixel_shape: Fraction | None, canvas: Canvas) -> list[str]:
    width, height = display_size(frame, pixel_shape)
    factor = min(Fraction(canvas.width, width), Fraction(canvas.height, height))
    inner = [max(2, round(side * factor / 2) * 2) for side in (width, height)]
    # Bars of one or two pixels are a rounding error of the sides, not another aspect ratio.
    outer = (canvas.width, canvas.height)
    w, h = (full if full - side <= 2 else side for side, full in zip(inner, outer, strict=True))
    scale = f"scale={w}:{h}:flags=bicubic:in_color_matrix={_matrix(frame)}"
    if wide_range(frame):
        sized = [*_toned(frame, scale), "scale=out_color_matrix=bt709:out_range=tv"]
    else:
        sized = [f"{scale}:out_color_matrix=bt709:out_range=tv"]
    return [
        *_TURNS.get(turn(frame), []),
        *sized,
        f"pad={canvas.width}:{canvas.height}:(ow-iw)/4*2:(oh-ih)/4*2",
        "setsar=1",
        "format=yuv420p",
    ]


def _toned(frame: VideoFrame, scale: str) -> list[str]:
    """The scaling filter, followed for HDR and wide-gamut frames by the look-up table that converts them to BT.709."""
    kind = wide_range(frame)
    if kind is None:
        return [scale]
    return [scale, "format=gbrp12", f"lut3d={table(kind)}", "setparams=color_primaries=bt709:color_trc=bt709"]


def _matrix(frame: VideoFrame) -> str:
    """Name the colour matrix; untagged pictures are BT.709 from 720 lines up and BT.601 below, as players assume."""
    fallback = "bt709" if min(frame.width, frame.height) >= 720 else "bt601"
    return _MATRICES.get(frame.colorspace, fallback)


def _shape(frame: VideoFrame) -> tuple[object, ...]:
    colours = (frame.colorspace, frame.color_range, frame.color_trc, frame.color_primaries)
    return frame.width, frame.height, frame.format.name, frame.rotation, *colours


def _graph(frame: VideoFrame, steps: list[str]) -> Graph:
    graph = Graph()
    graph.threads = 1
    # Not add_buffer(): it cannot set the colours, and libavfilter would see a change of colours at the first frame.
    node = graph.add(
        "buffer",
        f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base={frame.time_base}"
        f":colorspace={frame.colorspace}:range={frame.color_range}",
    )
    for step in [*steps, "buffersink"]:
        name, _, arguments = step.partition("=")
        # A path inside the arguments would have to be escaped, so it is passed as a separate option.
        following = graph.add(name, file=arguments) if name == "lut3d" else graph.add(name, arguments or None)
        node.link_to(following)
        node = following
    graph.configure()
    return graph
