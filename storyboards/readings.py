"""Remarks on ambiguous words: how a prompt was read, and which characters are missing, before anything is bought."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from prefect_storyboard.storyboards.mentions import Aliases, Mention, mentions
from prefect_storyboard.storyboards.nouns import Scene, Storyboard

_SENTENCE = re.compile(r"(?:^|[.!?…:;][\"'”’»)\]]*\s|\n)[\s\"'“‘«„(\[¿¡—–-]*$")  # noqa: RUF001 - as people write
_WORD = re.compile(r"[^\W\d_]+")
# Names that are also words. The list is not complete: a word that the storyboard writes in lower case counts, too.
_WORDS = (
    "amber angel april art august autumn basil bear bill bishop bolt brook buck chase chip clay cliff "
    "crystal daisy dash dawn dean drew duke dusty earl echo faith flash flint forest fox frank ginger "
    "glen grace guy harmony hazel heath heather holly hope hunter iris ivy jade jay joy june justice "
    "king lance lily lucky mark may melody mercy miles nova olive page pat patch patience pearl penny "
    "pepper phoenix pip prince ray raven rich river rob robin rocky rod rose rosemary ruby rusty sage "
    "sandy shadow sky spark spot star storm sue summer sunny violet ward will wren"
)
_ALSO_WORDS = frozenset(_WORDS.split())


class Reading(NamedTuple):
    """How an ambiguous word was read: as the character of that name, or as an ordinary word."""

    name: str
    written: str
    as_name: bool


def cast_remarks(storyboard: Storyboard, scene: Scene, words: frozenset[str]) -> Iterator[str]:
    """Remarks on how ambiguous words of the prompt were read, and on a scene without cast members.

    `words` are those that the storyboard writes in lower case (`small_words`).
    """
    given, present = scene.characters is not None, storyboard.characters_of(scene)
    names = present if given else [*storyboard.aliases]
    for name, written, as_name in readings(scene.prompt, names, storyboard.aliases, words=words):
        if as_name:
            yield f"{written!r} is read as the character {name}; if it is only a word, write it in lower case"
        elif not given:
            yield f"{written!r} is read as a word, not as the character {name}; if it is {name}, write @{name}"
    made = [who.name for who in storyboard.cast if who.from_scene == scene.id]
    yield from (f"{name} is made from this scene, so its prompt alone says how {name} looks" for name in made)
    if storyboard.cast and not given and not present and not made:
        yield "no cast member is in this scene; name one in the prompt, or write characters: []"


def small_words(storyboard: Storyboard) -> frozenset[str]:
    """The words that its prompts write in lower case."""
    return frozenset(word for scene in storyboard.scenes for word in _WORD.findall(scene.prompt) if word.islower())


def readings(
    text: str, names: Iterable[str], aliases: Aliases | None = None, *, words: frozenset[str] = frozenset()
) -> list[Reading]:
    """The ambiguous words, and how they were read.

    A name that occurs only at the beginning of sentences, or in all capitals, is ambiguous if it is also a word: a
    common one, or one of `words`. It is read as the name. A word without the capitals of a name is read as a word.
    """
    names = [*names]
    strict, loose = mentions(text, names, aliases), mentions(text, names, aliases, capitals=False)
    words |= _ALSO_WORDS
    found: list[Reading] = []
    for name in names:
        sure = [mention for mention in strict if mention.name == name]
        other = sorted(mention for mention in loose if mention.name == name)
        if sure and all(_is_ambiguous(text, mention, words) for mention in sure):
            found.append(Reading(name, text[sure[0].start : sure[0].end], as_name=True))
        elif other and not sure:
            found.append(Reading(name, text[other[0].start : other[0].end], as_name=False))
    return found


def _is_ambiguous(text: str, mention: Mention, words: frozenset[str]) -> bool:
    written = text[mention.start : mention.end]
    starts = _SENTENCE.search(text[: mention.start])
    return bool((starts or written.isupper()) and written.lower() in words and not written.islower())
