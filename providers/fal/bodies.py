"""What each model of fal is asked, field by field. Sources: the model pages at https://fal.ai/models."""

from collections.abc import Callable, Mapping

from pydantic import JsonValue

from prefect_storyboard.providers.citations import check_references, number_references, replace_names, restore_spelling
from prefect_storyboard.providers.protocol import CharacterRequest, SceneRequest
from prefect_storyboard.storyboards.outcomes import JsonObject


def character(request: CharacterRequest) -> JsonObject:
    """A character of a clip."""
    return {"video_url": request.clip_url, "name": request.name}


def sora(request: SceneRequest) -> JsonObject:
    """Sora 2: whole seconds as a number. Only a video that will be remixed stays at the maker."""
    body: JsonObject = {"prompt": restore_spelling(request), "delete_video": not request.remixable}
    if request.remix_of:
        return {"video_id": request.remix_of, **body}
    body |= {"resolution": request.resolution, "aspect_ratio": request.aspect, "duration": request.seconds}
    if request.castings:
        body["character_ids"] = [casting.id for casting in request.castings]
    return {**body, "image_url": request.image_url} if request.image_url else body


def seedance(request: SceneRequest) -> JsonObject:
    """Seedance 2.0 reference-to-video: seconds as text, pictures cited as @Image1, clips as @Video1."""
    prompt, images, clips = number_references(request)
    body: JsonObject = {
        "prompt": prompt,
        "duration": str(request.seconds),
        "resolution": request.resolution,
        "aspect_ratio": request.aspect,
        "generate_audio": True,
    }
    if images:
        body["image_urls"] = [*images]
    if clips:
        body["video_urls"] = [*clips]
    return body


def kling_elements(request: SceneRequest) -> JsonObject:
    """Kling O3 reference-to-video: seconds as text, each character an element, cited as @Element1."""
    mentions = {each.character: f"@Element{number}" for number, each in enumerate(check_references(request), 1)}
    body: JsonObject = {
        "prompt": replace_names(request.prompt, mentions),
        "duration": str(request.seconds),
        "aspect_ratio": request.aspect,
        "generate_audio": True,
    }
    elements: list[JsonValue] = []
    for reference in request.references:
        front, *more = reference.image_urls
        elements.append({"frontal_image_url": front, "reference_image_urls": [*more]})
    if elements:
        body["elements"] = elements
    return {**body, "start_image_url": request.image_url} if request.image_url else body


def veo(request: SceneRequest) -> JsonObject:
    """Veo 3.1 reference-to-video: seconds as "8s"; pictures cannot be cited, so sentences say who is on which."""
    images: list[JsonValue] = []
    remarks: list[str] = []
    for reference in check_references(request):
        for url in reference.image_urls:
            images.append(url)
            remarks.append(f"Reference image {len(images)} shows {reference.character}.")
    if request.image_url:
        images.append(request.image_url)
        remarks.append(f"The video begins with reference image {len(images)} as its first frame.")
    return {
        "prompt": "\n".join([request.prompt, *remarks]),
        "image_urls": images,
        "duration": f"{request.seconds}s",
        "resolution": request.resolution,
        "aspect_ratio": request.aspect,
        "generate_audio": True,
    }


BODIES: Mapping[str, Callable[[SceneRequest], JsonObject]] = {
    "sora": sora,
    "seedance": seedance,
    "kling-elements": kling_elements,
    "veo": veo,
}
