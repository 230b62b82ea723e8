"""Put a file where the provider can read it."""

import asyncio
from datetime import timedelta
from typing import Any

from prefect import task
from prefect.cache_policies import CacheKeyFnPolicy
from prefect.context import TaskRunContext

from prefect_storyboard.blocks import Credentials, Library
from prefect_storyboard.media.kind import content_type
from prefect_storyboard.media.sources import LocalFile
from prefect_storyboard.storyboards.keys import digest
from prefect_storyboard.tasks._retries import BACKOFF, TRIES, nothing_was_bought

_KEPT = timedelta(hours=24)  # shorter than any provider keeps an upload


def _key(_context: TaskRunContext, parameters: dict[str, Any]) -> str:
    """One upload for each content, account, host and library. Blocks are not hashed whole: their secrets are masked."""
    credentials, library = parameters["credentials"], parameters["library"]
    facts = [credentials.provider, credentials.account, credentials.hosts, library.url, parameters["file"].sha256]
    return f"storyboard-upload-{digest(facts)}"


# Safe to retry and to cache: an upload buys nothing, and the provider keeps it longer than the cache does.
@task(
    name="upload",
    task_run_name="upload {file.path.name}",
    retries=TRIES,
    retry_delay_seconds=BACKOFF,
    retry_condition_fn=nothing_was_bought,
    cache_policy=CacheKeyFnPolicy(cache_key_fn=_key),
    cache_expiration=_KEPT,
    persist_result=True,
    result_serializer="json",
)
async def upload(file: LocalFile, credentials: Credentials, library: Library) -> str:  # noqa: ARG001 - part of the key
    """Upload a local file, or return where the same content was uploaded in the last 24 hours.

    Costs nothing. Returns a URL that the provider reads without a key. Raises NotSent, Busy, Unauthorized.
    """
    kind = await asyncio.to_thread(content_type, file.path)
    async with credentials.session() as session:
        return await session.provider.upload(file.path, kind)
