"""Wait for a paid job; only the provider's verdict fails it."""

import asyncio

from prefect_storyboard.jobs.arrivals import arrivals_of
from prefect_storyboard.jobs.paid import PaidJob, ended, remembered, uninterrupted
from prefect_storyboard.jobs.poller import poller_of
from prefect_storyboard.jobs.render_times import Kind
from prefect_storyboard.jobs.waiting import TimeLimit, Watch
from prefect_storyboard.ledger import Ledger, Outcome
from prefect_storyboard.providers import errors
from prefect_storyboard.providers.protocol import Result
from prefect_storyboard.providers.session import Session

VERDICTS = (errors.InvalidRequest, errors.Refused, errors.GenerationFailed, errors.Retired)


async def await_result(
    session: Session,
    ledger: Ledger,
    bought: PaidJob,
    *,
    minutes: float = 60.0,
    watch: Watch = lambda _: None,
) -> Result:
    """Wait for a job's end. A poll that fails never fails the job; the provider's typed verdict does, and is recorded.

    The account's poller polls the job at least once, and late while callbacks arrive, because the ledger then says how
    it ended. After an undocumented response the job is polled again; an undocumented state is checked against the
    result once. Raises the verdict, Expired if the provider has forgotten the job, or Busy after `minutes`: the job is
    then still open and keeps its slot of the account, and the next run re-attaches to it.
    """
    with session.in_flight.watching(bought.key, bought.job):
        try:
            result = await _ended(session, ledger, bought, minutes * 60, watch)
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


async def _ended(session: Session, ledger: Ledger, bought: PaidJob, seconds: float, watch: Watch) -> Result:
    """The result, from the poller or from the ledger, whichever has it first."""
    poller = poller_of(session)
    arrivals = arrivals_of(session, ledger, poller.reschedule)
    if arrivals:
        await arrivals.refresh()
    patient = arrivals.arrive if arrivals else lambda: False
    polling = poller.wait(session, bought.job, kind=_kind(bought), seconds=seconds, watch=watch, patient=patient)
    if arrivals is None or not seconds:
        return await polling
    looking = asyncio.ensure_future(polling)
    reading = asyncio.ensure_future(arrivals.collected(ledger, bought, lambda: poller.look_now(bought.job.request_id)))
    try:
        await asyncio.wait([looking, reading], return_when=asyncio.FIRST_COMPLETED)
        if reading.done():
            return _result_of(reading.result(), bought)
        if not isinstance(looking.exception(), TimeLimit):
            await arrivals.ended_without(bought)
        return looking.result()
    finally:
        looking.cancel()
        reading.cancel()
        await asyncio.gather(looking, reading, return_exceptions=True)


def _result_of(outcome: Outcome, bought: PaidJob) -> Result:
    """The recorded result. Raises the recorded error of a failed job."""
    if outcome.kind != "done":
        raise remembered(outcome, bought.job)
    made = outcome.casting
    return Result(stored=outcome.made, character_id=made.id if made else None, mention=made.mention if made else None)


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
        remedy="The job is paid for and still open. Run again: the next run waits for it and does not buy it again.",
    )
