"""Render the scenes side by side, each after the one it continues."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from prefect_storyboard.jobs.budget import OverBudget
from prefect_storyboard.jobs.look import has_ended
from prefect_storyboard.jobs.paid import PaidJob, uninterrupted
from prefect_storyboard.jobs.progress import Progress, emit_progress
from prefect_storyboard.ledger import Ledger, Unreadable
from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.providers.errors import (
    Busy,
    GenerationFailed,
    InvalidRequest,
    ProviderError,
)
from prefect_storyboard.series.cast import about_characters, castings_of, recast, sent_with
from prefect_storyboard.series.kept import standing_job
from prefect_storyboard.series.origins import is_asked_for_again, with_cast
from prefect_storyboard.series.run import FATAL, Ended, OpenScene, Rendering
from prefect_storyboard.storyboards import Casting, Clip, FailedScene, PlannedScene
from prefect_storyboard.storyboards.outcomes import SceneState
from prefect_storyboard.tasks import _events as events
from prefect_storyboard.tasks import generate, poll, store


class _StillOpen(Exception):
    """Raised in a run that does not wait: the job still renders, or all slots hold jobs that do."""


_SCENE_FAILS = (ProviderError, MediaError, OverBudget, Unreadable)


@asynccontextmanager
async def released(run: Rendering, *, cancel_provider_jobs: bool) -> AsyncIterator[None]:
    """On cancellation, keep the open jobs in the ledger; ask the provider to stop them only if the user wants that."""
    try:
        yield
    except asyncio.CancelledError:
        if cancel_provider_jobs:
            await uninterrupted(_stop(run))
        raise


async def _stop(run: Rendering) -> None:
    """Ask the provider to stop the open jobs. One that cannot be stopped stays open: the next run fetches its result.

    The ledger also has the jobs whose submit was in flight when the cancellation came.
    """
    ledger = Ledger(run.library.storage())

    async def stop(key: str) -> None:
        for last in (await asyncio.to_thread(ledger.history, key))[-1:]:
            if last.job and not last.end:
                await run.session.provider.cancel(last.job)

    await asyncio.gather(*map(stop, run.open), return_exceptions=True)


@asynccontextmanager
async def _slot(run: Rendering, key: str) -> AsyncIterator[None]:
    """Take a slot of the account. A job that still renders keeps it; a scene without one is rendered after a resume."""
    await run.slots.acquire()
    kept = False
    try:
        if len(run.left) >= run.at_once:
            raise _StillOpen
        try:
            yield
        except _StillOpen:
            run.left.append(key)
            kept = len(run.left) < run.at_once  # pass the last slot on, so that the other scenes stop as well
            raise
    finally:
        if not kept:
            run.slots.release()


async def render_scenes(run: Rendering) -> tuple[Ended, ...]:
    """Render all scenes concurrently; a scene that fails stops only those that continue it. In storyboard order."""
    running: dict[str, asyncio.Task[Ended]] = {}
    with events.reported_by_caller():
        for scene in run.prepared.plan.scenes:
            takes = [take for take in run.prepared.plan.takes if take.scene.id == scene.scene.id]
            work = _takes(run, scene, takes, running) if takes else _scene(run, scene, running)
            running[scene.scene.id] = asyncio.create_task(work)
        here = {*running}
        more = [take for take in run.prepared.plan.takes if take.scene.id not in here]
        rerolled = [asyncio.create_task(_scene(run, take, running)) for take in more]
    ended = await asyncio.gather(*running.values(), *rerolled, return_exceptions=True)
    for end in ended:
        if isinstance(end, BaseException):
            raise end
    ends = [end for end in ended if not isinstance(end, BaseException)]
    run.rerolled = ends[len(running) :]
    return tuple(ends[: len(running)])


async def _takes(
    run: Rendering, scene: PlannedScene, takes: Sequence[PlannedScene], running: dict[str, asyncio.Task[Ended]]
) -> Ended:
    """Render a scene and its further takes. The plan's own one stands, else the last of the others that has a clip.

    A take without a clip beside one that has is told of, and fails nothing.
    """
    ends = await asyncio.gather(*(_scene(run, take, running) for take in (scene, *takes)))
    if still_open := [end for end in ends if isinstance(end, OpenScene)]:
        return still_open[0]
    clips = [end for end in ends if isinstance(end, Clip)]
    stands = ends[0] if isinstance(ends[0], Clip) else [ends[0], *clips][-1]
    if isinstance(stands, Clip):
        run.further += [clip for clip in clips if clip is not stands]
        lost = ((take, end) for take, end in zip((scene, *takes), ends, strict=True) if isinstance(end, FailedScene))
        run.notes += [f"{scene.scene.id}, {take.reroll or f'take {take.take}'}: {end.error}" for take, end in lost]
    return stands


async def _scene(run: Rendering, scene: PlannedScene, running: dict[str, asyncio.Task[Ended]]) -> Ended:
    needed = () if scene.standing else scene.needs  # a standing take needs none of them
    ends = {name: await asyncio.shield(running[name]) for name in needed}
    try:
        if still_open := [end for end in ends.values() if isinstance(end, OpenScene)]:
            return OpenScene(scene=scene.scene.id, key=still_open[0].key)
        scene = await with_cast(run, scene, ends)
        failed = [end for end in ends.values() if isinstance(end, FailedScene)]
        if failed and not scene.standing:
            return _without(run, scene, failed[0])
        parent = ends.get(scene.scene.parent or "")
        async with _slot(run, scene.key):
            if run.halted:
                raise run.halted
            return await _rendered(run, scene, parent if isinstance(parent, Clip) else None)
    except _StillOpen:
        if scene.key in run.left:
            emit_progress(Progress(subject=scene.subject, state="rendering"))
        return OpenScene(scene=scene.scene.id, key=scene.key if scene.key in run.left else run.left[0])
    except _SCENE_FAILS as error:
        if isinstance(error, FATAL):
            run.halted = error
        return _explained(run, scene, error)


def _without(run: Rendering, scene: PlannedScene, parent: FailedScene) -> FailedScene:
    """The result of a scene that needs another one which has no clip, or none yet."""
    if parent.state == "failed":
        return _failed(run, scene, f"it needs {parent.scene}, which has no clip", remedy=f"Fix {parent.scene} first.")
    why = f"it needs {parent.scene}, which still renders"
    return _failed(run, scene, why, remedy=f"Run again when {parent.scene} has ended.", state="waiting")


def _explained(
    run: Rendering, scene: PlannedScene, error: ProviderError | MediaError | OverBudget | Unreadable
) -> FailedScene:
    """The FailedScene for an error; a job that was not charged is removed from the run's costs."""
    if isinstance(error, MediaError):  # raised while the request is built: its first frame, or a reference
        return _failed(run, scene, str(error), remedy="Nothing was sent. Check the file that the message names.")
    if isinstance(error, Unreadable):  # its take number, if this run bought the job
        return _failed(run, scene, error.what, charged=scene.key in run.bought, remedy=error.remedy)
    charged = error.charged if isinstance(error, ProviderError) else False
    if charged is False:
        run.bought.pop(scene.key, None)
    elif charged is None and scene.key in run.bought:
        run.bought[scene.key] = None
    state: SceneState = "rendering" if isinstance(error, Busy) and charged is None else "failed"
    return _failed(run, scene, str(error), charged=charged, remedy=error.remedy, state=state)


