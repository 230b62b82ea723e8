"""Files made from other files: named by what they are made of, written whole or not at all, made once."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex

import av
from PIL import __version__ as pillow
from pydantic import BaseModel

from prefect_storyboard.media.sources import LocalFile, local_file

_RECIPE = f"1 {av.__version__} {pillow}"  # raise the number when the same input is to give other bytes


def derived_name(kind: str, source: LocalFile, limits: BaseModel, *choices: float | None) -> str:
    """Return a file name without ending, the same for the same content, limits and choices."""
    wanted = [choice if choice is None else float(choice) for choice in choices]
    text = repr((_RECIPE, kind, source.sha256, limits.model_dump_json(), wanted))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def derived(target: Path, write: Callable[[Path], None]) -> LocalFile:
    """Return the file; if it is not there, let `write` make it at another path and move it into place.

    Safe for any number of threads and processes at once: each sees no file or the whole one.
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
