"""The lamp room, where Otto works: window, clockwork, the great lamp."""

import math
from functools import cache

from PIL import Image

from pencils import (
    FINE,
    HEIGHT,
    TAU,
    WIDTH,
    Place,
    dice,
    fill,
    glow,
    oval,
    stroke,
    wash,
    wave,
)


@cache
def lamp_room() -> Image.Image:
    """Wall, window on the night, floor: what does not move."""
    image = Image.new("RGB", (WIDTH * FINE, HEIGHT * FINE))
    image.paste(wash((WIDTH * FINE, 590 * FINE), (0, "2a2142"), (0.6, "4a3352"), (1, "5d3f55")), (0, 0))
    for row in range(8):  # masonry, seen only in the light
        for n in range(-1, 10):
            x, y = n * 148 + (row % 2) * 74, row * 76 - 14
            fill(
                image,
                [(x + 3, y + 3), (x + 145, y + 3), (x + 145, y + 73), (x + 3, y + 73)],
                "775468",
                "5c4159",
                alpha=0.22,
            )
    image.paste(wash((WIDTH * FINE, 130 * FINE), (0, "6b4238"), (1, "2e1c28")), (0, 590 * FINE))
    for n in range(-9, 10):
        stroke(image, [(640 + n * 92, 590), (640 + n * 190, 720)], 2.2, "3a2329")
    fill(image, [(0, 574), (WIDTH, 574), (WIDTH, 592), (0, 592)], "7d5044", "4e2f33")
    window(image)
    return image


def window(image: Image.Image) -> None:
    fill(image, oval(640, 268, 236), "8a5f3c", "4f3328")
    fill(image, oval(640, 268, 226), "e0ae5c", "8a5a2e")
    pane = oval(640, 268, 204)
    fill(image, pane, "0d1a3d", "5d6fa2")
    sea = [(x, y) for x, y in pane if y > 350]
    fill(image, sea, "5a78a8", "1c3767")
    rolls = dice(5)
    for _ in range(46):
        angle, far = rolls.uniform(math.pi, TAU), 190 * rolls.random() ** 0.5
        fill(
            image,
            oval(640 + far * math.cos(angle), 300 + 0.92 * far * math.sin(angle), rolls.uniform(0.8, 1.9)),
            "e6ecff",
            alpha=rolls.uniform(0.4, 1),
        )
    glow(image, (530, 180), 110, "8fa4d8", 0.5)
    fill(image, oval(530, 180, 30), "fff6df", "f3ddb6")
    for n in range(10):
        fill(image, oval(530 + rolls.uniform(-9, 9), 358 + n * 5, rolls.uniform(7, 18), 1.3), "ffe7bd", alpha=0.7)
    for n in range(12):
        x, y = 640 + 215 * math.cos(n * TAU / 12 + 0.26), 268 + 215 * math.sin(n * TAU / 12 + 0.26)
        fill(image, oval(x, y + 1.5, 6.5), "6e4522")
        fill(image, oval(x, y, 5.5), "f6d58a", "b98540")


def gear(image: Image.Image, place: Place, wheel: tuple[float, int], turn: float, colours: tuple[str, str]) -> None:
    """A wheel of a radius and a number of teeth."""
    (x, y), (r, teeth) = place, wheel
    rim = []
    for n in range(teeth * 4):
        angle = (n + 0.5) * TAU / (teeth * 4) + turn
        far = r + 0.13 * r * (n % 4 in (1, 2))
        rim.append((x + far * math.cos(angle), y + far * math.sin(angle)))
    fill(image, [(a + 5, b + 8) for a, b in rim], "1d1530", alpha=0.4)
    fill(image, rim, *colours)
    fill(image, oval(x, y, r * 0.8), colours[1], colours[0])
    for n in range(5):
        angle = n * TAU / 5 + turn
        fill(image, oval(x + 0.5 * r * math.cos(angle), y + 0.5 * r * math.sin(angle), r * 0.19), "33243f", "4a3352")
    fill(image, oval(x, y, r * 0.2), "f1cd83", "8a5a2e")


def lens(image: Image.Image, t: float) -> None:
    """The great lamp: rings of glass that catch the light one after the other."""
    x, y = 1078, 318
    glow(image, (x, y), 400, "ffb65c", 0.5 + 0.05 * wave(t, 1))
    fill(image, [(x - 92, 520), (x + 92, 520), (x + 112, 590), (x - 112, 590)], "a06d38", "5f3c26")
    fill(image, oval(x, 520, 104, 17), "dfae60", "93612f")
    fill(image, oval(x, y, 118, 196), "b98242", "6d4526")
    fill(image, oval(x, y, 107, 185), "ffe3a3", "f2b25a")
    for n in range(7):
        shine = 0.5 + 0.5 * wave(t, 1, -n / 7)
        far = 1 - n / 7.6
        fill(image, oval(x, y, 107 * far, 185 * far), "e89b45", "c97b34", alpha=0.55)
        fill(image, oval(x, y, 107 * far - 5, 185 * far - 6), "fff0c4", "ffd486", alpha=0.55 + 0.4 * shine)
    glow(image, (x, y), 200, "fff0c0", 0.75 + 0.1 * wave(t, 1))
    for dx in (-62, 62):
        stroke(image, [(x + dx, y - 160), (x + dx, y + 160)], 5, "93612f")
