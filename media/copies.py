"""Copy and hash a file in one read, so that the content that is hashed is the content that is sent."""

import hashlib
import os
from pathlib import Path
from secrets import token_hex
from typing import NamedTuple
from unicodedata import normalize

_BLOCK = 1 << 18
_LONGEST = 200  # bytes of a name; file systems allow 255, and we append suffixes


class Stamp(NamedTuple):
    """A file's size and modification time, from which a later change is detected."""

    bytes: int
    changed_at: int


class Copy(NamedTuple):
    """The copy, the sha256 of its content in hex, and the stamp of the original when it was read."""

    path: Path
    sha256: str
    stamp: Stamp


def copy_once(original: Path, folder: Path) -> Copy:
    """Copy a file in one read into a folder below `folder` that is named by the content.

    Raises OSError, also if the file was written to during the read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    draft, digest = folder / f".{token_hex(8)}.part", hashlib.sha256()
    try:
        with original.open("rb") as source, draft.open("wb") as target:
            before = _stamp(os.fstat(source.fileno()))
            while block := source.read(_BLOCK):
                digest.update(block)
                target.write(block)
            if (after := _stamp(os.fstat(source.fileno()))) != before:
                raise OSError("it changed while it was read; try again when no program writes to it")
        place = folder / digest.hexdigest()[:32]
        place.mkdir(exist_ok=True)
        return Copy(draft.replace(place / short_name(original.name)), digest.hexdigest(), after)
    finally:
        draft.unlink(missing_ok=True)


def changed(original: Path, stamp: Stamp) -> bool:
    """Whether a file was removed or changed after it was read."""
    try:
        return _stamp(original.stat()) != stamp
    except OSError:
        return True


def short_name(name: str) -> str:
    """The name, shortened to its beginning and its suffix if it is too long for a file system."""
    ending = Path(name).suffix
    if len(name.encode()) <= _LONGEST:
        return name
    ending = ending if len(ending.encode()) <= _LONGEST // 8 else ""
    return name.encode()[: _LONGEST - len(ending.encode())].decode(errors="ignore") + ending


def as_stored(path: Path) -> Path:
    """Return the path as the file system spells it: macOS may store an é of a storyboard as two characters."""
    if os.path.lexists(path):
        return path
    found = Path(path.anchor or ".")
    for part in path.parts[1:] if path.anchor else path.parts:
        wanted = found / part
        if not os.path.lexists(wanted):
            alike = (name for name in _names(found) if normalize("NFC", name) == normalize("NFC", part))
            wanted = found / next(alike, part)
        found = wanted
    return found if os.path.lexists(found) else path


def _names(folder: Path) -> list[str]:
    try:
        return sorted(each.name for each in folder.iterdir())
    except OSError:
        return []


def _stamp(facts: os.stat_result) -> Stamp:
    return Stamp(facts.st_size, facts.st_mtime_ns)
