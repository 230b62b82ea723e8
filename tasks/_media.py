"""Files of the library and of the user as local files, each fetched once a process."""

import asyncio
import atexit
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from functools import cache
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

from prefect_storyboard.blocks import Library, allowed_to_callers
from prefect_storyboard.jobs.paid import uninterrupted
from prefect_storyboard.ledger import Storage
from prefect_storyboard.ledger.scratch import scratch
from prefect_storyboard.ledger.sidecars import inside
from prefect_storyboard.media.sources import LocalFile, SourceError, fetch, local_file
from prefect_storyboard.storyboards import Clip, Media

_AT_ONCE = 8  # downloads from a bucket


def folder() -> Path:
    """Where this process keeps copies, and what is made of them; it goes when the process ends."""
    return _folder(os.getpid())


@cache
def _folder(pid: int) -> Path:
    kept = ExitStack()
    atexit.register(lambda: kept.close() if os.getpid() == pid else None)  # a fork leaves its parent's folder alone
    return kept.enter_context(scratch())


@asynccontextmanager
async def temporary() -> AsyncIterator[Path]:
    """A folder for one piece of work. Removing what lies in it blocks, and is left to a thread."""
    path = Path(mkdtemp(dir=folder()))
    try:
        yield path
    finally:
        await uninterrupted(asyncio.to_thread(rmtree, path, ignore_errors=True))


async def read(media: str | Path, argument: str, library: Library | None = None) -> LocalFile:
    """A file that the caller named by path or URL. Raises ValueError for anything else, SourceError if unreadable."""
    if not isinstance(media, str | Path):
        raise ValueError(f"{argument}: give a path or a URL, not {type(media).__name__}")
    reference = str(media)
    try:
        return await asyncio.to_thread(_fetch, reference, library)
    except SourceError as error:
        raise SourceError(f"{argument}: {error}") from None


def _fetch(reference: str, library: Library | None) -> LocalFile:
    """Any path, as it is the caller's own; web addresses are bounded all the same."""
    path = reference if "://" in reference else str(Path(reference).expanduser())
    return fetch(path, folder(), storage_options(library), allowed_to_callers(library))


def storage_options(library: Library | None) -> Mapping[str, Any]:
    """The library's storage options, also for files that lie in storage of the same kind."""
    protocol = library.url.partition("://")[0] if library and "://" in library.url else "file"
    return {protocol: library.storage_options.get_secret_value()} if library and protocol != "file" else {}


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


def clip_files(storage: Storage, clips: Sequence[Clip], folder: Path) -> list[Path]:
    """The files of clips, in their order: those of a local library where they lie, else copies in the folder."""

    def file(number: int, clip: Clip) -> Path:
        place = inside(clip.url)
        return storage.local(*place) or storage.fetch(folder / f"{number:04d}.mp4", *place)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(file, range(len(clips)), clips))
