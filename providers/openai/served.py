"""The models of a server: those that its operator describes, those of the table, and any other by its name.

The table has OpenAI's own models with prices and retirement dates. At another address they have neither: resellers
publish no prices, and a self-hosted server sends no bill.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from prefect_storyboard.providers import dialects, table
from prefect_storyboard.storyboards import Frozen, Model, References

PROVIDER = "openai"
OFFICIAL = "https://api.openai.com/v1"
_LINES = (720, 480, 540, 768, 1080)  # the first is the default
_ASPECTS = ("16:9", "9:16", "1:1", "4:3", "3:4", "21:9")
_BLOCK = 16  # pixels: models count in blocks
_LONGEST = 60  # seconds; a server refuses lengths that it does not render

Dialect = Literal["form", "json", "vllm-omni"]
Size = tuple[int, int]


class ServedModel(Frozen):
    """A model of a server, as its operator describes it. What is left out is left to the server."""

    dialect: Dialect = Field(
        default="form",
        description="Format of the requests: form (as OpenAI's own client sends), json, or vllm-omni, which has "
        "fields for a seed, a negative prompt and sound.",
    )
    seconds: tuple[int, ...] = Field(default=(), description="Lengths that it renders; none named: 1 to 60.")
    sizes: tuple[str, ...] = Field(
        default=(),
        description='Sizes that it renders, as in "1280x720", the default one first; none named: common ones.',
    )
    usd_per_second: float | None = Field(
        default=None, ge=0, description="What a second costs you, in US dollars; left out: unknown, and shown so."
    )
    pictures: bool = Field(default=True, description="Whether a scene may start from a picture.")

    @model_validator(mode="after")
    def _sizes_are_sizes(self) -> Self:
        if any(each < 1 for each in self.seconds):
            raise ValueError("seconds: lengths are whole seconds, 1 or more")
        for each in self.sizes:
            wide, _, high = each.partition("x")
            if not (wide.isdecimal() and high.isdecimal() and int(wide) and int(high)):
                raise ValueError(f"sizes: {each!r} is not a size; write width and height, as in 1280x720")
        return self


def is_official(base_url: str) -> bool:
    """Whether the address is OpenAI's own, which requires a key."""
    return urlsplit(base_url).hostname == urlsplit(OFFICIAL).hostname


def sold(base_url: str, described: Mapping[str, ServedModel]) -> dict[str, Model]:
    """The models of a server that have a description; without any, those of the table."""
    if described:
        return {name: model(base_url, described, name) for name in described}
    return {name: _at_address(base_url, each) for name, each in table.models()[PROVIDER].items()}


def model(base_url: str, described: Mapping[str, ServedModel], name: str) -> Model:
    """The model of that name. Any name is accepted: a server refuses an unknown model before it renders."""
    known = table.models()[PROVIDER].get(name)
    if name not in described and known:
        return _at_address(base_url, known)
    facts = described.get(name, ServedModel())
    pixels = _pixels([_size(each) for each in facts.sizes] or _common())
    resolutions = (*pixels,)
    shown = _SHOWN if facts.pictures else {}
    return Model(
        name=name,
        provider=PROVIDER,
        codec=facts.dialect,
        endpoints={"text": name, "image": name} if facts.pictures else {"text": name},
        seconds=facts.seconds or tuple(range(1, _LONGEST + 1)),
        aspects=tuple(dict.fromkeys(aspect for sizes in pixels.values() for aspect in sizes)),
        resolutions=resolutions,
        pixels=pixels,
        usd_per_second={} if facts.usd_per_second is None else dict.fromkeys(resolutions, facts.usd_per_second),
        **{**dialects.facts(PROVIDER, facts.dialect), **shown},
    )


# Such a server takes no list of references: a character is the picture that the scene starts from.
_SHOWN: dict[str, Any] = {"max_characters": 1, "references": References(images=1), "frame_beside_cast": False}


def _at_address(base_url: str, known: Model) -> Model:
    """A model of the table; without price and retirement date if the address is not OpenAI's."""
    if is_official(base_url):
        return known
    return known.model_copy(update={"usd_per_second": {}, "retires_on": None, "successor": None})


def _size(text: str) -> Size:
    wide, _, high = text.partition("x")
    return int(wide), int(high)


def _pixels(sizes: Iterable[Size]) -> dict[str, dict[str, Size]]:
    """The sizes by lines ("720p": the shorter side) and by the nearest of the common shapes."""
    found: dict[str, dict[str, Size]] = {}
    for size in sizes:
        aspect = min(_ASPECTS, key=lambda each: abs(_ratio(each) - size[0] / size[1]))
        found.setdefault(f"{min(size)}p", {}).setdefault(aspect, size)
    return found


def _common() -> list[Size]:
    """Common sizes: the shorter side as the resolution names it, the longer one in whole blocks."""
    return [_shaped(lines, _ratio(aspect)) for lines in _LINES for aspect in _ASPECTS]


def _shaped(lines: int, ratio: float) -> Size:
    longer = round(lines * max(ratio, 1 / ratio) / _BLOCK) * _BLOCK if ratio != 1 else lines
    return (longer, lines) if ratio > 1 else (lines, longer)


def _ratio(aspect: str) -> float:
    wide, _, high = aspect.partition(":")
    return int(wide) / int(high)
