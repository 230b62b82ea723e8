"""The request format of each gateway, read from dialects.toml: data, so that a new model needs no code."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal, NamedTuple

from pydantic import Field, JsonValue

from prefect_storyboard.providers.gateways import table
from prefect_storyboard.storyboards import Frozen, Mode
from prefect_storyboard.storyboards.model import Choice

Source = Literal[
    "prompt",
    "seconds",
    "seconds as text",
    "seconds as 8s",
    "resolution",
    "resolution in capitals",
    "aspect",
    "audio",
    "seed",
    "negative",
    "first frame",
    "last frame",
    "frames",
    "first frames",
    "pictures",
    "clips",
]
OfCharacter = Literal["front", "others", "pictures", "name", "description"]

MODES: tuple[Mode, ...] = ("text", "image", "frames", "references")
_CHOICES: Mapping[Choice, frozenset[str]] = {
    "seconds": frozenset({"seconds", "seconds as text", "seconds as 8s"}),
    "aspect": frozenset({"aspect"}),
    "resolution": frozenset({"resolution", "resolution in capitals"}),
}
FIRST_FRAME, LAST_FRAME = frozenset({"first frame", "frames", "first frames"}), frozenset({"last frame", "frames"})


class Constant(Frozen):
    """A constant value."""

    always: JsonValue = Field(alias="is")


class Renamed(Frozen):
    """A choice in the gateway's own spelling; a value that is not listed is sent unchanged."""

    of: Source
    to: dict[str, str]


class PerCharacter(Frozen):
    """A list of objects, one for each character."""

    each: dict[str, OfCharacter | Constant]


class WithRoles(Frozen):
    """A list of objects, each a file and its role."""

    roles: dict[str, Source]


Slot = Source | Constant | Renamed | PerCharacter | WithRoles


class Citation(Frozen):
    """How a prompt refers to media. `{}` is a number that counts from `first`, or the character's name."""

    image: str | None = None
    clip: str | None = None
    element: str | None = None
    name: str | None = None
    first: int = Field(default=1, alias="from")


class Dialect(Frozen):
    """The fields of a request body with their sources, for all scenes and for scenes of each mode."""

    page: str
    cite: Citation = Citation()
    every: dict[str, Slot]
    text: dict[str, Slot] = Field(default={})
    image: dict[str, Slot] = Field(default={})
    frames: dict[str, Slot] | None = None
    references: dict[str, Slot] = Field(default={})

    def fields(self, mode: Mode) -> dict[str, Slot]:
        """All fields of a mode."""
        own = self.image if mode == "frames" and self.frames is None else getattr(self, mode)
        return {**self.every, **own}

    def holds(self, mode: Mode) -> frozenset[str]:
        """The sources of a mode's fields."""
        return frozenset(source for slot in self.fields(mode).values() for source in sources(slot))


def sources(slot: Slot) -> Iterator[str]:
    """The sources of a field; a list of characters counts as pictures."""
    match slot:
        case str():
            yield slot
        case Renamed():
            yield slot.of
        case PerCharacter():
            yield "pictures"
        case WithRoles():
            yield from slot.roles.values()


@cache
def dialects(provider: str) -> Mapping[str, Dialect]:
    """All dialects of a gateway by name; empty for an unknown gateway."""
    found = table(provider, "dialects.toml").get(provider, {})
    return {name: Dialect.model_validate(_facts(found, name)) for name in found}


@cache
def ancestors(provider: str, name: str) -> tuple[str, ...]:
    """The dialect and the dialects that it is `like`, itself first; a codec in code has only itself."""
    like = table(provider, "dialects.toml").get(provider, {}).get(name, {}).get("like")
    return (name, *ancestors(provider, like)) if like else (name,)


def facts(provider: str, codec: str) -> dict[str, Any]:
    """What a model with that dialect accepts, for the model table; empty for a codec in code."""
    dialect = dialects(provider).get(codec)
    if dialect is None:
        return {}
    holds = {mode: dialect.holds(mode) for mode in MODES}
    shown = holds["references"]
    found: dict[str, Any] = {
        "takes_last_frame": tuple(mode for mode in ("frames", "references") if holds[mode] & LAST_FRAME),
        "takes_seed": tuple(mode for mode in MODES if "seed" in holds[mode]),
        "takes_negative": tuple(mode for mode in MODES if "negative" in holds[mode]),
        "chooses": {mode: tuple(_left_open(dialect, mode)) for mode in MODES},
        "frame_beside_cast": bool(shown & FIRST_FRAME) or "pictures" not in shown,
    }
    if not _begins_with_picture(dialect):
        found |= {"casts": ("text",), "frame_beside_cast": True}
    return {**found, "sound": "switch"} if all("audio" in each for each in holds.values()) else found


