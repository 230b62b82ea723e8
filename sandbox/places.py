"""Places in drawn pictures: a sky that suits the words, hills, and what the words say is there."""

import random
import re
from collections.abc import Callable

from PIL import Image, ImageDraw

from prefect_storyboard.sandbox.figures import Colour, mixed, seed
from prefect_storyboard.sandbox.scenery import PALETTES, scenery

_WHITE, _INK = (250, 250, 252), (26, 26, 38)
_HOURS = [
    (r"night|midnight|moon|dark", (1, 4, 0)),
    (r"dusk|sunset|evening|dawn|sunrise", (3, 7, 0)),
    (r"storm|rain|fog|snow|winter", (4, 1)),
    (r"forest|garden|meadow|jungle", (6, 2)),
    (r"morning|noon|day|sunny", (5, 2)),
]
Paint = Callable[[ImageDraw.ImageDraw, tuple[int, int], tuple[Colour, ...], random.Random], None]


def palette_of(words: str) -> tuple[Colour, ...]:
    """The colours of the hour and the weather that the words name; any if they name none."""
    dice = seed(words)[0]
    for hour, suited in _HOURS:
        if re.search(rf"\b({hour})", words, re.IGNORECASE):
            return PALETTES[suited[dice % len(suited)]]
    return PALETTES[dice % len(PALETTES)]


def place(size: tuple[int, int], words: str) -> Image.Image:
    """The place that the words describe."""
    palette = palette_of(words)
    picture, _ = scenery(size, palette, words)
    draw = ImageDraw.Draw(picture, "RGBA")
    dice = random.Random(words)  # noqa: S311 - scenery
    for pattern, paint in _SIGHTS:
        if re.search(rf"\b({pattern})", words, re.IGNORECASE):
            paint(draw, size, palette, dice)
    return picture


def weather(picture: Image.Image, words: str) -> None:
    """Rain or snow over everything, if the words name it."""
    width, height = picture.size
    draw, dice, unit = ImageDraw.Draw(picture, "RGBA"), random.Random(words), min(picture.size) / 100  # noqa: S311
    if re.search(r"\b(rain|storm|downpour)(?!\s?coat)", words, re.IGNORECASE):
        for _ in range(160):
            x, y, long = dice.uniform(0, width), dice.uniform(0, height), dice.uniform(3, 7) * unit
            draw.line((x, y, x - long * 0.35, y + long), fill=(230, 240, 255, 95), width=max(1, round(unit * 0.25)))
    if re.search(r"\bsnow", words, re.IGNORECASE):
        for _ in range(160):
            x, y, radius = dice.uniform(0, width), dice.uniform(0, height), dice.uniform(0.3, 0.9) * unit
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(255, 255, 255, 190))


