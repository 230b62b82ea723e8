"""Drawn pictures: sheets and stills, with a line below that says what was asked for, and from which references.

The line is for people; programs read the same from the picture's description, as `described` does. A sheet has the face
in its middle, where every later picture and clip cuts the portrait out.
"""

import hashlib
import io
import json
import re
import threading
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFilter, ImageOps

from prefect_storyboard.sandbox.documents import Picture, Reference
from prefect_storyboard.sandbox.figures import Colour, colour_of, font, mixed, seed
from prefect_storyboard.sandbox.people import GROUND, bust, clothes_of, coloured, face_from, invented_face, person, worn
from prefect_storyboard.sandbox.places import place, weather
from prefect_storyboard.sandbox.portraits import square

_VERSION = "1"
_STRIP = 0.09  # of the height: the line below
_DESCRIPTION = 0x010E  # ImageDescription, which PNG, JPEG and WebP all carry
_INK, _WHITE = (18, 18, 26), (250, 250, 252)
_SHEET = re.compile(r"\b(sheet|turnaround|model sheet|reference of)\b", re.IGNORECASE)
_PLACE = re.compile(r"\b(place|location|environment|setting|background)\b", re.IGNORECASE)
_PROP = re.compile(r"\b(prop|object|item)\b", re.IGNORECASE)
_GROUND = re.compile(r"\b[\w ]+(?:back)?ground\b", re.IGNORECASE)
_ROLE = re.compile(r"\W*(?:image|element) ?\d+\W* (?:is|shows)\b|keep ", re.IGNORECASE)
_OF = re.compile(r"\b(?:sheet|turnaround|reference) (?:of|for|:)?[ :]*(?:the )?([A-Z][\w'-]*(?: [A-Z][\w'-]*)*)")


def draw(picture: Picture, folder: Path, inputs: Path) -> Path:
    """The picture's file in `folder`, drawn unless it is there; `inputs` holds the references by hash."""
    key = f"{_VERSION} {picture.model_dump_json()}"
    target = folder / f"{hashlib.sha256(key.encode()).hexdigest()}.{picture.format}"
    if not target.exists():
        partial = target.with_suffix(f".{threading.get_ident()}.tmp")
        _save(_paint(picture, inputs), picture, partial)
        partial.replace(target)
    return target


def described(data: bytes) -> dict[str, Any]:
    """What a picture of the sandbox says about itself: `model`, `prompt`, `shows` by kind, and `references` by hash."""
    with Image.open(io.BytesIO(data)) as picture:
        said: dict[str, Any] = json.loads(picture.getexif()[_DESCRIPTION])
    return said


def _save(drawn: Image.Image, picture: Picture, path: Path) -> None:
    said = {
        "model": picture.label,
        "prompt": picture.prompt,
        "shows": [f"{each.kind} {each.name}" for each in picture.references],
        "references": [each.file for each in picture.references],
    }
    note = Image.Exif()
    note[_DESCRIPTION] = json.dumps(said)
    drawn.save(path, picture.format, exif=note, **({} if picture.format == "png" else {"quality": 92}))


def _paint(picture: Picture, inputs: Path) -> Image.Image:
    size = picture.width, picture.height
    if picture.black:
        return Image.new("RGB", size)
    room = size[0], round(size[1] * (1 - _STRIP))
    scene = _sheet(picture, inputs, room) if _SHEET.search(picture.prompt) else _still(picture, inputs, room)
    whole = Image.new("RGB", size, _INK)
    whole.paste(scene, (0, 0))
    _line(whole, picture, room[1])
    return whole


