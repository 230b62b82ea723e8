"""Wait for one paid job."""

import asyncio

from prefect.cache_policies import NO_CACHE

from prefect_storyboard.blocks import Credentials, Library
from prefect_storyboard.jobs.paid import PaidJob, remembered
from prefect_storyboard.jobs.progress import Progress, emit_progress
from prefect_storyboard.jobs.wait import await_result
from prefect_storyboard.ledger import Ledger, Outcome
from prefect_storyboard.providers.protocol import Result, Status
from prefect_storyboard.tasks import _arguments as arguments
from prefect_storyboard.tasks import _events as events
from prefect_storyboard.tasks._event_facts import JobFacts
from prefect_storyboard.tasks._names import RunName
from prefect_storyboard.tasks._node import name_state, node
from prefect_storyboard.tasks._retries import DELAYS, TRIES, retry_safely


# Retries are safe: polling buys nothing.
@node(
    name="poll",
    task_run_name=RunName(lambda job, **_: f"poll {job.about}"),
    retries=TRIES,
    retry_delay_seconds=DELAYS,
    retry_condition_fn=retry_safely,
    cache_policy=NO_CACHE,
    persist_result=False,
)
async def poll(
    job: PaidJob, *, credentials: Credentials | str, library: Library | str | None = None, minutes: float = 60.0
) -> Result:
    """Wait until the job has ended, and return its result. Costs nothing.

    A job whose outcome is recorded is not polled: the result then names the stored clip. The links of a result expire,
    and are left out when it is pickled or serialised: store asks for fresh ones.

    Args:
        job: What generate returned.
        credentials: The account that bought it: a credentials block, or the reference of a saved one.
        library: The library that generate was given.
        minutes: How long to wait.

    Lost connections, 429 and 5xx responses are retried inside. Raises the provider's verdict (GenerationFailed,
    Refused, InvalidRequest), Expired, or Busy after `minutes`: the job stays open and the next call goes on waiting.
    """
    arguments.paid_job(job)
    arguments.waiting(minutes)
    account, library_block = await arguments.accounts(credentials, library)
    ledger = Ledger(library_block.storage())

    def watch(status: Status) -> None:
        emit_progress(Progress(subject=job.scene, state=status.state, take=job.take))

    with events.job_errors(library_block, JobFacts.of_job(job, account.account), scene=job.scene):
        async with account.session() as session:
            # A job that this process bought and has not seen end is not in the library yet.
            fresh = job.state == "Submitted" and session.in_flight.holds(job.key, job.job)
            if not fresh and (outcome := await asyncio.to_thread(_settled, ledger, job)):
                name_state("Cached", f"{job.about} has ended before")
                return Result(stored=outcome.made, character_id=outcome.casting.id if outcome.casting else None)
            return await await_result(session, ledger, job, minutes=minutes, watch=watch)


def _settled(ledger: Ledger, job: PaidJob) -> Outcome | None:
    """The job's recorded result, if there is one. Raises the error of a failed job."""
    outcome = job.outcome or ledger.outcome(job.key, job.attempt)
    if outcome and outcome.kind != "done":
        raise remembered(outcome, job.job)
    return outcome