async def _rendered(run: Rendering, scene: PlannedScene, parent: Clip | None) -> Clip:
    """Render a scene; if the provider has forgotten its characters, create them again once and submit again."""
    castings = () if scene.standing else castings_of(run, scene)
    try:
        return await _render(run, scene, castings, parent, attempts=run.attempts)
    except (InvalidRequest, GenerationFailed) as error:
        if not about_characters(error, castings):
            raise
        sent = await sent_with(run, scene)
        if sent is None:
            raise
        fresh = castings if sent != _ids(castings) else await recast(run, scene, castings, error)
        if _ids(fresh) == sent:
            raise
    return await _render(run, scene, fresh, parent, attempts=run.attempts + 1)


def _ids(castings: tuple[Casting, ...]) -> tuple[str | None, ...]:
    return tuple(casting.id for casting in castings)


async def _render(
    run: Rendering, scene: PlannedScene, castings: tuple[Casting, ...], parent: Clip | None, *, attempts: int
) -> Clip:
    """Generate, poll and store the scene; a paid scene is only polled and stored."""
    name = scene.subject
    ledger = Ledger(run.library.storage())
    take = await asyncio.to_thread(
        ledger.take, run.limits["reel"], scene.scene.id, scene.key, attempt=None, reserve=False
    )
    emit_progress(Progress(subject=name, state="checking", take=take, seconds=scene.seconds))
    run.open.add(scene.key)
    if scene.standing:
        job = await asyncio.to_thread(standing_job, ledger, scene, run.limits["reel"])
    else:
        job = await _generate(run, scene, castings, parent, attempts)
    result = None
    if job.state == "Submitted":
        run.bought[scene.key] = scene.usd
    if job.state != "Cached":
        charged = scene.usd if job.state == "Submitted" else 0.0
        emit_progress(Progress(subject=name, state=job.state.lower(), take=take, cost_usd=charged))
        if not run.waits and not await has_ended(run.session, job.job):
            raise _StillOpen
        result = await poll(job, credentials=run.credentials, library=run.library, minutes=run.poll_minutes)
        emit_progress(Progress(subject=name, state="storing", take=take))
    clip = await store(job, result, credentials=run.credentials, library=run.library)
    run.open.discard(scene.key)
    if scene.key in run.bought:
        run.bought[scene.key] = clip.cost_usd  # what the provider says it has charged, if it does
    state = "cached" if job.state == "Cached" else "stored"
    charged = clip.cost_usd if scene.key in run.bought else 0.0
    emit_progress(Progress(subject=name, state=state, take=clip.take, seconds=clip.seconds, cost_usd=charged))
    return clip


