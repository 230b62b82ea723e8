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
    tint = [light.point([round(c * strength * max(0, 1 - v / 180) ** 2) for v in range(256)]) for c in rgb(colour)]
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
    sky = ((0, "0a1533"), (0.35, "17315f"), (0.62, "3f5f92"), (0.8, "9a86a6"), (0.92, "e3a58d"), (1, "f7c193"))
    image.paste(wash((WIDTH * FINE, 482 * FINE), *sky), (0, 0))
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
    far = [(-30, 498), (-30, 428), (60, 417), (150, 422), (250, 440), (330, 466), (420, 484), (520, 496), (520, 498)]
    fill(image, far, "2a3f6b", "1b2c52")
    fill(image, [(-30, 498), (520, 498), (400, 506), (-30, 512)], "1d3059", alpha=0.7)
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
    fade = Image.linear_gradient("L").rotate(270 if reach > 0 else 90).resize(size)
    strength = 0.32 + 0.18 * towards
    tint = [ImageChops.multiply(mask, fade.point([round(v**1.5 / 16 * c / 255 * strength) for v in range(256)])) for c in rgb("ffe2a0")]
    box = (round(left * FINE), round((y - spread) * FINE))
    box = (*box, box[0] + size[0], box[1] + size[1])
    image.paste(ImageChops.add(image.crop(box), Image.merge("RGB", tint)), box)


def water(image: Image.Image, t: float) -> None:
    """Three rows of waves, and the path of the moon on them."""
    for y, height, length, top, bottom, way in (
        (530, 5, 160, "30507f", "22406f", 1),
        (575, 7, 640 / 3, "233f6e", "183059", -1),
        (628, 9, 320, "182f59", "0f2145", 1),
    ):
        places = range(-10, WIDTH + 11, 10)
        crest = [(x, y + height * math.sin(TAU * (x / length - way * t)) + 3 * wave(t, 1)) for x in places]
        fill(image, [*crest, (WIDTH + 10, HEIGHT), (-10, HEIGHT)], top, bottom)
    dice = Random(3)
    for n in range(60):
        near = n / 60
        x = 1010 + dice.uniform(-1, 1) * (12 + 84 * near) + 6 * wave(t, 1, dice.random())
        width = dice.uniform(9, 16 + 30 * near) * (0.75 + 0.25 * wave(t, 2, dice.random()))
        fill(image, oval(x, 485 + n * 2.9, width, 1.0 + 0.9 * near), "ffe7bd", alpha=0.8 - 0.55 * near)


def ledge(image: Image.Image, t: float) -> None:
    """The grassy rock that she stands on."""
    rock = [(-40, 760), (-40, 668), (90, 652), (260, 646), (430, 634), (640, 628), (860, 636), (1040, 656), (1180, 690), (1320, 760)]
    fill(image, smooth(rock), "2c5a57", "0e2438")
    glow(image, 516, 640, 250, "ffb84a", 0.4)
    dice = Random(11)
    for _ in range(170):
        x = dice.uniform(0, 1200)
        y = 652 + 0.00009 * (x - 640) ** 2 - 18 + dice.uniform(0, 50)
        sway = -dice.uniform(4, 9) * (0.6 + 0.4 * wave(t, 2, x / 400)) - 3
        tall, colour = dice.uniform(9, 19), dice.choice(("3d7a68", "2f6660", "4c8c70", "255350"))
        fill(image, [(x - 2, y), (x + 2, y), (x + sway, y - tall)], colour)
    for x, y in ((300, 662), (352, 684), (782, 668), (905, 676), (1010, 690), (180, 690), (862, 704)):
        lean = -3 - 2 * wave(t, 2, x / 400)
        stroke(image, [(x, y), (x + lean, y - 17)], 1.6, "4c8c70")
        for n in range(5):
            a = n * TAU / 5
            fill(image, oval(x + lean + 4.2 * math.cos(a), y - 17 + 4.2 * math.sin(a), 3.4), "f4efe6")
        fill(image, oval(x + lean, y - 17, 2.7), "f6c437")


def keeper(image: Image.Image, t: float) -> None:
    """Mara herself: she breathes, blinks, waves, and her lantern swings."""
    breath, sway = 2.2 * wave(t, 2), 1.6 * wave(t, 1)
    fill(image, oval(640, 660, 138, 15), "0a1a2c", alpha=0.45)
    for x in (607, 673):  # boots
        fill(image, [(x - 21, 590), (x + 21, 590), (x + 22, 650), (x - 22, 650)], "26304f", "1d2540")
        toe = x - 6 if x < 640 else x + 6
        fill(image, smooth([(toe - 31, 659), (toe - 27, 638), (toe, 630), (toe + 27, 638), (toe + 31, 659)]), "d5563f", "9c3630")
        fill(image, [(x - 24, 604), (x + 24, 604), (x + 24, 641), (x - 24, 641)], "d5563f", "b4453a")
        fill(image, [(x - 27, 600), (x + 27, 600), (x + 26, 611), (x - 26, 611)], "e87a5a")
    scarf_tail(image, t, breath)
    coat(image, t, breath, sway)
    lantern_arm(image, t, breath)
    head(image, t, breath, sway)
    waving_arm(image, t, breath)


