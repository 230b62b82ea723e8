"""Render the scenes side by side, each after the one it continues."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from prefect_storyboard.jobs.paid import uninterrupted
from prefect_storyboard.jobs.progress import Progress, emit_progress
from prefect_storyboard.ledger import Ledger
from prefect_storyboard.series.again import newest, record_planned, without_bad
from prefect_storyboard.series.drawing import Running, draw_still
from prefect_storyboard.series.failures import SCENE_ERRORS, explained, without_clip
from prefect_storyboard.series.origins import with_cast
from prefect_storyboard.series.render import Begins, StillOpen, render_scene
from prefect_storyboard.series.run import FATAL, Ended, OpenScene, Rendering
from prefect_storyboard.storyboards import Clip, FailedScene, PlannedScene, Still
from prefect_storyboard.tasks import _events as events


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
    """Take a slot of the account. An unfinished job keeps its slot; a scene without one is rendered after a resume."""
    await run.slots.acquire()
    kept = False
    try:
        if len(run.left) >= run.at_once:
            raise StillOpen
        try:
            yield
        except StillOpen:
            run.left.append(key)
            kept = len(run.left) < run.at_once  # pass the last slot on, so that the other scenes stop as well
            raise
    finally:
        if not kept:
            run.slots.release()


async def render_scenes(run: Rendering) -> tuple[Ended, ...]:
    """Render all scenes concurrently; a scene that fails stops only those that continue it. In storyboard order.

    The still of a scene is drawn as soon as everything that it needs is there, and the clip starts with the still.
    """
    plan = run.prepared.plan
    running: dict[str, asyncio.Task[Ended | Still]] = {}
    await asyncio.to_thread(record_planned, run)
    with events.reported_by_caller():
        for still in plan.stills:
            running[still.name] = asyncio.create_task(draw_still(run, still, running))
        for scene in plan.scenes:
            takes = [take for take in plan.takes if take.scene.id == scene.scene.id]
            running[scene.scene.id] = asyncio.create_task(_settled(run, scene, takes, running))
        here = {*running}
        more = [take for take in plan.takes if take.scene.id not in here]
        rerolled = [asyncio.create_task(_scene(run, take, running)) for take in more]
        redrawn = [asyncio.create_task(draw_still(run, take, running)) for take in plan.still_takes]
    ended = await asyncio.gather(*running.values(), *rerolled, *redrawn, return_exceptions=True)
    for end in ended:
        if isinstance(end, BaseException):
            raise end
    run.rerolled = [task.result() for task in (*rerolled, *redrawn)]
    made = (running[scene.scene.id].result() for scene in plan.scenes)
    return tuple(end for end in made if not isinstance(end, Still))


async def _settled(run: Rendering, scene: PlannedScene, takes: Sequence[PlannedScene], running: Running) -> Ended:
    """Render a scene and its further takes; again, if the one that stands is bad and the run allows it."""
    stands = await (_takes(run, scene, takes, running) if takes else _scene(run, scene, running))
    return await without_bad(run, scene, stands, lambda take: _scene(run, take, running))


async def _takes(run: Rendering, scene: PlannedScene, takes: Sequence[PlannedScene], running: Running) -> Ended:
    """Render a scene and its further takes. The plan's own one stands, unless it is bad or has no clip.

    A take without a clip fails nothing if another take has one: it becomes a note of the run.
    """
    ends = await asyncio.gather(*(_scene(run, take, running) for take in (scene, *takes)))
    if still_open := [end for end in ends if isinstance(end, OpenScene)]:
        return still_open[0]
    clips = [end for end in ends if isinstance(end, Clip)]
    stands = ends[0] if isinstance(ends[0], Clip) else [ends[0], *clips][-1]
    good = [take for take, end in zip(takes, ends[1:], strict=True) if isinstance(end, Clip) and not end.is_bad]
    if good and not scene.picked and not (isinstance(ends[0], Clip) and not ends[0].is_bad):
        key = (await asyncio.to_thread(newest, run, good)).key
        stands = next(clip for clip in clips if clip.job_key == key)
    if isinstance(stands, Clip):
        run.further += [clip for clip in clips if clip is not stands]
        lost = ((take, end) for take, end in zip((scene, *takes), ends, strict=True) if isinstance(end, FailedScene))
        run.notes += [f"{scene.scene.id}, {take.reroll or f'take {take.take}'}: {end.error}" for take, end in lost]
    return stands


async def _scene(run: Rendering, scene: PlannedScene, running: Running) -> Ended:
    needed = () if scene.standing else scene.needs  # a standing take needs none of them
    ends = {name: await asyncio.shield(running[name]) for name in needed}
    try:
        if still_open := [end for end in ends.values() if isinstance(end, OpenScene)]:
            return OpenScene(scene=scene.scene.id, key=still_open[0].key)
        scene = await with_cast(run, scene, ends)
        failed = [end for end in ends.values() if isinstance(end, FailedScene)]
        if failed and not scene.standing:
            return without_clip(run, scene, failed[0])
        parent, still = ends.get(scene.scene.parent or ""), ends.get(scene.still_name)
        async with _slot(run, scene.key):
            if run.halted:
                raise run.halted
            begins = Begins(parent if isinstance(parent, Clip) else None, still if isinstance(still, Still) else None)
            return await render_scene(run, scene, begins)
    except StillOpen:
        if scene.key in run.left:
            emit_progress(Progress(subject=scene.subject, state="rendering"))
        return OpenScene(scene=scene.scene.id, key=scene.key if scene.key in run.left else run.left[0])
    except SCENE_ERRORS as error:
        if isinstance(error, FATAL):
            run.halted = error
        return explained(run, scene, error)
