"""The form of the TOML files: one table a model, with its fields, its rules, its files, its clip and its prices.

    ["vendor/model/image-to-video"]
    like = "vendor-model"                        # everything that is not said here is as in that table
    label = "model 1"
    cites = ["@Image1"]                          # how a prompt names a file, shown by its first one
    rules = [{ given = ["end_url"], needs = ["image_url"], says = "end_url needs image_url." }]
    fields.prompt = { text = [1, 2500], required = true }
    fields.image_url = { url = "image", part = "first", required = true }
    fields.duration = { choice = ["auto", "4..15"], default = "auto" }
    files.image = { kind = "image", formats = ["jpeg", "png"], megabytes = 30 }
    price = { rates = { "720p" = 0.1, "720p sound" = 0.2 } }

A table with `pattern = true` is there for others only. A key that is misspelt is refused when the file is read.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, JsonValue, model_validator

Kind = Literal["image", "video", "audio"]
Part = Literal["cast", "first", "last", "frames", "extra"]
Value = str | int | float | bool


class Row(BaseModel):
    """A table, or a part of one."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PartBy(Row):
    """The part that files play where another field decides it; `by = "#"` is how many there are."""

    by: str
    are: Mapping[str, Part]
    otherwise: "Part | PartBy" = "cast"


class Size(Row):
    """What a width and a height must be: pixels in all, the longer side, long to short, and a common divisor."""

    pixels: tuple[int, int] | None = None
    side: int | None = None
    ratio: float | None = None
    step: int = 1


class Field(Row):
    """One field of an input; exactly one key says what it takes.

    `text`: least and most characters, 0 for any number. `choice`: the values; `"4..15"` stands for strings of digits,
    `"#4..15"` for numbers. `whole`, `number`: from and to, and `also` for values outside. `flag`: true or false. `url`,
    `urls`: files under one of the model's `files`, or under the second of `"image|video"` if they are moving. `fields`:
    an object, or with `many` a list of them, each of which is a `member` (`"Element"`) of the cast. `texts`: strings
    that mean nothing to the sandbox. `size`: an object of width and height, or a value of `choice`. Of the files beyond
    `keeps_last` only the last are used. `least` and `most` count the items of a list, `most_bytes` the bytes of a text.
    """

    text: tuple[int, int] | None = None
    choice: tuple[str | int, ...] = ()
    whole: tuple[int, int] | None = None
    also: tuple[int, ...] = ()
    number: tuple[float, float] | None = None
    flag: bool = False
    url: str | None = None
    urls: str | None = None
    fields: "Mapping[str, Field]" = {}
    texts: bool = False
    size: Size | None = None
    keeps_last: int | None = None
    many: bool = False
    required: bool = False
    default: JsonValue = None
    least: int = 0
    most: int | None = None
    pattern: str | None = None
    most_bytes: int | None = None
    part: Part | PartBy = "cast"
    member: str = ""
    rules: "tuple[Rule, ...]" = ()

    @model_validator(mode="after")
    def _takes_one_thing(self) -> Self:
        choice = self.choice if self.size is None else ()
        kinds = (self.text, choice, self.whole, self.number, self.flag, self.url, self.urls, self.fields)
        if sum(bool(each) for each in (*kinds, self.texts, self.size)) != 1:
            raise ValueError("a field takes exactly one kind of value")
        return self


class Rule(Row):
    """What several fields must keep; `says` is the refusal, `at` the field that it blames.

    It holds if any of `given` is given, none of `unless`, and every field of `when` has (one of) its values; without
    them always. Then one of `needs` must be given, none of `forbids`, exactly one of `one_of`; a field of `only` must
    have one of its values; all items of `counts` are at most `most` and at least `least`, or a single one ends as in
    `or_one`; the clip lasts from and to `seconds`.
    A dot leads into an object or into each item of a list: `elements.video_url`.
    """

    says: str
    at: str = ""
    given: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    when: Mapping[str, Value | tuple[Value, ...]] = {}
    needs: tuple[str, ...] = ()
    forbids: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    only: Mapping[str, tuple[Value, ...]] = {}
    counts: tuple[str, ...] = ()
    most: int | None = None
    least: int = 0
    or_one: tuple[str, ...] = ()
    seconds: tuple[int, int] | None = None


