"""The budget of a run: checked before the first submit, and again at each one."""

import math
from datetime import UTC, datetime

from prefect_storyboard.jobs.estimate import Estimate
from prefect_storyboard.ledger import Intent, Ledger
from prefect_storyboard.storyboards import Frozen
from prefect_storyboard.storyboards.money import price


class OverBudget(ValueError):
    """The run would cost more than max_cost_usd. The job that raises this was not sent."""

    remedy = "Nothing was bought. Raise max_cost_usd, or render fewer scenes or takes."


class Budget(Frozen):
    """At most `usd` US dollars for the jobs of a reel from `since` on, whichever run submits them.

    Without a reel it bounds a single job; without `since` it bounds all that the reel ever cost. Jobs without a
    published price add nothing to the sum, and are allowed only with `unpriced`.
    """

    usd: float
    reel: str = ""
    since: datetime | None = None
    unpriced: bool = False

    def check(self, ledger: Ledger, intent: Intent) -> None:
        """Raise OverBudget if the reel's jobs cost too much, including this job and those of parallel runs."""
        if intent.usd is None and not self.unpriced:
            raise OverBudget(
                f"there is no published price of {intent.label}, so max_cost_usd cannot be kept; "
                "allow it with allow_unknown_price"
            )
        since = self.since or datetime.min.replace(tzinfo=UTC)
        spent = ledger.journal.spent(self.reel, since) if self.reel else intent.usd or 0.0
        if spent > self.usd and not math.isclose(spent, self.usd):
            comes_to = f"bring {self.reel} to" if self.reel else "cost"
            raise OverBudget(f"{intent.label} would {comes_to} {price(spent)}, and max_cost_usd is {price(self.usd)}")


def check_budget(wanted: Estimate, max_cost_usd: float | None, *, allow_unknown_price: bool) -> None:
    """Raise OverBudget if the new jobs cost more than allowed, or if some have no published price."""
    if max_cost_usd is None:
        return
    if not max_cost_usd >= 0:
        raise OverBudget(f"max_cost_usd: {max_cost_usd} is not an amount of money; give US dollars, or leave it out")
    if wanted.usd > max_cost_usd:
        raise OverBudget(
            f"the run would buy for {price(wanted.usd)}, and max_cost_usd is {price(max_cost_usd)}. "
            "Nothing was bought; raise max_cost_usd, or render fewer scenes or takes."
        )
    if wanted.unpriced and not allow_unknown_price:
        raise OverBudget(
            f"there is no published price of {', '.join(wanted.unpriced)}, so max_cost_usd cannot be kept; "
            "allow it with allow_unknown_price"
        )
