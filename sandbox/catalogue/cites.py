"""How a prompt names a file or a character, learnt from its first name: `@Image1`, `<<<image_1>>>`, `<IMAGE_0>`.

`@name` stands for the name of an element. Plain words (`Image 1`) may be in a prompt by chance, so a name without a
file is a mistake only where the name has a sign of its own.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

_SAMPLE = re.compile(r"(?P<before>\W*)(?P<word>[A-Za-z]+)(?P<between>\D*?)(?P<first>[01])(?P<after>\W*)")
_KINDS = ("image", "video", "audio", "element")


@dataclass(frozen=True)
class Citation:
    """One name in a prompt: what it names (`Image 1`), as it is written, and whether it can be nothing else."""

    name: str
    written: str
    unmistakable: bool


def citations(styles: Iterable[str], prompt: str, named: Mapping[str, str]) -> list[Citation]:
    """The names in a prompt, in its order; `named` are the elements by their names."""
    found: list[tuple[int, Citation]] = []
    for style in styles:
        if style == "@name":
            hits = re.finditer(r"@([\w.-]*\w)", prompt)
            found += [
                (hit.start(), Citation(named[hit[1]], hit[0], unmistakable=True)) for hit in hits if hit[1] in named
            ]
            continue
        pattern, first, signed = _pattern(style)
        for hit in pattern.finditer(prompt):
            kind = next((each for each in _KINDS if each == hit["word"].lower()), "image")
            name = f"{kind.capitalize()} {int(hit['number']) + 1 - first}"
            found.append((hit.start(), Citation(name, hit[0], unmistakable=signed)))
    return [citation for _, citation in sorted(found, key=lambda each: each[0])]


@cache
def _pattern(style: str) -> tuple[re.Pattern[str], int, bool]:
    """The pattern of a style, its first number, and whether it has a sign of its own."""
    sample = _SAMPLE.fullmatch(style)
    if sample is None:
        raise ValueError(f"{style!r} is no name of a first file")
    word = sample["word"]
    words = [word] if word.lower() == "character" else [word, *(_cased(kind, word) for kind in _KINDS[1:])]
    signed = bool(sample["before"] or sample["after"])
    before, between, after = (re.escape(sample[part]) for part in ("before", "between", "after"))
    start, end = ("", "") if signed else (r"\b", r"\b")
    text = f"{start}{before}(?P<word>{'|'.join(words)}){between}(?P<number>\\d+){after}{end}"
    return re.compile(text), int(sample["first"]), signed


def _cased(kind: str, like: str) -> str:
    return kind.upper() if like.isupper() else kind.capitalize() if like[0].isupper() else kind