def scarf_tail(image: Image.Image, t: float, breath: float) -> None:
    upper, lower = [], []
    for n in range(13):
        s = n / 12
        x, y = 622 - 168 * s, 384 + breath - 22 * s
        lift = 17 * s * wave(t, 3, -0.8 * s)
        upper.append((x, y + lift - 13 - 6 * s))
        lower.append((x + 5 * s, y + lift + 13 + 6 * s))
    fill(image, [*upper, *reversed(lower)], "e2584a", "b5373b")
    for n in (8, 10):
        fill(image, [upper[n], upper[n + 1], lower[n + 1], lower[n]], "fbe6cf", "e8c4ae")


def coat(image: Image.Image, t: float, breath: float, sway: float) -> None:
    b, flap = breath, 4 * wave(t, 3, 0.2)
    left = [(640, 372 + b), (600, 376 + b), (578, 398 + b), (566, 470), (548, 560), (540, 602), (590, 611), (640, 613)]
    right = [(690, 611), (741 + flap, 602), (732 + flap, 560), (714, 470), (702, 398 + b), (680, 376 + b)]
    fill(image, smooth([*left, *right]), "ffd044", "eda924")
    shade = [(664, 380 + b), (690, 392 + b), (702, 398 + b), (714, 470), (732 + flap, 560), (741 + flap, 602), (690, 611), (672, 560), (664, 470)]
    fill(image, smooth(shade), "d98d1c", "c07817", alpha=0.55)
    glow(image, 552, 560, 120, "ff8a1a", 0.2)
    hem = [(541, 594), (590, 603), (640, 605), (690, 603), (740 + flap, 594), (742 + flap, 603), (690, 612), (640, 614), (590, 612), (539, 603)]
    fill(image, hem, "c98019", alpha=0.8)
    stroke(image, [(640, 400 + b), (642, 500), (644, 606)], 2.5, "b5711a")
    for y in (432, 480, 528, 574):
        fill(image, oval(653, y + b * (590 - y) / 200, 6.2), "8a5416")
        fill(image, oval(652, y - 1.4 + b * (590 - y) / 200, 3.6), "b97a2c")
    for x in (583, 668):
        fill(image, smooth([(x, 516), (x + 40, 516), (x + 41, 536), (x + 20, 541), (x - 1, 536)]), "f7ba2f", "dd981f")
        stroke(image, [(x, 516), (x + 40, 516)], 2.2, "b5711a")


def head(image: Image.Image, t: float, breath: float, sway: float) -> None:
    pivot, lean = (640, 372), 0.035 * wave(t, 1, 0.1)
    y = breath * 1.3

    def put(points: Points, top: str, bottom: str = "", alpha: float = 1.0) -> None:
        fill(image, turned([(px, py + y) for px, py in points], pivot, lean), top, bottom, alpha)

    wind = 3 * wave(t, 3, 0.3)
    put(smooth([(566, 268), (558 + wind, 330), (564 + wind, 374), (604, 384), (676, 384), (710, 376), (720, 330), (714, 268), (640, 220)]), "6b3324", "4a2018")
    put(smooth([(590, 368), (606, 352), (640, 348), (674, 352), (690, 368), (684, 392), (640, 402), (596, 392)]), "e25a4b", "b5373b")
    put(smooth([(578, 296), (584, 336), (606, 362), (640, 372), (674, 362), (696, 336), (702, 296), (690, 262), (640, 250), (590, 262)]), "ffd6b0", "f0ae86")
    put(oval(601, 330, 15, 10), "f58a78", alpha=0.6)
    put(oval(679, 330, 15, 10), "f58a78", alpha=0.6)
    put(smooth([(572, 300), (578, 262), (640, 246), (702, 262), (708, 300), (694, 288), (668, 276), (650, 287), (622, 274), (596, 288), (584, 300)]), "6b3324", "59291d")
    eye = blink(t, 0.3, 0.82)
    for x in (615, 665):
        put(oval(x, 311, 7.6, 10.5 * eye), "3a1d18")
        if eye > 0.5:
            put(oval(x - 2.4, 307, 2.7), "ffffff")
            put(oval(x + 2.2, 315, 1.4), "ffffff", alpha=0.7)
    put(smooth([(634, 322), (640, 319), (646, 323), (645, 330), (638, 331)]), "e8976f")
    put(smooth([(622, 341), (640, 346), (658, 341), (654, 353), (640, 359), (626, 353)]), "8c2f2e")
    put(smooth([(630, 353), (640, 350), (650, 353), (640, 358)]), "ee7f73")
    put([(628, 343.5), (640, 346.5), (652, 343.5), (650, 347.5), (640, 349.5), (630, 347.5)], "fff6ea")
    put(smooth([(522, 268), (560, 250), (640, 238), (720, 250), (762, 272), (744, 284), (700, 272), (640, 264), (580, 272), (540, 282)]), "f2b32b", "cf8a1a")
    put(smooth([(566, 256), (574, 214), (604, 184), (640, 176), (676, 184), (706, 214), (714, 256), (640, 242)]), "ffd652", "f3b52c")
    put(smooth([(672, 190), (706, 214), (714, 254), (684, 247), (686, 218)]), "d98d1c", alpha=0.5)
    put(smooth([(566, 256), (640, 240), (714, 256), (712, 244), (640, 228), (568, 244)]), "b5711a")
    put(smooth([(590, 214), (606, 196), (624, 188), (612, 206), (600, 226)]), "fff0b0", alpha=0.7)


