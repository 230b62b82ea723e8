"""The table of image models, read from the images.toml of each gateway's package, and their request bodies.

A prompt and its references become the gateway's request here, by the model's own row: `fields` maps the fields of the
body to their sources, and `cite` says how the prompt names the n-th picture. The prompt that is sent has one sentence
for each reference with a name or a role, in front of the user's words:

    Image 1 is Mara: keep her face and coat.
    Image 2 is the lighthouse.
    Mara opens the gallery door.

Several pictures of one reference share a sentence (`Image 1 and Image 2 are Mara`). A model that reads the citation
instead of a name (`replaces_names`) gets `@Image1 opens the gallery door.`, and a sentence for the role. A
reference without name and role adds no sentence, so that a prompt which cites its pictures itself is sent unchanged.
"""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, Literal

from pydantic import Field, JsonValue

from prefect_storyboard.providers.citations import replace_names
from prefect_storyboard.providers.dialects import Constant
from prefect_storyboard.providers.errors import InvalidRequest
from prefect_storyboard.providers.gateways import gateways, table, title
from prefect_storyboard.providers.orders import StillRequest
from prefect_storyboard.storyboards import Frozen
from prefect_storyboard.storyboards.drawing import Drawing
from prefect_storyboard.storyboards.image_model import ImageModel
from prefect_storyboard.storyboards.outcomes import JsonObject
from prefect_storyboard.storyboards.planned import with_note
from prefect_storyboard.storyboards.stills import StillReference

Holds = Literal[
    "prompt",
    "aspect",
    "resolution",
    "resolution in small letters",
    "quality",
    "format",
    "seed",
    "references",
    "references as objects",
    "size",
    "size with asterisk",
]


class Spelled(Frozen):
    """A choice in the gateway's own spelling; a value that is not listed is sent unchanged."""

    of: Holds
    to: dict[str, str]


Slot = Holds | Constant | Spelled


class _Row(Frozen):
    """The part of a row that says how a request is written."""

    fields: dict[str, Slot] = Field(default={})


@cache
def image_models(provider: str) -> Mapping[str, ImageModel]:
    """The image models of a gateway, by name; empty if it has none."""
    found = table(provider, "images.toml").get(provider, {})
    made = {name: _facts(found, name) for name in found}
    return {name: ImageModel(name=name, provider=provider, **_without_fields(facts)) for name, facts in made.items()}


def image_model(provider: str, name: str) -> ImageModel:
    """The image model of that name. Raises KeyError, whose text lists the alternatives."""
    sold = image_models(provider)
    if name in sold:
        return sold[name]
    if not sold:
        raise KeyError(f"{title(provider)} has no image models here; {_alternatives()}")
    close = get_close_matches(name, sold, n=1)
    hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(sold)}"
    raise KeyError(f"{name} is not a known image model of {provider}; {hint}")


@cache
def draws(provider: str, endpoint: str) -> bool:
    """Whether the endpoint is an image model's."""
    return any(endpoint in model.endpoints.values() for model in image_models(provider).values())


def sent_prompt(drawing: Drawing) -> str:
    """The prompt exactly as the provider receives it, with its references cited. Pure: a plan shows it."""
    words = with_note(drawing.prompt, drawing.note)
    numbers = iter(range(1, drawing.pictures + 1))
    cited = [
        (each, [drawing.model.cite.format(next(numbers)) for _ in range(each.pictures)]) for each in drawing.references
    ]
    if drawing.model.replaces_names:
        mentions = {each.name: names[0] for each, names in cited if each.name}
        words = replace_names(words, mentions) if mentions else words
    lines = [_sentence(each, names, cited=_contains(names[0], words)) for each, names in cited]
    return "\n".join([*filter(None, lines), words])


def _sentence(reference: StillReference, names: list[str], *, cited: bool) -> str:
    """The sentence about a reference; if the words have `cited` it already, only its role."""
    subject, role = " and ".join(names), _as_sentence(reference.role)
    if reference.name and (not cited or names[1:]):
        sentence = f"{subject} {'are' if names[1:] else 'is'} {reference.name}"
        return f"{sentence}: {role}" if role else f"{sentence}."
    return f"{subject}: {role}" if role else ""


