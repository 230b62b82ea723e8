"""Sky, hills and a drifting moon: what a card is painted on. The prompt decides the palette and the lie of the land."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw

from prefect_storyboard.sandbox.figures import Colour, mixed

_WHITE = (255, 255, 255)
# Sky from top to horizon, three ranges of hills from far to near, the orb, the accent.
PALETTES: list[tuple[Colour, ...]] = [
    (
        (24, 26, 66),
        (92, 58, 120),
        (240, 134, 110),
        (122, 74, 124),
        (74, 48, 100),
        (36, 28, 66),
        (255, 232, 190),
        (255, 176, 120),
    ),
    (
        (10, 24, 52),
        (22, 66, 104),
        (112, 170, 178),
        (42, 92, 116),
        (22, 60, 86),
        (10, 32, 54),
        (240, 248, 255),
        (126, 214, 223),
    ),
    (
        (20, 48, 60),
        (52, 118, 110),
        (232, 208, 140),
        (84, 140, 112),
        (44, 96, 84),
        (18, 54, 54),
        (255, 244, 200),
        (250, 204, 102),
    ),
    (
        (46, 22, 58),
        (150, 52, 88),
        (250, 166, 92),
        (150, 62, 92),
        (98, 38, 76),
        (50, 20, 50),
        (255, 226, 160),
        (255, 150, 98),
    ),
    (
        (16, 20, 44),
        (44, 52, 110),
        (148, 140, 206),
        (82, 84, 148),
        (50, 52, 104),
        (22, 24, 58),
        (246, 240, 255),
        (190, 170, 255),
    ),
    (
        (28, 52, 84),
        (86, 138, 176),
        (246, 214, 196),
        (120, 148, 170),
        (70, 104, 134),
        (30, 58, 84),
        (255, 250, 236),
        (255, 190, 150),
    ),
    (
        (14, 40, 44),
        (22, 88, 84),
        (122, 202, 146),
        (34, 108, 96),
        (18, 74, 72),
        (8, 40, 44),
        (236, 255, 232),
        (140, 232, 170),
    ),
    (
        (58, 30, 34),
        (150, 76, 52),
        (246, 190, 112),
        (160, 94, 66),
        (112, 60, 50),
        (60, 30, 32),
        (255, 238, 196),
        (255, 196, 92),
    ),
]


@dataclass(frozen=True)
class Sprite:
    """Something that moves: a picture, where it may be seen, and its top left corner at a share of the clip."""

    picture: Image.Image
    mask: Image.Image
    at: Callable[[float], tuple[int, int]]
    behind: Image.Image | None = None


def _gradient(size: tuple[int, int], stops: tuple[Colour, ...]) -> Image.Image:
    column = Image.new("RGB", (1, len(stops)))
    column.putdata(list(stops))
    return column.resize((1, size[1]), Image.Resampling.BICUBIC).resize(size, Image.Resampling.NEAREST)


def scenery(size: tuple[int, int], palette: tuple[Colour, ...], prompt: str) -> tuple[Image.Image, Image.Image]:
    """Sky, stars and three ranges of hills; and where the sky is."""
    width, height = size
    dice = random.Random(prompt)  # noqa: S311 - scenery
    still = _gradient(size, (palette[0], palette[1], palette[2], palette[2]))
    draw = ImageDraw.Draw(still)
    for _ in range(120):
        x, y, glow = dice.randrange(width), int(height * 0.5 * dice.random() ** 1.6), dice.random()
        if x < 0.6 * width:  # the words stand here
            continue
        radius = min(size) / 900 * (1 + glow)
        draw.ellipse(
            (x - radius, y - radius, x + radius, y + radius), fill=mixed(palette[1], _WHITE, 0.35 + 0.5 * glow)
        )
    sky = Image.new("L", size, 255)
    for place, (level, swing) in enumerate([(0.62, 0.10), (0.74, 0.07), (0.86, 0.035)]):
        hills = _hills(size, level, swing, dice)
        still.paste(
            _gradient(size, (palette[3 + place],) * 2 + (mixed(palette[3 + place], palette[5], 0.5),)), mask=hills
        )
        sky = ImageChops.subtract(sky, hills)
    return still, sky


def _hills(size: tuple[int, int], level: float, swing: float, dice: random.Random) -> Image.Image:
    """A mask: everything below a line of three overlaid waves."""
    width, height = size
    waves = [(dice.uniform(0.6, 1.4) * 2**octave, dice.uniform(0, 6.3), swing / 1.9**octave) for octave in range(3)]
    points = [(0.0, 2.0 * height)]
    for step in range(97):
        share = step / 96
        lift = sum(reach * math.sin(6.283 * share * pace + phase) for pace, phase, reach in waves)
        points.append((share * 2 * width, (level + lift) * 2 * height))
    mask = Image.new("L", (2 * width, 2 * height))
    ImageDraw.Draw(mask).polygon([*points, (2.0 * width, 2.0 * height)], fill=255)
    return mask.reduce(2)


def orb(size: tuple[int, int], colour: Colour, sky: Image.Image, *, aside: bool) -> Sprite:
    """A moon or sun with its glow, drifting along an arc behind the hills; `aside` keeps it from the right edge."""
    width, height = size
    across = int(min(size) * 0.42) // 2 * 2
    glow = ImageChops.invert(Image.radial_gradient("L").resize((across, across))).point(
        lambda v: int(max(0, v - 74) * 0.62)
    )
    disc = Image.new("L", (across * 2, across * 2))
    edge = across * 2 * 0.36
    ImageDraw.Draw(disc).ellipse((edge, edge, across * 2 - edge, across * 2 - edge), fill=255)
    mask = ImageChops.lighter(glow, disc.reduce(2))

    def at(share: float) -> tuple[int, int]:
        wide = width >= height
        x = (0.68 + 0.14 * share - 0.07 * aside) if wide else (0.36 + 0.28 * share)
        y = (0.36 if wide else 0.56) - 0.10 * math.sin(math.pi * (0.15 + 0.7 * share))
        return round(x * width - across / 2), round(y * height - across / 2)

    return Sprite(Image.new("RGB", (across, across), colour), mask, at, sky)


def shade(still: Image.Image, dark: Colour) -> None:
    """Darken the left and the bottom, so that the words can be read on any sky."""
    width, height = still.size
    ramp = Image.linear_gradient("L")
    left = ramp.rotate(90).resize((width, height)).point(lambda v: int(max(0, 170 - v) * 0.8))
    bottom = ramp.resize((width, height)).point(lambda v: int(max(0, v - 200) * 3.4))
    veil = bottom if height > width else ImageChops.lighter(left, bottom)
    still.paste(Image.new("RGB", still.size, mixed(dark, (0, 0, 0), 0.45)), mask=veil)
