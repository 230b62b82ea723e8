"""The picture of a sandbox clip: an illustrated card that says at a glance which clip it is.

`paint` draws the static parts once and lists the sprites that move; `render` repeats the cheap part for every frame.
"""

import math
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

from prefect_storyboard.sandbox.documents import Clip
from prefect_storyboard.sandbox.figures import Colour, font, mixed, seed
from prefect_storyboard.sandbox.portraits import medallion
from prefect_storyboard.sandbox.scenery import PALETTES, Sprite, orb, scenery, shade

# The clip is wide, has a first frame, has a single character: how much of the width the portraits may take, and, as
# shares of the height, how large one is at most, where its middle is, and how far neighbours are shifted up and down.
_SEATS = {
    (True, False, True): (0.37, 0.56, 0.48, 0),
    (True, False, False): (0.47, 0.48, 0.48, 0.08),
    (True, True, True): (0.25, 0.36, 0.68, 0),
    (True, True, False): (0.47, 0.36, 0.68, 0),
    (False, False, True): (0.86, 0.315, 0.675, 0),
    (False, False, False): (0.86, 0.27, 0.675, 0.084),
    (False, True, True): (0.86, 0.235, 0.82, 0),
    (False, True, False): (0.86, 0.20, 0.82, 0),
}


@dataclass(frozen=True)
class Card:
    """A clip's picture without its motion. Boxes are left, top, right, bottom."""

    still: Image.Image
    sprites: list[Sprite]
    bar: tuple[int, int, int, int]
    accent: Colour
    clock: tuple[int, int]
    clock_font: ImageFont.FreeTypeFont


def paint(clip: Clip, inputs: Path) -> Card:
    """Draw the static parts."""
    palette = PALETTES[seed(clip.prompt)[0] % len(PALETTES)]
    size = clip.width, clip.height
    unit = min(size) / 100
    picture = _open(inputs / clip.image) if clip.image else None
    still, sky = scenery(size, palette, clip.prompt)
    shade(still, palette[0])
    draw = ImageDraw.Draw(still, "RGBA")
    if picture is not None:
        _inset(still, sky, picture, unit, alone=not clip.cast)
    sprites = [orb(size, palette[6], sky, aside=picture is not None), *_cast(clip, inputs, unit)]
    _caption(draw, clip, unit, palette[7])
    return _with_bar(still, sprites, clip, unit, palette[7])


def first_frame(clip: Clip, inputs: Path) -> Image.Image | None:
    """The picture that the clip begins with, as large as the clip; what juts out is cut off."""
    if clip.image is None:
        return None
    return ImageOps.fit(_open(inputs / clip.image), (clip.width, clip.height))


