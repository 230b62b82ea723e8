"""The shore at nightfall, where Mara stands: sky, lighthouse, sea, grassy rock."""

import math
from functools import cache

from PIL import Image, ImageChops, ImageDraw

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
    rgb,
    smooth,
    stroke,
    wash,
    wave,
)


@cache
def night() -> Image.Image:
    """Sky, stars, moon, headland with the lighthouse: what does not move."""
    image = Image.new("RGB", (WIDTH * FINE, HEIGHT * FINE))
    sky = ((0, "0a1533"), (0.35, "17315f"), (0.62, "3f5f92"), (0.8, "9a86a6"), (0.92, "e3a58d"), (1, "f7c193"))
    image.paste(wash((WIDTH * FINE, 482 * FINE), *sky), (0, 0))
    sea = wash((WIDTH * FINE, 240 * FINE), (0, "54709a"), (0.12, "2e4f7c"), (1, "0c1c3c"))
    image.paste(sea, (0, 480 * FINE))
    rolls = dice(7)
    for _ in range(150):
        x, y = rolls.uniform(0, WIDTH), rolls.uniform(0, 330) * rolls.random() ** 0.3
        fill(
            image, oval(x, y, rolls.choice((0.7, 0.9, 1.3, 1.7))), "dfe8ff", alpha=rolls.uniform(0.3, 1) * (1 - y / 420)
        )
    glow(image, (1010, 150), 330, "8fa4d8", 0.55)
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
    glow(image, (176, 247), 90 + 25 * max(0.0, math.sin(TAU * t)), "ffcf78", 0.75)


def beam(image: Image.Image, lamp: Place, reach: float, towards: float) -> None:
    """A beam of light to the right (reach > 0) or left, brighter when it comes towards us."""
    (x, y), length, spread = lamp, 900 * reach, 70 * abs(reach) + 6
    left, upper = round(min(x, x + length) * FINE), round((y - spread) * FINE)
    size = max(2, round(abs(length) * FINE)), round(2 * spread * FINE)
    wedge = [(x, y), (x + length, y - spread), (x + length, y + 0.55 * spread)]
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).polygon([(a * FINE - left, b * FINE - upper) for a, b in wedge], fill=255)
    fade = Image.linear_gradient("L").rotate(270 if reach > 0 else 90).resize(size)
    bright = 0.32 + 0.18 * towards
    light = [fade.point([round((v / 255) ** 1.5 * c * bright) for v in range(256)]) for c in rgb("ffe2a0")]
    tint = Image.merge("RGB", [ImageChops.multiply(mask, part) for part in light])
    box = (left, upper, left + size[0], upper + size[1])
    image.paste(ImageChops.add(image.crop(box), tint), box)


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
    rolls = dice(3)
    for n in range(60):
        near = n / 60
        x = 1010 + rolls.uniform(-1, 1) * (12 + 84 * near) + 6 * wave(t, 1, rolls.random())
        width = rolls.uniform(9, 16 + 30 * near) * (0.75 + 0.25 * wave(t, 2, rolls.random()))
        fill(image, oval(x, 485 + n * 2.9, width, 1.0 + 0.9 * near), "ffe7bd", alpha=0.8 - 0.55 * near)


def ledge(image: Image.Image, t: float) -> None:
    """The grassy rock that she stands on."""
    rock = [
        (-40, 760),
        (-40, 668),
        (90, 652),
        (260, 646),
        (430, 634),
        (640, 628),
        (860, 636),
        (1040, 656),
        (1180, 690),
        (1320, 760),
    ]
    fill(image, smooth(rock), "2c5a57", "0e2438")
    glow(image, (516, 640), 250, "ffb84a", 0.4)
    rolls = dice(11)
    for _ in range(170):
        x = rolls.uniform(0, 1200)
        y = 652 + 0.00009 * (x - 640) ** 2 - 18 + rolls.uniform(0, 50)
        sway = -rolls.uniform(4, 9) * (0.6 + 0.4 * wave(t, 2, x / 400)) - 3
        tall, colour = rolls.uniform(9, 19), rolls.choice(("3d7a68", "2f6660", "4c8c70", "255350"))
        fill(image, [(x - 2, y), (x + 2, y), (x + sway, y - tall)], colour)
    for x, y in ((300, 662), (352, 684), (782, 668), (905, 676), (1010, 690), (180, 690), (862, 704)):
        lean = -3 - 2 * wave(t, 2, x / 400)
        stroke(image, [(x, y), (x + lean, y - 17)], 1.6, "4c8c70")
        for n in range(5):
            a = n * TAU / 5
            fill(image, oval(x + lean + 4.2 * math.cos(a), y - 17 + 4.2 * math.sin(a), 3.4), "f4efe6")
        fill(image, oval(x + lean, y - 17, 2.7), "f6c437")
