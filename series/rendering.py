"""Render the scenes of a run's plan to their end, in as many slots as the account has; a waiting run is suspended."""

from prefect.runtime import flow_run

from prefect_storyboard.jobs.estimate import Estimate
from prefect_storyboard.ledger import Ledger
from prefect_storyboard.series.cast import create_cast
from prefect_storyboard.series.drawing import draw_sheets
from prefect_storyboard.series.limits import account_slots
from prefect_storyboard.series.run import Ended, Rendering, open_keys_of
from prefect_storyboard.series.scenes import released, render_scenes
from prefect_storyboard.series.suspend import suspend
from prefect_storyboard.storyboards import FailedScene


async def settled_scenes(run: Rendering, wanted: Estimate, *, cancel_provider_jobs: bool) -> tuple[Ended, ...]:
    """Render what can be rendered, and suspend the run until the others have ended."""
    ended = await ended_scenes(run, wanted, cancel_provider_jobs=cancel_provider_jobs)
    while open_keys := open_keys_of([*ended, *run.rerolled]):
        await suspend(Ledger(run.library.storage()), open_keys, run_id=str(flow_run.id))
        # These jobs ended just before the run would have been suspended.
        ended = await ended_scenes(run, wanted, cancel_provider_jobs=cancel_provider_jobs)
    return ended


async def ended_scenes(run: Rendering, wanted: Estimate, *, cancel_provider_jobs: bool) -> tuple[Ended, ...]:
    """Render what can be rendered now, in as many slots as the account has. Raises an error that holds for all scenes.

    A scene that waits for a slot is not submitted once the account was refused or has no credit.
    """
    async with account_slots(run.credentials, wanted.unsettled) as slots:
        run.admit(min(slots, run.credentials.in_flight))
        async with released(run, cancel_provider_jobs=cancel_provider_jobs):
            await create_cast(run)
            await draw_sheets(run)
            ended = await render_scenes(run)
    if run.halted and all(isinstance(end, FailedScene) for end in ended):
        raise run.halted
    return ended
