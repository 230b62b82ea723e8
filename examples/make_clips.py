"""Draw the reference clips of the example cast: `python examples/make_clips.py` writes examples/clips/*.mp4.

Mara, a lighthouse keeper in a yellow coat, and Otto, a small brass robot with one round eye: each 3 seconds that loop,
1280x720, 24 frames a second, with a soft sound. The same bytes every time (for one version of PyAV).
"""

import math
import sys
from array import array
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from av import AudioFrame, AudioStream, Packet, VideoFrame, VideoStream
from PIL import Image, ImageChops, ImageDraw

from prefect_storyboard.media.mp4 import interleave, mp4

WIDTH, HEIGHT, FPS, FRAMES, RATE = 1280, 720, 24, 72, 48_000
FINE = 2  # drawn at twice the size and reduced: smooth edges
TAU = math.tau

Points = Sequence[tuple[float, float]]
Colour = tuple[int, int, int]


# Pencils: places and sizes in pixels of the finished picture, colours as "rrggbb".


def rgb(code: str) -> Colour:
    return int(code[:2], 16), int(code[2:4], 16), int(code[4:], 16)


@cache
def wash(size: tuple[int, int], *stops: tuple[float, str]) -> Image.Image:
    """Colours running from top to bottom; a stop is a height from 0 to 1 and the colour there."""
    column = Image.new("RGB", (1, size[1]))
    for y in range(size[1]):
        t = y / max(1, size[1] - 1)
        (a, above), (b, below) = next(pair for pair in zip(stops, stops[1:], strict=False) if t <= pair[1][0])
        share = (t - a) / (b - a)
        mixed = [round(p + (q - p) * share) for p, q in zip(rgb(above), rgb(below), strict=True)]
        column.putpixel((0, y), (mixed[0], mixed[1], mixed[2]))
    return column.resize(size)


def smooth(points: Points) -> Points:
    """A closed curve through the points (Catmull-Rom)."""
    curve = []
    for i in range(len(points)):
        a, b, c, d = (points[(i + k - 1) % len(points)] for k in range(4))
        for t in (n / 8 for n in range(8)):
            x, y = (
                0.5 * (2 * q + (r - p) * t + (2 * p - 5 * q + 4 * r - s) * t**2 + (3 * q - p - 3 * r + s) * t**3)
                for p, q, r, s in zip(a, b, c, d, strict=True)
            )
            curve.append((x, y))
    return curve


def oval(x: float, y: float, rx: float, ry: float | None = None) -> Points:
    ry = rx if ry is None else ry
    return [(x + rx * math.cos(n * TAU / 64), y + ry * math.sin(n * TAU / 64)) for n in range(64)]


def turned(points: Points, pivot: tuple[float, float], angle: float) -> Points:
    (px, py), c, s = pivot, math.cos(angle), math.sin(angle)
    return [(px + (x - px) * c - (y - py) * s, py + (x - px) * s + (y - py) * c) for x, y in points]


def fill(image: Image.Image, outline: Points, top: str, bottom: str = "", alpha: float = 1.0) -> None:
    fine = [(x * FINE, y * FINE) for x, y in outline]
    left, upper = (math.floor(min(values)) for values in zip(*fine, strict=True))
    right, lower = (math.ceil(max(values)) + 1 for values in zip(*fine, strict=True))
    mask = Image.new("L", (right - left, lower - upper))
    ImageDraw.Draw(mask).polygon([(x - left, y - upper) for x, y in fine], fill=round(255 * alpha))
    image.paste(wash(mask.size, (0, top), (1, bottom or top)), (left, upper), mask)


def stroke(image: Image.Image, points: Points, width: float, colour: str) -> None:
    pen, fine, r = ImageDraw.Draw(image), [(x * FINE, y * FINE) for x, y in points], width * FINE / 2
    pen.line(fine, fill=rgb(colour), width=round(2 * r), joint="curve")
    for x, y in (fine[0], fine[-1]):
        pen.ellipse((x - r, y - r, x + r, y + r), fill=rgb(colour))


def glow(image: Image.Image, x: float, y: float, radius: float, colour: str, strength: float = 1.0) -> None:
    """Add light that fades with the distance."""
    side, left, upper = round(2 * radius * FINE), round((x - radius) * FINE), round((y - radius) * FINE)
    light = Image.radial_gradient("L").resize((side, side), Image.Resampling.BICUBIC)
    tint = [light.point([round(c * strength * max(0, 1 - v / 255) ** 2) for v in range(256)]) for c in rgb(colour)]
    box = (left, upper, left + side, upper + side)
    image.paste(ImageChops.add(image.crop(box), Image.merge("RGB", tint)), box)


def wave(t: float, cycles: int, phase: float = 0.0) -> float:
    """A swing from -1 to 1 that loops: `t` runs from 0 to 1 through the clip."""
    return math.sin(TAU * (cycles * t + phase))


def blink(t: float, *moments: float) -> float:
    """How far eyes are open, 0.08 to 1."""
    nearest = min(abs(t - moment) for moment in moments)
    return min(1.0, max(0.08, nearest / 0.03))


# Mara


