"""Buy a job and wait for its end, for the steps that do both; a failure at no cost is bought again."""

from datetime import UTC, datetime

from prefect_storyboard.jobs.buy import buy_once
from prefect_storyboard.jobs.look import may_resubmit
from prefect_storyboard.jobs.paid import PaidJob
from prefect_storyboard.jobs.purchase import BuildOrder, PurchaseRequest
from prefect_storyboard.jobs.wait import VERDICTS, await_result
from prefect_storyboard.ledger import Ledger
from prefect_storyboard.providers.protocol import Result
from prefect_storyboard.providers.session import Session


async def buy_to_end(
    session: Session, ledger: Ledger, request: PurchaseRequest, build_order: BuildOrder, *, minutes: float
) -> tuple[PaidJob, Result | None]:
    """The job and its result; no result if the job has ended before and its file is recorded.

    Raises what `buy_once` and `await_result` raise, once the job may not be bought again.
    """
    since = request.since or datetime.now(UTC)
    while True:
        job = await buy_once(session, ledger, request, build_order)
        if job.outcome:
            return job, None
        try:
            return job, await await_result(session, ledger, job, minutes=minutes)
        except VERDICTS:
            if not await may_resubmit(ledger, request.key, attempts=request.attempts, since=since):
                raise
