"""The requests to an OpenAI-compatible server. Source: the Videos API of OpenAI's openapi.yaml, 2026-08-21.

A file is sent as a part of a form, as the official client does. Characters are an array, for which only the JSON
form is documented; a picture beside them is a `data:` URI.
"""

import base64
import json
from pathlib import Path

from pydantic import JsonValue

from prefect_storyboard.providers.attachments import Attachment, attached, content_type, local_path
from prefect_storyboard.providers.bodies import scene_body
from prefect_storyboard.providers.citations import check_references, restore_spelling
from prefect_storyboard.providers.errors import InvalidRequest
from prefect_storyboard.providers.fields import with_fields
from prefect_storyboard.providers.protocol import CharacterRequest, Order, Reference, SceneRequest
from prefect_storyboard.providers.table import endpoint
from prefect_storyboard.storyboards.outcomes import JsonObject

VIDEOS, CHARACTERS = "videos", "videos/characters"
_FRAME = "input_reference"
_PICTURE = {_FRAME, "image_reference"}  # fields of a dialect that become a file, or what the server takes instead
_FORMS = {"form", "vllm-omni"}  # dialects of servers that document no JSON body
_LISTED = ("model", "seconds", "size", "prompt")  # fields of an order that a list of videos shows
_MOST = 20_971_520  # characters of a `data:` URI


def character_order(request: CharacterRequest) -> Order:
    """A form with the name and the clip, as a file. Only in examples is the clip a link, which is not sent."""
    endpoint(request)  # raises for a model that makes none
    clip = local_path(request.clip_url)
    files = (attached("video", clip),) if clip else ()
    return Order(endpoint=CHARACTERS, body=with_fields({"name": request.name}, request), form=True, files=files)


def scene_order(request: SceneRequest) -> Order:
    """The body in the model's dialect, with a picture of this machine as a part of a form or as a `data:` URI."""
    codec = request.model.codec
    body: JsonObject = {"model": endpoint(request), **scene_body(request, {"sora": _sora}), "size": _size(request)}
    link = request.image_url
    if codec != "sora":
        body = {name: value for name, value in body.items() if name not in _PICTURE}
        body["prompt"] = "\n".join([request.prompt, *map(_shows, check_references(request))])
        link = next((each.image_urls[0] for each in request.references), link)
    body = with_fields(body, request)
    shown = {name: body[name] for name in _LISTED if name in body}
    form = codec in _FORMS
    path, files = local_path(link), tuple[Attachment, ...]()
    if path and (form or (codec == "sora" and "characters" not in body)):
        files = (attached(_FRAME, path),)
    elif link:
        body = {**body, **_linked(codec, _data_uri(path) if path else link)}
    return Order(endpoint=VIDEOS, body=body, files=files, form=form, shown=shown)


def form_fields(body: JsonObject) -> dict[str, str]:
    """The body as fields of a form, where numbers and switches are text, and objects have brackets in their names."""
    found: dict[str, str] = {}
    for name, value in body.items():
        inner = value.items() if isinstance(value, dict) else [("", value)]
        found |= {f"{name}[{key}]" if key else name: _text(each) for key, each in inner}
    return found


def _sora(request: SceneRequest) -> JsonObject:
    """Sora 2: characters by id; the prompt has their names as they were created."""
    body: JsonObject = {"prompt": restore_spelling(request), "seconds": str(request.seconds)}
    characters: list[JsonValue] = [{"id": casting.id} for casting in request.castings]
    return {**body, "characters": characters} if characters else body


def _shows(character: Reference) -> str:
    """Such a server takes one picture, with which the video begins."""
    return f"The picture that the video begins with shows {character.character}."


def _size(request: SceneRequest) -> str:
    size = request.model.size(request.aspect, request.resolution)
    if size is None:
        made = ", ".join(f"{shape} in {lines}" for lines, shapes in request.model.pixels.items() for shape in shapes)
        what = f"{request.model.name} renders no {request.aspect} in {request.resolution}, but {made}"
        raise InvalidRequest(f"{what}: choose one of them; nothing was sent", field="resolution", sent=False)
    return f"{size[0]}x{size[1]}"


def _linked(codec: str, url: str) -> JsonObject:
    """A picture by its URL; vLLM-Omni has a field of its own for it, whose value is JSON as text."""
    if codec == "vllm-omni":
        return {"image_reference": json.dumps({"image_url": url})}
    return {_FRAME: {"image_url": url}}


def _data_uri(path: Path) -> str:
    uri = f"data:{content_type(path)};base64,{base64.b64encode(path.read_bytes()).decode()}"
    if len(uri) > _MOST:
        message = f"the picture has {len(uri):,} characters as a data: URI, and {_MOST:,} may be sent"
        raise InvalidRequest(f"{message}: use a smaller one; nothing was sent", field="image", sent=False)
    return uri


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value)
