"""Mara, a lighthouse keeper in a yellow coat."""

from PIL import Image

from pencils import Joint, blink, fill, glow, oval, smooth, stroke, turned, wave
from shore import ledge, lighthouse, night, water


def mara(t: float) -> Image.Image:
    image = night().copy()
    lighthouse(image, t)
    water(image, t)
    ledge(image, t)
    keeper(image, t)
    return image


def keeper(image: Image.Image, t: float) -> None:
    """Mara herself: she breathes, blinks, waves, and her lantern swings."""
    breath = 2.2 * wave(t, 2)
    fill(image, oval(640, 660, 138, 15), "0a1a2c", alpha=0.45)
    for x in (607, 673):  # boots
        fill(image, [(x - 21, 590), (x + 21, 590), (x + 22, 650), (x - 22, 650)], "26304f", "1d2540")
        toe = x - 6 if x < 640 else x + 6
        fill(
            image,
            smooth([(toe - 31, 659), (toe - 27, 638), (toe, 630), (toe + 27, 638), (toe + 31, 659)]),
            "d5563f",
            "9c3630",
        )
        fill(image, [(x - 24, 604), (x + 24, 604), (x + 24, 641), (x - 24, 641)], "d5563f", "b4453a")
        fill(image, [(x - 27, 600), (x + 27, 600), (x + 26, 611), (x - 26, 611)], "e87a5a")
    scarf_tail(image, t, breath)
    coat(image, t, breath)
    lantern_arm(image, t, breath)
    head(image, t, breath)
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


def coat(image: Image.Image, t: float, breath: float) -> None:
    b, flap = breath, 4 * wave(t, 3, 0.2)
    left = [(640, 372 + b), (600, 376 + b), (578, 398 + b), (566, 470), (548, 560), (540, 602), (590, 611), (640, 613)]
    right = [(690, 611), (741 + flap, 602), (732 + flap, 560), (714, 470), (702, 398 + b), (680, 376 + b)]
    fill(image, smooth([*left, *right]), "ffd044", "eda924")
    shade = [
        (664, 380 + b),
        (690, 392 + b),
        (702, 398 + b),
        (714, 470),
        (732 + flap, 560),
        (741 + flap, 602),
        (690, 611),
        (672, 560),
        (664, 470),
    ]
    fill(image, smooth(shade), "d98d1c", "c07817", alpha=0.55)
    glow(image, (552, 560), 120, "ff8a1a", 0.2)
    hem = [
        (541, 594),
        (590, 603),
        (640, 605),
        (690, 603),
        (740 + flap, 594),
        (742 + flap, 603),
        (690, 612),
        (640, 614),
        (590, 612),
        (539, 603),
    ]
    fill(image, hem, "c98019", alpha=0.8)
    stroke(image, [(640, 400 + b), (642, 500), (644, 606)], 2.5, "b5711a")
    for y in (432, 480, 528, 574):
        fill(image, oval(653, y + b * (590 - y) / 200, 6.2), "8a5416")
        fill(image, oval(652, y - 1.4 + b * (590 - y) / 200, 3.6), "b97a2c")
    for x in (583, 668):
        fill(image, smooth([(x, 516), (x + 40, 516), (x + 41, 536), (x + 20, 541), (x - 1, 536)]), "f7ba2f", "dd981f")
        stroke(image, [(x, 516), (x + 40, 516)], 2.2, "b5711a")


def head(image: Image.Image, t: float, breath: float) -> None:
    face, wind = Joint(image, (640, 372), 0.035 * wave(t, 1, 0.1), -1.3 * breath), 3 * wave(t, 3, 0.3)
    put = face.fill
    put(
        smooth(
            [
                (566, 268),
                (558 + wind, 330),
                (564 + wind, 374),
                (604, 384),
                (676, 384),
                (710, 376),
                (720, 330),
                (714, 268),
                (640, 220),
            ]
        ),
        "6b3324",
        "4a2018",
    )
    put(
        smooth([(590, 368), (606, 352), (640, 348), (674, 352), (690, 368), (684, 392), (640, 402), (596, 392)]),
        "e25a4b",
        "b5373b",
    )
    put(
        smooth(
            [
                (578, 296),
                (584, 336),
                (606, 362),
                (640, 372),
                (674, 362),
                (696, 336),
                (702, 296),
                (690, 262),
                (640, 250),
                (590, 262),
            ]
        ),
        "ffd6b0",
        "f0ae86",
    )
    put(oval(601, 330, 15, 10), "f58a78", alpha=0.6)
    put(oval(679, 330, 15, 10), "f58a78", alpha=0.6)
    put(
        smooth(
            [
                (572, 300),
                (578, 262),
                (640, 246),
                (702, 262),
                (708, 300),
                (694, 288),
                (668, 276),
                (650, 287),
                (622, 274),
                (596, 288),
                (584, 300),
            ]
        ),
        "6b3324",
        "59291d",
    )
    features(face, t)
    hat(face)


