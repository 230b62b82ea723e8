"""A job that is paid for, and how its end is recorded and remembered."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from prefect_storyboard.ledger import Draft, Outcome
from prefect_storyboard.providers import errors
from prefect_storyboard.storyboards import Frozen, Job

# Answers to a submit that prove that nothing was bought.
NOT_BOUGHT = (
    errors.NotSent,
    errors.Busy,
    errors.InvalidRequest,
    errors.Refused,
    errors.Unauthorized,
    errors.OutOfCredit,
    errors.Retired,
)
_ERRORS = {kind.__name__: kind for kind in (*NOT_BOUGHT, errors.GenerationFailed, errors.Expired)}

T = TypeVar("T")
State = Literal["Submitted", "Reattached", "Cached"]


class PaidJob(Frozen):
    """A job that is paid for. `state` says what this call did for it; `outcome` is set when it has ended already."""

    key: str
    attempt: int
    job: Job
    state: State
    outcome: Outcome | None = None
    usd: float | None = None
    draft: Draft | None = None

    @property
    def scene(self) -> str:
        """The scene that it renders; empty where it creates a character."""
        return self.draft.scene if self.draft else ""

    @property
    def take(self) -> int:
        """The take that was asked for."""
        return self.draft.take if self.draft else 1

    @property
    def about(self) -> str:
        """What it makes, in a few words."""
        if self.draft is None:
            return f"character of job {self.key[:12]}"
        return f"{self.draft.scene}" + (f" take {self.take}" if self.take > 1 else "")


async def uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """Await to the end however often cancelled, and honour the cancellation then: an id that is bought gets on disk.

    `asyncio.wait` leaves what it waits for alone; a shield would give up at the second cancellation.
    """
    running = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not running.done():
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return running.result()
    if not running.cancelled():
        running.exception()  # seen: what is worth keeping of it is in the ledger
    raise cancelled


def ended(kind: Literal["refused", "failed"], error: errors.ProviderError) -> Outcome:
    """What the ledger keeps of an error: `refused` at the submit, `failed` after it was accepted."""
    return Outcome(
        kind=kind,
        at=datetime.now(UTC),
        error=type(error).__name__,
        message=str(error),
        field=getattr(error, "field", None),
        what=getattr(error, "what", None),
        remedy=error.remedy,
        charged=error.charged,
        resubmittable=getattr(error, "resubmittable", False),
        stale_upload=getattr(error, "stale_upload", False),
    )


def remembered(outcome: Outcome, job: Job | None = None) -> errors.ProviderError:
    """The error again, from what the ledger keeps of it."""
    kind = _ERRORS.get(outcome.error, errors.GenerationFailed)
    facts: dict[str, Any] = {"charged": outcome.charged, "remedy": outcome.remedy}
    if job:
        facts["request_id"] = job.request_id
    for name in ("field", "what", "resubmittable", "stale_upload"):
        if hasattr(kind, name):
            facts[name] = getattr(outcome, name)
    return kind(f"{outcome.message} (from an earlier run)", **facts)
