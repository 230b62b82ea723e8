"""A run does what its render settings say."""

from prefect_storyboard.blocks import RenderSettings
from prefect_storyboard.jobs.estimate import Estimate
from prefect_storyboard.series.price import allow
from prefect_storyboard.series.run import Rendering


def follow(run: Rendering, asked: RenderSettings) -> None:
    """Let the run buy, wait and give up as the settings say."""
    run.on_unknown, run.attempts, run.poll_minutes = asked.on_unknown, asked.attempts, asked.poll_minutes
    run.waits = asked.wait == "poll"


async def allowed(run: Rendering, max_cost_usd: float | None, asked: RenderSettings) -> Estimate:
    """What the run may buy, checked against its limit and the settings. Raises OverBudget or Retired."""
    return await allow(
        run, max_cost_usd, allow_unknown_price=asked.allow_unknown_price, allow_retired=asked.allow_retired
    )
