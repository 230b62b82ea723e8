"""The request bodies of ToAPIs' models, field by field.

Sources: https://docs.toapis.com, videos/sora2 and seedance-2.
"""

import math

from prefect_storyboard.providers.bodies import scene_body
from prefect_storyboard.providers.citations import replace_names
from prefect_storyboard.providers.errors import InvalidRequest
from prefect_storyboard.providers.protocol import CharacterRequest, SceneRequest
from prefect_storyboard.providers.table import endpoint
from prefect_storyboard.storyboards.outcomes import JsonObject

_LONGEST = 3  # seconds from which a character may be made
_NO_HD = 25  # seconds at which Sora 2 Pro renders no 1080p
_PROMPT_ALONE = {"sora-2-official"}  # Azure's remix takes no other field; it keeps the length and size of the video


def character(request: CharacterRequest) -> JsonObject:
    """A character's job: a clip or a finished task, without a prompt, which marks it as a character's."""
    body: JsonObject = {"model": endpoint(request), "timestamps": _whole_seconds(request)}
    return {**body, "from_task": request.video_id} if request.video_id else {**body, "url": request.clip_url}


def sora(request: SceneRequest) -> JsonObject:
    """Sora 2: characters as @username in the prompt. Not private, because a private video cannot be remixed."""
    sharp = request.resolution == "1080p"
    if sharp and request.seconds == _NO_HD:
        raise InvalidRequest(f"ToAPIs renders no 1080p of {_NO_HD} s", field="resolution", sent=False)
    mentions = {casting.character: casting.mention for casting in request.castings if casting.mention}
    body: JsonObject = {"model": endpoint(request), "prompt": replace_names(request.prompt, mentions)}
    if request.remix_of and body["model"] in _PROMPT_ALONE:
        return body
    body |= {"duration": request.seconds, "aspect_ratio": request.aspect}
    if request.remix_of:
        return body
    if request.image_url:
        body["image_urls"] = [request.image_url]
    if sharp:
        body["metadata"] = {"hd": True}
    return body | ours(request.job_key)


def scene(request: SceneRequest) -> JsonObject:
    """A scene: Sora's as above, any other by its dialect, with the model's id and our name of the job."""
    body = scene_body(request, {"sora": sora})
    return body if "model" in body else {"model": endpoint(request), **body, **ours(request.job_key)}


def _whole_seconds(request: CharacterRequest) -> str:
    """At most three whole seconds inside the wanted range, because ToAPIs does not document decimals."""
    start = math.ceil(request.start)
    end = min(math.floor(request.end), start + _LONGEST)
    if end <= start:
        wanted = f"{request.start:g} to {request.end:g}"
        raise InvalidRequest(
            f"ToAPIs takes whole seconds of a clip, and there is none from {wanted} s", field="timestamps", sent=False
        )
    return f"{start},{end}"


def ours(job_key: str) -> JsonObject:
    """Our name of the job. Responses and webhooks echo it; it does not prevent a second charge."""
    return {"client_business_id": job_key} if job_key else {}