class Files(Row):
    """What one kind of file must be: formats in the words of Pillow or FFmpeg; `together` is for all of the kind."""

    kind: Kind
    formats: tuple[str, ...] = ()
    megabytes: float = 512
    side: tuple[int, int] | None = None
    pixels: tuple[int, int] | None = None
    aspect: tuple[float, float] | None = None
    seconds: tuple[float, float] | None = None
    fps: tuple[float, float] | None = None
    together: tuple[float, float] | None = None
    megabytes_together: float | None = None


class Extra(Row):
    """What files beyond a free number cost."""

    beyond: int
    each: float
    of: Kind = "image"


class Price(Row):
    """The published price, in the gateway's unit; what is not in `rates` is not known.

    A rate is found by its words: of `480p`, `sound` or `silent`, `videos`, `8s`, of a picture its tier and quality, as
    many as are true of the order, in this order; `any` stands for every order. `videos` multiplies the rate of an order
    with reference videos.
    """

    rates: Mapping[str, float] = {}
    per: Literal["second", "clip", "picture"] = "second"
    videos: float | None = None
    counts_videos: bool = False
    at_least: float = 0
    extra: Extra | None = None
    listed: float | None = None

    @property
    def base(self) -> float | None:
        """The price that a list shows for the model."""
        return self.listed if self.listed is not None else next(iter(self.rates.values()), None)


class Model(Row):
    """One model. `seconds`, `resolution`, `aspect` and `sound` name a field, or say what is always so.

    `address` is the pattern of a url that is looked at when the job is submitted, `most_seconds` what the clip and the
    videos that it is made of may last together. Of a model that makes pictures, `quality`, `count` and `format` name a
    field likewise, `tiers` has the most pixels of each price, `shapes` the exact size of an aspect in a tier, `bare`
    leaves a file's size out of the answer, and `ignores_unknown` drops what is no field of the model, without a word.
    """

    name: str = ""
    label: str
    type: str = ""
    provider: str = ""
    address: str | None = None
    fields: Mapping[str, Field]
    rules: tuple[Rule, ...] = ()
    files: Mapping[str, Files] = {}
    cites: tuple[str, ...] = ()
    strict_cites: bool = True
    uncited: Literal["everyone", "nobody"] = "nobody"
    seconds: str | int = "duration"
    auto_seconds: int = 5
    most_seconds: int | None = None
    shots_add_up: bool = False
    source: Literal["", "as long", "added"] = ""
    resolution: str = "resolution"
    sizes: Mapping[str, str] = {}
    aspect: str = "aspect_ratio"
    sound: str | bool = "generate_audio"
    outputs: tuple[str, ...] = ()
    price: Price = Price()
    makes: Literal["clip", "picture"] = "clip"
    quality: str = ""
    count: str = ""
    format: str = "output_format"
    tiers: Mapping[str, int] = {}
    shapes: Mapping[str, str] = {}
    bare: bool = False
    ignores_unknown: bool = False


def read(folder: Path) -> dict[str, Model]:
    """The models of a folder of TOML files, by name, without the patterns."""
    tables: dict[str, Any] = {}
    for path in sorted(folder.glob("*.toml")):
        tables |= tomllib.loads(path.read_text("utf-8"))
    patterns = {name for name, table in tables.items() if table.get("pattern", False)}
    return {
        name: Model.model_validate({"name": name, **_whole(tables, name)}) for name in tables if name not in patterns
    }


def _whole(tables: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The table with all that it takes over from the one that it is like."""
    table = dict(tables[name])
    table.pop("pattern", None)
    like, without = table.pop("like", None), table.pop("without", ())
    whole = _whole(tables, like) if like else {}
    merged = {key: {**whole.get(key, {}), **table[key]} for key in ("fields", "files") if key in table}
    whole |= {**table, **merged}
    return {**whole, "fields": {key: each for key, each in whole["fields"].items() if key not in without}}
