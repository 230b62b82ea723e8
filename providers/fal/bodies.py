"""The request bodies of fal's models, field by field. Sources: the model pages at https://fal.ai/models."""

from prefect_storyboard.providers.bodies import scene_body
from prefect_storyboard.providers.citations import restore_spelling
from prefect_storyboard.providers.protocol import CharacterRequest, SceneRequest
from prefect_storyboard.storyboards.outcomes import JsonObject


def character(request: CharacterRequest) -> JsonObject:
    """A character from a clip."""
    return {"video_url": request.clip_url, "name": request.name}


def sora(request: SceneRequest) -> JsonObject:
    """Sora 2: whole seconds as a number. The maker keeps a video only if it will be remixed."""
    body: JsonObject = {"prompt": restore_spelling(request), "delete_video": not request.remixable}
    if request.remix_of:
        return {"video_id": request.remix_of, **body}
    body |= {"resolution": request.resolution, "aspect_ratio": request.aspect, "duration": request.seconds}
    if request.castings:
        body["character_ids"] = [casting.id for casting in request.castings]
    return {**body, "image_url": request.image_url} if request.image_url else body


def scene(request: SceneRequest) -> JsonObject:
    """A scene: Sora's as above, any other by its dialect."""
    return scene_body(request, {"sora": sora})
