"""Colours and letters that the pictures share, and the figure that stands in for a character without a portrait."""

import colorsys
import hashlib
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]
_FONTS = Path(__file__).parent / "fonts"
_FINE = 3  # drawn larger, then shrunk: Pillow's shapes have hard edges
_WHITE, _INK = (250, 250, 252), (34, 32, 44)


def seed(text: str) -> bytes:
    """Twenty small numbers that depend on nothing but the text."""
    return hashlib.sha256(text.encode()).digest()[:20]


def colour_of(name: str) -> Colour:
    """The colour of a cast member, whatever the case in which the name is written."""
    traits = seed(name.casefold())
    red, green, blue = colorsys.hsv_to_rgb((traits[0] * 256 + traits[1]) / 65536, 0.36 + traits[2] / 1200, 0.95)
    return round(red * 255), round(green * 255), round(blue * 255)


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """`one` with a share of `other`."""
    first, second, third = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return first, second, third


@lru_cache(maxsize=64)
def font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """The shipped typeface: Latin, Greek and Cyrillic."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(_FONTS / name, max(size, 6))


@lru_cache(maxsize=64)
def figure(name: str, height: int) -> Image.Image:
    """Someone of whom there is no picture, as RGBA: a small creature in the colour of the name."""
    body, fine = colour_of(name), height * _FINE
    dark, blush = mixed(body, _INK, 0.45), mixed(body, (255, 90, 110), 0.5)
    picture = Image.new("RGBA", (round(0.84 * fine), fine))
    draw = ImageDraw.Draw(picture)

    def oval(x: float, y: float, wide: float, tall: float, fill: Colour) -> None:
        draw.ellipse([each * fine for each in (x - wide, y - tall, x + wide, y + tall)], fill=fill)

    look = (seed(name.casefold())[3] % 5 - 2) / 200
    for side in (-1, 1):
        oval(0.42 + side * 0.16, 0.95, 0.11, 0.05, dark)
        oval(0.42 + side * 0.34, 0.64, 0.07, 0.13, dark)
        oval(0.42 + side * 0.19, 0.11, 0.09, 0.11, body)
        oval(0.42 + side * 0.19, 0.12, 0.045, 0.06, blush)
    draw.rounded_rectangle([each * fine for each in (0.10, 0.08, 0.74, 0.96)], 0.31 * fine, fill=body)
    oval(0.42, 0.77, 0.19, 0.17, mixed(body, _WHITE, 0.45))
    for side in (-1, 1):
        oval(0.42 + side * 0.13, 0.34, 0.085, 0.095, _WHITE)
        oval(0.42 + side * 0.13 + look, 0.35, 0.045, 0.05, _INK)
        oval(0.42 + side * 0.13 + look + 0.015, 0.33, 0.015, 0.015, _WHITE)
        oval(0.42 + side * 0.23, 0.45, 0.05, 0.03, blush)
    draw.pieslice([each * fine for each in (0.36, 0.41, 0.48, 0.53)], 0, 180, fill=_INK)
    return picture.resize((picture.width // _FINE, height), Image.Resampling.LANCZOS)
