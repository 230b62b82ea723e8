"""Upload a file to the provider."""

import asyncio
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from prefect.cache_policies import CacheKeyFnPolicy
from prefect.context import TaskRunContext

from prefect_storyboard.addresses import bare
from prefect_storyboard.blocks import Credentials
from prefect_storyboard.media.kind import content_type
from prefect_storyboard.media.sources import local_file
from prefect_storyboard.storyboards.keys import digest
from prefect_storyboard.tasks import _arguments as arguments
from prefect_storyboard.tasks import _media
from prefect_storyboard.tasks._names import RunName, short
from prefect_storyboard.tasks._node import node
from prefect_storyboard.tasks._retries import DELAYS, TRIES, retry_safely

_KEPT = timedelta(hours=24)  # shorter than every provider's retention of uploads


def _key(_context: TaskRunContext, parameters: dict[str, Any]) -> str | None:
    """One upload for each content, account and host.

    None, so no caching, for a file that cannot be read by its path.
    """
    try:
        stat = Path(parameters["media"]).stat()
        content = _sha256(str(parameters["media"]), stat.st_mtime_ns, stat.st_size)
        # OwnKeys identifies an account by provider, name and hosts, and leaves its secrets out.
        return f"storyboard-upload-{digest([parameters['credentials'], content])}"
    except (OSError, TypeError, ValueError):
        return None


@lru_cache(maxsize=4096)
def _sha256(path: str, _changed_at: int, _size: int) -> str:
    return local_file(Path(path)).sha256


# Safe to retry and to cache: an upload buys nothing, and the provider keeps it longer than the cache does.
@node(
    name="upload",
    task_run_name=RunName(lambda media, **_: f"upload {short(bare(str(media)).rpartition('/')[2])}"),
    retries=TRIES,
    retry_delay_seconds=DELAYS,
    retry_condition_fn=retry_safely,
    cache_policy=CacheKeyFnPolicy(cache_key_fn=_key),
    cache_expiration=_KEPT,
    persist_result=True,
    result_serializer="json",
)
async def upload(media: str | Path, *, credentials: Credentials | str) -> str:
    """Upload a file, or return where the same content was uploaded in the last 24 hours. Costs nothing.

    Args:
        media: Path or URL of a picture or clip.
        credentials: The account: a credentials block, or the reference of a saved one.

    Returns a URL that the provider reads without a key. Raises ValueError and SourceError for a file that cannot be
    read, NotSent and Busy where the provider could not be reached, Unauthorized for a key that is not accepted.
    """
    account = await arguments.account(credentials)
    file = await _media.read(media, "media")
    kind = await asyncio.to_thread(content_type, file.path)
    async with account.session() as session:
        return await session.provider.upload(file.path, kind)
