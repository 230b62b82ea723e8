"""The inputs that the gateways document, read from fields.toml, and how the user's `fields` are added to a body."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal

from pydantic import Field, JsonValue

from prefect_storyboard.providers.dialects import ancestors, dialect_inputs, dialects
from prefect_storyboard.providers.errors import InvalidRequest
from prefect_storyboard.providers.gateways import table
from prefect_storyboard.providers.protocol import CharacterRequest, SceneRequest
from prefect_storyboard.storyboards import Frozen, Mode, Operation
from prefect_storyboard.storyboards.outcomes import JsonObject

_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "link": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
}

_REMEDY = "Nothing was sent. Change what the message names, then run it again."


class Input(Frozen):
    """One input of a gateway, as its page documents it. A dot in the name leads into an object of the body."""

    name: str
    codec: str = Field(description='"*" is every codec of the gateway.')
    type: Literal["string", "link", "boolean", "integer", "number", "array", "object"]
    means: str
    page: str = Field(description="Address of the page that documents it.")
    of: tuple[Operation, ...] = Field(default=("text", "image"), description="The operations that take it.")
    modes: tuple[Mode, ...] = Field(default=(), description="The modes of a scene that take it; none named: all.")
    models: tuple[str, ...] = Field(default=(), description="The models that take it; none named: all of the codec.")
    argument: str | None = Field(default=None, description="Our argument that sets it.")
    instead: bool = Field(default=False, description="Whether it may be given if that argument is left out.")
    preset: JsonValue = Field(default=None, description="The value that is sent unless the user sets it.")
    deletes: bool = Field(
        default=False, description="Whether true lets the gateway delete the video, so that it cannot be remixed."
    )
    top: bool = Field(default=False, description="Whether it is placed beside the object that holds the other inputs.")
    choices: tuple[JsonValue, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None

    def takes(self, request: SceneRequest | CharacterRequest) -> bool:
        """Whether the request's model, operation and mode have this input."""
        if isinstance(request, SceneRequest) and self.modes and request.mode not in self.modes:
            return False
        return request.operation in self.of and (not self.models or request.model.name in self.models)

    def fault(self, value: JsonValue) -> str | None:
        """What is wrong with the value, and what to do; None if the page allows it."""
        if not isinstance(value, _KINDS[self.type]) or (isinstance(value, bool) and self.type != "boolean"):
            return f"is not of the type {self.type}: change it"
        if self.type == "link" and not str(value).startswith(("https://", "http://")):
            return "is not a URL: begin it with https://"
        if self.choices and value not in self.choices:
            return f"is not one of {', '.join(map(_as_text, self.choices))}: choose one of them"
        if isinstance(value, str | list):
            return self._length_fault(len(value), "characters" if isinstance(value, str) else "items")
        if isinstance(value, int | float):
            if self.minimum is not None and value < self.minimum:
                return f"is less than {self.minimum:g}: make it larger"
            if self.maximum is not None and value > self.maximum:
                return f"is more than {self.maximum:g}: make it smaller"
        return None

    def _length_fault(self, length: int, what: str) -> str | None:
        if self.min_length is not None and length < self.min_length:
            return f"has {length} {what}, and needs {self.min_length} at least: lengthen it"
        if self.max_length is not None and length > self.max_length:
            return f"has {length:,} {what}, and may have {self.max_length:,} at most: shorten it"
        return None


@cache
def inputs(provider: str) -> tuple[Input, ...]:
    """All inputs of a gateway; empty for an unknown gateway.

    A dialect names its own inputs, and inherits those of the dialect that it is `like`.
    """
    found = table(provider, "fields.toml")
    pages, listed = found.get("pages", {}), found.get("inputs", {}).get(provider, {})
    names = {**dict.fromkeys(listed), **dict.fromkeys(dialects(provider))}
    return tuple(
        Input(codec=codec, **facts)
        for codec in names
        for facts in (
            *(dialect_inputs(dialects(provider)[codec]) if codec in dialects(provider) else ()),
            *(
                {"name": name, **facts, "page": pages[facts["page"]]}
                for name, facts in _listed(listed, ancestors(provider, codec)).items()
            ),
        )
    )