def lantern_arm(image: Image.Image, t: float, breath: float) -> None:
    hand = (528, 500 + breath)
    swing = 0.13 * wave(t, 1, 0.25)
    stroke(image, [(596, 408 + breath), (556, 456 + breath), (536, 484 + breath)], 44, "eeb02a")
    stroke(image, [(588, 404 + breath), (546, 456 + breath)], 20, "fbc940")
    stroke(image, [(527, 477 + breath), (549, 494 + breath)], 15, "c98019")

    def hang(points: Points, top: str, bottom: str = "", alpha: float = 1.0) -> None:
        fill(image, turned(points, hand, swing), top, bottom, alpha)

    x, y = hand
    centre = turned([(x, y + 75)], hand, swing)[0]
    glow(image, *centre, 300, "ff9d33", 0.42 + 0.03 * wave(t, 5))
    stroke(image, turned([(x - 24, y + 34), (x - 15, y + 6), (x, y), (x + 15, y + 6), (x + 24, y + 34)], hand, swing), 3.4, "3a3f5c")
    hang([(x - 18, y + 30), (x + 18, y + 30), (x + 29, y + 44), (x - 29, y + 44)], "565d80", "363b5a")
    hang([(x - 25, y + 44), (x + 25, y + 44), (x + 25, y + 108), (x - 25, y + 108)], "fff2bd", "ffc75c")
    flame = 1 + 0.08 * wave(t, 7)
    hang(smooth([(x, y + 80 - 26 * flame), (x + 11, y + 84), (x, y + 101), (x - 11, y + 84)]), "ffffff", "ff9a2a")
    for dx in (-25, 0, 25):
        stroke(image, turned([(x + dx, y + 44), (x + dx, y + 108)], hand, swing), 3.2 if dx else 1.8, "3a3f5c")
    hang([(x - 31, y + 106), (x + 31, y + 106), (x + 27, y + 121), (x - 27, y + 121)], "565d80", "2b3050")
    glow(image, *centre, 90, "ffd98a", 0.75 + 0.05 * wave(t, 7))
    fill(image, oval(*hand, 17, 16), "ffd0a8", "eba77d")


def waving_arm(image: Image.Image, t: float, breath: float) -> None:
    shoulder, elbow = (686, 408 + breath), (752, 436 + breath)
    angle = 0.30 * wave(t, 4) + 0.12
    wrist = turned([(elbow[0] + 8, elbow[1] - 78)], elbow, angle)[0]
    hand = turned([(elbow[0] + 10, elbow[1] - 106)], elbow, angle)[0]
    stroke(image, [shoulder, elbow, wrist], 45, "e8a628")
    stroke(image, [(elbow[0] - 5, elbow[1] - 8), turned([(elbow[0] - 3, elbow[1] - 70)], elbow, angle)[0]], 22, "f8c23a")
    cuff = turned([(elbow[0] - 16, elbow[1] - 76), (elbow[0] + 31, elbow[1] - 78)], elbow, angle)
    stroke(image, cuff, 14, "c98019")
    for n, spread in enumerate((-0.62, -0.22, 0.12, 0.46)):
        long = (30, 36, 35, 29)[n]
        tip = turned([(hand[0], hand[1] - long)], hand, angle + spread)[0]
        stroke(image, [hand, tip], 11.5, "ffcfa6")
    stroke(image, [hand, turned([(hand[0] - 25, hand[1] - 2)], hand, angle + 0.15)[0]], 11.5, "ffcfa6")
    fill(image, oval(*hand, 19, 19), "ffd0a8", "f2b48a")


