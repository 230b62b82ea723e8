"""What to buy, and how its order is built."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Literal, Protocol

from prefect_storyboard.jobs.budget import Budget
from prefect_storyboard.jobs.paid import PaidJob
from prefect_storyboard.ledger import Draft
from prefect_storyboard.providers.protocol import Order
from prefect_storyboard.storyboards import Frozen

OnUnknown = Literal["stop", "resubmit"]


class PurchaseRequest(Frozen):
    """What to buy, and under which key. `label` is for messages; `attempts` bounds the failures that may cost money.

    `since` is when the run began: after failures that cost nothing the job is submitted up to three times a run.
    `on_submitted` is called once the job is recorded, also if the caller was cancelled; it must not raise.
    """

    key: str
    label: str
    account: str
    usd: float | None = None
    on_unknown: OnUnknown = "stop"
    attempts: int = 1
    since: datetime | None = None
    reel: str = ""
    draft: Draft | None = None
    character: str | None = None
    fingerprint: str | None = None
    budget: Budget | None = None
    on_submitted: Callable[[PaidJob], None] | None = None


class BuildOrder(Protocol):
    """Uploads the files of an order and builds its body."""

    def __call__(self, *, fresh: bool) -> Awaitable[Order]:
        """`fresh`: upload again, because the provider could not fetch the earlier upload."""
