"""How a clip looks and sounds besides what it shows: what goes wrong with real models, and what only seems to.

The rule `render_as` gives a job one of these; its `word` is the name.
"""

import array
from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple

from PIL import Image

Planes = tuple[Image.Image, Image.Image, Image.Image]
LOOKS: Mapping[str, str] = {
    "black": "black from beginning to end",
    "black_end": "black in its second half",
    "frozen": "one picture from beginning to end",
    "frozen_end": "stands still from its first third on",
    "short": "half as long as ordered",
    "silent": "a sound track without a sound",
    "no_sound": "no sound track",
    "letterboxed": "bars above and below, an eighth of the picture each",
    "pillarboxed": "bars at the sides, an eighth of the picture each",
    "turned": "width and height exchanged",
    "small": "a third of the ordered width and height",
    "other_start": "begins with another picture than it was given",
    "slide_show": "four pictures a second",
    "night": "a night scene: dark, and not black",
    "fade_in": "black at first, fading in within a second",
    "fade_out": "fades out to black within its last second",
    "still_life": "nothing moves but one small light",
    "twelve_a_second": "twelve pictures a second, each shown twice",
    "quiet": "a very soft sound",
    "slow_start": "its first half second is one picture",
    "grainy": "still, under the grain of a film",
}


class Moment(NamedTuple):
    """The picture of a clip that is changed: its number, of how many, and its size, which its planes may exceed."""

    number: int
    total: int
    fps: int
    size: tuple[int, int]


_BLACK = (16, 128, 128)
_BAR = 8  # one part of so many


def shown(look: str, number: int, count: int, fps: int) -> int:
    """The number of the picture that is shown in place of a clip's own one."""
    match look:
        case "frozen" | "still_life" | "grainy":
            return 0
        case "frozen_end":
            return min(number, count // 3)
        case "slide_show":
            return number - number % (fps // 4)
        case "twelve_a_second":
            return number - number % 2
        case "slow_start":
            return max(0, number - fps // 2)
    return number


def size(look: str, width: int, height: int) -> tuple[int, int]:
    """Width and height of the file."""
    if look == "turned":
        return height, width
    if look == "small":
        return max(32, width // 6 * 2), max(32, height // 6 * 2)
    return width, height


def seconds(look: str, asked: int) -> float:
    """The length of the file."""
    return max(asked / 2, 0.5) if look == "short" else float(asked)


def change(look: str, planes: Planes, now: Moment) -> None:
    """Change one painted picture in place."""
    if look == "black" or (look == "black_end" and now.number >= now.total / 2):
        _fill(planes, (0, 0, *now.size))
    elif look in {"letterboxed", "pillarboxed"}:
        _bars(planes, now.size, sides=look == "pillarboxed")
    elif look in {"night", "fade_in", "fade_out"}:
        begun, left = now.number / now.fps, (now.total - 1 - now.number) / now.fps
        _dim(planes, {"night": 0.22, "fade_in": min(1.0, begun), "fade_out": min(1.0, left)}[look])
    elif look == "still_life":
        _light(planes, now)
    elif look == "grainy":
        _grain(planes, now.number)


def samples(look: str, wave: bytes) -> bytes:
    """The sound of half a second."""
    if look not in {"silent", "quiet"}:
        return wave
    level = 0 if look == "silent" else 30  # a peak of about -49 dB
    return array.array("h", (each // level if level else 0 for each in array.array("h", wave))).tobytes()


def _fill(planes: Planes, box: tuple[int, int, int, int]) -> None:
    planes[0].paste(_BLACK[0], box)
    for plane, value in zip(planes[1:], _BLACK[1:], strict=True):
        left, top, right, bottom = (each // 2 for each in box)
        plane.paste(value, (left, top, right, bottom))


def _bars(planes: Planes, size: tuple[int, int], *, sides: bool) -> None:
    width, height = size
    across, down = width // _BAR // 2 * 2, height // _BAR // 2 * 2
    first = (0, 0, across, height) if sides else (0, 0, width, down)
    last = (width - across, 0, width, height) if sides else (0, height - down, width, height)
    for box in (first, last):
        _fill(planes, box)


def _dim(planes: Planes, share: float) -> None:
    _map(planes[0], lambda value: 16 + (value - 16) * share)
    for plane in planes[1:]:
        _map(plane, lambda value: 128 + (value - 128) * share)


def _map(plane: Image.Image, to: Callable[[int], float]) -> None:
    plane.paste(plane.point([max(0, min(255, round(to(value)))) for value in range(256)]))


def _light(planes: Planes, now: Moment) -> None:
    """A flame that flickers, a twentieth of the picture's height."""
    width, height = now.size
    across = max(4, height // 20)
    left, top = round(width * 0.8), round(height * 0.4)
    planes[0].paste(150 + 40 * (now.number % 3), (left, top, left + across, top + across))


def _grain(planes: Planes, number: int) -> None:
    """Noise that is another one in each picture, without a source of chance."""
    noise = _pattern(number % 8)
    width, height = planes[0].size
    tile = Image.new("L", (width, height))
    for left in range(0, width, 128):
        for top in range(0, height, 128):
            tile.paste(noise, (left, top))
    planes[0].paste(Image.blend(planes[0], tile, 0.12))


@cache
def _pattern(number: int) -> Image.Image:
    state, values = number + 1, bytearray()
    for _ in range(128 * 128):
        state = (state * 1_103_515_245 + 12_345) % 2**31
        values.append(state >> 23 & 255)
    return Image.frombytes("L", (128, 128), bytes(values))
