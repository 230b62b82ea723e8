"""Copy and hash a file in one read, so that the content that is checked is the content that is sent."""

import hashlib
import os
from pathlib import Path
from secrets import token_hex
from typing import NamedTuple
from unicodedata import normalize

_BLOCK = 1 << 18
_LONGEST = 200  # bytes; file systems allow 255, and names get our suffixes


class Stamp(NamedTuple):
    """A file's size and modification time, which show that it was written to."""

    bytes: int
    changed_at: int


class Copy(NamedTuple):
    """The copy, the sha256 of its content in hex, and what the original looked like when it was read."""

    path: Path
    sha256: str
    stamp: Stamp


def copy_once(original: Path, folder: Path) -> Copy:
    """Read a file from its beginning to its end, once, into a folder of its own content below `folder`.

    Raises OSError, also if something wrote to the file in the meantime.
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
                raise OSError("it changed while it was read; try again when nothing writes to it")
        place = folder / digest.hexdigest()[:32]
        place.mkdir(exist_ok=True)
        return Copy(draft.replace(place / short_name(original.name)), digest.hexdigest(), after)
    finally:
        draft.unlink(missing_ok=True)


def changed(original: Path, stamp: Stamp) -> bool:
    """Whether a file is gone, or was written to after it was read."""
    try:
        return _stamp(original.stat()) != stamp
    except OSError:
        return True


def short_name(name: str) -> str:
    """The name, or its beginning with its suffix if it is too long for a file system."""
    ending = Path(name).suffix
    if len(name.encode()) <= _LONGEST:
        return name
    ending = ending if len(ending.encode()) <= _LONGEST // 8 else ""
    return name.encode()[: _LONGEST - len(ending.encode())].decode(errors="ignore") + ending


def as_stored(path: Path) -> Path:
    """Return the path as the file system spells it: macOS may decompose an é that a storyboard writes as one letter."""
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
