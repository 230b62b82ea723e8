"""What a body orders: how long, how large, with which sound, who is in it, and which files it points to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

from pydantic import BaseModel

from prefect_storyboard.sandbox.catalogue.cites import Citation, citations
from prefect_storyboard.sandbox.catalogue.forms import (
    Broken,
    Form,
    Lenient,
    Values,
    Where,
    check,
    check_items,
    form,
    found,
)
from prefect_storyboard.sandbox.catalogue.rows import Field, Files, Model, Part, PartBy

_SHORT_SIDE = {"2k": 1440, "4k": 2160}
_FOLLOWS = {"auto", "adaptive"}


@dataclass(frozen=True)
class Wanted:
    """A file that an order points to: its place, what it must be, its part, and the member whom it shows."""

    where: Where
    url: str
    rules: Files
    part: Part = "cast"
    member: str | None = None


@dataclass(frozen=True)
class Order:
    """A body that its model takes. `seconds` is None where the clip is as long as its source."""

    model: Model
    values: Values
    files: list[Wanted]
    prompts: Mapping[Where, str]
    named: Mapping[str, str] = field(default_factory=dict)

    @property
    def seconds(self) -> int | None:
        """The requested length."""
        return _seconds(self.model, self.values)

    @property
    def resolution(self) -> str:
        """The resolution as the price table names it: `720p`."""
        model = self.model
        word = str(_at(self.values, model.resolution) or model.resolution)
        return model.sizes.get(word, word).lower()

    @property
    def quality(self) -> str:
        """The quality of a picture as the price table names it."""
        return str(self.values.get(self.model.quality) or "").lower()

    @property
    def count(self) -> int:
        """How many pictures are asked for."""
        return prod(int(self.values.get(name) or 1) for name in self.model.count.split("|"))

    @property
    def short_side(self) -> int:
        """Its shorter side in pixels."""
        word = self.resolution
        return _SHORT_SIDE[word] if word in _SHORT_SIDE else int(word.removesuffix("p"))

    @property
    def aspect(self) -> str | None:
        """The requested aspect; None follows the first frame."""
        asked = str(self.values.get(self.model.aspect) or self.model.aspect)
        return asked if ":" in asked else None

    @property
    def sound(self) -> bool:
        """Whether the clip has sound."""
        sound = self.model.sound
        return sound if isinstance(sound, bool) else bool(self.values.get(sound))

    @property
    def prompt(self) -> str:
        """The words of all shots."""
        return " / ".join(self.prompts.values())

    def cited(self) -> list[Citation]:
        """Whom the prompts name, in their order."""
        return [each for text in self.prompts.values() for each in citations(self.model.cites, text, self.named)]


def order(model: Model, body: Any, *, base: type[BaseModel] = Form, unknown: str | None = None) -> Order:
    """The order of a body; raises pydantic's `ValidationError` for a field, `Broken` for a rule.

    `unknown` words the refusal of a name in the prompt that no file stands behind; without it such a name is ignored.
    """
    base = Lenient if model.ignores_unknown else base
    values = form(model, base).model_validate(body).model_dump()
    check_items(model.fields, values)
    check(model.rules, values, _seconds(model, values))
    files = list(_files(model, model.fields, values, ()))
    made = Order(model, values, files, dict(_prompts(values)), _named(model, values))
    if unknown is not None and model.strict_cites:
        _all_known(made, unknown)
    return made


def draft(model: Model, body: Values) -> Order:
    """The order of a body that need not be whole: what is missing has its default, and nothing is checked."""
    values = {**form(model).model_construct(None).model_dump(), **body}
    return Order(model, values, list(_files(model, model.fields, values, ())), {})


def _at(values: Values, path: str) -> Any:
    """What is given at a path through objects; None if nothing is."""
    return next((item for _, item in found(values, path)), None)


def _all_known(made: Order, unknown: str) -> None:
    known = {file.member for file in made.files}
    for where, text in made.prompts.items():
        for each in citations(made.model.cites, text, made.named):
            if each.unmistakable and each.name not in known:
                raise Broken(where, unknown.format(name=each.written))


def _seconds(model: Model, values: Values) -> int | None:
    shots = values.get("multi_prompt")
    if model.shots_add_up and shots:
        return sum(int(shot["duration"]) for shot in shots)
    if isinstance(model.seconds, int):
        return model.seconds
    asked = str(values.get(model.seconds) or "").removesuffix("s")
    if asked.isdigit():
        return int(asked)
    return None if model.source == "as long" else model.auto_seconds


def _prompts(values: Values) -> Iterator[tuple[Where, str]]:
    if values.get("prompt"):
        yield ("prompt",), values["prompt"]
    for place, shot in enumerate(values.get("multi_prompt") or ()):
        yield ("multi_prompt", place, "prompt"), shot["prompt"]


def _named(model: Model, values: Values) -> dict[str, str]:
    """The members that have names, by name."""
    lists = [(field.member, values.get(name) or ()) for name, field in model.fields.items() if field.member]
    flat = [(member, place, item) for member, items in lists for place, item in enumerate(items, 1)]
    names = [(item.get("name") or item.get("ref_name"), f"{member} {place}") for member, place, item in flat]
    return {str(name): member for name, member in names if name}


def _files(model: Model, fields: Mapping[str, Field], values: Values, where: Where) -> Iterator[Wanted]:
    """The files in the order of the fields."""
    for name, each in fields.items():
        value = values.get(name)
        if not value:
            continue
        if each.fields:
            yield from _inner(model, each, value, (*where, name))
        elif each.url:
            yield _wanted(model, each, values, ((*where, name), value))
        elif each.urls:
            dropped = max(0, len(value) - (each.keeps_last or len(value)))
            for place, url in enumerate(value[dropped:]):
                yield _wanted(model, each, values, ((*where, name, place + dropped), url), place)


def _inner(model: Model, each: Field, value: Any, where: Where) -> Iterator[Wanted]:
    """The files of an object or of a list of them. Of a member, the first file shows who it is."""
    if not each.many:
        yield from _files(model, each.fields, value, where)
        return
    for place, item in enumerate(value):
        first = True
        for file in _files(model, each.fields, item, (*where, place)):
            if each.member:
                shown = f"{each.member} {place + 1}" if first and file.rules.kind != "audio" else None
                yield Wanted(file.where, file.url, file.rules, file.part, shown)
                first = first and shown is None
            else:
                name = f"{file.rules.kind.capitalize()} {place + 1}" if file.part == "cast" else None
                yield Wanted(file.where, file.url, file.rules, file.part, name)


def _wanted(model: Model, field: Field, values: Values, at: tuple[Where, str], place: int = 0) -> Wanted:
    """One file; `place` is its place in a list."""
    where, url = at
    names = (field.url or field.urls or "").split("|")
    moves = names[-1] if url.split("?")[0].endswith((".mp4", ".mov", ".webm")) else names[0]
    rules = model.files[moves]
    part = _part(field.part, values, where, place)
    return Wanted(where, url, rules, part, f"{rules.kind.capitalize()} {place + 1}" if part == "cast" else None)


def _part(part: Part | PartBy, values: Values, where: Where, place: int) -> Part:
    while isinstance(part, PartBy):
        word = len(values[str(where[-2])]) if part.by == "#" else _at(values, part.by)
        part = part.are.get(str(word), part.otherwise)
    if part == "frames":
        return "last" if place else "first"
    return part
