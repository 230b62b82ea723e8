"""Download a finished clip into the library before the provider's link expires."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from prefect.cache_policies import NO_CACHE
from prefect.runtime import task_run

from prefect_storyboard.blocks import Credentials, Library
from prefect_storyboard.jobs.paid import PaidJob, uninterrupted
from prefect_storyboard.ledger import Draft
from prefect_storyboard.media import deferred
from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.sources import local_file
from prefect_storyboard.providers.download import PAID, bounds_of
from prefect_storyboard.providers.errors import Busy, Expired, ProtocolError
from prefect_storyboard.providers.protocol import Result
from prefect_storyboard.providers.session import Session
from prefect_storyboard.storyboards import Clip
from prefect_storyboard.tasks import _arguments as arguments
from prefect_storyboard.tasks import _events as events
from prefect_storyboard.tasks import _media
from prefect_storyboard.tasks._extras import fetch_files
from prefect_storyboard.tasks._names import RunName
from prefect_storyboard.tasks._node import name_state, node
from prefect_storyboard.tasks._posters import make_ahead
from prefect_storyboard.tasks._retries import BACKOFF, TRIES, retry_safely
from prefect_storyboard.tasks._takes import Takes


# Retries are safe: storing buys nothing, and a take is published whole or not at all.
@node(
    name="store",
    task_run_name=RunName(lambda job, **_: f"store {job.about}"),
    retries=TRIES,
    retry_delay_seconds=BACKOFF,
    retry_condition_fn=retry_safely,
    cache_policy=NO_CACHE,
    persist_result=False,
)
async def store(
    job: PaidJob,
    result: Result | None = None,
    *,
    credentials: Credentials | str,
    library: Library | str | None = None,
) -> Clip:
    """Store the clip and its sidecar in the library, and close the job in the ledger. Costs nothing.

    The clip is stored in `reels/<reel>/scenes/<scene>/`, or in `clips/<scene>/` if generate was given no reel. An
    existing clip is left alone; one that another reel holds is copied.

    Args:
        job: What generate returned.
        result: What poll returned; None asks the provider for it.
        credentials: The account that bought the job: a credentials block, or the reference of a saved one.
        library: The library that generate was given.

    Raises ValueError for the job of a character, Expired if the provider has forgotten the clip, Busy and NotSent if it
    could not be fetched: the job stays open, and the next call fetches it.
    """
    draft = arguments.paid_job(job).draft
    if draft is None:
        raise ValueError("job: it creates a character, and there is no clip to store; create_character returns it")
    if not isinstance(result, Result | None):
        raise ValueError(f"result: give what poll returns, or leave it out; found {type(result).__name__}")
    account, shelf = await arguments.accounts(credentials, library)
    takes = Takes(shelf.storage(), draft, job)
    if stored := await uninterrupted(asyncio.to_thread(takes.stored)):
        name_state("Cached", "the clip is in the library")
        return stored
    async with _media.temporary() as folder:
        file = folder / "take.mp4"
        if kept := await asyncio.to_thread(takes.fetch_elsewhere, file):
            name_state("Cached", "another reel has the clip")
            return await uninterrupted(_published(takes, shelf, file, kept, {}))
        async with account.session() as session:
            made = await _fetch(session, job, None if (task_run.run_count or 0) > 1 else result, file)
            session.in_flight.give_back(job.key)  # the file proves that the job has ended, also without poll
            extras = await fetch_files(session, made, folder)
        described = await _media.in_media_thread(partial(_describe, job, made, draft, file))
        clip = described.model_copy(update={"account": account.account})
        stored = await uninterrupted(_published(takes, shelf, file, clip, extras))
        await make_ahead(file, stored)
        return stored


async def _published(takes: Takes, shelf: Library, file: Path, clip: Clip, extras: dict[str, Path]) -> Clip:
    stored = await asyncio.to_thread(takes.publish, file, clip, extras)
    events.scene_stored(shelf, takes.draft.reel, stored)
    return stored


async def _fetch(session: Session, job: PaidJob, result: Result | None, file: Path) -> Result:
    """Download the job's video; ask for a fresh link if the first one is missing or dead, or was tried before."""
    asked = job.draft.asked if job.draft else None
    bounds = bounds_of(asked.seconds if asked else None)
    if result and result.url:
        with suppress(Expired):
            await session.provider.fetch(result.url, file, bounds)
            return result
    result = await session.provider.result(job.job)
    if result.url is None:
        raise ProtocolError("the job ended without a video", request_id=job.job.request_id, raw=result.raw)
    await session.provider.fetch(result.url, file, bounds)
    return result


def _describe(job: PaidJob, result: Result, draft: Draft, file: Path) -> Clip:
    """Describe the clip; a file that is no video was truncated in transfer."""
    try:
        seen = deferred.probe(file)
    except MediaError as error:
        message = f"the result is not a whole video yet: {error}"
        raise Busy(message, request_id=job.job.request_id, **PAID) from None
    return Clip(
        scene=draft.scene,
        take=0,
        url="",
        sha256=local_file(file).sha256,
        bytes=file.stat().st_size,
        seconds=round(seen.seconds, 3),
        width=seen.width,
        height=seen.height,
        job_key=job.key,
        cost_usd=job.usd if result.usd is None else result.usd,
        provider=job.job.provider,
        model=draft.model,
        request_id=job.job.request_id,
        prompt=draft.prompt,
        characters=draft.characters,
        handle=result.handle if draft.remixable else None,
        parent_key=draft.parent_key,
        identity=draft.identity,
        parent=draft.parent,
        asked=draft.asked,
        basis=draft.basis,
        silent=draft.silent,
        seed=draft.seed,
        negative=draft.negative,
        fields=draft.fields,
        facts=result.facts,
        stored_at=datetime.now(UTC),
    )