def _sea(draw: ImageDraw.ImageDraw, size: tuple[int, int], palette: tuple[Colour, ...], dice: random.Random) -> None:
    width, height = size
    top = round(height * 0.70)
    water = mixed((38, 92, 128), palette[1], 0.45)
    draw.rectangle((0, top, width, height), fill=water)
    for step in range(60):
        y = top + (height - top) * (step / 60) ** 1.4
        x, long = dice.uniform(-0.1, 1) * width, dice.uniform(0.03, 0.12) * width
        draw.line((x, y, x + long, y), fill=(*mixed(water, _WHITE, 0.4), 120), width=max(1, height // 300))


def _quay(draw: ImageDraw.ImageDraw, size: tuple[int, int], palette: tuple[Colour, ...], dice: random.Random) -> None:
    width, height = size
    plank, top = mixed((126, 98, 72), palette[5], 0.3), height * 0.86
    for post in range(6):
        x = width * (post + dice.uniform(0.2, 0.5)) / 6
        draw.rectangle((x, top - height * 0.05, x + width * 0.014, height), fill=mixed(plank, _INK, 0.45))
    draw.rectangle((0, top, width, height), fill=plank)
    for line in range(1, 5):
        y = top + (height - top) * line / 5
        draw.line((0, y, width, y), fill=mixed(plank, _INK, 0.3), width=max(1, height // 260))


def _boat(draw: ImageDraw.ImageDraw, size: tuple[int, int], _: tuple[Colour, ...], dice: random.Random) -> None:
    width, height = size
    x, y, long = dice.uniform(0.42, 0.56) * width, height * 0.745, min(size) * 0.22
    hull = dice.choice([(176, 60, 52), (48, 92, 140), (232, 226, 210)])
    draw.polygon((x, y, x + long, y, x + long * 0.85, y + long * 0.2, x + long * 0.15, y + long * 0.2), fill=hull)
    draw.line((x + long * 0.5, y, x + long * 0.5, y - long * 0.75), fill=_INK, width=max(2, round(long * 0.03)))
    sail = (x + long * 0.53, y - long * 0.72, x + long * 0.53, y - long * 0.08, x + long * 0.9, y - long * 0.08)
    draw.polygon(sail, fill=(244, 240, 228))


def _lighthouse(draw: ImageDraw.ImageDraw, size: tuple[int, int], _: tuple[Colour, ...], dice: random.Random) -> None:
    width, height = size
    x, foot, tall = dice.choice((0.13, 0.85)) * width, height * 0.74, height * 0.56
    wide, top = min(size) * 0.075, height * 0.74 - height * 0.56
    rock = (x - wide * 3, foot + height * 0.06, x - wide, foot - wide * 0.4, x + wide * 1.6, foot - wide * 0.3)
    draw.polygon((*rock, x + wide * 3.2, foot + height * 0.06), fill=(64, 62, 74))
    for band in range(5):
        low, high = foot - tall * band / 5, foot - tall * (band + 1) / 5
        under, over = wide * (1 - 0.08 * band), wide * (1 - 0.08 * (band + 1))
        colour = (196, 58, 52) if band % 2 else (240, 236, 226)
        draw.polygon((x - under, low, x + under, low, x + over, high, x - over, high), fill=colour)
    beam = (x, top - wide * 0.5, -width if x > width / 2 else 2 * width, top - height * 0.14)
    draw.polygon((*beam, beam[2], top + height * 0.20), fill=(255, 240, 180, 60))
    draw.rectangle((x - wide * 0.5, top - wide, x + wide * 0.5, top), fill=(255, 236, 160))
    draw.polygon((x - wide * 0.7, top - wide, x + wide * 0.7, top - wide, x, top - wide * 1.8), fill=(60, 40, 48))


def _houses(draw: ImageDraw.ImageDraw, size: tuple[int, int], palette: tuple[Colour, ...], dice: random.Random) -> None:
    width, height = size
    x, foot = -0.02 * width, height * 0.72
    while x < width:
        wide, tall = dice.uniform(0.07, 0.12) * width, dice.uniform(0.10, 0.2) * height
        wall = mixed(dice.choice([(214, 170, 130), (190, 96, 80), (226, 214, 190), (120, 146, 160)]), palette[4], 0.35)
        draw.rectangle((x, foot - tall, x + wide, foot), fill=wall)
        roof = (x - wide * 0.06, foot - tall, x + wide * 1.06, foot - tall, x + wide / 2, foot - tall * 1.4)
        draw.polygon(roof, fill=mixed(wall, _INK, 0.55))
        for pane in (0.2, 0.6):
            left = x + wide * pane
            draw.rectangle((left, foot - tall * 0.7, left + wide * 0.2, foot - tall * 0.4), fill=(255, 226, 150))
        x += wide * dice.uniform(1.05, 1.5)


def _trees(draw: ImageDraw.ImageDraw, size: tuple[int, int], palette: tuple[Colour, ...], dice: random.Random) -> None:
    width, height = size
    for _ in range(16):
        x, tall = dice.uniform(0, 1) * width, dice.uniform(0.18, 0.34) * height
        foot, leaf = height * dice.uniform(0.74, 0.86), mixed((40, 110, 70), palette[5], dice.uniform(0.2, 0.6))
        draw.rectangle((x - tall * 0.03, foot - tall * 0.3, x + tall * 0.03, foot), fill=(70, 52, 44))
        draw.polygon(
            (x - tall * 0.26, foot - tall * 0.2, x + tall * 0.26, foot - tall * 0.2, x, foot - tall), fill=leaf
        )


def _room(draw: ImageDraw.ImageDraw, size: tuple[int, int], palette: tuple[Colour, ...], _: random.Random) -> None:
    """Walls around the landscape, which is seen through a window."""
    width, height = size
    wall, floor = mixed(palette[4], (150, 120, 100), 0.5), height * 0.82
    window = (width * 0.30, height * 0.14, width * 0.70, height * 0.56)
    outside = (
        (0, 0, width, window[1]),
        (0, window[3], width, floor),
        (0, 0, window[0], floor),
        (window[2], 0, width, floor),
    )
    for box in outside:
        draw.rectangle(box, fill=wall)
    draw.rectangle((0, floor, width, height), fill=mixed(wall, _INK, 0.4))
    bar = max(2, round(min(size) * 0.015))
    draw.rectangle(window, outline=(236, 224, 200), width=bar)
    for line in (
        (width * 0.5, window[1], width * 0.5, window[3]),
        (window[0], height * 0.35, window[2], height * 0.35),
    ):
        draw.line(line, fill=(236, 224, 200), width=bar)


_SIGHTS: list[tuple[str, Paint]] = [
    (r"forest|woods|trees?|garden", _trees),
    (r"village|town|street|city|harbou?r|bus stop|houses?", _houses),
    (r"sea\b|harbou?r|shore|ocean|beach|quay|pier|boats?|ship|waves?|lighthouse|coast\b", _sea),
    (r"lighthouse", _lighthouse),
    (r"boats?|ship|harbou?r", _boat),
    (r"quay|pier|jetty|dock|harbou?r", _quay),
    (r"room|kitchen|indoors|inside|interior|cabin|study|workshop", _room),
]
