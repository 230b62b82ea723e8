"""Ask once about a paid job."""

import asyncio
from datetime import UTC, datetime

from prefect_storyboard.ledger import Decision, Ledger, decide
from prefect_storyboard.providers import errors
from prefect_storyboard.providers.session import Session
from prefect_storyboard.storyboards import Job

_EMPTY_LOOKS = 3  # polls of an ended job with an empty result: a gateway may report the end before the link
_EMPTY_FOR = 3600.0  # seconds since the submit, after which one such poll ends the job
YOUNG = 90.0  # seconds in which a provider may not yet know a job that it has just accepted


def is_young(job: Job, now: datetime) -> bool:
    """Whether the job is so new that the provider may not know it yet."""
    return (now - job.submitted_at).total_seconds() <= YOUNG


def empty_so_far(error: errors.GenerationFailed, job: Job, *, age: float, looks: int = 1) -> errors.Busy | None:
    """The error for an ended job with an empty result: Busy as long as that is no verdict yet.

    `looks` is the number of consecutive polls with that answer, this one included.
    """
    if not error.empty or looks >= _EMPTY_LOOKS or age > _EMPTY_FOR:
        return None
    return errors.Busy("the job has ended, and its result is empty so far", request_id=job.request_id, charged=None)


async def has_ended(session: Session, job: Job) -> bool:
    """Ask once. No answer, or a job that the provider does not know yet, does not count as ended."""
    try:
        return (await session.provider.status(job)).state == "ended"
    except errors.Expired:
        return not is_young(job, session.clock.now())
    except errors.ProviderError:
        return False


async def may_resubmit(ledger: Ledger, key: str, *, attempts: int, since: datetime) -> bool:
    """Whether a job that has just failed may be bought again: it cost nothing and may succeed, or attempts are left."""
    history = await asyncio.to_thread(ledger.history, key)
    decision = decide(history, now=datetime.now(UTC), owner_alive=False, attempts=attempts, since=since)
    return decision is Decision.SUBMIT