def _sheet(picture: Picture, inputs: Path, room: tuple[int, int]) -> Image.Image:
    """A person large in the middle and whole at the sides; a place as it is; a prop alone."""
    words = picture.prompt
    kind = _kind(words)
    first = next(iter(picture.references), None)
    if kind == "place":
        return _backdrop(first, words, inputs, room)
    named = _OF.search(words)
    name = named[1] if named else first.name if first else words[:40]
    sheet = Image.new("RGB", room, GROUND)
    across = min(room)
    middle = ((room[0] - across) // 2, room[1] - across)
    if kind == "prop":
        thing = _thing(first, name, words, inputs, round(across * 0.72))
        sheet.paste(thing, (room[0] // 2 - thing.width // 2, (room[1] - thing.height) // 2), thing)
        return sheet
    face, coat = _look(first, name, words, inputs, across)
    shown = bust(face, coat, across)
    if room[0] > 1.3 * room[1]:
        tall = round(room[1] * 0.86)
        for back, share in ((False, 0.115), (True, 0.885)):
            figure = person(face, coat, tall, back=back)
            spot = round(room[0] * share) - figure.width // 2, room[1] - tall - round(room[1] * 0.04)
            sheet.paste(figure, spot, figure)
    sheet.paste(shown, middle, shown)
    return sheet


def _kind(words: str) -> str:
    """What a sheet is of: the sentence that speaks of the sheet says it, or a word like `object` further on."""
    about = next((each for each in re.split(r"[.;\n]", words) if _SHEET.search(each)), words)
    if re.search(r"\b(character|person)\b", about, re.IGNORECASE):
        return "person"
    return "place" if _PLACE.search(about) else "prop" if _PROP.search(words) else "person"


def _still(picture: Picture, inputs: Path, room: tuple[int, int]) -> Image.Image:
    """The people in the place, with the props."""
    by_kind = {kind: [each for each in picture.references if each.kind == kind] for kind in ("person", "place", "prop")}
    scene = _backdrop(next(iter(by_kind["place"]), None), picture.prompt, inputs, room)
    people, across = by_kind["person"], min(room)
    alone = len(picture.references) == 1
    tall = round(min(room[1] * 0.80, 2 * room[0] * 0.9 / max(1, len(people))))
    for spot, each in enumerate(people):
        face, coat = _look(each, each.name, picture.prompt if alone else each.words, inputs, tall // 2)
        figure = person(face, coat, tall)
        x = round(room[0] * (spot + 1) / (len(people) + 1)) - figure.width // 2
        y = room[1] - figure.height - round(room[1] * 0.03)
        _shade(scene, (x + figure.width // 2, y + figure.height), figure.width)
        scene.paste(figure, (x, y), figure)
        _plate(scene, each.name, (x + figure.width // 2, y + round(figure.height * 0.465)), figure.width)
    for spot, each in enumerate(by_kind["prop"]):
        thing = _thing(each, each.name, each.words, inputs, round(across * 0.24))
        x = round(room[0] * (0.97 - 0.16 * spot)) - thing.width
        scene.paste(thing, (max(0, x), room[1] - thing.height - round(across * 0.04)), thing)
    weather(scene, picture.prompt)
    return scene


def _look(each: Reference | None, name: str, words: str, inputs: Path, side: int) -> tuple[Image.Image, Colour]:
    """Face and clothes: those of the reference, changed by the words."""
    if each is None:
        return invented_face(name, words, side), worn(words) or mixed(colour_of(name), _INK, 0.25)
    with Image.open(io.BytesIO(square((inputs / each.file).read_bytes()))) as portrait:
        return face_from(portrait, side), worn(words) or clothes_of(portrait)


def _backdrop(each: Reference | None, words: str, inputs: Path, room: tuple[int, int]) -> Image.Image:
    """The place of a reference, slightly out of focus and without its line below; else the one that the words name."""
    if each is None:
        return place(room, words)
    with Image.open(inputs / each.file) as kept:
        upright = ImageOps.exif_transpose(kept).convert("RGB")
    cut = upright.crop((0, 0, upright.width, round(upright.height * (1 - _STRIP))))
    return ImageOps.fit(cut, room, Image.Resampling.LANCZOS).filter(ImageFilter.GaussianBlur(min(room) / 400))


def _thing(each: Reference | None, name: str, words: str, inputs: Path, side: int) -> Image.Image:
    """A prop as RGBA: a print of its reference, or a lantern in the colours of its name."""
    fine = Image.new("RGBA", (side * 2, side * 2))
    pen, colour = ImageDraw.Draw(fine), coloured(_GROUND.sub("", words)) or colour_of(name)
    if each is not None:
        pen.rounded_rectangle((0, 0, side * 2 - 1, side * 2 - 1), side * 0.12, fill=(*_WHITE, 255))
        with Image.open(io.BytesIO(square((inputs / each.file).read_bytes()))) as kept:
            inner, wide = round(side * 1.84), kept.width
            cut = (wide * 0.12, wide * 0.06, wide * 0.88, wide * 0.82)
            fine.paste(kept.resize((inner, inner), Image.Resampling.LANCZOS, cut), (round(side * 0.08),) * 2)
        return fine.reduce(2)
    glow = mixed(colour, (255, 240, 190), 0.6)
    for box, fill in (
        ((0.62, 0.06, 1.38, 0.60), None),
        ((0.50, 0.46, 1.50, 0.62), colour),
        ((0.58, 0.62, 1.42, 1.62), glow),
        ((0.46, 1.60, 1.54, 1.86), colour),
    ):
        place_ = [each_ * side for each_ in box]
        if fill is None:
            pen.arc(place_, 180, 360, fill=mixed(colour, _INK, 0.3), width=max(3, side // 14))
        else:
            pen.rounded_rectangle(place_, side * 0.06, fill=fill)
    flame = 0.18 + seed(name)[0] / 2600
    pen.ellipse([each_ * side for each_ in (1 - flame, 0.84, 1 + flame, 1.44)], fill=(255, 250, 226))
    return fine.reduce(2)


def _shade(scene: Image.Image, foot: tuple[int, int], wide: int) -> None:
    """The shadow at someone's feet."""
    x, y = foot
    box = (x - wide * 0.42, y - wide * 0.07, x + wide * 0.42, y + wide * 0.06)
    ImageDraw.Draw(scene, "RGBA").ellipse(box, fill=(10, 10, 20, 90))


def _plate(scene: Image.Image, name: str, middle: tuple[int, int], wide: int) -> None:
    """The name on a small plate."""
    face, (x, y) = font(round(wide * 0.085), bold=True), middle
    half = face.getlength(name) / 2 + wide * 0.05
    pen = ImageDraw.Draw(scene)
    box = (x - half, y - wide * 0.065, x + half, y + wide * 0.065)
    pen.rounded_rectangle(box, wide * 0.065, fill=colour_of(name))
    pen.text((x, y), name, _INK, face, anchor="mm")


def _scene(prompt: str) -> str:
    """The prompt without the sentences that only say what each reference is."""
    said = [each for each in re.split(r"(?<=[.;])\s+|\n+", prompt) if not _ROLE.match(each)]
    return " ".join(said) or prompt


def _line(whole: Image.Image, picture: Picture, top: int) -> None:
    """Model and references, and the prompt as far as it fits."""
    high, pen = whole.height - top, ImageDraw.Draw(whole)
    size = round(min(high * 0.28, whole.width * 0.032))
    left, bold, plain = round(high * 0.3), font(round(size * 1.07), bold=True), font(size)
    shown = ", ".join(each.name for each in picture.references)
    about = " · ".join(
        filter(None, (picture.label.upper(), f"from {shown}" if shown else "from words", f"#{picture.stamp}"))
    )
    for text, face, y, fill in ((about, bold, 0.30, (255, 214, 150)), (_scene(picture.prompt), plain, 0.70, _WHITE)):
        line = " ".join(text.split())
        while len(line) > 1 and face.getlength(line) > whole.width - 2 * left:
            line = (
                line[:-2].rstrip(" …") + "…" if face.getlength(line) < 2 * whole.width else line[: len(line) * 3 // 4]
            )
        pen.text((left, top + high * y), line, fill, face, anchor="lm")
