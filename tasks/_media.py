"""Files of the library and of the user as local files, each fetched once a process."""

import asyncio
import os
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from prefect_storyboard.blocks import Library
from prefect_storyboard.ledger import Storage
from prefect_storyboard.media.sources import LocalFile, SourceError, fetch, local_file
from prefect_storyboard.storyboards import Media
from prefect_storyboard.storyboards.keys import digest


def folder() -> Path:
    """Where this process keeps copies, and what is made of them; it goes when the process ends."""
    return Path(_folder(os.getpid()).name)


@cache
def _folder(pid: int) -> "TemporaryDirectory[str]":
    return TemporaryDirectory(prefix=f"storyboard-{pid}-", ignore_cleanup_errors=True)


async def read(media: str | Path, argument: str, library: Library | None = None) -> LocalFile:
    """A file that the caller named by path or URL. Raises ValueError for anything else, SourceError if unreadable."""
    if not isinstance(media, str | Path):
        raise ValueError(f"{argument}: give a path or a URL, not {type(media).__name__}")
    reference = str(media)
    try:
        return await asyncio.to_thread(_fetch, reference, storage_options(library))
    except SourceError as error:
        raise SourceError(f"{argument}: {error}") from None


def _fetch(reference: str, options: Mapping[str, Any]) -> LocalFile:
    path = reference if "://" in reference else str(Path(reference).expanduser())
    return fetch(path, folder(), options)


def storage_options(library: Library | None) -> Mapping[str, Any]:
    """The library's storage options, also for files that lie in storage of the same kind."""
    protocol = library.url.partition("://")[0] if library and "://" in library.url else "file"
    return {protocol: library.storage_options.get_secret_value()} if library and protocol != "file" else {}


def keep(file: LocalFile) -> LocalFile:
    """Copy a file into the process's folder by its content, so that a later change of the original changes nothing."""
    target = folder() / "media" / file.sha256 / file.path.name  # errors name the file by it
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(f".{digest(str(file.path))[:12]}.part")
        shutil.copyfile(file.path, part)
        part.replace(target)
    return LocalFile(path=target, sha256=file.sha256)


def from_library(storage: Storage, media: Media) -> LocalFile:
    """A file of the library; fetched once a process. Raises FileNotFoundError where it is gone."""
    target = folder() / "media" / f"{media.sha256}{Path(media.url).suffix}"
    if target.exists():
        return LocalFile(path=target, sha256=media.sha256)
    part = target.with_suffix(f".{os.urandom(6).hex()}.part")
    storage.fetch(part, *inside(media.url))
    file = local_file(part)
    if file.sha256 != media.sha256:
        raise FileNotFoundError(f"{media.url} is not the file that it was; create the character again")
    part.replace(target)
    return LocalFile(path=target, sha256=media.sha256)


def inside(url: str) -> tuple[str, ...]:
    """The place of a file in its library, from its URL, wherever the library was when it was written."""
    parts = url.split("/")
    room = max(
        (at for at, part in enumerate(parts) if part in {"characters", "reels", "clips"} and _is_room(parts[at:])),
        default=0,
    )
    return tuple(parts[room:])


def _is_room(parts: list[str]) -> bool:
    return len(parts) == {"characters": 4, "reels": 5, "clips": 3}[parts[0]]
