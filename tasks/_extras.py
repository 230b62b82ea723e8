"""The small extra files of a provider: a thumbnail, a spritesheet, a character's profile picture.

They are optional: one that cannot be fetched or stored is left out, and never fails a paid job.
"""

import asyncio
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from prefect_storyboard.jobs.characters import KeepFiles
from prefect_storyboard.ledger import LibraryError, Storage
from prefect_storyboard.media.kind import content_type
from prefect_storyboard.providers.errors import ProviderError
from prefect_storyboard.providers.protocol import Result
from prefect_storyboard.providers.session import Session
from prefect_storyboard.storyboards.folders import slug
from prefect_storyboard.tasks import _media

_ENDINGS = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "image/gif": ".gif"}


async def fetch_files(session: Session, result: Result, folder: Path) -> dict[str, Path]:
    """Download the files of a result, by kind."""
    fetched: dict[str, Path] = {}
    for kind, url in result.files.items():
        with suppress(ProviderError):
            file = folder / kind
            await session.provider.fetch(url, file)
            fetched[kind] = file
    return fetched


def file_name(kind: str, file: Path, *, before: str = "", after: str = "") -> str:
    """The name of a file in the library: its kind, with the extension of its content type."""
    return f"{before}{kind.replace('_', '-')}{after}{_ENDINGS.get(content_type(file), '')}"


def character_files(session: Session, storage: Storage, name: str, key: str, fingerprint: str | None) -> KeepFiles:
    """Store the files of a created character beside its media, under names that hold the key of its creation."""
    return partial(_keep, session, storage, ("characters", slug(name), (fingerprint or key)[:16]), key)


async def _keep(session: Session, storage: Storage, place: tuple[str, ...], key: str, result: Result) -> dict[str, str]:
    kept: dict[str, str] = {}
    with TemporaryDirectory(dir=_media.folder()) as folder:
        for kind, file in (await fetch_files(session, result, Path(folder))).items():
            with suppress(LibraryError, OSError):
                name = file_name(kind, file, after=f"-{key[:8]}")
                kept[kind] = await asyncio.to_thread(storage.publish, file, *place, name)
    return kept
