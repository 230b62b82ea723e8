"""People in drawn pictures: the face of their reference, or one invented from their name, and the clothes of the words.

`a yellow storm coat` is drawn yellow; `a storm coat` in a colour that only these words have. Without a garment in the
words the clothes keep the colour that they have in the reference.
"""

import colorsys
import re
from functools import lru_cache

from PIL import Image, ImageDraw, ImageOps

from prefect_storyboard.sandbox.figures import Colour, mixed, seed

GROUND: Colour = (226, 226, 222)  # what a sheet is drawn on
_HEAD = (0.23, 0.076, 0.77, 0.616)  # of a sheet
_FINE = 2  # drawn larger, then shrunk: Pillow's shapes have hard edges
_INK, _WHITE = (30, 28, 40), (250, 250, 252)
_GARMENTS = (
    "coat|jacket|oilskins?|dress|cape|cloak|gown|robe|sweater|pullover|jumper|cardigan|shirt|blouse|uniform|suit|apron"
    "|vest|hoodie|parka|raincoat|overalls|pyjamas|kimono|tunic|armou?r|scarf"
)
_GARMENT = re.compile(rf"((?:[\w-]+ ){{0,3}})\b({_GARMENTS})\b", re.IGNORECASE)
_HAIR = re.compile(r"((?:\w+ ){1,3})(?:hair|curls|braids?|beard)\b", re.IGNORECASE)
_EMPTY = {
    "a",
    "an",
    "the",
    "in",
    "her",
    "his",
    "their",
    "its",
    "same",
    "keep",
    "and",
    "with",
    "of",
    "wears",
    "wearing",
    "wear",
    "face",
    "hair",
    "clothes",
    "is",
    "as",
    "it",
}
_COLOURS: dict[str, Colour] = {
    "red": (196, 52, 48),
    "scarlet": (206, 40, 44),
    "crimson": (160, 28, 48),
    "orange": (232, 126, 44),
    "yellow": (240, 196, 48),
    "gold": (214, 170, 60),
    "green": (66, 138, 84),
    "olive": (120, 122, 60),
    "teal": (32, 128, 130),
    "blue": (58, 104, 186),
    "navy": (34, 48, 96),
    "purple": (122, 72, 158),
    "pink": (232, 140, 168),
    "brown": (122, 84, 56),
    "auburn": (140, 66, 40),
    "blond": (230, 200, 128),
    "blonde": (230, 200, 128),
    "black": (44, 42, 50),
    "grey": (132, 136, 144),
    "gray": (132, 136, 144),
    "brass": (206, 162, 72),
    "copper": (186, 104, 66),
    "silver": (196, 200, 208),
    "white": (236, 236, 232),
    "beige": (220, 202, 170),
}
_SKINS = [(246, 214, 186), (232, 190, 156), (206, 156, 118), (160, 110, 78), (116, 78, 56)]


def worn(words: str) -> Colour | None:
    """The colour of the first garment in the words; None if they name none, or say nothing about it."""
    for hit in _GARMENT.finditer(words):
        about = [each for each in hit[1].lower().split() if each not in _EMPTY]
        named = coloured(hit[1])
        if named is not None:
            return named
        if about:
            return _hashed(f"{' '.join(about)} {hit[2].lower()}")
    return None


def coloured(words: str) -> Colour | None:
    """The first colour that the words name."""
    return next((_COLOURS[each] for each in re.findall(r"[a-z]+", words.lower()) if each in _COLOURS), None)


def clothes_of(portrait: Image.Image) -> Colour:
    """The colour below the face of a square portrait."""
    side = portrait.width
    patch = portrait.crop((round(side * 0.42), round(side * 0.78), round(side * 0.58), round(side * 0.86)))
    red, green, blue = patch.convert("RGB").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))  # type: ignore[misc]
    return int(red), int(green), int(blue)


def _hashed(text: str) -> Colour:
    traits = seed(text)
    red, green, blue = colorsys.hsv_to_rgb(traits[0] / 256, 0.5 + traits[1] / 700, 0.55 + traits[2] / 700)
    return round(red * 255), round(green * 255), round(blue * 255)


