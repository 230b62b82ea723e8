"""Wait for a paid job without ever calling it failed by mistake."""

import asyncio
from collections.abc import Callable

from prefect_storyboard.jobs.paid import PaidJob, ended, uninterrupted
from prefect_storyboard.jobs.poller import poller_of
from prefect_storyboard.jobs.render_times import Kind
from prefect_storyboard.jobs.waiting import TimeLimit
from prefect_storyboard.ledger import Ledger
from prefect_storyboard.providers import errors
from prefect_storyboard.providers.protocol import Result, Status
from prefect_storyboard.providers.session import Session

VERDICTS = (errors.InvalidRequest, errors.Refused, errors.GenerationFailed, errors.Retired)


async def await_result(
    session: Session,
    ledger: Ledger,
    bought: PaidJob,
    *,
    minutes: float = 60.0,
    watch: Callable[[Status], None] = lambda _: None,
) -> Result:
    """Wait for a job's end. A broken poll never fails the job; the provider's typed verdict does, and is recorded.

    The account's poller looks at it, once at least. An undocumented answer is asked for again; an undocumented state is
    checked against the result once. Raises the verdict, Expired where the provider has forgotten the job, or Busy after
    `minutes`: the job is then still open and keeps its slot of the account, and the next run re-attaches to it.
    """
    with session.in_flight.watching(bought.key, bought.job):
        try:
            result = await poller_of(session).wait(
                session, bought.job, kind=_kind(bought), seconds=minutes * 60, watch=watch
            )
        except TimeLimit as late:
            raise _still_rendering(bought, minutes, late.trouble) from None
        except VERDICTS as verdict:
            await uninterrupted(asyncio.to_thread(ledger.close, bought.key, bought.attempt, ended("failed", verdict)))
            session.in_flight.give_back(bought.key)
            raise
        except errors.Expired:
            session.in_flight.give_back(bought.key)
            raise
    session.in_flight.give_back(bought.key)
    return result


def _kind(bought: PaidJob) -> Kind:
    """Jobs of one model and length take about as long."""
    asked = bought.draft.asked if bought.draft else None
    return Kind(bought.job.endpoint, asked.seconds if asked else 0)


def _still_rendering(bought: PaidJob, minutes: float, trouble: errors.ProviderError | None) -> errors.Busy:
    return errors.Busy(
        "still rendering"
        + (f" after {minutes:g} minutes" if minutes else "")
        + (f" (last answer: {trouble})" if trouble else ""),
        charged=None,
        request_id=bought.job.request_id,
        remedy="The job is open, not lost. Run again: it is picked up, and not bought a second time.",
    )
