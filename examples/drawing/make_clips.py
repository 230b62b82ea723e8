"""Render the reference clips of the example cast: `python examples/drawing/make_clips.py` writes examples/clips/*.mp4.

Each lasts 3 seconds and loops: 1280x720, 24 frames a second, H.264 and AAC, with a soft sound. It takes about a
minute and gives the same bytes every time, for one version of PyAV.
"""

import math
from array import array
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from av import AudioFrame, AudioStream, Packet, VideoFrame, VideoStream
from PIL import Image

from mara import mara
from otto import otto
from pencils import HEIGHT, TAU, WIDTH, dice
from prefect_storyboard.media.mp4 import interleave, mp4

FPS, SECONDS, RATE = 24, 3, 48_000
X264 = {"preset": "veryslow", "tune": "animation", "crf": "25", "threads": "4"}


def main() -> None:
    folder = Path(__file__).parents[1] / "clips"
    for draw, sound in ((mara, surf), (otto, clockwork)):
        path = folder / f"{draw.__name__}.mp4"
        render(draw, sound(), path)
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def render(draw: Callable[[float], Image.Image], sound: list[float], out: Path) -> None:
    with mp4(out) as target:
        video = target.add_stream("libx264", rate=FPS, width=WIDTH, height=HEIGHT, options=X264)
        context = video.codec_context
        context.colorspace = context.color_primaries = context.color_trc = context.color_range = 1  # BT.709
        audio = target.add_stream("aac", rate=RATE, layout="stereo", bit_rate=96_000)
        interleave(target, pictures(draw, video), sounds(sound, audio))


def pictures(draw: Callable[[float], Image.Image], target: VideoStream) -> Iterator["Packet[Any]"]:
    count = FPS * SECONDS
    for number in range(count):
        image = draw(number / count).resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
        frame = VideoFrame.from_image(image)  # type: ignore[no-untyped-call]  # av does not annotate it
        frame = frame.reformat(format="yuv420p", dst_colorspace="itu709")
        frame.pts, frame.time_base = number, Fraction(1, FPS)
        yield from target.encode(frame)
    yield from target.encode()


def sounds(samples: list[float], target: AudioStream) -> Iterator["Packet[Any]"]:
    frame = AudioFrame("fltp", "stereo", len(samples))
    frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
    for plane in frame.planes:
        plane.update(array("f", samples).tobytes().ljust(plane.buffer_size, b"\0"))
    yield from target.encode(frame)
    yield from target.encode()


def surf() -> list[float]:
    """Two waves that roll in, and a far buoy."""
    rolls, low, lower = dice(1), 0.0, 0.0
    samples = []
    for n in range(RATE * SECONDS):
        t = n / RATE
        swell = 0.35 + 0.65 * (0.5 - 0.5 * math.cos(2 * TAU * t / SECONDS)) ** 2
        low += (rolls.uniform(-1, 1) - low) * (0.03 + 0.05 * swell)
        lower += (low - lower) * 0.25
        samples.append(fade(t) * (0.9 * swell * lower + bell(t - 0.4, 523.25) + bell(t - 1.9, 392.0)))
    return samples


def clockwork() -> list[float]:
    """The ticking of the great clock, and a little tune of a musical box."""
    rolls, samples = dice(2), []
    tune = ((0.0, 783.99), (0.5, 987.77), (1.0, 1174.66), (1.75, 987.77), (2.25, 880.0))
    for n in range(RATE * SECONDS):
        t = n / RATE
        tick = rolls.uniform(-1, 1) * math.exp(-(t % 0.25) * 220) * (0.16 if t % 0.5 < 0.25 else 0.1)
        hum = 0.02 * math.sin(TAU * 98 * t) * (1 + 0.3 * math.sin(TAU * 2 * t / SECONDS))
        samples.append(fade(t) * (tick + hum + sum(bell(t - start, pitch) for start, pitch in tune)))
    return samples


def bell(t: float, pitch: float) -> float:
    if t < 0:
        return 0.0
    strike = min(1.0, t * 200) * math.exp(-3.2 * t)
    return 0.07 * strike * (math.sin(TAU * pitch * t) + 0.35 * math.sin(TAU * 2.76 * pitch * t) * math.exp(-6 * t))


def fade(t: float) -> float:
    return min(1.0, t * 30, (SECONDS - t) * 30)


if __name__ == "__main__":
    main()
