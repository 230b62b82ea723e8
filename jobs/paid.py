"""A paid job, and how its end is recorded and raised again."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from prefect_storyboard.ledger import Draft, Outcome
from prefect_storyboard.providers import errors
from prefect_storyboard.storyboards import Frozen, Job

# Errors of a submit that prove that nothing was bought.
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
    """A paid job. `state` says what this call did; `outcome` is set if the job has already ended."""

    key: str
    attempt: int
    job: Job
    state: State
    outcome: Outcome | None = None
    usd: float | None = None
    draft: Draft | None = None

    @property
    def scene(self) -> str:
        """The scene that it renders; empty if it creates a character."""
        return self.draft.scene if self.draft else ""

    @property
    def take(self) -> int:
        """The requested take."""
        return self.draft.take if self.draft else 1

    @property
    def about(self) -> str:
        """What it makes, in a few words."""
        if self.draft is None:
            return f"character of job {self.key[:12]}"
        return f"{self.draft.scene}" + (f" take {self.take}" if self.take > 1 else "")


async def uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """Await to the end, however often cancelled, and raise the cancellation then: the id of a bought job gets on disk.

    `asyncio.wait` does not cancel what it waits for; `asyncio.shield` would give up at the second cancellation.
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
        running.exception()  # retrieved, so that asyncio does not log it; the ledger has what matters
    raise cancelled


def ended(kind: Literal["refused", "failed"], error: errors.ProviderError) -> Outcome:
    """The outcome that records an error: `refused` at the submit, `failed` after the job was accepted."""
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
        by_chance=getattr(error, "by_chance", False),
    )


def remembered(outcome: Outcome, job: Job | None = None) -> errors.ProviderError:
    """The error that an outcome records, to be raised again."""
    kind = _ERRORS.get(outcome.error, errors.GenerationFailed)
    facts: dict[str, Any] = {"charged": outcome.charged, "remedy": outcome.remedy}
    if job:
        facts["request_id"] = job.request_id
    for name in ("field", "what", "resubmittable", "stale_upload", "by_chance"):
        if hasattr(kind, name):
            facts[name] = getattr(outcome, name)
    return kind(f"{outcome.message} (from an earlier run)", **facts)
