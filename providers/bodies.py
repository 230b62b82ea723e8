"""Build the body of a scene in a gateway's dialect: one function for all models whose dialect is data."""

from collections.abc import Callable, Mapping

from pydantic import JsonValue

from prefect_storyboard.providers.citations import cite_references, tokens
from prefect_storyboard.providers.dialects import (
    FIRST_FRAME,
    Constant,
    Dialect,
    PerCharacter,
    Renamed,
    Slot,
    WithRoles,
    dialects,
)
from prefect_storyboard.providers.errors import InvalidRequest
from prefect_storyboard.providers.protocol import Reference, SceneRequest
from prefect_storyboard.storyboards.outcomes import JsonObject

Codec = Callable[[SceneRequest], JsonObject]


def scene_body(request: SceneRequest, codecs: Mapping[str, Codec]) -> JsonObject:
    """Build the body with the model's codec: one of the gateway's own functions, else its dialect.

    Raises InvalidRequest, before anything is sent, for values that the model has no field for.
    """
    check_options(request)
    name = request.model.codec
    return codecs[name](request) if name in codecs else _dialect_body(request, dialects(request.model.provider)[name])


def check_options(request: SceneRequest) -> None:
    """Raise InvalidRequest for a last frame, a silence, a seed or a negative prompt that the model has no field for."""
    model, mode = request.model, request.mode
    name = f"{model.name} at {model.provider}"
    if request.last_frame_url and mode not in model.takes_last_frame:
        beside = " beside its characters" if mode == "references" and "frames" in model.takes_last_frame else ""
        raise _unsupported("ends", f"{name} takes no last frame{beside}")
    if mode == "frames" and not request.image_url and not model.last_frame_alone:
        raise _unsupported("ends", f"{name} takes a last frame only with a first one")
    if not request.audio and model.sound == "always":
        raise _unsupported("audio", f"{name} cannot be silenced")
    if request.seed is not None and mode not in model.takes_seed:
        raise _unsupported("seed", f"{name} takes no seed for such a scene")
    if request.negative and mode not in model.takes_negative:
        raise _unsupported("negative", f"{name} takes no negative prompt for such a scene")


def _unsupported(field: str, why: str) -> InvalidRequest:
    return InvalidRequest(
        f"{why}: leave {field} out, or choose another model; nothing was sent", field=field, sent=False
    )


def _dialect_body(request: SceneRequest, dialect: Dialect) -> JsonObject:
    """The request in the fields of the dialect. Fields that the scene does not set are left out."""
    frame_beside = bool(dialect.holds(request.mode) & FIRST_FRAME)
    cited = cite_references(request, dialect.cite, with_frame=bool(request.image_url) and not frame_beside)
    values: dict[str, JsonValue] = {
        "prompt": cited.prompt,
        "seconds": request.seconds,
        "seconds as text": str(request.seconds),
        "seconds as 8s": f"{request.seconds}s",
        "resolution": request.resolution,
        "resolution in capitals": request.resolution.upper(),
        "aspect": request.aspect,
        "audio": request.audio,
        "seed": request.seed,
        "negative": request.negative or None,
        "first frame": request.image_url,
        "last frame": request.last_frame_url,
        "frames": [url for url in (request.image_url, request.last_frame_url) if url],
        "first frames": [request.image_url] if request.image_url else [],
        "pictures": [*cited.images],
        "clips": [*cited.clips],
    }
    body: JsonObject = {}
    for name, slot in dialect.fields(request.mode).items():
        value = _value(slot, values, request.references)
        if isinstance(slot, Constant) or value not in (None, []):
            body = _with(body, name.split("."), value)
    return body


def _value(slot: Slot, values: Mapping[str, JsonValue], references: tuple[Reference, ...]) -> JsonValue:
    match slot:
        case Constant():
            return slot.always
        case Renamed():
            return slot.to.get(str(values[slot.of]), values[slot.of])
        case PerCharacter():
            names = tokens(each.character for each in references)
            return [_object(slot, each, names[each.character]) for each in references if each.image_urls]
        case WithRoles():
            return [{"url": url, "role": role} for role, source in slot.roles.items() for url in _urls(values[source])]
    return values[slot]


def _object(slot: PerCharacter, character: Reference, token: str) -> JsonValue:
    front, *others = character.image_urls
    known: dict[str, JsonValue] = {
        "front": front,
        "others": [*others],
        "pictures": [*character.image_urls],
        "name": token,
        "description": character.description or character.character,
    }
    return {
        field: source.always if isinstance(source, Constant) else known[source] for field, source in slot.each.items()
    }


def _urls(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else [value] if value else []


def _with(body: JsonObject, path: list[str], value: JsonValue) -> JsonObject:
    first, *rest = path
    inner = body.get(first)
    return {**body, first: _with(inner if isinstance(inner, dict) else {}, rest, value) if rest else value}
