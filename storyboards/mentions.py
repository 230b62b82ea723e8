"""Find the mentions of characters in a text: whole words, with the name's capitals, in any script."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

Aliases = Mapping[str, Iterable[str]]  # by name

_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO", "KHMER", "MYANMAR")
_HYPHENS = ("-", "\u2010", "\u2011")
_HANDLE = re.compile(r"@\w+(?:\.\w+)*", re.ASCII)  # a user's name at a provider, as in "@mzsdaag.ab"
_LAST_WORD = re.compile(r"\w+$")
_HIDDEN = "\0"  # replaces a name that was found: neither a letter nor a space


class Mention(NamedTuple):
    """A mention of a character in a text as written, including the @ before its name."""

    start: int
    end: int
    name: str


def mentions(
    text: str, names: Iterable[str], aliases: Aliases | None = None, *, capitals: bool = True
) -> list[Mention]:
    """Every mention of each name or alias; a longer one hides a shorter one inside it.

    With `capitals`, capitals that begin the words of a name must be capitals in the text, unless an @ precedes it.
    Spaces and line breaks inside a name are equivalent.
    """
    prompt = _flat(text)
    forms = [(_flat(form), name) for name in names for form in (name, *(aliases or {}).get(name, ()))]
    known = tuple(form.letters for form, _ in forms)
    handles = [handle.span() for handle in _HANDLE.finditer(text)]
    left, found = prompt.letters, list[Mention]()
    for form, name in sorted(forms, key=lambda each: len(each[0].letters), reverse=True):
        for at in _occurrences(left, form.letters):
            end = at + len(form.letters)
            start, stop = prompt.origin[at], prompt.origin[end - 1] + 1
            explicit = text[start - 1 : start] == "@" and not text[: start - 1][-1:].isalnum()
            start -= explicit
            if left[at:end] != form.letters or not _is_word(prompt, at, end, known) or _cuts(handles, start, stop):
                continue
            if explicit or not capitals or _keeps_capitals(prompt, form, at):
                found.append(Mention(start, stop, name))
                left = f"{left[:at]}{_HIDDEN * len(form.letters)}{left[end:]}"
    return found


class _Flat(NamedTuple):
    """A text in lower case with single spaces; `origin` has the position of each of its letters in the text."""

    text: str
    letters: str
    origin: list[int]

    def capital(self, at: int) -> bool:
        """Whether a letter was written as a capital."""
        return at < len(self.origin) and self.text[self.origin[at]] != self.text[self.origin[at]].lower()


def _flat(text: str) -> _Flat:
    letters, origin = list[str](), list[int]()
    for at, letter in enumerate(text):
        parts = letter.casefold()  # one letter may become several
        if letter.isspace():
            parts = "" if letters[-1:] == [" "] else " "
        letters += parts
        origin += [at] * len(parts)
    return _Flat(text, "".join(letters), origin)


def _occurrences(letters: str, form: str) -> Iterator[int]:
    at = letters.find(form)
    while at >= 0:
        yield at
        at = letters.find(form, at + 1)


def _is_word(prompt: _Flat, at: int, end: int, known: tuple[str, ...]) -> bool:
    """Whether these letters are whole words: not in "Maximum", not a part of "Ann-Marie"."""
    letters = prompt.letters
    before, after = letters[:at], letters[end:]
    if _one_word(before[-1:], letters[at]) or _one_word(letters[end - 1], after[:1]):
        return False
    if after.startswith(_HYPHENS) and prompt.capital(end + 1) and not after[1:].startswith(known):
        return False
    word = _LAST_WORD.search(before[:-1]) if before.endswith(_HYPHENS) else None
    return word is None or not prompt.capital(word.start()) or before[:-1].endswith(known)


def _one_word(left: str, right: str) -> bool:
    """Whether two neighbouring letters belong to the same word."""
    if not (_in_words(left) and _in_words(right)):
        return False
    return _is_mark(right) or not any(unicodedata.name(each, "").startswith(_UNSPACED) for each in (left, right))


def _in_words(letter: str) -> bool:
    return letter.isalnum() or _is_mark(letter)


def _is_mark(letter: str) -> bool:
    """Whether it is a combining mark, as in रामा."""
    return bool(letter) and unicodedata.category(letter).startswith("M")


def _cuts(handles: list[tuple[int, int]], start: int, end: int) -> bool:
    """Whether the position cuts a handle: "@mara.ab" is not Mara."""
    return any(low < end and start < high and not (start <= low and high <= end) for low, high in handles)


def _keeps_capitals(prompt: _Flat, form: _Flat, at: int) -> bool:
    begins = (place for place in range(len(form.letters)) if not form.letters[:place][-1:].isalnum())
    return all(prompt.capital(at + place) for place in begins if form.capital(place))
