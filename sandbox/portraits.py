"""Who a character is: a still of its reference clip, shown as a round portrait in every clip that it plays in."""

import io
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import av.error
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from prefect_storyboard.sandbox.figures import Colour, colour_of, figure, font, mixed

_SIDE = 480
_FINE = 2  # drawn larger, then shrunk: Pillow's shapes have hard edges
_MARGIN = 0.10  # of the portrait, on each side: room for shadow and name
_DARK = (14, 14, 26)


def still(data: bytes) -> bytes | None:
    """The middle frame of a reference clip as a square JPEG around its subject; None if nothing decodes."""
    frame: Any = None
    with suppress(av.error.FFmpegError, ValueError, IndexError), av.open(io.BytesIO(data), "r") as container:
        middle = (container.start_time or 0) + (container.duration or 0) // 2
        container.seek(middle)
        for frame in container.decode(video=0):
            if (frame.time or 0.0) * 1_000_000 >= middle:
                break
    if frame is None:
        return None
    picture = frame.to_image().rotate(frame.rotation, expand=True)
    side = min(picture.size) * 2 / 3
    left, top = (picture.width - side) / 2, (picture.height - side) * 0.38
    square = picture.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS, (left, top, left + side, top + side))
    target = io.BytesIO()
    square.save(target, "jpeg", quality=92, subsampling=0)
    return target.getvalue()


def square(data: bytes) -> bytes:
    """The middle of a picture as a square JPEG, a little higher where it is tall: faces are."""
    with Image.open(io.BytesIO(data)) as picture:
        upright = ImageOps.exif_transpose(picture).convert("RGB")  # a phone notes how it was held
    target = io.BytesIO()
    cut = ImageOps.fit(upright, (_SIDE, _SIDE), Image.Resampling.LANCZOS, centering=(0.5, 0.38))
    cut.save(target, "jpeg", quality=92, subsampling=0)
    return target.getvalue()


@lru_cache(maxsize=16)
def medallion(name: str, portrait: Path | None, across: int) -> Image.Image:
    """The portrait as RGBA in a ring of the character's colour, with its name; a drawn figure if there is none."""
    colour, fine = colour_of(name), across * _FINE
    edge = round(fine * _MARGIN)
    size = (fine + 2 * edge) // (2 * _FINE) * 2 * _FINE
    picture = Image.new("RGBA", (size, size), (*_DARK, 0))
    picture.putalpha(_shadow(size, fine))
    draw = ImageDraw.Draw(picture)
    rim, line = round(fine * 0.032), max(_FINE, round(fine * 0.010))
    for inset, fill in ((0, colour), (rim, mixed(colour, _DARK, 0.65))):
        low, high = edge + inset, edge + fine - inset
        draw.ellipse((low, low, high, high), fill=(*fill, 255))
    inner = fine - 2 * (rim + line)
    hole = Image.new("L", (inner, inner))
    ImageDraw.Draw(hole).ellipse((0, 0, inner - 1, inner - 1), fill=255)
    picture.paste(_face(name, portrait, inner), (edge + rim + line,) * 2, hole)
    _plate(draw, name, colour, (size // 2, edge + round(fine * 0.985)), fine)
    return picture.reduce(_FINE)


def _shadow(size: int, across: int) -> Image.Image:
    """The veil that a disc throws on what is behind it."""
    small = size // 4  # it is soft anyway
    veil, low, down = Image.new("L", (small, small)), (size - across) / 8, across * 0.008
    ImageDraw.Draw(veil).ellipse((low, low + down, small - low, small - low + down), fill=150)
    return veil.filter(ImageFilter.GaussianBlur(across * 0.0085)).resize((size, size), Image.Resampling.BICUBIC)


def _face(name: str, portrait: Path | None, across: int) -> Image.Image:
    if portrait is not None:
        with Image.open(portrait) as picture:
            return picture.convert("RGB").resize((across, across), Image.Resampling.LANCZOS)
    person = figure(name, round(across * 0.92))
    face = Image.new("RGB", (across, across), mixed(colour_of(name), _DARK, 0.72))
    face.paste(person, ((across - person.width) // 2, round(across * 0.15)), person)
    return face


def _plate(draw: ImageDraw.ImageDraw, name: str, colour: Colour, foot: tuple[int, int], across: int) -> None:
    """The name on a small plate that sits on the ring."""
    x, y = foot
    name = " ".join(name.split())
    tall = across * 0.15
    face = font(round(tall * 0.56), bold=True)
    while len(name) > 1 and face.getlength(name) > across * 0.8:
        name = name.rstrip("…")[:-1] + "…"
    half = face.getlength(name) / 2 + tall * 0.5
    draw.rounded_rectangle((x - half, y - tall / 2, x + half, y + tall / 2), tall / 2, fill=(*colour, 255))
    draw.text((x, y), name, (*_DARK, 255), face, anchor="mm")
