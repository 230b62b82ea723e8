"""Names: who is meant in a prompt, what they are called on disk, and what somebody probably wanted to write."""

import unicodedata
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from pydantic_core import PydanticCustomError

_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO", "KHMER", "MYANMAR")
_FEW = 8
_BYTES = 120  # a folder's name may have 255


def composed(text: str) -> str:
    """One form of every letter: an "é" typed as one character or as two is the same name, and the same key."""
    return unicodedata.normalize("NFC", text)


def one_line(name: str) -> str:
    """The name itself, composed. Raises a rule's error for line breaks and control characters."""
    if any(unicodedata.category(letter) in {"Cc", "Zl", "Zp"} for letter in name):
        raise PydanticCustomError("rule", "has to be one line of text; take out line breaks and control characters")
    return composed(name)


def named_in(text: str, names: Iterable[str]) -> frozenset[str]:
    """The names that stand in a text as words of their own, in capitals or not.

    "Max" is not in "Maximum", but it is in "Max's"; "Otto Junior" does not name Otto. Where a script has no spaces
    between its words, as in Japanese, a name counts wherever it stands.
    """
    return frozenset(name for _, _, name in _places(text, names))


def cite(text: str, mentions: Mapping[str, str]) -> str:
    """The text with each name, wherever it stands, replaced by what the model calls its bearer."""
    for start, end, name in sorted(_places(text, mentions), reverse=True):
        text = f"{text[:start]}{mentions[name]}{text[end:]}"
    return text


def _places(text: str, names: Iterable[str]) -> list[tuple[int, int, str]]:
    """Where names stand: start, end, name. A longer name hides a shorter one that is part of it."""
    folded, origin = "", [0]
    for at, letter in enumerate(text):  # a letter may fold to several: the places are those of the text as written
        folded += letter.casefold()
        origin += [at + 1] * (len(folded) - len(origin) + 1)
    found: list[tuple[int, int, str]] = []
    for name in sorted(names, key=len, reverse=True):
        needle = name.casefold()
        at = folded.find(needle)
        while at >= 0:
            end = at + len(needle)
            if not (_one_word(folded[at - 1 : at], needle[0]) or _one_word(needle[-1], folded[end : end + 1])):
                found.append((origin[at], origin[end], name))
                folded = f"{folded[:at]}{' ' * len(needle)}{folded[end:]}"
            at = folded.find(needle, at + 1)
    return found


def _one_word(left: str, right: str) -> bool:
    """Whether two neighbouring letters belong to the same word."""
    return left.isalnum() and right.isalnum() and not any(_unspaced(letter) for letter in (left, right))


def _unspaced(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith(_UNSPACED)


def slug(text: str) -> str:
    """A folder's name: lower case, digits and hyphens, short enough for any disk."""
    words = "".join(c if c.isalnum() else " " for c in text.casefold()).split()
    short = "-".join(words)[:64].encode()[:_BYTES].decode(errors="ignore")
    return short.strip("-") or "untitled"


def suggest(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about a word that is not known: the one that was meant, else those that there are."""
    words = {each.casefold(): each for each in known}
    if close := get_close_matches(word.casefold(), words, n=1, cutoff=0.7):
        return f"did you mean {words[close[0]]}?"
    if not words:
        return "there is none yet"
    return f"choose from {', '.join([*words.values()][:_FEW])}" + (", ..." if len(words) > _FEW else "")