def _listed(listed: Mapping[str, dict[str, Any]], dialect: tuple[str, ...]) -> dict[str, Any]:
    """The inputs of a dialect and of those that it is `like`; its own entries win."""
    return {name: facts for each in reversed(dialect) for name, facts in listed.get(each, {}).items()}


def keeps_video(request: SceneRequest) -> bool:
    """Whether the gateway keeps the rendered video, so that it can be remixed."""
    asked = [
        each for each in inputs(request.model.provider) if each.deletes and each.codec in {"*", request.model.codec}
    ]
    return not any(request.fields.get(each.name, not request.remixable) for each in asked if each.takes(request))


def with_fields(body: JsonObject, request: SceneRequest | CharacterRequest) -> JsonObject:
    """The body of a request with the user's own `fields` added. Known inputs are checked, others sent as they are.

    Raises InvalidRequest, before anything is sent, for a field that repeats an argument, that the model's operation
    does not have, or whose value the gateway's page does not allow.
    """
    known = {each.name: each for each in inputs(request.model.provider) if each.codec in {"*", request.model.codec}}
    inside = table(request.model.provider, "fields.toml").get("inside", {}).get(request.model.provider)
    for path, value in _leaves(request.fields, known):
        each = known.get(".".join(path))
        whole = path if inside is None or (each and each.top) else (inside, *path)
        _check_free(path, each, _value(body, whole), request)
        if each and (why := each.fault(value)):
            raise _refusal(f"fields.{each.name}", each, request, why)
        body = _merged(body, whole, value)
    for each in known.values():
        path = tuple(each.name.split("."))
        value = _value(body, path if inside is None or each.top else (inside, *path))
        if value is not None and (why := each.fault(value)):
            raise _refusal(each.argument or each.name, each, request, why)
    return body


def _check_free(
    path: tuple[str, ...], each: Input | None, held: JsonValue, request: SceneRequest | CharacterRequest
) -> None:
    """Raise InvalidRequest for a field that the user may not set."""
    if each and not each.takes(request):
        operation = request.operation.replace("_", " ")
        why = f"is not an input of {request.model.name} at {request.model.provider} for the operation {operation}"
    elif each and (each.preset is not None or (each.instead and _is_unset(each, held, request))):
        return
    elif each and each.argument:
        why = f"is set by the argument {each.argument}"
    elif held is not None:
        why = "is in the request already"
    else:
        return
    name = ".".join(path)
    raise InvalidRequest(
        f"fields.{name} {why}: leave it out of fields; nothing was sent", field=name, sent=False, remedy=_REMEDY
    )


def _is_unset(each: Input, held: JsonValue, request: SceneRequest | CharacterRequest) -> bool:
    """Whether the argument that sets an input is left out."""
    return held is None or (each.argument is not None and not getattr(request, each.argument, True))


def _refusal(name: str, each: Input, request: SceneRequest | CharacterRequest, why: str) -> InvalidRequest:
    where = f"{request.model.name} at {request.model.provider}"
    return InvalidRequest(
        f"{name} {why}; {where} does not take it, and nothing was sent", field=each.name, sent=False, remedy=_REMEDY
    )


def _leaves(
    fields: JsonObject, known: Mapping[str, Input], under: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], JsonValue]]:
    """Each field by its path; objects are descended into if the table knows a part of them."""
    for key, value in fields.items():
        path = (*under, key)
        if isinstance(value, dict) and any(name.startswith(f"{'.'.join(path)}.") for name in known):
            yield from _leaves(value, known, path)
        else:
            yield path, value


def _value(place: JsonValue, path: tuple[str, ...]) -> JsonValue:
    for key in path:
        place = place.get(key) if isinstance(place, dict) else None
    return place


def _merged(body: JsonObject, path: tuple[str, ...], value: JsonValue) -> JsonObject:
    """A copy of the body with the value in its place."""
    first, *rest = path
    inner = body.get(first)
    return {**body, first: _merged(inner if isinstance(inner, dict) else {}, tuple(rest), value) if rest else value}


def _as_text(value: JsonValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
