"""Reconcile a submit without a recorded answer: search for its job in the provider's own list of requests."""

import asyncio
from datetime import timedelta
from typing import NamedTuple

from prefect_storyboard.ledger import Intent, Ledger
from prefect_storyboard.providers import errors
from prefect_storyboard.providers.protocol import Sought
from prefect_storyboard.providers.session import Session
from prefect_storyboard.storyboards import Job

_FIND_AFTER = (0.0, 1.0, 3.0, 6.0)  # seconds between reads of the provider's list, which may lag behind
SETTLED = timedelta(seconds=60)  # after a submit, in which a list that does not show it proves nothing
_SKEW = timedelta(seconds=10)  # between two correct clocks
_NO_WORD = (errors.NotSent, errors.Busy, errors.ProtocolError)


class Search(NamedTuple):
    """The result of a search: `read` is false if the list could not be read, `listed` is false if there is none."""

    job: Job | None
    why: str
    read: bool
    listed: bool = True


async def find_job(session: Session, ledger: Ledger, intent: Intent) -> Search:
    """Find the job of an intent and claim it for its key.

    A job that was sent at another time is most likely another caller's: it is taken at the last read only, for machines
    whose clock is wrong.
    """
    why, read = "", False
    for left, wait in zip(reversed(range(len(_FIND_AFTER))), _FIND_AFTER, strict=True):
        await session.clock.sleep(wait)
        try:
            jobs = await session.provider.find(_sought(intent))
        except errors.ProviderError as error:
            read = not isinstance(error, _NO_WORD)
            why = f"the list of {intent.provider} could not be read: {error}"
            continue
        if jobs is None:
            return Search(None, f"{intent.provider} has no list of requests to search", read=True, listed=False)
        near = [job for job in jobs if _in_time(job, intent)]
        far = [] if left else [job for job in jobs if not _in_time(job, intent)]
        job = await asyncio.to_thread(_claimed, ledger, intent.key, [*near, *far])
        if job:
            return Search(job, "", read=True)
        why, read = f"{intent.provider} does not list it, or not yet", True
    return Search(None, why, read)


async def reconcile(session: Session, ledger: Ledger, intent: Intent, cause: str, *, named: str | None = None) -> Job:
    """The job of an intent, claimed for its key. Raises OutcomeUnknown if the provider does not show it.

    `named` is the job id that the submit's error response contained: the provider is asked for that job first.
    """
    if named and (job := await _named_job(session, ledger, intent, named)):
        return job
    found = await find_job(session, ledger, intent)
    if found.job is None:
        raise outcome_unknown(intent, cause, found.why, named=named)
    return found.job


def outcome_unknown(intent: Intent, cause: str, why: str, *, named: str | None = None) -> errors.OutcomeUnknown:
    """The error that stops a job which may have been bought."""
    moment = f"{intent.at:%Y-%m-%d %H:%M:%S} UTC"
    message = f"{intent.label} was submitted at {moment}: {cause}; {why} (job {intent.key[:12]})"
    if named is None:
        return errors.OutcomeUnknown(message)
    remedy = (
        f"The provider named the job {named}: storyboard adopt {intent.key[:12]} {named}. Only if the provider's own "
        f"page does not show it: storyboard abandon {intent.key[:12]}, which buys it again."
    )
    return errors.OutcomeUnknown(message, request_id=named, remedy=remedy)


async def _named_job(session: Session, ledger: Ledger, intent: Intent, named: str) -> Job | None:
    """Claim the job of that id, if the provider knows it and no other key holds it."""
    job = Job(provider=intent.provider, endpoint=intent.endpoint, request_id=named, submitted_at=intent.at)
    try:
        await session.provider.status(job)
    except errors.ProviderError:
        return None
    return await asyncio.to_thread(_claimed, ledger, intent.key, [job])


def _sought(intent: Intent) -> Sought:
    return Sought(endpoint=intent.endpoint, digest=intent.order_digest, since=intent.at, shown=intent.order_shown)


def _in_time(job: Job, intent: Intent) -> bool:
    return intent.at - _SKEW <= job.submitted_at <= intent.lease_until + _SKEW


def _claimed(ledger: Ledger, key: str, jobs: list[Job]) -> Job | None:
    """The job that the key already holds, else the first that it can claim."""
    held = next((job for job in jobs if ledger.holder(job) == key), None)
    return held or next((job for job in jobs if ledger.claim(job, key)), None)
