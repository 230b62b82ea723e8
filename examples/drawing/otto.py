"""Otto, a small brass robot with one round eye."""

import math

from PIL import Image

from lamp_room import gear, lamp_room, lens
from pencils import TAU, Joint, blink, fill, oval, smooth, turned, wave


def otto(t: float) -> Image.Image:
    image = lamp_room().copy()
    gear(image, (196, 236), (128, 18), TAU * t / 18 * 2, ("b37d43", "7c5030"))
    gear(image, (92, 470), (104, 15), -TAU * t / 15 * 2 + 0.1, ("9a6a3d", "6b4530"))
    gear(image, (342, 410), (74, 11), -TAU * t / 11 * 2 + 0.2, ("c79250", "8a5a32"))
    lens(image, t)
    robot(image, t)
    return image


def robot(image: Image.Image, t: float) -> None:
    """Otto himself: he hops, looks about, blinks, and opens his claw to greet."""
    hop = 30 * max(0.0, wave(t, 2)) ** 1.2
    fill(image, oval(640, 656, 132 - hop, 17 - hop / 5), "150d1c", alpha=0.5)
    puppet = Joint(image, (640, 652), 0.035 * wave(t, 1), hop, 0.07 * max(0.0, -wave(t, 2)) ** 2)
    legs(puppet)
    key(puppet, t)
    arm(puppet, -1, 0.5 + 0.12 * wave(t, 2, 0.1), 0.3)
    body(puppet, t)
    skull(puppet, t)
    eye(puppet, t)
    arm(puppet, 1, 2.55 + 0.3 * wave(t, 4), 0.7 + 0.3 * wave(t, 4, 0.25))


def legs(puppet: Joint) -> None:
    for x in (588, 692):
        puppet.stroke([(x, 586), (x, 626)], 34, "4a4560")
        for y in (598, 610, 622):
            puppet.stroke([(x - 15, y), (x + 15, y)], 3.5, "2e2a44")
        foot = [(x - 46, 652), (x - 42, 630), (x - 20, 615), (x + 20, 615), (x + 42, 630), (x + 46, 652)]
        puppet.fill([*smooth(foot)[:40], (x + 46, 653), (x - 46, 653)], "e9bb68", "9a632f")
        puppet.fill([(x - 47, 646), (x + 47, 646), (x + 47, 654), (x - 47, 654)], "6b4328")


def key(puppet: Joint, t: float) -> None:
    """The key in his side, turning once in a loop."""
    wide = 27 * abs(math.cos(TAU * t)) + 5
    puppet.stroke([(742, 512), (792, 512)], 11, "8a5a32")
    for way in (-1, 1):
        y = 512 + way * wide * 0.72
        puppet.fill(oval(803, y, 17, wide * 0.62 + 3), "f1cd83", "b98242")
        puppet.fill(oval(803, y, 8, wide * 0.3 + 1), "5d3f55")
    puppet.fill(oval(801, 512, 10), "f6d58a", "a8743a")


def body(puppet: Joint, t: float) -> None:
    shell = [(548, 432), (640, 416), (732, 432), (758, 505), (742, 580), (640, 602), (538, 580), (522, 505)]
    puppet.fill(smooth(shell), "f2c873", "ad7233")
    puppet.fill(
        smooth([(548, 432), (522, 505), (538, 580), (590, 597), (562, 560), (556, 500), (572, 426)]),
        "7a4a2c",
        alpha=0.5,
    )
    puppet.fill(smooth([(716, 440), (738, 470), (744, 510), (736, 552), (728, 512), (724, 474)]), "fff0c0", alpha=0.75)
    band = [(533, 556), (640, 574), (747, 556), (743, 577), (640, 596), (537, 577)]
    puppet.fill(band, "8f5c30", "74472a")
    for n in range(7):
        s = n / 3 - 1
        puppet.fill(oval(640 + 96 * s, 585 - 16 * s * s, 4.6), "f6d58a", "c08a48")
        puppet.fill(oval(640 + 80 * s, 437 + 11 * s * s, 4.2), "fbe3a4", "b98242")
    puppet.fill(oval(640, 505, 52), "8a5a32", "5f3c26")
    puppet.fill(oval(640, 505, 45), "fff6e0", "eed9b0")
    for n in range(9):
        a = math.pi * (0.8 + 1.4 * n / 8)
        spot = [(640 + r * math.cos(a), 505 + r * math.sin(a)) for r in (33, 39)]
        puppet.stroke(spot, 3, "d5563f" if n > 6 else "5f3c26")
    a = math.pi * (1.5 + 0.32 * wave(t, 1, 0.6) + 0.05 * wave(t, 7))
    puppet.stroke([(640, 505), (640 + 31 * math.cos(a), 505 + 31 * math.sin(a))], 4, "c8504a")
    puppet.fill(oval(640, 505, 7), "6b4328")


