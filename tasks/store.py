"""Bring a finished scene home, before the provider's link dies."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import task_run
from pydantic import ValidationError

from prefect_storyboard.blocks import Credentials, Library
from prefect_storyboard.jobs.buy import PaidJob, uninterrupted
from prefect_storyboard.ledger import Draft, Ledger, Outcome, Storage
from prefect_storyboard.media.probe import MediaError, probe
from prefect_storyboard.media.sources import local_file
from prefect_storyboard.providers.download import PAID, download
from prefect_storyboard.providers.errors import Busy, Expired, ProtocolError
from prefect_storyboard.providers.protocol import Result
from prefect_storyboard.providers.session import Session
from prefect_storyboard.storyboards import Clip
from prefect_storyboard.tasks._retries import BACKOFF, TRIES, nothing_was_bought
from prefect_storyboard.tasks._states import named


# Retries are safe: storing buys nothing, and a take is published whole or not at all.
@task(
    name="store",
    task_run_name="store {draft.scene} take {take}",
    retries=TRIES,
    retry_delay_seconds=BACKOFF,
    retry_condition_fn=nothing_was_bought,
    cache_policy=NO_CACHE,
    persist_result=False,
)
async def store(
    bought: PaidJob,
    result: Result | None,
    draft: Draft,
    *,
    take: int,  # noqa: ARG001 - for the run's name; the number that counts is reserved below
    credentials: Credentials,
    library: Library,
) -> Clip:
    """Put the take and its sidecar into `reels/<reel>/scenes/<scene>/` and close the job in the ledger.

    Costs nothing. A clip that this reel holds is left alone; one that another reel holds is copied; without `result`
    the provider is asked for it again. Raises Expired where it has forgotten, Busy and NotSent where it cannot say.
    """
    storage = library.storage()
    place = ("reels", draft.reel, "scenes", draft.scene)
    shelved = await uninterrupted(asyncio.to_thread(_shelved, storage, place, bought))
    if shelved:
        return named("Cached", "the clip is in the library", shelved)
    kept = bought.outcome.clip if bought.outcome else None
    with TemporaryDirectory() as folder:
        file = Path(folder) / "take.mp4"
        if kept is not None and await asyncio.to_thread(_copied, storage, kept, file):
            copy = await uninterrupted(asyncio.to_thread(_shelve, storage, place, file, kept, bought))
            return named("Cached", "another reel had the clip", copy)
        async with credentials.session() as session:
            made = await _fetch(session, bought, None if task_run.run_count > 1 else result, file)
        clip = await asyncio.to_thread(_described, bought, made, draft, file)
        return await uninterrupted(asyncio.to_thread(_shelve, storage, place, file, clip, bought))


def _shelved(storage: Storage, place: tuple[str, ...], bought: PaidJob) -> Clip | None:
    """The clip as its sidecar in this reel has it. A crash may have left it there with its job still open."""
    name = _name(storage, place, bought, reserve=False)
    try:
        clip = Clip.model_validate_json(storage.read(*place, f"{name}.json") or b"")
    except ValidationError:
        return None
    if clip.job_key != bought.key or storage.size(*place, f"{name}.mp4") != clip.bytes:
        return None
    clip = clip.model_copy(update={"url": storage.link(*place, f"{name}.mp4")})  # the library may have moved
    _close(storage, bought, clip)
    return clip


def _copied(storage: Storage, clip: Clip, file: Path) -> bool:
    """Fetch a clip from elsewhere in the library; False where somebody has removed or changed it."""
    try:
        storage.fetch(file, *clip.url.split("/")[-5:])  # reels/<reel>/scenes/<scene>/<take>, wherever the library was
    except FileNotFoundError:
        return False
    return local_file(file).sha256 == clip.sha256


async def _fetch(session: Session, bought: PaidJob, result: Result | None, file: Path) -> Result:
    """Download what the job made, asking for a fresh link where the first one is missing, dead or was tried."""
    if result and result.url:
        with suppress(Expired):
            await download(session.http, result.url, file)
            return result
    result = await session.provider.result(bought.job)
    if result.url is None:
        raise ProtocolError("the job ended without a video", request_id=bought.job.request_id, raw=result.raw)
    await download(session.http, result.url, file)
    return result


def _described(bought: PaidJob, result: Result, draft: Draft, file: Path) -> Clip:
    """Describe the clip; what is no video was cut off on its way here."""
    try:
        seen = probe(file)
    except MediaError as error:
        message = f"the result is not a whole video yet: {error}"
        raise Busy(message, request_id=bought.job.request_id, **PAID) from None
    return Clip(
        scene=draft.scene,
        take=0,
        url="",
        sha256=local_file(file).sha256,
        bytes=file.stat().st_size,
        seconds=round(seen.seconds, 3),
        width=seen.width,
        height=seen.height,
        job_key=bought.key,
        cost_usd=bought.usd if result.usd is None else result.usd,
        provider=bought.job.provider,
        model=draft.model,
        request_id=bought.job.request_id,
        prompt=draft.prompt,
        characters=draft.characters,
        handle=result.handle,
        parent_key=draft.parent_key,
        stored_at=datetime.now(UTC),
    )


def _shelve(storage: Storage, place: tuple[str, ...], file: Path, made: Clip, bought: PaidJob) -> Clip:
    """Publish the take, then its sidecar, then close the job: a crash in between is mended by the next run."""
    name = _name(storage, place, bought, reserve=True)
    url = storage.publish(file, *place, f"{name}.mp4")
    clip = made.model_copy(update={"scene": place[-1], "take": int(name.removeprefix("take-")), "url": url})
    storage.write(clip.model_dump_json(indent=2).encode(), *place, f"{name}.json")
    _close(storage, bought, clip)
    return clip


def _name(storage: Storage, place: tuple[str, ...], bought: PaidJob, *, reserve: bool) -> str:
    _, reel, _, scene = place
    take = Ledger(storage).take(reel, scene, bought.key, attempt=bought.attempt, reserve=reserve)
    return f"take-{take:03d}"


def _close(storage: Storage, bought: PaidJob, clip: Clip) -> None:
    if not bought.outcome:
        done = Outcome(kind="done", at=datetime.now(UTC), clip=clip, cost_usd=clip.cost_usd, charged=True)
        Ledger(storage).close(bought.key, bought.attempt, done)
