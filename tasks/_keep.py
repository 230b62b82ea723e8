"""Download what a paid job has made, describe it, and publish it as a take: a clip or a still."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from prefect.runtime import task_run

from prefect_storyboard.blocks import Credentials, Library
from prefect_storyboard.jobs.paid import PaidJob, uninterrupted
from prefect_storyboard.judges import Judge
from prefect_storyboard.ledger import Draft, StillDraft
from prefect_storyboard.media import deferred
from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.sources import local_file
from prefect_storyboard.providers.download import BOUNDS, PAID, bounds_of
from prefect_storyboard.providers.errors import Busy, Expired, ProtocolError
from prefect_storyboard.providers.protocol import Result
from prefect_storyboard.providers.session import Session
from prefect_storyboard.storyboards import Clip, Still
from prefect_storyboard.tasks import _events as events
from prefect_storyboard.tasks import _media
from prefect_storyboard.tasks._extras import fetch_files
from prefect_storyboard.tasks._looks import judged_by, looked_at
from prefect_storyboard.tasks._node import name_state
from prefect_storyboard.tasks._posters import make_ahead
from prefect_storyboard.tasks._takes import Takes

_SUFFIXES = {"jpeg": ".jpg", "mpo": ".jpg"}


async def keep_made(
    job: PaidJob,
    draft: Draft,
    result: Result | None,
    *,
    credentials: Credentials,
    library: Library,
    judge: Judge | None = None,
) -> Clip | Still:
    """Store what the job made and close the job; `result` None asks the provider for it. See the task `store`."""
    takes = Takes(library.storage(), draft, job)
    if stored := await uninterrupted(asyncio.to_thread(takes.stored)):
        name_state("Cached", f"the {takes.noun} is in the library")
        return stored
    async with _media.temporary() as folder:
        file = folder / "take.mp4"
        if kept := await asyncio.to_thread(takes.fetch_elsewhere, file):
            name_state("Cached", f"another reel has the {takes.noun}")
            return await uninterrupted(_published(takes, library, file, kept, {}))
        async with credentials.session() as session:
            made = await _fetch(session, job, None if (task_run.run_count or 0) > 1 else result, file)
            session.in_flight.give_back(job.key)  # the file proves that the job has ended, also without poll
            extras = await fetch_files(session, made, folder)
        described = await _media.in_media_thread(partial(_describe, job, made, draft, file))
        if isinstance(described, Clip):
            described = described.model_copy(update=await _media.in_media_thread(partial(looked_at, file, draft)))
        if isinstance(described, Clip) and judge:
            described = described.model_copy(update={"verdict": await judged_by(judge, file, described)})
        described = described.model_copy(update={"account": credentials.account})
        stored = await uninterrupted(_published(takes, library, file, described, extras))
        if isinstance(stored, Clip):
            await make_ahead(file, stored)
        return stored


async def _published(
    takes: Takes, library_block: Library, file: Path, made: Clip | Still, extras: dict[str, Path]
) -> Clip | Still:
    stored = await asyncio.to_thread(takes.publish, file, made, extras)
    if isinstance(stored, Clip):
        events.scene_stored(library_block, takes.draft.reel, stored)
    else:
        events.still_stored(library_block, takes.draft.reel, stored)
    return stored


async def _fetch(session: Session, job: PaidJob, result: Result | None, file: Path) -> Result:
    """Download the job's file; ask for a fresh link if the first one is missing or dead, or was tried before."""
    asked = job.draft.asked if job.draft else None
    bounds = bounds_of(asked.seconds) if asked else BOUNDS
    if result and result.url:
        with suppress(Expired):
            await session.provider.fetch(result.url, file, bounds)
            return result
    result = await session.provider.result(job.job)
    if result.url is None:
        raise ProtocolError(
            f"the job ended without a {_noun(job.draft)}", request_id=job.job.request_id, raw=result.raw
        )
    await session.provider.fetch(result.url, file, bounds)
    return result


def _describe(job: PaidJob, result: Result, draft: Draft, file: Path) -> Clip | Still:
    """Describe the file; one that cannot be read was truncated in transfer."""
    try:
        if draft.still:
            return _still(job, result, draft, draft.still, file=file)
        return _clip(job, result, draft, file)
    except MediaError as error:
        message = f"the result is not a whole {_noun(draft)} yet: {error}"
        raise Busy(message, request_id=job.job.request_id, **PAID) from None


def _noun(draft: Draft | None) -> str:
    return "picture" if draft and draft.still else "video"


def _clip(job: PaidJob, result: Result, draft: Draft, file: Path) -> Clip:
    seen = deferred.probe(file)
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


def _still(job: PaidJob, result: Result, draft: Draft, asked: StillDraft, *, file: Path) -> Still:
    """The file's type is decided from its bytes: what the gateways say of it may be wrong."""
    width, height, kind = deferred.probe_image(file)
    return Still(
        scene=draft.scene,
        take=0,
        url=f"take{_SUFFIXES.get(kind, f'.{kind}')}",
        sha256=local_file(file).sha256,
        bytes=file.stat().st_size,
        width=width,
        height=height,
        job_key=job.key,
        cost_usd=job.usd if result.usd is None else result.usd,
        provider=job.job.provider,
        model=draft.model,
        request_id=job.job.request_id,
        prompt=draft.prompt,
        sent=asked.sent,
        references=asked.references,
        sheet_of=asked.sheet_of,
        look=asked.look,
        identity=draft.identity or "",
        asked=asked.asked,
        basis=draft.basis,
        seed=draft.seed,
        fields=draft.fields,
        facts=result.facts,
        stored_at=datetime.now(UTC),
    )
