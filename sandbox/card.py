"""The picture of a sandbox clip: an illustrated card that says at a glance which clip it is.

`paint` draws once what stands still and lists the sprites that move; `render` repeats the cheap part for every frame.
"""

import math
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from prefect_storyboard.sandbox.figures import Colour, font, mixed, seed
from prefect_storyboard.sandbox.portraits import medallion
from prefect_storyboard.sandbox.scenery import PALETTES, Sprite, orb, scenery, shade
from prefect_storyboard.sandbox.state import Clip


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
    """Draw everything that stands still."""
    palette = PALETTES[seed(clip.prompt)[0] % len(PALETTES)]
    size = clip.width, clip.height
    unit = min(size) / 100
    first_frame = _open(inputs / clip.image) if clip.image else None
    still, sky = scenery(size, palette, clip.prompt)
    sprites = [orb(size, palette[6], sky, low=first_frame is not None), *_cast(clip, inputs, unit)]
    shade(still, palette[0])
    draw = ImageDraw.Draw(still, "RGBA")
    if first_frame is not None:
        _inset(still, draw, first_frame, unit)
    _caption(draw, clip, unit, palette[7])
    return _with_bar(still, sprites, clip, unit, palette[7])


def _open(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        return picture.convert("RGB")


def _cast(clip: Clip, inputs: Path, unit: float) -> list[Sprite]:
    """One portrait per cast member, gently bobbing."""
    sprites = []
    across, seats = _seats(clip)
    for place, (name, (x, y)) in enumerate(zip(clip.cast, seats, strict=True)):
        kept = clip.portraits[place] if place < len(clip.portraits) else None
        picture = medallion(name, inputs / kept if kept else None, round(across * unit))
        corner = x * unit - picture.width / 2, y * unit - picture.height / 2

        def at(share: float, place: int = place, corner: tuple[float, float] = corner) -> tuple[int, int]:
            turn = 2 * math.pi * (share * clip.seconds * 0.42 + place * 0.37)
            drift = 2.4 * (0.5 - share)
            return round(corner[0] + drift * unit), round(corner[1] + math.sin(turn) * 1.4 * unit)

        sprites.append(Sprite(picture.convert("RGB"), picture.getchannel("A"), at))
    return sprites


def _seats(clip: Clip) -> tuple[float, list[tuple[float, float]]]:
    """How large the portraits are and where their middles go, in hundredths of the clip's shorter edge."""
    count, wide, framed = len(clip.cast), clip.width > clip.height, clip.image is not None
    width, height = clip.width * 100 / min(clip.width, clip.height), clip.height * 100 / min(clip.width, clip.height)
    room = (66 if count == 1 else 84) if wide else 86
    left = width - 7 - room
    across = min(room / max(count, 1) - 3, 37 if framed else 56 if count == 1 else 48)
    middle = height - (33 if framed and wide else 36 if framed else 52 if wide else 58)
    swing = 0 if framed or count == 1 else (8 if wide else 15)
    return across, [
        (left + room * (place + 0.5) / count, middle + (swing if place % 2 else -swing)) for place in range(count)
    ]


def _inset(still: Image.Image, draw: ImageDraw.ImageDraw, first_frame: Image.Image, unit: float) -> None:
    """The first frame as a print on the card."""
    print_ = first_frame.copy()
    print_.thumbnail((round(52 * unit), round(40 * unit)))
    rim, line = round(1.1 * unit), round(3.8 * unit)
    wide = still.width > still.height
    left = still.width - print_.width - round(7 * unit) if wide else round(7 * unit)
    top = round((16 if wide else 84) * unit)
    box = (left - rim, top - rim, left + print_.width + rim, top + print_.height + line)
    draw.rounded_rectangle([each + 0.6 * unit for each in box], rim, fill=(0, 0, 0, 90))
    draw.rounded_rectangle(box, rim, fill=(250, 248, 242))
    still.paste(print_, (left, top))
    middle = top + print_.height + line // 2
    draw.text((left, middle), "continues from", (90, 86, 100), font(round(2.6 * unit)), anchor="lm")


def _caption(draw: ImageDraw.ImageDraw, clip: Clip, unit: float, accent: Colour) -> None:
    """What the clip is: model and request above, the prompt large."""
    left, top, small = round(7 * unit), round(7 * unit), font(round(2.9 * unit), bold=True)
    about = f"{clip.label.upper()} · {clip.seconds} s"
    draw.text((left, top), about, (*accent, 255), small)
    draw.text((clip.width - left, top), f"#{clip.stamp}", (255, 255, 255, 190), font(round(2.9 * unit)), anchor="ra")
    wide = clip.width > clip.height
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
    bar = (left + plate + round(2 * unit)) // 2 * 2, top // 2 * 2, right // 2 * 2, (top + round(1.2 * unit)) // 2 * 2
    draw.rectangle((bar[0], bar[1], bar[2] - 1, bar[3] - 1), fill=mixed((40, 40, 50), accent, 0.25))
    return Card(still, sprites, bar, accent, (left + plate // 2, middle), face)
