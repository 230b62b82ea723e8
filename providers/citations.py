"""Characters as references: the media that are sent with a scene, and how the prompt refers to them."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from prefect_storyboard.providers.dialects import Citation
from prefect_storyboard.providers.errors import InvalidRequest
from prefect_storyboard.providers.protocol import Reference, SceneRequest
from prefect_storyboard.storyboards.names import cite

_HANDLE = re.compile(r"@\w+(?:\.\w+)*", re.ASCII)  # a user's name at the provider, as in "@mzsdaag.ab"
_MARKS = "".join(map(chr, range(0xFDD0, 0xFDF0)))  # never assigned in Unicode, so they occur in no text
_LONGEST_TOKEN = 30  # PixVerse's ref_name, the shortest of those that are published
_MARKED = re.compile(rf"@?([{_MARKS}])(?=(.?))", re.DOTALL)


class CitedPrompt(NamedTuple):
    """A prompt that refers to its media by number, and the media in that order."""

    prompt: str
    images: list[str]
    clips: list[str]


def replace_names(prompt: str, mentions: Mapping[str, str]) -> str:
    """Replace each name by its mention. "@Mara" counts as "Mara"; another user's handle is left unchanged.

    A space is added after a mention if the next letter would read as part of it, as in "Maraは".
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
    """The prompt with each casting's name spelt as it was created: Sora does not recognise it in another case."""
    prompt = request.prompt
    names = sorted((casting.character for casting in request.castings), key=len, reverse=True)
    found = re.findall(rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)", prompt)
    for name in names:
        if name not in found:
            prompt = cite(prompt, {name: name})
    return prompt


def check_references(request: SceneRequest) -> tuple[Reference, ...]:
    """Return the references. Raises InvalidRequest, before anything is sent, if the model takes fewer."""
    limits, name = request.model.references, request.model.name
    if limits is None:
        return request.references
    clips = sum(1 for each in request.references if each.clip_url)
    if clips > limits.clips:
        message = f"{name} takes {limits.clips} clips a scene, not {clips}; show some characters by images"
        raise InvalidRequest(message, field="characters", sent=False)
    shown = [each for each in request.references if not each.clip_url]
    images = sum(len(each.image_urls) for each in shown)
    frame = bool(request.image_url) and request.mode == "references" and request.model.first_frame != "exact"
    if images + frame > limits.images or any(len(each.image_urls) < limits.each[0] for each in shown):
        least = f"{limits.each[0]} or more of each character" + (" and the first frame" if frame else "")
        message = f"{name} takes {limits.images} pictures a scene, {least} among them; name fewer characters"
        raise InvalidRequest(message, field="characters", sent=False)
    return request.references


def cite_references(request: SceneRequest, how: Citation, *, with_frame: bool) -> CitedPrompt:
    """The prompt in the model's notation, and the media in the order in which the model counts them.

    If a model numbers its media, each name becomes the number of its first picture or clip, as in Seedance: "@Image1
    climbs the stairs". Sentences at the end explain further pictures of a character, a picture to start from
    (`with_frame`: as one more reference), and all media of a model without numbers.
    """
    references = check_references(request)
    if how.element or how.name:
        names = tokens(each.character for each in references)
        mentions = {
            each.character: how.name.format(names[each.character]) if how.name else str(how.element).format(number)
            for number, each in enumerate(references, how.first)
        }
        return CitedPrompt(replace_names(request.prompt, mentions), [], [])
    images, clips = _Numbered(how.image, how.first), _Numbered(how.clip, how.first)
    mentions, remarks = {}, []
    for each in references:
        if each.clip_url:
            mentions[each.character] = clips.add(each.clip_url)
            continue
        front, *others = map(images.add, each.image_urls)
        if how.image:
            mentions[each.character] = front
            remarks += [_same(others, front)] if others else []
        else:
            remarks += [f"{number.capitalize()} shows {each.character}." for number in (front, *others)]
    if with_frame and request.image_url:
        remarks.append(f"The video begins with {images.add(request.image_url)} as its first frame.")
    prompt = replace_names(request.prompt, mentions) if mentions else request.prompt
    return CitedPrompt("\n".join([prompt, *remarks]), images.urls, clips.urls)


def tokens(names: Iterable[str]) -> dict[str, str]:
    """A unique word of at most 30 ASCII letters, digits and underscores for each name."""
    found: dict[str, str] = {}
    for number, name in enumerate(names, 1):
        word = re.sub(r"\W+", "_", name.casefold(), flags=re.ASCII).strip("_")[:_LONGEST_TOKEN]
        other = f"_{number}"
        taken = not word or word in found.values()
        found[name] = f"{(word or 'character')[: _LONGEST_TOKEN - len(other)]}{other}" if taken else word
    return found


class _Numbered:
    """Media of one kind, each with the words by which a prompt refers to it."""

    def __init__(self, words: str | None, first: int) -> None:
        self.words, self.first = words or "reference image {}", first
        self.urls: list[str] = []

    def add(self, url: str) -> str:
        self.urls.append(url)
        return self.words.format(len(self.urls) - 1 + self.first)


def _same(others: list[str], front: str) -> str:
    verb = "show" if others[1:] else "shows"
    return f"{' and '.join(others)} {verb} the same character as {front}."