async def _generate(
    run: Rendering, scene: PlannedScene, castings: tuple[Casting, ...], parent: Clip | None, attempts: int
) -> PaidJob:
    asked, board = scene.scene, run.prepared.plan.storyboard
    return await generate(
        scene.words,
        model=scene.model.name,
        credentials=run.credentials,
        library=run.library,
        characters=castings,
        seconds=scene.seconds,
        aspect=scene.aspect,
        resolution=scene.resolution,
        image=run.prepared.files[asked.image].path if asked.image else None,
        ends=run.prepared.files[scene.ends].path if scene.ends else None,
        audio=False if scene.silent else None,
        seed=scene.seed,
        negative=scene.negative or None,
        continues=parent if asked.continues else None,
        remixes=parent if asked.remixes else None,
        take=scene.take,
        copy=scene.copy_number,
        reroll=scene.reroll,
        note=scene.note,
        scene=asked.id,
        fields=asked.fields,
        prefer=asked.prefer or board.prefer,
        remixable=is_asked_for_again(run, asked.id),
        on_unknown=run.on_unknown,
        attempts=attempts,
        **run.limits,
    )


def _failed(
    run: Rendering,
    scene: PlannedScene,
    error: str,
    *,
    charged: bool | None = False,
    remedy: str,
    state: SceneState = "failed",
) -> FailedScene:
    emit_progress(Progress(subject=scene.subject, state="failed", cost_usd=0.0 if charged is False else None))
    failed = FailedScene(scene=scene.scene.id, error=error, charged=charged, remedy=remedy, state=state)
    if state == "failed":
        events.scene_failed(run.library, run.limits["reel"], failed, scene.key)
    return failed
