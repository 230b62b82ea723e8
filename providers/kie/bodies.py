"""The request bodies of Kie's models, field by field.

Source: https://docs.kie.ai/market, the Sora pages until 2026-04.
"""

from pydantic import JsonValue

from prefect_storyboard.providers.bodies import scene_body
from prefect_storyboard.providers.citations import replace_names
from prefect_storyboard.providers.errors import InvalidRequest
from prefect_storyboard.providers.protocol import CharacterRequest, SceneRequest
from prefect_storyboard.storyboards.outcomes import JsonObject

_ASPECTS = {"16:9": "landscape", "9:16": "portrait"}
_SIZES = {"720p": "standard", "1080p": "high"}
_STYLE = "Style: "  # the prefix of a line that applies to the whole scene
_MOST_SHOTS = 10
_LONGEST_SHOT = 15  # seconds


def character(request: CharacterRequest) -> JsonObject:
    """A character from a clip, or from 1 to 4 s of a finished Sora task, which needs a description: its name is enough.

    The clip's field has a singular name, but is a list of exactly one URL.
    """
    if request.video_id:
        return {
            "origin_task_id": request.video_id,
            "timestamps": f"{request.start:g},{request.end:g}",
            "character_prompt": request.description or request.name,
        }
    body: JsonObject = {"character_file_url": [request.clip_url]}
    return {**body, "character_prompt": request.description} if request.description else body


def sora(request: SceneRequest) -> JsonObject:
    """Sora 2: seconds as text. Characters are passed by id, and the prompt names them by @username."""
    endpoint = request.model.endpoints["image" if request.image_url else "text"]
    mentions = {each.character: each.mention for each in request.castings if each.mention}
    body = _common(request) | {"prompt": replace_names(request.prompt, mentions)}
    if "-pro-" in endpoint:
        body["size"] = _SIZES[request.resolution]
    if not endpoint.endswith("-stable"):
        body["remove_watermark"] = True
    if request.castings:
        body["character_id_list"] = [casting.id for casting in request.castings]
    return body


def storyboard(request: SceneRequest) -> JsonObject:
    """Sora 2 Pro Storyboard: each line of the prompt is a shot, all of one length. Source: sora-2-pro-storyboard."""
    shots = [line.strip() for line in request.prompt.splitlines() if line.strip()]
    style = f" {shots.pop()}" if len(shots) > 1 and shots[-1].startswith(_STYLE) else ""
    if len(shots) > _MOST_SHOTS:
        count = f"there are {len(shots)}, and Kie takes at most {_MOST_SHOTS}"
        message = f"each line of the prompt is a shot; {count}; nothing was sent"
        raise InvalidRequest(message, field="prompt", sent=False)
    # Rounded down to hundredths, because the sum may not exceed the video's length.
    seconds = min(request.seconds * 100 // max(len(shots), 1) / 100, _LONGEST_SHOT)
    timed: list[JsonValue] = [{"Scene": f"{shot}{style}", "duration": seconds} for shot in shots]
    return _common(request) | {"shots": timed}


def _common(request: SceneRequest) -> JsonObject:
    """The fields of all Sora models. `upload_method` is documented as optional, but was required when tried."""
    body: JsonObject = {
        "aspect_ratio": _ASPECTS[request.aspect],
        "n_frames": str(request.seconds),
        "upload_method": "s3",
    }
    return {**body, "image_urls": [request.image_url]} if request.image_url else body


def scene(request: SceneRequest) -> JsonObject:
    """A scene: Sora's as above, any other by its dialect."""
    return scene_body(request, {"sora": sora, "storyboard": storyboard})
