"""Assemble the reel again, without cost, when a person picks a take, even while the reel is being rendered."""

import asyncio
from collections.abc import Sequence

from prefect_storyboard.jobs.estimate import Estimate, estimate
from prefect_storyboard.ledger import Ledger, deciding
from prefect_storyboard.series.choosing import Choices
from prefect_storyboard.series.kept import standing_job
from prefect_storyboard.series.reel import assemble_reel
from prefect_storyboard.series.run import Ended, Rendering
from prefect_storyboard.series.standing import with_standing
from prefect_storyboard.storyboards import Clip, FailedScene, Plan, PlannedScene, Reel
from prefect_storyboard.tasks import store

_ABSENT = {"error": "it has no clip yet", "charged": False, "remedy": "Run the storyboard."}


async def assemble_chosen(run: Rendering, ended: Sequence[Ended], wanted: Estimate) -> Reel:
    """Assemble the reel of a run. If somebody has picked another take meanwhile, the reel shows that one.

    The choices are read again after the assembly, so that an older reel never replaces a newer choice.
    """
    ledger, reel = Ledger(run.library.storage()), run.prepared.plan.storyboard.slug
    while True:
        known = await asyncio.to_thread(ledger.choices, reel)
        if known != run.chosen:
            run.chosen = known
            ended = await _as_chosen(run, ended)
        made = await assemble_reel(run, tuple(ended), wanted)
        if await asyncio.to_thread(ledger.choices, reel) == run.chosen:
            return made


async def assemble_standing(run: Rendering) -> Reel:
    """Assemble the reel from the stored takes and today's choices. Buys nothing.

    A scene that was edited shows the take that it has, until somebody renders it.
    """
    ledger = Ledger(run.library.storage())
    run.chosen = await asyncio.to_thread(ledger.choices, run.prepared.plan.storyboard.slug)
    plan = await stand_again(run)
    wanted = await estimate(plan, ledger, run.attempts)
    ended = await _as_chosen(run, [await _kept(run, scene) for scene in plan.scenes])
    shown = {end.scene: end for end in ended if isinstance(end, Clip)}
    old = [each.scene.id for each in plan.scenes if each.scene.id in shown and shown[each.scene.id].job_key != each.key]
    run.notes += [f"{name} shows a take of an earlier storyboard; the next run renders it again" for name in old]
    return await assemble_chosen(run, ended, wanted)


async def stand_again(run: Rendering, *, cascade: bool = False) -> Plan:
    """The run's plan with the takes that stand now; with `cascade`, stale ones are new jobs."""
    ledger = Ledger(run.library.storage())
    plan = await asyncio.to_thread(with_standing, run.asked, ledger, cascade=cascade)
    run.prepared = run.prepared.model_copy(update={"plan": plan})
    return plan


async def _as_chosen(run: Rendering, ended: Sequence[Ended]) -> tuple[Ended, ...]:
    """The same ends, with the stored clips of the takes that are chosen now."""
    plan = await stand_again(run)
    ends = {end.scene: end for end in ended}
    return tuple([await _stored(run, scene, ends[scene.scene.id]) for scene in plan.scenes])


async def _kept(run: Rendering, scene: PlannedScene) -> Ended:
    """The take that an edited scene keeps; without any, that it has none."""
    ledger, reel = Ledger(run.library.storage()), run.limits["reel"]
    held = None if scene.damage else await asyncio.to_thread(Choices(ledger, reel, run.chosen).kept, scene)
    if held is None:
        return FailedScene(scene=scene.scene.id, state="waiting", **_ABSENT)
    old = scene.model_copy(update={"key": held.intent.key, "standing": True, "stale": "is of an earlier storyboard"})
    return await _fetched(run, ledger, old)


async def _stored(run: Rendering, scene: PlannedScene, end: Ended) -> Ended:
    """The clip of the chosen take if the library has it; else how the scene ended."""
    if isinstance(end, Clip) and end.job_key == scene.key:
        return end
    ledger = Ledger(run.library.storage())
    last = await asyncio.to_thread(lambda: deciding(ledger.history(scene.key)))
    if last is None or last.end is None or last.end.clip is None:
        return end
    return await _fetched(run, ledger, scene)


async def _fetched(run: Rendering, ledger: Ledger, scene: PlannedScene) -> Clip:
    job = await asyncio.to_thread(standing_job, ledger, scene, run.limits["reel"])
    return await store(job, credentials=run.credentials, library=run.library)
