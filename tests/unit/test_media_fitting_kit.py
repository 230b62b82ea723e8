"""Films of a few strokes: a textured room and a square that walks through it, and what can be wrong with them."""

import math
from array import array
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from random import Random

import av
from PIL import Image, ImageFilter

Draw = Callable[[float], Image.Image]


def film(  # each is one property of a file, all by name
    path: Path,
    draw: Draw,
    seconds: float,
    *,
    fps: int = 12,
    codec: str = "libx264",
    sound: Callable[[float], bool] | None = lambda _: True,
    gop: int = 250,
    crf: int = 23,
) -> Path:
    """Write what `draw` shows at each moment; `sound` says when a tone is heard, None leaves the track out."""
    size = draw(0.0).size
    with av.open(path, "w") as target:
        video = target.add_stream(codec, rate=fps, width=size[0], height=size[1])
        video.pix_fmt = "yuv420p"
        video.codec_context.gop_size = gop
        if codec == "libx264":
            video.options = {"preset": "ultrafast", "crf": str(crf), "sc_threshold": "0", "bf": "2"}
        audio = target.add_stream("aac", rate=8000, layout="mono") if sound else None
        for number in range(round(seconds * fps)):
            frame = av.VideoFrame.from_image(draw(number / fps))
            frame.pts, frame.time_base = number, Fraction(1, fps)
            target.mux(video.encode(frame))
        target.mux(video.encode())
        if audio and sound:
            target.mux(audio.encode(_tone(seconds, sound)))
            target.mux(audio.encode())
    return path


def room(size: tuple[int, int] = (320, 180), seed: int = 7) -> Image.Image:
    """A texture with sharp edges, darker at the left."""
    small = Image.frombytes("L", (16, 9), Random(seed).randbytes(144))  # noqa: S311  # the same every time
    return small.resize(size, Image.Resampling.NEAREST).convert("RGB")


def still(size: tuple[int, int] = (320, 180), seed: int = 7) -> Draw:
    """Nothing moves."""
    picture = room(size, seed)
    return lambda _: picture


def walk(size: tuple[int, int] = (320, 180), seed: int = 7, *, blurred: bool = False) -> Draw:
    """A red square goes to and fro."""
    background = room(size, seed)

    def draw(time: float) -> Image.Image:
        image = background.copy()
        x = round((0.4 + 0.35 * math.sin(2 * math.pi * time)) * size[0])
        image.paste((220, 20, 20), (x, size[1] // 4, x + size[0] // 5, size[1] * 3 // 4))
        return image.filter(ImageFilter.GaussianBlur(size[1] / 30)) if blurred else image

    return draw


def black(size: tuple[int, int] = (320, 180)) -> Draw:
    return lambda _: Image.new("RGB", size)


def cuts(*parts: tuple[float, Draw]) -> Draw:
    """One after the other, each from its moment on."""
    return lambda time: [draw for begin, draw in parts if begin <= time + 1e-6][-1](time)


def only(begin: float, end: float) -> Callable[[float], bool]:
    return lambda time: begin <= time < end


def _tone(seconds: float, sound: Callable[[float], bool]) -> av.AudioFrame:
    count = round(seconds * 8000)
    samples = array("f", (0.5 * math.sin(n / 4) if sound(n / 8000) else 0.0 for n in range(count)))
    frame = av.AudioFrame("fltp", "mono", count)
    frame.sample_rate, frame.pts, frame.time_base = 8000, 0, Fraction(1, 8000)
    frame.planes[0].update(samples.tobytes().ljust(frame.planes[0].buffer_size, b"\0"))
    return frame
