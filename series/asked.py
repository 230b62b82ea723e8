"""Apply the render settings to a run, and hold it to the budget that its caller or a person has set."""

from datetime import datetime

from prefect_storyboard.blocks import RenderSettings
from prefect_storyboard.jobs.estimate import Estimate
from prefect_storyboard.series.price import allow
from prefect_storyboard.series.run import Rendering
from prefect_storyboard.storyboards import Frozen


class Limits(Frozen):
    """The budget of a run: set by its caller, or approved by a person at `since`."""

    max_cost_usd: float | None
    allow_unknown_price: bool
    since: datetime | None = None


def follow(run: Rendering, asked: RenderSettings) -> None:
    """Set up the run with the settings for purchases, waiting and attempts."""
    run.on_unknown, run.attempts, run.poll_minutes = asked.on_unknown, asked.attempts, asked.poll_minutes
    run.waits = asked.wait == "poll"


async def allowed(run: Rendering, max_cost_usd: float | None, asked: RenderSettings) -> Estimate:
    """What the run may buy, within its budget and the settings. Raises OverBudget or Retired."""
    return await allowed_within(
        run, Limits(max_cost_usd=max_cost_usd, allow_unknown_price=asked.allow_unknown_price), asked
    )


async def allowed_within(run: Rendering, limits: Limits, asked: RenderSettings) -> Estimate:
    """The same, within the budget that somebody has approved."""
    return await allow(
        run,
        limits.max_cost_usd,
        allow_unknown_price=limits.allow_unknown_price,
        allow_retired=asked.allow_retired,
        since=limits.since,
    )