@lru_cache(maxsize=16)
def invented_face(name: str, words: str, side: int) -> Image.Image:
    """The face of someone of whom there is no picture: skin, hair and eyes of the name and the words."""
    fine, traits = side * _FINE, seed(name.casefold())
    skin = _SKINS[traits[4] % len(_SKINS)]
    hair = next((colour for told in _HAIR.finditer(words) if (colour := coloured(told[1]))), None)
    hair = hair or mixed(_hashed(f"hair {name.casefold()}"), _INK, 0.45)
    picture = Image.new("RGB", (fine, fine), mixed(_hashed(name.casefold()), _WHITE, 0.72))
    draw = ImageDraw.Draw(picture)

    def oval(x: float, y: float, wide: float, tall: float, fill: Colour) -> None:
        draw.ellipse([each * fine for each in (x - wide, y - tall, x + wide, y + tall)], fill=fill)

    oval(0.5, 0.44, 0.36, 0.38, hair)
    if traits[5] % 2:  # long hair
        draw.rounded_rectangle([each * fine for each in (0.14, 0.44, 0.86, 0.96)], 0.16 * fine, fill=hair)
    draw.rectangle([each * fine for each in (0.42, 0.72, 0.58, 1.0)], fill=mixed(skin, _INK, 0.14))
    oval(0.5, 0.52, 0.28, 0.33, skin)
    draw.chord([each * fine for each in (0.2, 0.10, 0.8, 0.56)], 180, 360, fill=hair)
    for way in (-1, 1):
        oval(0.5 + way * 0.12, 0.52, 0.042, 0.05, _WHITE)
        oval(0.5 + way * 0.12, 0.525, 0.026, 0.034, _INK)
        oval(0.5 + way * 0.17, 0.63, 0.045, 0.03, mixed(skin, (230, 90, 90), 0.35))
        brow = [each * fine for each in (0.5 + way * 0.12 - 0.055, 0.43, 0.5 + way * 0.12 + 0.055, 0.47)]
        draw.arc(brow, 190, 350, fill=mixed(hair, _INK, 0.3), width=max(2, fine // 60))
    draw.arc([each * fine for each in (0.42, 0.60, 0.58, 0.73)], 20, 160, fill=(140, 56, 60), width=max(2, fine // 55))
    return picture.reduce(_FINE)


def face_from(portrait: Image.Image, side: int) -> Image.Image:
    """The face in a square portrait, a little closer; in one from a sheet, the head alone."""
    shares = _HEAD if is_sheet(portrait) else (0.12, 0.06, 0.88, 0.82)
    cut = tuple(portrait.width * share for share in shares)
    return portrait.convert("RGB").resize((side, side), Image.Resampling.LANCZOS, (cut[0], cut[1], cut[2], cut[3]))


def is_sheet(portrait: Image.Image) -> bool:
    """Whether a square portrait was cut from a sheet: there is nothing but its ground in both upper corners."""
    corners = [
        portrait.convert("RGB").getpixel((round(portrait.width * x), portrait.width // 24)) for x in (0.04, 0.96)
    ]
    pairs = [(one, other) for each in corners for one, other in zip(each, GROUND, strict=True)]  # type: ignore[arg-type]
    return all(abs(one - other) < 12 for one, other in pairs)


def bust(face: Image.Image, coat: Colour, side: int) -> Image.Image:
    """Head and shoulders as RGBA, as large as the square of a portrait."""
    fine = side * _FINE
    picture = Image.new("RGBA", (fine, fine))
    draw = ImageDraw.Draw(picture)
    _box(draw, fine, (0.10, 0.66, 0.90, 1.40), 0.26, coat)
    draw.polygon([each * fine for each in (0.34, 0.67, 0.5, 0.80, 0.66, 0.67)], fill=mixed(coat, _WHITE, 0.45))
    for way in (-1, 1):
        collar = (0.5 + way * 0.20, 0.65, 0.5 + way * 0.02, 0.78, 0.5 + way * 0.22, 0.80)
        draw.polygon([each * fine for each in collar], fill=mixed(coat, _INK, 0.28))
    _head(picture, face, (0.5, 0.38), 0.31)
    return picture.reduce(_FINE)


def person(face: Image.Image, coat: Colour, height: int, *, back: bool = False) -> Image.Image:
    """Someone from head to foot as RGBA, half as wide as high; from behind, only the hair is seen."""
    fine = height * _FINE
    picture = Image.new("RGBA", (fine // 2, fine))
    draw = ImageDraw.Draw(picture)
    dark = mixed(coat, _INK, 0.3)
    for left in (0.16, 0.27):
        _box(draw, fine, (left, 0.76, left + 0.07, 0.97), 0.02, (52, 50, 66))
        _box(draw, fine, (left - 0.015, 0.94, left + 0.085, 0.995), 0.02, _INK)
    for left in (0.06, 0.36):
        _box(draw, fine, (left, 0.44, left + 0.08, 0.72), 0.04, dark)
    draw.polygon([each * fine for each in (0.14, 0.45, 0.36, 0.45, 0.41, 0.84, 0.09, 0.84)], fill=coat)
    _box(draw, fine, (0.11, 0.40, 0.39, 0.62), 0.07, coat)
    if not back:
        draw.line([each * fine for each in (0.25, 0.44, 0.25, 0.84)], fill=dark, width=max(2, fine // 160))
        for y in (0.52, 0.60, 0.68):
            draw.ellipse([each * fine for each in (0.262, y, 0.28, y + 0.018)], fill=mixed(coat, _WHITE, 0.6))
    _head(picture, _behind(face) if back else face, (0.25, 0.23), 0.205)
    return picture.reduce(_FINE)


def _behind(face: Image.Image) -> Image.Image:
    """The colour at the top of a head, all over."""
    side = face.width
    crown = face.crop((side // 3, round(side * 0.08), side * 2 // 3, round(side * 0.2)))
    return crown.resize((1, 1), Image.Resampling.BOX).resize(face.size)


def _head(picture: Image.Image, face: Image.Image, middle: tuple[float, float], radius: float) -> None:
    """A face in a circle with a thin rim; `middle` and `radius` are shares of the height."""
    fine = picture.height
    across = round(2 * radius * fine)
    left, top = round(middle[0] * fine - across / 2), round(middle[1] * fine - across / 2)
    rim = max(2, round(fine * 0.008))
    disc = Image.new("L", (across, across))
    ImageDraw.Draw(disc).ellipse((0, 0, across - 1, across - 1), fill=255)
    edge = (left - rim, top - rim, left + across + rim, top + across + rim)
    ImageDraw.Draw(picture).ellipse(edge, fill=(*_WHITE, 255))
    picture.paste(ImageOps.fit(face, (across, across)), (left, top), disc)


def _box(
    draw: ImageDraw.ImageDraw, fine: int, box: tuple[float, float, float, float], radius: float, fill: Colour
) -> None:
    draw.rounded_rectangle([each * fine for each in box], radius * fine, fill=fill)