def hat(face: Joint) -> None:
    put = face.fill
    put(
        smooth(
            [
                (522, 268),
                (560, 250),
                (640, 238),
                (720, 250),
                (762, 272),
                (744, 284),
                (700, 272),
                (640, 264),
                (580, 272),
                (540, 282),
            ]
        ),
        "f2b32b",
        "cf8a1a",
    )
    put(
        smooth([(566, 256), (574, 214), (604, 184), (640, 176), (676, 184), (706, 214), (714, 256), (640, 242)]),
        "ffd652",
        "f3b52c",
    )
    put(smooth([(672, 190), (706, 214), (714, 254), (684, 247), (686, 218)]), "d98d1c", alpha=0.5)
    put(smooth([(566, 256), (640, 240), (714, 256), (712, 244), (640, 228), (568, 244)]), "b5711a")
    put(smooth([(590, 214), (606, 196), (624, 188), (612, 206), (600, 226)]), "fff0b0", alpha=0.7)


def features(face: Joint, t: float) -> None:
    put = face.fill
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


def lantern_arm(image: Image.Image, t: float, breath: float) -> None:
    hand = (528, 500 + breath)
    stroke(image, [(596, 408 + breath), (556, 456 + breath), (536, 484 + breath)], 44, "eeb02a")
    stroke(image, [(588, 404 + breath), (546, 456 + breath)], 20, "fbc940")
    stroke(image, [(527, 477 + breath), (549, 494 + breath)], 15, "c98019")
    lantern(Joint(image, hand, 0.13 * wave(t, 1, 0.25)), t)
    fill(image, oval(*hand, 17, 16), "ffd0a8", "eba77d")


def lantern(hung: Joint, t: float) -> None:
    (x, y), flame = hung.pivot, 1 + 0.08 * wave(t, 7)
    hung.glow((x, y + 75), 300, "ff9d33", 0.42 + 0.03 * wave(t, 5))
    hung.stroke([(x - 24, y + 34), (x - 15, y + 6), (x, y), (x + 15, y + 6), (x + 24, y + 34)], 3.4, "3a3f5c")
    hung.fill([(x - 18, y + 30), (x + 18, y + 30), (x + 29, y + 44), (x - 29, y + 44)], "565d80", "363b5a")
    hung.fill([(x - 25, y + 44), (x + 25, y + 44), (x + 25, y + 108), (x - 25, y + 108)], "fff2bd", "ffc75c")
    hung.fill(smooth([(x, y + 80 - 26 * flame), (x + 11, y + 84), (x, y + 101), (x - 11, y + 84)]), "ffffff", "ff9a2a")
    for dx in (-25, 0, 25):
        hung.stroke([(x + dx, y + 44), (x + dx, y + 108)], 3.2 if dx else 1.8, "3a3f5c")
    hung.fill([(x - 31, y + 106), (x + 31, y + 106), (x + 27, y + 121), (x - 27, y + 121)], "565d80", "2b3050")
    hung.glow((x, y + 75), 90, "ffd98a", 0.75 + 0.05 * wave(t, 7))


def waving_arm(image: Image.Image, t: float, breath: float) -> None:
    shoulder, (x, y) = (686, 408 + breath), (752, 436 + breath)
    arm = Joint(image, (x, y), 0.27 * wave(t, 4) + 0.3)
    wrist, *_ = arm.moved([(x + 8, y - 78)])
    stroke(image, [shoulder, (x, y), wrist], 45, "e8a628")
    arm.stroke([(x - 5, y - 8), (x - 3, y - 70)], 22, "f8c23a")
    arm.stroke([(x - 16, y - 76), (x + 31, y - 78)], 14, "c98019")
    palm = (x + 10, y - 106)
    for long, spread in ((30, -0.62), (36, -0.22), (35, 0.12), (29, 0.46), (25, -1.5)):
        arm.stroke([palm, *turned([(palm[0], palm[1] - long)], palm, spread)], 11.5, "ffcfa6")
    arm.fill(oval(*palm, 19), "ffd0a8", "f2b48a")
