"""Characters as named references: which media go along with a scene, and how its prompt cites them."""

from typing import NamedTuple

from prefect_storyboard.providers.protocol import SceneRequest
from prefect_storyboard.storyboards.names import cite


class Cited(NamedTuple):
    """A prompt that cites its media by number, and the media in that order."""

    prompt: str
    images: list[str]
    clips: list[str]


def cited(request: SceneRequest, image: str = "@Image{}", clip: str = "@Video{}") -> Cited:
    """Replace each name by its picture or clip, as Seedance counts them: "@Image1 climbs the stairs".

    Further pictures of a character, and a picture to start from, are explained in sentences at the end.
    """
    images: list[str] = []
    clips: list[str] = []
    mentions: dict[str, str] = {}
    remarks: list[str] = []
    for reference in request.references:
        if reference.clip_url:
            clips.append(reference.clip_url)
            mentions[reference.character] = clip.format(len(clips))
            continue
        numbers = [image.format(len(images) + number) for number in range(1, len(reference.image_urls) + 1)]
        images += reference.image_urls
        mentions[reference.character] = numbers[0]
        if numbers[1:]:
            verb = "shows" if len(numbers) == 2 else "show"
            remarks.append(f"{' and '.join(numbers[1:])} {verb} the same character as {numbers[0]}.")
    if request.image_url:
        images.append(request.image_url)
        remarks.append(f"The video begins with {image.format(len(images))} as its first frame.")
    return Cited("\n".join([cite(request.prompt, mentions), *remarks]), images, clips)
