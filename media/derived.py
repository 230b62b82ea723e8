"""Derived files: named by a hash of their inputs, written once, atomically."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex

import av
from PIL import __version__ as pillow
from pydantic import BaseModel

from prefect_storyboard.media.sources import LocalFile, local_file

_RECIPE = f"1 {av.__version__} {pillow}"  # increase the number if the code gives other bytes for the same input


def derived_name(kind: str, source: LocalFile, limits: BaseModel, *choices: float | None) -> str:
    """A file name without suffix; equal for equal content, limits and choices."""
    wanted = [choice if choice is None else float(choice) for choice in choices]
    text = repr((_RECIPE, kind, source.sha256, limits.model_dump_json(), wanted))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def derived(target: Path, write: Callable[[Path], None]) -> LocalFile:
    """Return the file. If it does not exist, `write` writes it to another path, and it is then moved into place.

    Safe for concurrent threads and processes: each sees either no file or the complete one.
    """
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{token_hex(8)}-{target.name}")
        try:
            write(draft)
            with draft.open("rb") as file:
                os.fsync(file.fileno())
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
    return local_file(target)
