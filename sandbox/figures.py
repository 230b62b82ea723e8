"""The cast as small figures: one look per name, the same in every clip, so that consistency can be seen at a glance."""

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
    red, green, blue = colorsys.hsv_to_rgb((traits[0] * 256 + traits[1]) / 65536, 0.50 + traits[2] / 1200, 0.94)
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
    """The figure as RGBA, `height` pixels tall with its hat."""
    traits = seed(name.casefold())
    unit = height * _FINE / 100
    picture = Image.new("RGBA", (round(70 * unit), round(100 * unit)))
    pen = _Pen(ImageDraw.Draw(picture), unit)
    body = colour_of(name)
    dark = mixed(body, (30, 20, 60), 0.45)
    _HATS[traits[3] % len(_HATS)](pen, body, dark, behind=True)
    for left in (22, 38):
        pen.oval(left, 90, left + 13, 100, dark)
    pen.round(13, 30, 57, 95, 21, body)
    pen.oval(22, 62, 48, 92, mixed(body, _WHITE, 0.45))
    arm = 4 if traits[4] % 2 else -4
    pen.oval(6, 58 - arm, 17, 76 - arm, dark)
    pen.oval(53, 58 + arm, 64, 76 + arm, dark)
    _HATS[traits[3] % len(_HATS)](pen, body, dark, behind=False)
    _face(pen, traits, body)
    return picture.resize((picture.width // _FINE, picture.height // _FINE), Image.Resampling.LANCZOS)


class _Pen:
    """Shapes in hundredths of the figure's height."""

    def __init__(self, draw: ImageDraw.ImageDraw, unit: float) -> None:
        self._draw = draw
        self._unit = unit

    def oval(self, left: float, top: float, right: float, bottom: float, fill: Colour) -> None:
        self._draw.ellipse([each * self._unit for each in (left, top, right, bottom)], fill=fill)

    def round(self, left: float, top: float, right: float, bottom: float, radius: float, fill: Colour) -> None:  # noqa: PLR0917
        box = [each * self._unit for each in (left, top, right, bottom)]
        self._draw.rounded_rectangle(box, radius * self._unit, fill=fill)

    def shape(self, points: list[tuple[float, float]], fill: Colour) -> None:
        self._draw.polygon([(x * self._unit, y * self._unit) for x, y in points], fill=fill)


def _face(pen: _Pen, traits: bytes, body: Colour) -> None:
    size = 5 + traits[5] % 3
    for middle in (27, 43):
        pen.oval(middle - size, 44 - size, middle + size, 44 + size, _WHITE)
        pen.oval(middle - 2, 42, middle + 4, 48, _INK)
        pen.oval(middle + 1, 43, middle + 3, 45, _WHITE)
    blush = mixed(body, (255, 90, 110), 0.5)
    pen.oval(17, 51, 24, 56, blush)
    pen.oval(46, 51, 53, 56, blush)
    pen.oval(31, 51, 39, 58, _INK)
    pen.oval(30, 49, 40, 54, body)


def _cap(pen: _Pen, body: Colour, dark: Colour, *, behind: bool) -> None:  # noqa: ARG001
    if not behind:
        pen.round(15, 24, 55, 37, 8, dark)
        pen.round(38, 32, 66, 37, 2.5, dark)
        pen.oval(31, 18, 39, 26, dark)


def _wizard(pen: _Pen, body: Colour, dark: Colour, *, behind: bool) -> None:  # noqa: ARG001
    if not behind:
        pen.shape([(18, 35), (52, 35), (40, 2)], dark)
        pen.round(9, 32, 61, 38, 3, dark)
        pen.shape([(20, 32), (50, 32), (48, 27), (22, 27)], (246, 205, 96))


def _ears(pen: _Pen, body: Colour, dark: Colour, *, behind: bool) -> None:
    if behind:
        for left in (16, 40):
            pen.oval(left, 6, left + 14, 46, body)
            pen.oval(left + 4, 12, left + 10, 40, mixed(body, (255, 160, 180), 0.6))
    else:
        pen.round(20, 83, 50, 87, 2, dark)


def _antenna(pen: _Pen, body: Colour, dark: Colour, *, behind: bool) -> None:  # noqa: ARG001
    if behind:
        pen.shape([(34, 34), (36, 34), (37, 14), (35, 14)], dark)
        pen.oval(31, 7, 41, 17, (246, 205, 96))


def _bow(pen: _Pen, body: Colour, dark: Colour, *, behind: bool) -> None:  # noqa: ARG001
    if not behind:
        red = (232, 72, 92)
        pen.shape([(44, 30), (58, 20), (58, 40)], red)
        pen.shape([(44, 30), (30, 20), (30, 40)], red)
        pen.oval(40, 26, 48, 34, mixed(red, _INK, 0.25))


def _tuft(pen: _Pen, body: Colour, dark: Colour, *, behind: bool) -> None:  # noqa: ARG001
    if behind:
        for tip in (22, 35, 48):
            pen.shape([(26, 36), (44, 36), (tip, 16)], dark)
    else:
        pen.round(14, 60, 56, 67, 3.5, (232, 72, 92))


def _southwester(pen: _Pen, body: Colour, dark: Colour, *, behind: bool) -> None:  # noqa: ARG001
    if not behind:
        yellow = (250, 204, 62)
        pen.oval(16, 16, 54, 46, yellow)
        pen.round(16, 32, 54, 46, 2, body)
        pen.round(7, 30, 63, 37, 3.5, mixed(yellow, (160, 90, 0), 0.25))


_HATS = [_cap, _wizard, _ears, _antenna, _bow, _tuft, _southwester]