def mara(t: float) -> Image.Image:
    image = night().copy()
    lighthouse(image, t)
    water(image, t)
    ledge(image, t)
    keeper(image, t)
    return image


# Otto


@cache
def lamp_room() -> Image.Image:
    """Wall, window on the night, floor: what does not move."""
    image = Image.new("RGB", (WIDTH * FINE, HEIGHT * FINE))
    image.paste(wash((WIDTH * FINE, 590 * FINE), (0, "2a2142"), (0.6, "4a3352"), (1, "5d3f55")), (0, 0))
    for row in range(8):  # masonry, seen only in the light
        for n in range(-1, 10):
            x, y = n * 148 + (row % 2) * 74, row * 76 - 14
            fill(image, [(x + 3, y + 3), (x + 145, y + 3), (x + 145, y + 73), (x + 3, y + 73)], "775468", "5c4159", alpha=0.22)
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
    dice = Random(5)
    for _ in range(46):
        angle, far = dice.uniform(math.pi, TAU), 190 * dice.random() ** 0.5
        fill(image, oval(640 + far * math.cos(angle), 300 + 0.92 * far * math.sin(angle), dice.uniform(0.8, 1.9)), "e6ecff", alpha=dice.uniform(0.4, 1))
    glow(image, 745, 190, 110, "8fa4d8", 0.5)
    fill(image, oval(745, 190, 30), "fff6df", "f3ddb6")
    for n in range(10):
        fill(image, oval(745 + dice.uniform(-9, 9), 358 + n * 5, dice.uniform(7, 18), 1.3), "ffe7bd", alpha=0.7)
    for n in range(12):
        x, y = 640 + 215 * math.cos(n * TAU / 12 + 0.26), 268 + 215 * math.sin(n * TAU / 12 + 0.26)
        fill(image, oval(x, y + 1.5, 6.5), "6e4522")
        fill(image, oval(x, y, 5.5), "f6d58a", "b98540")


def gear(image: Image.Image, x: float, y: float, r: float, teeth: int, turn: float, colours: tuple[str, str]) -> None:
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
    glow(image, x, y, 400, "ffb65c", 0.5 + 0.05 * wave(t, 1))
    fill(image, [(x - 92, 520), (x + 92, 520), (x + 112, 590), (x - 112, 590)], "a06d38", "5f3c26")
    fill(image, oval(x, 520, 104, 17), "dfae60", "93612f")
    fill(image, oval(x, y, 118, 196), "b98242", "6d4526")
    fill(image, oval(x, y, 107, 185), "ffe3a3", "f2b25a")
    for n in range(7):
        shine = 0.5 + 0.5 * wave(t, 1, -n / 7)
        far = 1 - n / 7.6
        fill(image, oval(x, y, 107 * far, 185 * far), "e89b45", "c97b34", alpha=0.55)
        fill(image, oval(x, y, 107 * far - 5, 185 * far - 6), "fff0c4", "ffd486", alpha=0.55 + 0.4 * shine)
    glow(image, x, y, 200, "fff0c0", 0.75 + 0.1 * wave(t, 1))
    for dx in (-62, 62):
        stroke(image, [(x + dx, y - 160), (x + dx, y + 160)], 5, "93612f")


def otto(t: float) -> Image.Image:
    image = lamp_room().copy()
    gear(image, 196, 236, 128, 18, TAU * t / 18 * 2, ("b37d43", "7c5030"))
    gear(image, 92, 470, 104, 15, -TAU * t / 15 * 2 + 0.1, ("9a6a3d", "6b4530"))
    gear(image, 342, 410, 74, 11, -TAU * t / 11 * 2 + 0.2, ("c79250", "8a5a32"))
    lens(image, t)
    #robot(image, t)
    return image


def robot(image: Image.Image, t: float) -> None:
    """Otto himself: he hops, looks about, blinks, and opens his claw to greet."""
    hop = 26 * max(0.0, wave(t, 2)) ** 1.2
    press = 0.05 * max(0.0, -wave(t, 2)) ** 2
    lean = 0.05 * wave(t, 1)
    fill(image, oval(640, 655, 130 - hop, 17 - hop / 5), "150d1c", alpha=0.5)
    layer = Figure(image, (640, 652), hop, press, lean)
    legs(layer)
    arm(layer, -1, 0.35 + 0.12 * wave(t, 2, 0.1), 0.3)
    body(layer, t)
    skull(layer, t)
    arm(layer, 1, -2.25 + 0.28 * wave(t, 4), 0.35 + 0.3 * wave(t, 4, 0.2))
