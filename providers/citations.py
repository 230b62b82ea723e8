"""Characters as references: which media go along with a scene, and how the prompt refers to them."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from prefect_storyboard.providers.errors import InvalidRequest
from prefect_storyboard.providers.protocol import Reference, SceneRequest
from prefect_storyboard.storyboards.names import cite

_HANDLE = re.compile(r"@\w+(?:\.\w+)*", re.ASCII)  # a user's name at the provider, as in "@mzsdaag.ab"
_MARKS = "".join(map(chr, range(0xFDD0, 0xFDF0)))  # Unicode keeps them out of every text
_MARKED = re.compile(rf"@?([{_MARKS}])(?=(.?))", re.DOTALL)


class NumberedPrompt(NamedTuple):
    """A prompt that names its media by number, and the media in that order."""

    prompt: str
    images: list[str]
    clips: list[str]


def replace_names(prompt: str, mentions: Mapping[str, str]) -> str:
    """Replace each name by its mention. "@Mara" is Mara too; the handle of somebody else stays as it is.

    A mention keeps its distance to a letter that would read as one more of it, as in "Maraは".
    """
    marks = dict(zip(mentions, _MARKS, strict=False))
    by_mark = dict(zip(_MARKS, mentions.values(), strict=False))

    def as_mention(mark: re.Match[str]) -> str:
        mention, after = by_mark.get(mark[1], mark[1]), mark[2]
        return f"{mention} " if after.isalnum() or after == "_" else mention

    text, at = "", 0
    for handle in _HANDLE.finditer(prompt):
        if cite(handle[0], marks).removeprefix("@") not in {handle[0][1:], *marks.values()}:
            text += cite(prompt[at : handle.start()], marks) + handle[0]
            at = handle.end()
    return _MARKED.sub(as_mention, text + cite(prompt[at:], marks))


def restore_spelling(request: SceneRequest) -> str:
    """The prompt with each casting's name as it was created: Sora does not recognise it in other capitals."""
    prompt = request.prompt
    names = sorted((casting.character for casting in request.castings), key=len, reverse=True)
    found = re.findall(rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)", prompt)
    for name in names:
        if name not in found:
            prompt = cite(prompt, {name: name})
    return prompt


def check_references(request: SceneRequest) -> tuple[Reference, ...]:
    """Return the references. Raises InvalidRequest, before anything is sent, where the model takes fewer."""
    limits, name = request.model.references, request.model.name
    if limits is None:
        return request.references
    clips = sum(1 for each in request.references if each.clip_url)
    if clips > limits.clips:
        message = f"{name} takes {limits.clips} clips a scene, not {clips}; show some characters by images"
        raise InvalidRequest(message, field="characters", sent=False)
    shown = [each for each in request.references if not each.clip_url]
    images = sum(len(each.image_urls) for each in shown)
    frame = bool(request.image_url) and request.model.first_frame == "cited"
    if images + frame > limits.images or any(len(each.image_urls) < limits.each[0] for each in shown):
        least = f"{limits.each[0]} or more of each character" + (" and the first frame" if frame else "")
        message = f"{name} takes {limits.images} pictures a scene, {least} among them; name fewer characters"
        raise InvalidRequest(message, field="characters", sent=False)
    return request.references


def number_references(request: SceneRequest, image: str = "@Image{}", clip: str = "@Video{}") -> NumberedPrompt:
    """Replace each name by its picture or clip, as Seedance counts them: "@Image1 climbs the stairs".

    Further pictures of a character, and a picture to start from, are explained in sentences at the end.
    """
    images: list[str] = []
    clips: list[str] = []
    mentions: dict[str, str] = {}
    remarks: list[str] = []
    for reference in check_references(request):
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
    return NumberedPrompt("\n".join([replace_names(request.prompt, mentions), *remarks]), images, clips)
