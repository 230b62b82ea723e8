"""What a run may spend, kept at every submit and not only before the first."""

import math
from datetime import datetime

from prefect_storyboard.ledger import Intent, Ledger
from prefect_storyboard.storyboards import Frozen


class OverBudget(ValueError):
    """The run would cost more than it may. What this is raised for was not sent."""

    remedy = "Nothing was bought. Raise max_cost_usd, or leave scenes out."


class Budget(Frozen):
    """At most `usd` US dollars for the jobs of a reel from `since` on, whoever orders them.

    Jobs without a published price count nothing, and are let through only with `unpriced`.
    """

    usd: float
    reel: str
    since: datetime
    unpriced: bool = False

    def check(self, ledger: Ledger, intent: Intent) -> None:
        """Raise OverBudget where the reel's jobs, this one and those of parallel runs included, cost too much."""
        if intent.usd is None and not self.unpriced:
            raise OverBudget(
                f"nobody has published the price of {intent.label}, so max_cost_usd cannot be kept; "
                "allow it with allow_unknown_price"
            )
        spent = ledger.journal.spent(self.reel, self.since)
        if spent > self.usd and not math.isclose(spent, self.usd):
            raise OverBudget(
                f"{intent.label} would bring the reel to ${spent:.2f}, and max_cost_usd is ${self.usd:.2f}"
            )
