"""Folder names in the library: different titles get different folders, and no storyboard writes into another's."""

import hashlib
import unicodedata

import yaml

_LONGEST = 64  # characters
_BYTES = 120  # a file system allows 255
_DIGITS = 8  # of the hash: a thousand titles with the same beginning collide in one of eight thousand libraries
_SEPARATORS = " -_"


class FolderTaken(ValueError):
    """The folder belongs to another storyboard; nothing was written or bought."""


def slug(text: str) -> str:
    """A folder name: lower case, letters with their marks, digits and hyphens; at most 64 characters, 120 bytes.

    Spaces, hyphens and underscores become hyphens. If anything else is dropped, or the text is too long, eight digits
    of its hash are appended: "Episode 1!" and "Episode 1?" get two folders, "Episode 1" keeps the plain name.
    """
    folded, body = _folded(text), slug_words(text)
    short = _cut(body, _LONGEST, _BYTES)
    if body and body == short and all(_kept(letter) or letter in _SEPARATORS for letter in folded):
        return body
    digest = hashlib.sha256(folded.encode(errors="surrogatepass")).hexdigest()[:_DIGITS]
    room = _DIGITS + 1
    return f"{_cut(body, _LONGEST - room, _BYTES - room) or 'untitled'}-{digest}"


def slug_words(text: str) -> str:
    """The letters and digits of a text, with hyphens between its words; different texts may give the same."""
    return "-".join("".join(letter if _kept(letter) else " " for letter in _folded(text)).split())


def same_title(one: str, other: str) -> bool:
    """Whether two titles name one storyboard: case and the number of spaces are ignored, nothing else is."""
    return _folded(one) == _folded(other)


def check_folder(title: str, stored: bytes | str | None) -> None:
    """Raise FolderTaken unless the folder is free or belongs to the storyboard with this title.

    `stored` is the `storyboard.yaml` of the folder, None if it has none. One that cannot be read counts as taken.
    """
    if stored is None:
        return
    try:
        board = yaml.safe_load(stored)
        owner = str(board["title"])
    except (yaml.YAMLError, ValueError, TypeError, KeyError):
        raise FolderTaken(
            f"the folder of {title!r} holds a storyboard.yaml that cannot be read; nothing was written. Move that "
            f"folder away, or choose another title"
        ) from None
    if not same_title(owner, title):
        raise FolderTaken(
            f"the folder of {title!r} belongs to the storyboard {owner!r}; nothing was written. Choose another title"
        )


def _folded(text: str) -> str:
    """A normal form of a title: composed letters, lower case, single spaces."""
    composed = unicodedata.normalize("NFC", text).casefold()
    return " ".join(unicodedata.normalize("NFC", composed).split())


def _kept(letter: str) -> bool:
    return letter.isalnum() or unicodedata.category(letter).startswith("M")


def _cut(body: str, characters: int, size: int) -> str:
    short = body[:characters].encode(errors="ignore")[:size].decode(errors="ignore")
    return short.strip("-")