def skull(puppet: Joint, t: float) -> None:
    for y in (404, 413, 422):
        puppet.stroke([(600, y), (680, y)], 8, "3c3752")
    steam(puppet, t)
    puppet.fill([(696, 262), (722, 268), (724, 236), (704, 232)], "a8743a", "7a4d2c")
    puppet.fill(oval(714, 234, 13, 5), "5f3c26")
    bob = (622 + 9 * wave(t, 2, 0.15), 182)
    puppet.stroke([(628, 252), (632, 226), (626, 206), bob], 4.5, "6b4328")
    puppet.fill(oval(630, 250, 17, 9), "b98242", "7a4d2c")
    puppet.glow(bob, 75, "ff7a4a", 0.6 + 0.35 * wave(t, 3))
    puppet.fill(oval(*bob, 13), "ffb08a", "e2583f")
    puppet.fill(oval(bob[0] - 4, bob[1] - 5, 3.5), "fff0e0")
    for x in (532, 748):
        puppet.fill(oval(x, 330, 17, 34), "a8743a", "6b4328")
    dome = [
        (538, 334),
        (552, 276),
        (596, 250),
        (640, 244),
        (684, 250),
        (728, 276),
        (742, 334),
        (724, 386),
        (640, 402),
        (556, 386),
    ]
    puppet.fill(smooth(dome), "f7d588", "bd8440")
    puppet.fill(
        smooth([(538, 334), (552, 276), (590, 252), (566, 292), (560, 340), (574, 388), (556, 386)]),
        "7a4a2c",
        alpha=0.42,
    )
    puppet.fill(smooth([(700, 268), (722, 290), (731, 326), (722, 330), (712, 298)]), "fff6d8", alpha=0.85)
    for x, y in ((566, 374), (714, 374), (574, 280), (706, 280)):
        puppet.fill(oval(x, y, 5), "fbe3a4", "9a632f")


def eye(puppet: Joint, t: float) -> None:
    x, y, look = 640, 326, 15 * wave(t, 1, 0.85)
    puppet.fill(oval(x, y + 2, 74), "6b4328", "4a2e26")
    puppet.fill(oval(x, y, 69), "ffe3a0", "9a632f")
    puppet.fill(oval(x, y, 58), "081a2a", "17485c")
    puppet.glow((x + look, y), 62, "2ec4c0", 0.65)
    puppet.fill(oval(x + look, y, 36), "a5fff0", "22a3ac")
    puppet.fill(oval(x + look, y, 29), "3fd3cf", "137f92")
    puppet.fill(oval(x + look * 1.15, y, 18), "06202c")
    puppet.fill(oval(x + look - 11, y - 14, 9.5), "ffffff")
    puppet.fill(oval(x + look + 12, y + 13, 4.5), "d8fffa", alpha=0.8)
    shut = 1 - blink(t, 0.22, 0.62, 0.68)
    upper, lower = y - 58 + 8 + 52 * shut, y + 58 - 16 - 40 * shut
    puppet.fill([(a, min(b, upper)) for a, b in oval(x, y, 59)], "e9bb68", "b57a3a")
    puppet.fill([(a, max(b, lower)) for a, b in oval(x, y, 59)], "b57a3a", "8f5c30")
    puppet.stroke([(x - 30, y - 45), (x - 42, y - 30)], 5, "fff6d8")


def steam(puppet: Joint, t: float) -> None:
    for n in range(4):
        age = (t * 2 + n / 4) % 1
        place = oval(714 + 46 * age + 8 * wave(age, 1), 224 - 96 * age, 8 + 19 * age)
        puppet.fill(place, "e8def0", alpha=0.42 * (1 - age) * min(1, age * 6))


def arm(puppet: Joint, side: int, swing: float, gap: float) -> None:
    """A ribbed arm from the shoulder, and a claw that is `gap` open; `swing` turns it up from hanging down."""
    shoulder = (640 + side * 112, 462)
    elbow = turned([(shoulder[0], shoulder[1] + 58)], shoulder, -side * swing * 0.6)[0]
    wrist = turned([(elbow[0], elbow[1] + 56)], elbow, -side * swing)[0]
    puppet.stroke([shoulder, elbow, wrist], 25, "4a4560")
    for a, b in ((shoulder, elbow), (elbow, wrist)):
        for s in (0.35, 0.6, 0.85):
            x, y = a[0] + (b[0] - a[0]) * s, a[1] + (b[1] - a[1]) * s
            along = math.atan2(b[1] - a[1], b[0] - a[0]) + math.pi / 2
            dx, dy = 10 * math.cos(along), 10 * math.sin(along)
            puppet.stroke([(x - dx, y - dy), (x + dx, y + dy)], 3.4, "7b7594")
    puppet.fill(oval(*shoulder, 23), "f2c873", "9a632f")
    out = math.atan2(wrist[1] - elbow[1], wrist[0] - elbow[0])
    for way in (-1, 1):
        hook = [(20 + 27 * math.cos(a), way * 24 * math.sin(a)) for a in (math.pi - 0.3 * n for n in range(9))]
        finger = [(wrist[0] + x, wrist[1] + y) for x, y in hook]
        puppet.stroke(turned(finger, wrist, out + way * 0.5 * gap), 12, "d09a55")
    puppet.fill(oval(*wrist, 19), "f6d58a", "a8743a")
