"""The request bodies of WaveSpeed's models, field by field. Sources: the model pages at https://wavespeed.ai/models.

Request schemas forbid unknown keys: what a page does not list is not sent.
"""

import json
import re

from pydantic import JsonValue

from prefect_storyboard.providers.bodies import scene_body
from prefect_storyboard.providers.citations import restore_spelling
from prefect_storyboard.providers.json_values import non_blank, objects
from prefect_storyboard.providers.protocol import CharacterRequest, SceneRequest
from prefect_storyboard.storyboards.outcomes import JsonObject

_SIZES = {  # with an asterisk, as WaveSpeed writes them
    ("16:9", "720p"): "1280*720",
    ("9:16", "720p"): "720*1280",
    ("16:9", "1080p"): "1920*1080",
    ("9:16", "1080p"): "1080*1920",
}
_BARE_ID = re.compile(r"char_[A-Za-z0-9_-]+")


def character(request: CharacterRequest) -> JsonObject:
    """A character from a clip."""
    return {"video": request.clip_url, "name": request.name}


def sora(request: SceneRequest) -> JsonObject:
    """Sora 2: the mode is in the path. From a first frame, the video has its aspect, and takes no characters."""
    body: JsonObject = {"prompt": restore_spelling(request), "duration": request.seconds}
    if request.image_url is None:
        body["size"] = _SIZES[request.aspect, request.resolution]
        if request.castings:
            body["characters"] = [casting.id for casting in request.castings]
        return body
    if len(request.model.resolutions) > 1:  # a model without a choice has no such field
        body["resolution"] = request.resolution
    return {**body, "image": request.image_url}


def scene(request: SceneRequest) -> JsonObject:
    """A scene: Sora's as above, any other by its dialect."""
    return scene_body(request, {"sora": sora})


def sold(models: JsonValue) -> dict[str, str]:
    """The ids in WaveSpeed's list of models, each with the JSON type of a character in its input, "" if it has none.

    The docs say ids, the maker's own API takes objects; the list's schema decides.
    """
    found: dict[str, str] = {}
    for entry in objects(models):
        if model_id := non_blank(entry.get("model_id")):
            schemas = objects(_inside(entry, "api_schema", "api_schemas"))
            kinds = [_inside(each, "request_schema", "properties", "characters", "items", "type") for each in schemas]
            found[model_id] = next((kind for kind in kinds if isinstance(kind, str)), "")
    return found


def with_objects(body: JsonObject) -> JsonObject:
    """The same body with its characters as objects."""
    ids = body.get("characters")
    return {**body, "characters": [{"id": each} for each in ids]} if isinstance(ids, list) else body


def made_character(output: JsonValue) -> JsonObject:
    """A character's output with its id and name: an object, JSON in a text, a list in a text, or the id alone."""
    if isinstance(output, str):
        output = _parsed(output)
    if isinstance(output, list):
        output = output[0] if output else None
    if isinstance(output, dict):
        return output
    return {"id": output} if isinstance(output, str) and _BARE_ID.fullmatch(output) else {}


def _parsed(text: str) -> JsonValue:
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        return text.strip()
    return value


def _inside(value: JsonValue, *path: str) -> JsonValue:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value