def _open(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        return picture.convert("RGB")


def _cast(clip: Clip, inputs: Path, unit: float) -> list[Sprite]:
    """One portrait per cast member, gently bobbing."""
    sprites = []
    across, seats = _seats(clip, unit)
    for place, (name, (x, y)) in enumerate(zip(clip.cast, seats, strict=True)):
        kept = clip.portraits[place] if place < len(clip.portraits) else None
        picture = medallion(name, inputs / kept if kept else None, max(round(across * unit), 16))
        left, top = x * unit - picture.width / 2, y * unit - picture.height / 2

        def at(share: float, place: int = place, left: float = left, top: float = top) -> tuple[int, int]:
            bob = math.sin(2 * math.pi * (share * clip.seconds * 0.42 + place * 0.37))
            return round(left + 2.4 * (0.5 - share) * unit), round(top + 1.4 * bob * unit)

        sprites.append(Sprite(picture.convert("RGB"), picture.getchannel("A"), at))
    return sprites


def _seats(clip: Clip, unit: float) -> tuple[float, list[tuple[float, float]]]:
    """How large the portraits are and where their middles go, in units: right of the words, or below them."""
    width, height, count = clip.width / unit, clip.height / unit, len(clip.cast)
    share, most, middle, swing = _SEATS[clip.width >= clip.height, clip.image is not None, count == 1]
    step = width * share / max(count, 1)
    left = width * (1 - share) - 7 + step / 2
    seats = [(left + place * step, height * (middle - swing * (-1) ** place)) for place in range(count)]
    return min(step - 3, most * height), seats


def _inset(still: Image.Image, sky: Image.Image, picture: Image.Image, unit: float, *, alone: bool) -> None:
    """The first frame as a print on the card, which takes its place from the sky."""
    draw, print_ = ImageDraw.Draw(still, "RGBA"), picture.copy()
    rim, line = round(1.1 * unit), round(3.8 * unit)
    wide = still.width >= still.height
    room = (0.35 if alone else 0.25, 0.36 if alone else 0.26) if wide else (0.52, 0.215)
    print_.thumbnail((round(still.width * room[0]), round(still.height * room[1])))
    left = still.width - print_.width - round(7 * unit) if wide else round(7 * unit)
    top = round(still.height * (0.15 if wide else 0.46))
    box = (left - rim, top - rim, left + print_.width + rim, top + print_.height + line)
    draw.rounded_rectangle([each + 0.6 * unit for each in box], rim, fill=(0, 0, 0, 90))
    draw.rounded_rectangle(box, rim, fill=(250, 248, 242))
    ImageDraw.Draw(sky).rounded_rectangle(box, rim, fill=0)
    still.paste(print_, (left, top))
    middle = top + print_.height + line // 2
    draw.text((left, middle), "begins with", (90, 86, 100), font(round(2.6 * unit)), anchor="lm")


def _caption(draw: ImageDraw.ImageDraw, clip: Clip, unit: float, accent: Colour) -> None:
    """What the clip is: model and request above, the prompt large."""
    left, top, small = round(7 * unit), round(7 * unit), font(round(2.9 * unit), bold=True)
    about = f"{clip.label.upper()} · {clip.seconds} s"
    draw.text((left, top), about, (*accent, 255), small)
    draw.text((clip.width - left, top), f"#{clip.stamp}", (255, 255, 255, 190), font(round(2.9 * unit)), anchor="ra")
    wide = clip.width >= clip.height
    share = 0.41 if len(clip.cast) > 1 else 0.52
    room = round(clip.width * share if wide else clip.width - 2 * left), round(clip.height * (0.62 if wide else 0.34))
    lines, face = _fitted(clip.prompt, room, unit)
    y = top + round(8 * unit)
    for line in lines:
        draw.text((left + 0.25 * unit, y + 0.25 * unit), line, (0, 0, 0, 120), face)
        draw.text((left, y), line, (255, 255, 255, 255), face)
        y += round(face.size * 1.26)


def _fitted(text: str, room: tuple[int, int], unit: float) -> tuple[list[str], ImageFont.FreeTypeFont]:
    """The text in the largest size at which it fits; cut with an ellipsis if no size is small enough."""
    for size in (7.4, 6.4, 5.6, 4.9, 4.3, 3.8):
        face = font(round(size * unit), bold=True)
        lines = _wrapped(text, face, room[0])
        count = int(room[1] // (face.size * 1.26))
        if len(lines) <= count:
            return lines, face
    return [*lines[: count - 1], lines[count - 1].rstrip(" .,") + " …"], face


def _wrapped(text: str, face: ImageFont.FreeTypeFont, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if face.getlength(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
        while face.getlength(lines[-1]) > width and len(lines[-1]) > 1:  # no spaces to break at
            fits = max(1, int(len(lines[-1]) * width / face.getlength(lines[-1])) - 1)
            lines[-1:] = [lines[-1][:fits], lines[-1][fits:]]
    return lines


def _with_bar(still: Image.Image, sprites: list[Sprite], clip: Clip, unit: float, accent: Colour) -> Card:
    """The track of the progress bar and the dark plate under the timecode, whose colours the frames rely on."""
    left, right = round(7 * unit), clip.width - round(7 * unit)
    top = clip.height - round(6.4 * unit)
    face = font(round(3 * unit), bold=True)
    plate = round(face.getlength("00:00.00") + 3 * unit)
    middle = top + round(0.6 * unit)
    draw = ImageDraw.Draw(still)
    draw.rounded_rectangle(
        (left, middle - round(2.6 * unit), left + plate, middle + round(2.6 * unit)), 2.6 * unit, fill=(16, 16, 16)
    )
    bar = (
        (left + plate + round(2 * unit)) // 2 * 2,
        top // 2 * 2,
        right // 2 * 2,
        (top + max(2, round(1.2 * unit))) // 2 * 2,
    )
    draw.rectangle((bar[0], bar[1], bar[2] - 1, bar[3] - 1), fill=mixed((40, 40, 50), accent, 0.25))
    return Card(still, sprites, bar, accent, (left + plate // 2, middle), face)