def _begins_with_picture(dialect: Dialect) -> bool:
    """Whether a request can have a first frame: in a field for it, or among pictures that are not a character's own."""
    listed = (slot for slot in dialect.fields("references").values() if not isinstance(slot, PerCharacter))
    shown = any("pictures" in sources(slot) for slot in listed)
    return shown or any(dialect.holds(mode) & FIRST_FRAME for mode in MODES)


def _left_open(dialect: Dialect, mode: Mode) -> Iterator[Choice]:
    """The choices that requests of other modes can set, but that have no field in this mode."""
    for choice, names in _CHOICES.items():
        if not names & dialect.holds(mode) and any(names & dialect.holds(other) for other in MODES):
            yield choice


class _Meaning(NamedTuple):
    """A field for users: its JSON type, the argument that sets it, and its meaning."""

    type: str
    argument: str
    means: str


_MEANINGS: dict[str, _Meaning] = {
    "prompt": _Meaning("string", "prompt", "What happens in the scene."),
    "seconds": _Meaning("integer", "seconds", "Length in seconds."),
    "seconds as text": _Meaning("string", "seconds", "Length in seconds, as text."),
    "seconds as 8s": _Meaning("string", "seconds", 'Length, as in "8s".'),
    "resolution": _Meaning("string", "resolution", "Size of the picture."),
    "resolution in capitals": _Meaning("string", "resolution", "Size of the picture, in capitals."),
    "aspect": _Meaning("string", "aspect", "Aspect ratio."),
    "audio": _Meaning("boolean", "audio", "Whether the clip has sound."),
    "seed": _Meaning("integer", "seed", "Random seed."),
    "negative": _Meaning("string", "negative", "Negative prompt."),
    "first frame": _Meaning("link", "image", "The first frame."),
    "last frame": _Meaning("link", "ends", "The last frame."),
    "first frames": _Meaning("array", "image", "The first frame."),
    "frames": _Meaning("array", "image and ends", "The first frame, and the last one."),
    "pictures": _Meaning("array", "characters", "Pictures of the characters."),
    "clips": _Meaning("array", "characters", "Clips of the characters."),
}
_OPTIONAL = {"seed", "negative", "last frame"}  # these may also be given by the gateway's own name
_JSON = {bool: "boolean", int: "integer", str: "string", list: "array"}


def dialect_inputs(dialect: Dialect) -> Iterator[dict[str, Any]]:
    """The fields of a dialect as inputs of a gateway, with the argument that sets each and the modes that send it."""
    of = ("text", "image") if _begins_with_picture(dialect) else ("text",)
    modes: dict[str, list[Mode]] = {}
    slots: dict[str, list[Slot]] = {}
    for mode in MODES:
        for name, slot in dialect.fields(mode).items():
            modes.setdefault(name, []).append(mode)
            slots.setdefault(name, []).append(slot)
    for name, found in slots.items():
        every = () if len(modes[name]) == len(MODES) else (*modes[name],)
        yield {"name": name, "page": dialect.page, "of": of, "modes": every, **_meaning(found)}


def _meaning(slots: list[Slot]) -> dict[str, Any]:
    """The meaning of a field over all modes."""
    held = [*dict.fromkeys(source for slot in slots for source in sources(slot))]
    if not held:
        constant = next(slot for slot in slots if isinstance(slot, Constant)).always
        return {
            "type": _JSON[type(constant)],
            "preset": constant,
            "means": "Always sent with this value, unless you set it.",
        }
    meanings = [_MEANINGS[each] for each in held]
    lists = any(isinstance(slot, PerCharacter | WithRoles) for slot in slots)
    found: dict[str, Any] = {
        "type": "array" if lists else meanings[0].type,
        "argument": " and ".join(dict.fromkeys(each.argument for each in meanings)),
        "means": " ".join(each.means for each in meanings),
    }
    if held == ["audio"]:
        found["preset"] = True
    return {**found, "instead": True} if _OPTIONAL.issuperset(held) else found


def _facts(written: dict[str, Any], name: str) -> dict[str, Any]:
    """A dialect's facts, including those of the dialect that it is `like`."""
    own = {key: value for key, value in written[name].items() if key != "like"}
    like = written[name].get("like")
    if like is None:
        return own
    found = _facts(written, like)
    for key, value in own.items():
        found = {**found, key: {**found.get(key, {}), **value} if isinstance(value, dict) else value}
    return found
