"""Wait for a paid job without ever calling it failed by mistake."""

import asyncio
import random
from collections.abc import Callable

from prefect_storyboard.jobs.look import is_young
from prefect_storyboard.jobs.paid import PaidJob, ended, uninterrupted
from prefect_storyboard.ledger import Ledger
from prefect_storyboard.providers import errors
from prefect_storyboard.providers.protocol import Result, Status
from prefect_storyboard.providers.session import Session
from prefect_storyboard.storyboards import Job

VERDICTS = (errors.InvalidRequest, errors.Refused, errors.GenerationFailed, errors.Retired)


def pause(age: float) -> float:
    """Seconds between two looks at a job of that age: a quarter of it, 0.3 to 10, never in step with others."""
    return min(max(age / 4, 0.3), 10.0) * random.uniform(0.85, 1.15)  # noqa: S311 - jitter, not a secret


async def await_result(
    session: Session,
    ledger: Ledger,
    bought: PaidJob,
    *,
    minutes: float = 60.0,
    watch: Callable[[Status], None] = lambda _: None,
) -> Result:
    """Poll a job to its end. A broken poll never fails the job; the provider's typed verdict does, and is recorded.

    Looks once at least. An undocumented answer is asked for again; an undocumented state is checked against the result
    once. Raises the verdict, Expired where the provider has forgotten the job, or Busy after `minutes`: the job is then
    still open and keeps its slot of the account, and the next run re-attaches to it.
    """
    with session.in_flight.watching(bought.key, bought.job):
        try:
            result = await _poll(session, ledger, bought, minutes=minutes, watch=watch)
        except (*VERDICTS, errors.Expired):
            session.in_flight.give_back(bought.key)
            raise
    session.in_flight.give_back(bought.key)
    return result


async def _poll(
    session: Session, ledger: Ledger, bought: PaidJob, *, minutes: float, watch: Callable[[Status], None]
) -> Result:
    clock = session.clock
    deadline = clock.monotonic() + minutes * 60
    checked: set[str] = set()
    while True:
        trouble: errors.ProviderError | None = None
        age = (clock.now() - bought.job.submitted_at).total_seconds()
        wait = pause(age)
        try:
            status = await _status(session, bought.job)
            watch(status)
            if status.state == "ended" or (status.unknown_word and status.unknown_word not in checked):
                checked.add(status.unknown_word or "")
                return await session.provider.result(bought.job)
        except (errors.NotSent, errors.Busy, errors.ProtocolError) as error:
            if error.sent is False and not isinstance(error, errors.NotSent):  # a link that must not be asked at all
                raise
            trouble = error
            wait = max(wait, getattr(error, "retry_after", None) or 0.0)
        except errors.Expired:
            if not is_young(bought.job, clock.now()):
                raise
        except VERDICTS as verdict:
            await uninterrupted(asyncio.to_thread(ledger.close, bought.key, bought.attempt, ended("failed", verdict)))
            raise
        left = deadline - clock.monotonic()
        if left <= 0:
            break
        await clock.sleep(min(wait, left))
    raise errors.Busy(
        "still rendering"
        + (f" after {minutes:g} minutes" if minutes else "")
        + (f" (last answer: {trouble})" if trouble else ""),
        charged=None,
        request_id=bought.job.request_id,
        remedy="The job is open, not lost. Run again: it is picked up, and not bought a second time.",
    )


async def _status(session: Session, job: Job) -> Status:
    try:
        return await session.provider.status(job)
    except (errors.InvalidRequest, errors.Retired) as error:  # of the question; it says nothing about the job
        raise errors.Busy(str(error), request_id=job.request_id) from error
