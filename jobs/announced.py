"""A job that a callback reports as ended. The callback alone proves nothing: the provider is asked."""

import asyncio

from prefect_storyboard.jobs.callbacks import is_about
from prefect_storyboard.jobs.look import empty_so_far, is_young
from prefect_storyboard.jobs.paid import PaidJob, ended, uninterrupted
from prefect_storyboard.jobs.settle import line
from prefect_storyboard.jobs.wait import VERDICTS
from prefect_storyboard.ledger import Attempt, Ledger
from prefect_storyboard.providers.errors import Busy, Expired, GenerationFailed, OutcomeUnknown
from prefect_storyboard.providers.protocol import Result
from prefect_storyboard.providers.session import Session
from prefect_storyboard.storyboards import Job


def is_settled(attempt: Attempt) -> bool:
    """Whether a callback adds nothing to the records. An abandoned attempt may have been bought nevertheless."""
    given_up = attempt.end is not None and attempt.end.kind == "abandoned" and attempt.job is None
    return attempt.end is not None and not given_up


async def announced_result(session: Session, ledger: Ledger, bought: PaidJob) -> Result:
    """Ask for the result without asking for the state first: one request instead of two.

    Raises Busy if the job has not ended, and the provider's error, which is recorded.
    """
    try:
        result = await session.provider.result(bought.job)
    except VERDICTS as verdict:
        age = (session.clock.now() - bought.job.submitted_at).total_seconds()
        empty = isinstance(verdict, GenerationFailed) and empty_so_far(verdict, bought.job, age=age)
        if empty:
            raise empty from None
        await uninterrupted(asyncio.to_thread(ledger.close, bought.key, bought.attempt, ended("failed", verdict)))
        session.in_flight.give_back(bought.key)
        raise
    except Expired as error:
        if not is_young(bought.job, session.clock.now()):
            raise
        raise Busy(str(error), request_id=bought.job.request_id) from None
    session.in_flight.give_back(bought.key)
    return result


async def announced_job(session: Session, ledger: Ledger, attempt: Attempt, request_id: str) -> Attempt:
    """The attempt with its job: the recorded one, or one whose reply was lost and whose id the callback names.

    The callback's signature proves that the gateway has a job of that id, and its address says for which attempt it was
    submitted; the provider is asked nevertheless. Raises OutcomeUnknown while the submit is under way, and if the job
    belongs to another key.
    """
    if attempt.job:
        return attempt
    intent = attempt.intent
    if line(attempt).state == "submitting":
        raise OutcomeUnknown("it is being submitted")
    job = Job(provider=intent.provider, endpoint=intent.endpoint, request_id=request_id, submitted_at=intent.at)
    await session.provider.status(job)
    recorded = await asyncio.to_thread(ledger.submitted, intent.key, attempt.number, job)
    if recorded is None or not is_about(recorded, request_id):
        raise OutcomeUnknown(f"{intent.provider} job {request_id} belongs to another job")
    return attempt.model_copy(update={"job": recorded})