def _contains(mention: str, words: str) -> bool:
    """Whether the words contain the mention itself, and not one with a longer number."""
    return re.search(rf"{re.escape(mention)}(?!\d)", words) is not None


def _as_sentence(role: str) -> str:
    return role if not role or role.endswith((".", "!", "?")) else f"{role}."


def still_endpoint(drawing: Drawing) -> str:
    """The endpoint that draws it. Raises InvalidRequest, before anything is sent, if there is none."""
    found = drawing.model.endpoints.get(drawing.mode)
    if found is None:
        name = f"{drawing.model.name} at {drawing.model.provider}"
        raise InvalidRequest(
            f"{name} has no endpoint for such a picture; nothing was sent", field="references", sent=False
        )
    return found


def still_body(request: StillRequest) -> JsonObject:
    """The fields of the model's request, as its row names them. Options that are not set are left out.

    Raises InvalidRequest, before anything is sent, for a prompt that is too long, and for a field that is set already.
    """
    drawing = request.drawing
    prompt = sent_prompt(drawing)
    _check_prompt(prompt, drawing.model)
    known = _known(request, prompt)
    body: JsonObject = {}
    for name, field in _fields(drawing.model.provider, drawing.model.name).items():
        value = _value(field, known)
        if isinstance(field, Constant) or value not in (None, [], ""):
            body = _with(body, name.split("."), value)
    for name, value in drawing.fields.items():
        if name in body:
            raise InvalidRequest(
                f"fields.{name} is in the request already: leave it out of fields; nothing was sent",
                field=name,
                sent=False,
            )
        body[name] = value
    return body


def _known(request: StillRequest, prompt: str) -> Mapping[str, JsonValue]:
    asked, model = request.drawing.asked, request.drawing.model
    urls = [url for urls in request.pictures for url in urls]
    pixels = model.pixels.get(asked.resolution, {}).get(asked.aspect)
    return {
        "prompt": prompt,
        "aspect": asked.aspect,
        "resolution": asked.resolution,
        "resolution in small letters": asked.resolution.lower(),
        "quality": asked.quality,
        "format": asked.output_format,
        "seed": request.drawing.seed,
        "references": [*urls],
        "references as objects": [{"url": url} for url in urls],
        "size": {"width": pixels[0], "height": pixels[1]} if pixels else None,
        "size with asterisk": f"{pixels[0]}*{pixels[1]}" if pixels else None,
    }


def _value(field: Slot, known: Mapping[str, JsonValue]) -> JsonValue:
    match field:
        case Constant():
            return field.always
        case Spelled():
            return field.to.get(str(known[field.of]), known[field.of])
    return known[field]


def _check_prompt(prompt: str, model: ImageModel) -> None:
    longest = model.max_prompt
    if model.min_prompt <= len(prompt) and (longest is None or len(prompt) <= longest):
        return
    bounds = f"{model.min_prompt:,} to {longest:,}" if longest else f"{model.min_prompt:,} or more"
    message = f"{model.name} at {model.provider} takes prompts of {bounds} characters, and this one has {len(prompt):,}"
    raise InvalidRequest(f"{message}; nothing was sent", field="prompt", sent=False)


def _with(body: JsonObject, path: list[str], value: JsonValue) -> JsonObject:
    first, *rest = path
    inner = body.get(first)
    return {**body, first: _with(inner if isinstance(inner, dict) else {}, rest, value) if rest else value}


@cache
def _fields(provider: str, name: str) -> Mapping[str, Slot]:
    row = _facts(table(provider, "images.toml")[provider], name)
    return _Row(fields=row.get("fields", {})).fields


def _facts(rows: dict[str, Any], name: str) -> dict[str, Any]:
    """The facts of a row, including those of the row that it is `like`."""
    own = dict(rows[name])
    like = own.pop("like", None)
    return {**_facts(rows, like), **own} if like else own


def _without_fields(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name != "fields"}


def _alternatives() -> str:
    return f"choose an account at {', '.join(_drawing_gateways())}"


def _drawing_gateways() -> Iterator[str]:
    return (title(name) for name in gateways() if image_models(name))