@cache
def night() -> Image.Image:
    """Sky, stars, moon, headland with the lighthouse: what does not move."""
    image = Image.new("RGB", (WIDTH * FINE, HEIGHT * FINE))
    sky = ((0, "0b1735"), (0.3, "16315f"), (0.55, "3a5c8c"), (0.68, "b98a8f"), (0.74, "f0b488"), (1, "f0b488"))
    image.paste(wash((WIDTH * FINE, round(510 * FINE)), *sky), (0, 0))
    sea = wash((WIDTH * FINE, 240 * FINE), (0, "54709a"), (0.12, "2e4f7c"), (1, "0c1c3c"))
    image.paste(sea, (0, 480 * FINE))
    dice = Random(7)
    for _ in range(150):
        x, y = dice.uniform(0, WIDTH), dice.uniform(0, 330) * dice.random() ** 0.3
        fill(image, oval(x, y, dice.choice((0.7, 0.9, 1.3, 1.7))), "dfe8ff", alpha=dice.uniform(0.3, 1) * (1 - y / 420))
    glow(image, 1010, 150, 330, "8fa4d8", 0.55)
    fill(image, oval(1010, 150, 58), "fff6df", "f3ddb6")
    for x, y, r in ((992, 136, 12), (1026, 168, 16), (1030, 128, 7), (996, 172, 6)):
        fill(image, oval(x, y, r), "ead2a8", alpha=0.55)
    for x, y, w in ((250, 150, 150), (790, 235, 190), (1190, 300, 150), (480, 330, 210)):
        for dx, dy, share in ((0, 0, 1), (-w * 0.35, 9, 0.6), (w * 0.4, 7, 0.55)):
            fill(image, oval(x + dx, y + dy, w * share, 11 * share), "a9b6dc", alpha=0.16)
    far = [(-20, 520), (-20, 430), (60, 418), (150, 424), (250, 442), (330, 470), (420, 488), (470, 500), (470, 520)]
    fill(image, far, "22365f", "1a2b50")
    return image


def lighthouse(image: Image.Image, t: float) -> None:
    """The tower on the headland; its beam goes round once in a loop."""
    beam(image, (176, 243), math.cos(TAU * t), math.sin(TAU * t))
    tower = [(157, 425), (163, 272), (189, 272), (195, 425)]
    fill(image, tower, "e9e4e6", "b9bdd4")
    for upper, lower in ((300, 332), (364, 396)):
        a, b = (13 + 6 * (y - 272) / 153 for y in (upper, lower))
        fill(image, [(176 - a, upper), (176 + a, upper), (176 + b, lower), (176 - b, lower)], "c8504a", "a63f45")
    fill(image, [(184, 272), (189, 272), (195, 425), (186, 425)], "1a2b50", alpha=0.35)
    fill(image, [(157, 266), (195, 266), (192, 274), (160, 274)], "2a3157")
    fill(image, [(165, 230), (187, 230), (187, 266), (165, 266)], "ffe9a8", "ffc860")
    for x in (165, 176, 187):
        stroke(image, [(x, 230), (x, 266)], 2, "2a3157")
    fill(image, [(160, 231), (176, 208), (192, 231)], "b8474a", "8f3643")
    glow(image, 176, 247, 90 + 25 * max(0.0, math.sin(TAU * t)), "ffcf78", 0.75)


def beam(image: Image.Image, lamp: tuple[float, float], reach: float, towards: float) -> None:
    """A beam of light to the right (reach > 0) or left, brighter when it comes towards us."""
    length = 900 * reach
    x, y = lamp
    spread = 70 * abs(reach) + 6
    left, right = sorted((x, x + length))
    size = max(2, round((right - left) * FINE)), round(2 * spread * FINE)
    wedge = [(x, y), (x + length, y - spread), (x + length, y + spread * 0.55)]
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).polygon([((a - left) * FINE, (b - y + spread) * FINE) for a, b in wedge], fill=255)
    fade = Image.linear_gradient("L").rotate(90 if reach > 0 else 270).resize(size)
    strength = 0.32 + 0.18 * towards
    tint = [ImageChops.multiply(mask, fade.point([round(v**1.5 / 16 * c / 255 * strength) for v in range(256)])) for c in rgb("ffe2a0")]
    box = (round(left * FINE), round((y - spread) * FINE))
    box = (*box, box[0] + size[0], box[1] + size[1])
    image.paste(ImageChops.add(image.crop(box), Image.merge("RGB", tint)), box)


def water(image: Image.Image, t: float) -> None:
    """The path of the moon on the sea, and three rows of waves."""
    dice = Random(3)
    for n in range(46):
        y = 486 + n * 4.2
        near = n / 46
        x = 1010 + dice.uniform(-1, 1) * (26 + 90 * near) + 7 * wave(t, 1, dice.random())
        w = dice.uniform(8, 22 + 46 * near) * (0.8 + 0.2 * wave(t, 2, dice.random()))
        fill(image, oval(x, y, w, 1.1 + 1.3 * near), "ffe7bd", alpha=0.75 - 0.45 * near)
    for y, height, length, top, bottom, way in (
        (530, 5, 160, "30507f", "22406f", 1),
        (575, 7, 213.4, "233f6e", "183059", -1),
        (628, 9, 320, "182f59", "0f2145", 1),
    ):
        crest = [(x, y + height * math.sin(TAU * (x / length - way * t)) + 3 * wave(t, 1)) for x in range(-10, WIDTH + 11, 10)]
        fill(image, [*crest, (WIDTH + 10, HEIGHT), (-10, HEIGHT)], top, bottom)


def mara(t: float) -> Image.Image:
    image = night().copy()
    lighthouse(image, t)
    water(image, t)
    return image
