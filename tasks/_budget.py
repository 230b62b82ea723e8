"""The budget of a single task, and when its run began."""

from datetime import UTC, datetime

from prefect.context import FlowRunContext

from prefect_storyboard.jobs.budget import Budget, OverBudget


def budget(
    max_cost_usd: float | None, since: datetime | None, *, allow_unknown_price: bool, reel: str = ""
) -> Budget | None:
    """A budget in US dollars for the reel, or without a reel for this job. Raises OverBudget for an invalid amount."""
    if max_cost_usd is None:
        return None
    if not isinstance(max_cost_usd, int | float) or isinstance(max_cost_usd, bool) or not max_cost_usd >= 0:
        raise OverBudget(f"max_cost_usd: {max_cost_usd} is not an amount of money; give US dollars, or leave it out")
    return Budget(usd=max_cost_usd, reel=reel, since=since, unpriced=allow_unknown_price)


def run_began() -> datetime:
    """When the flow run began; outside a flow run, now."""
    run = FlowRunContext.get()
    return run.start_time if run else datetime.now(UTC)
