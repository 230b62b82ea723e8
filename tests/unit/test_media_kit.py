"""Synthetic clips with a cue (a white flash and a beep at one moment), and the eyes and ears that find it again."""

import math
from array import array
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from random import Random

import av
from PIL import Image

BEEP = 0.06


def clip(  # each is one property of a file, all by name
    path: Path,
    *,
    size: tuple[int, int] = (160, 90),
    fps: Fraction | int = 24,
    seconds: float = 1.0,
    codec: str = "libx264",
    sound: str | None = "aac",
    sound_seconds: float | None = None,
    rate: int = 48_000,
    layout: str = "stereo",
    cue: float | None = 0.5,
    colour: tuple[int, int, int] = (40, 60, 90),
    rotation: int = 0,
    pixel_shape: Fraction | None = None,
    times: Sequence[float] | None = None,
    noise: int = 0,
    wave: Callable[[float], float] | None = None,
) -> Path:
    """Write a clip; `times` (seconds of each frame) makes its rate variable. The corner at the top left is red.

    With `noise` the pictures are hard to compress, and those of another number are others. `wave` gives the sound's
    level at a moment, of a tone of 1 kHz, in place of the beep.
    """
    stamps = times or [n / fps for n in range(max(1, round(seconds * fps)))]
    tick = Fraction(1, 600) if times else 1 / Fraction(fps)
    with av.open(path, "w") as target:
        video = target.add_stream(codec, rate=fps, width=size[0], height=size[1])
        video.codec_context.time_base = tick
        if codec == "libx264":
            video.options = {"preset": "ultrafast", "bf": "0" if times else "2"}
        if pixel_shape:
            video.codec_context.sample_aspect_ratio = pixel_shape
        if rotation:
            video.set_display_rotation(rotation)
        audio = target.add_stream(sound, rate=rate, layout=layout) if sound else None
        for number, stamp in enumerate(stamps):
            flash = cue is not None and abs(stamp - cue) < 0.5 / fps
            image = (
                _noise(size, number + 10_000 * (noise - 1))
                if noise
                else _picture(size, (255, 255, 255) if flash else colour)
            )
            frame = av.VideoFrame.from_image(image)
            frame = frame.reformat(format="yuv420p")
            frame.pts, frame.time_base = round(stamp / tick), tick
            target.mux(video.encode(frame))
        target.mux(video.encode())
        if audio:
            length = sound_seconds or float(stamps[-1] + 1 / Fraction(fps))
            target.mux(audio.encode(_tone(length, rate, layout, wave or _beep(cue))))
            target.mux(audio.encode())
    return path


def frames(path: Path) -> list[float]:
    """Seconds at which each picture shows."""
    with av.open(path) as source:
        return [frame.time for frame in source.decode(video=0)]


def flashes(path: Path) -> list[float]:
    """Seconds at which the picture turns white."""
    with av.open(path) as source:
        bright = [(frame.time, _brightness(frame) > 180) for frame in source.decode(video=0)]
    return [time for (time, now), (_, before) in zip(bright, [(0, False), *bright], strict=False) if now and not before]


def beeps(path: Path) -> list[float]:
    """Seconds at which a beep begins."""
    found, quiet_since = [], -1.0
    for time, loudness in levels(path):
        if loudness > 0.25:
            if time - quiet_since > BEEP:
                found.append(time)
            quiet_since = time
    return found


def sound_seconds(path: Path) -> float:
    """The length of the sound, decoded and counted."""
    with av.open(path) as source:
        return sum(frame.samples / frame.sample_rate for frame in source.decode(audio=0))


def chapters(path: Path) -> list[tuple[str, float, float]]:
    """Title, start and end in seconds."""
    with av.open(path) as source:
        return [
            (c["metadata"]["title"], float(c["start"] * c["time_base"]), float(c["end"] * c["time_base"]))
            for c in source.chapters()
        ]


def pixel(path: Path, at: tuple[float, float], time: float = 0.0) -> tuple[int, int, int]:
    """The colour at a place (fractions of width and height) in the picture at `time`."""
    with av.open(path) as source:
        frame = next(frame for frame in source.decode(video=0) if frame.time >= time - 1e-6)
        image = frame.to_image(src_colorspace="itu709")
    return image.getpixel((int(image.width * at[0]), int(image.height * at[1])))


def _picture(size: tuple[int, int], colour: tuple[int, int, int]) -> Image.Image:
    image = Image.new("RGB", size, colour)
    image.paste((220, 20, 20), (0, 0, size[0] // 4, size[1] // 4))
    return image


def _noise(size: tuple[int, int], seed: int) -> Image.Image:
    coarse = size[0] // 4, size[1] // 4
    body = Random(seed).randbytes(3 * coarse[0] * coarse[1])  # noqa: S311  # the same picture every time
    return Image.frombytes("RGB", coarse, body).resize(size)


def _beep(cue: float | None) -> Callable[[float], float]:
    return lambda moment: 0.8 if cue is not None and 0 <= moment - cue < BEEP else 0.0


def _tone(seconds: float, rate: int, layout: str, wave: Callable[[float], float]) -> av.AudioFrame:
    count, channels = round(seconds * rate), 1 if layout == "mono" else 2
    levels = (wave(n / rate) for n in range(count))
    samples = array("f", (level and level * math.sin(n * 2 * math.pi * 1000 / rate) for n, level in enumerate(levels)))
    frame = av.AudioFrame("fltp", layout, count)
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    for plane in frame.planes[:channels]:
        plane.update(samples.tobytes().ljust(plane.buffer_size, b"\0"))
    return frame


def _brightness(frame: av.VideoFrame) -> float:
    """Luma of the middle fifth of the middle row: inside the picture, whatever bars it has."""
    plane, width = frame.planes[0], frame.width // 5
    start = frame.height // 2 * plane.line_size + 2 * width
    return sum(bytes(plane)[start : start + width]) / width


def levels(path: Path) -> Iterator[tuple[float, float]]:
    """Time and peak of every millisecond."""
    with av.open(path) as source:
        for frame in source.decode(audio=0):
            samples = array("f", bytes(frame.planes[0])[: 4 * frame.samples])
            step = frame.sample_rate // 1000
            for start in range(0, frame.samples, step):
                chunk = samples[start : start + step]
                yield frame.time + start / frame.sample_rate, max(map(abs, chunk))
