"""Mara, a lighthouse keeper in a yellow coat, on the cliff at nightfall."""

import math
from functools import cache
from random import Random

from PIL import Image, ImageChops, ImageDraw

from prefect_storyboard.examples.clips.pencils import *


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
