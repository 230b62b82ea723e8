"""Further takes of one scene: the order is recorded, and the run buys those takes and nothing else."""

import asyncio

from prefect.runtime import flow_run

from prefect_storyboard.ledger import Attempt, Choice, Ledger, deciding
from prefect_storyboard.series.chosen import assemble_standing
from prefect_storyboard.series.further import further_takes
from prefect_storyboard.series.run import Rendering
from prefect_storyboard.series.takes import Of, carry_out, order
from prefect_storyboard.storyboards import Clip, FailedScene, Reel, Still


async def rerolled(run: Rendering, scene_id: str, *, takes: int, note: str, of: Of = "clip") -> Choice:
    """Record the order, and let the run buy its takes and nothing else; returns the order.

    A flow run that is run again carries out the order that it gave before. Raises ValueError before anything is bought.
    """
    if run.held:
        raise ValueError(
            "plan_hash: a saved plan has no further takes, and nothing was bought; leave plan_hash or reroll out"
        )
    ledger, plan = Ledger(run.library.storage()), run.prepared.plan
    name = str(flow_run.id or "")
    asked = await asyncio.to_thread(order, plan, ledger, scene_id, takes=takes, note=note, name=name, of=of)
    wanted = await asyncio.to_thread(further_takes, plan, ledger, asked)
    run.prepared = run.prepared.model_copy(update={"plan": wanted})
    return asked


async def assemble_rerolled(run: Rendering, asked: Choice) -> Reel:
    """Assemble the reel of what stands now. It has failed where a take has; the order is then open as far as it can be.

    An order has been carried out when each of its jobs has a clip, or has failed at the provider.
    """
    ledger, takes = Ledger(run.library.storage()), (*run.prepared.plan.takes, *run.prepared.plan.still_takes)
    reel = await assemble_standing(run)
    histories = await asyncio.to_thread(lambda: [deciding(ledger.history(take.key)) for take in takes])
    if all(map(has_ended, histories)):
        await asyncio.to_thread(carry_out, ledger, run.prepared.plan.storyboard.slug, asked)
    failed = tuple(end for end in run.rerolled if isinstance(end, FailedScene))
    clips = [end for end in run.rerolled if isinstance(end, Clip)]
    shown = {clip.job_key for clip in reel.clips}
    drawn = [
        f"{each.scene} still: take {each.take} is at {each.url}" for each in run.rerolled if isinstance(each, Still)
    ]
    other = [f"{clip.scene}: take {clip.take} is at {clip.url}" for clip in clips if clip.job_key not in shown]
    return reel.model_copy(update={"failed": failed, "warnings": (*reel.warnings, *other, *drawn)})


def has_ended(last: Attempt | None) -> bool:
    """Whether a job has a clip or picture, or has failed at the provider."""
    return last is not None and last.end is not None and (last.end.made is not None or last.end.kind == "failed")
