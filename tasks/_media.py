"""The library's and the user's files as local files, each fetched once per process."""

import asyncio
import atexit
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from contextvars import copy_context
from functools import cache
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any, TypeVar

from prefect_storyboard.blocks import Library, allowed_to_callers
from prefect_storyboard.jobs.paid import uninterrupted
from prefect_storyboard.ledger import Storage
from prefect_storyboard.ledger.scratch import scratch
from prefect_storyboard.ledger.sidecars import inside
from prefect_storyboard.media.sources import LocalFile, SourceError, fetch, local_file
from prefect_storyboard.storyboards import Clip, Media

T = TypeVar("T")

_AT_ONCE = 8  # downloads from a bucket
_DECODERS = 2  # threads


def folder() -> Path:
    """The folder for this process's copies and derived files, removed when the process ends."""
    return _folder(os.getpid())


@cache
def _folder(pid: int) -> Path:
    kept = ExitStack()
    atexit.register(lambda: kept.close() if os.getpid() == pid else None)  # not a forked child's to remove
    return kept.enter_context(scratch())


@asynccontextmanager
async def temporary() -> AsyncIterator[Path]:
    """A temporary folder for one piece of work. It is removed in a thread, because that blocks."""
    path = Path(mkdtemp(dir=folder()))
    try:
        yield path
    finally:
        await uninterrupted(asyncio.to_thread(rmtree, path, ignore_errors=True))


async def in_media_thread(work: Callable[[], T]) -> T:
    """Run short work that decodes pictures in one of two threads.

    Each thread's heap keeps the memory of what it has decoded: in the loop's 32, that was a hundred megabytes.
    """
    return await asyncio.get_running_loop().run_in_executor(_decoders(os.getpid()), copy_context().run, work)


@cache
def _decoders(_pid: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_DECODERS, "storyboard-media")


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
    """Any path, because the caller's own code named it; web addresses are bounded nevertheless."""
    path = reference if "://" in reference else str(Path(reference).expanduser())
    return fetch(path, folder(), storage_options(library), allowed_to_callers(library))


def storage_options(library: Library | None) -> Mapping[str, Any]:
    """The library's storage options, also for files that lie in storage of the same kind."""
    protocol = library.url.partition("://")[0] if library and "://" in library.url else "file"
    return {protocol: library.storage_options.get_secret_value()} if library and protocol != "file" else {}


def from_library(storage: Storage, media: Media) -> LocalFile:
    """A file of the library, fetched once per process. Raises FileNotFoundError if it is gone."""
    target = folder() / "media" / f"{media.sha256}{Path(media.url).suffix}"
    if target.exists():
        return LocalFile(path=target, sha256=media.sha256)
    part = target.with_suffix(f".{os.urandom(6).hex()}.part")
    storage.fetch(part, *inside(media.url))
    file = local_file(part)
    if file.sha256 != media.sha256:
        raise FileNotFoundError(f"{media.url} has changed since it was stored; create the character again")
    part.replace(target)
    return LocalFile(path=target, sha256=media.sha256)


def link(file: Path) -> str:
    """A link to a file of this machine."""
    return file.absolute().as_uri()


def clip_files(storage: Storage, clips: Sequence[Clip], folder: Path) -> list[Path]:
    """The files of clips, in order: for a local library the files themselves, else copies in the folder."""

    def file(number: int, clip: Clip) -> Path:
        place = inside(clip.url)
        return storage.local(*place) or storage.fetch(folder / f"{number:04d}.mp4", *place)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(file, range(len(clips)), clips))
