"""Pencils for the example clips: places and sizes in pixels of the finished picture, colours as "rrggbb"."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from random import Random

from PIL import Image, ImageChops, ImageDraw

WIDTH, HEIGHT = 1280, 720
FINE = 3  # drawn larger and reduced: smooth edges
TAU = math.tau

Place = tuple[float, float]
Points = Sequence[Place]


def rgb(code: str) -> tuple[int, int, int]:
    return int(code[:2], 16), int(code[2:4], 16), int(code[4:], 16)


@lru_cache(64)
def wash(size: tuple[int, int], *stops: tuple[float, str]) -> Image.Image:
    """Colours running from top to bottom; a stop is a height from 0 to 1 and the colour there."""
    column = Image.new("RGB", (1, size[1]))
    for y in range(size[1]):
        t = y / max(1, size[1] - 1)
        (a, above), (b, below) = next(pair for pair in pairwise(stops) if t <= pair[1][0])
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


def turned(points: Points, pivot: Place, angle: float) -> Points:
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


def glow(image: Image.Image, place: Place, radius: float, colour: str, strength: float = 1.0) -> None:
    """Add light that fades with the distance."""
    side, left, upper = round(2 * radius * FINE), *(round((centre - radius) * FINE) for centre in place)
    light = Image.radial_gradient("L").resize((side, side), Image.Resampling.BICUBIC)
    tint = [light.point([round(c * strength * max(0, 1 - v / 180) ** 2) for v in range(256)]) for c in rgb(colour)]
    box = (left, upper, left + side, upper + side)
    image.paste(ImageChops.add(image.crop(box), Image.merge("RGB", tint)), box)


def dice(seed: int) -> Random:
    return Random(seed)  # noqa: S311  # scattered, but the same every time


def wave(t: float, cycles: int, phase: float = 0.0) -> float:
    """A swing from -1 to 1 that loops: `t` runs from 0 to 1 through the clip."""
    return math.sin(TAU * (cycles * t + phase))


def blink(t: float, *moments: float) -> float:
    """How far eyes are open, 0.08 to 1."""
    nearest = min(abs(t - moment) for moment in moments)
    return min(1.0, max(0.08, nearest / 0.03))


@dataclass(frozen=True)
class Joint:
    """A part of a puppet: what it draws is pressed and lifted, then turned round its pivot."""

    image: Image.Image
    pivot: Place
    turn: float = 0.0
    lift: float = 0.0
    press: float = 0.0

    def moved(self, points: Points) -> Points:
        (px, py), p = self.pivot, self.press
        flat = [(px + (x - px) * (1 + p / 2), py + (y - py) * (1 - p) - self.lift) for x, y in points]
        return turned(flat, self.pivot, self.turn)

    def fill(self, outline: Points, top: str, bottom: str = "", alpha: float = 1.0) -> None:
        fill(self.image, self.moved(outline), top, bottom, alpha)

    def stroke(self, points: Points, width: float, colour: str) -> None:
        stroke(self.image, self.moved(points), width, colour)

    def glow(self, place: Place, radius: float, colour: str, strength: float = 1.0) -> None:
        glow(self.image, self.moved([place])[0], radius, colour, strength)
