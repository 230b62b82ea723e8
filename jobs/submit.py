"""One submit: write the intent, POST, record the provider's response."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from prefect_storyboard.jobs.budget import Budget
from prefect_storyboard.jobs.paid import NOT_BOUGHT, PaidJob, State, ended
from prefect_storyboard.jobs.purchase import PurchaseRequest
from prefect_storyboard.jobs.reconcile import reconcile
from prefect_storyboard.ledger import Intent, Ledger, LibraryError, Outcome, Owner
from prefect_storyboard.ledger.owner import acting
from prefect_storyboard.providers import errors
from prefect_storyboard.providers.clock import Clock
from prefect_storyboard.providers.http import SUBMIT_SECONDS
from prefect_storyboard.providers.protocol import Order
from prefect_storyboard.providers.session import Session
from prefect_storyboard.storyboards import Job

LEASE = timedelta(seconds=2 * SUBMIT_SECONDS)
_POST = timedelta(seconds=SUBMIT_SECONDS)
_RECORD_AFTER = (0.5, 2.0, 8.0)  # seconds between attempts to record a bought job


async def submit(
    session: Session, ledger: Ledger, request: PurchaseRequest, number: int, order: Order
) -> PaidJob | None:
    """Write the intent, POST, record the response. None: another process wrote an intent first; nothing was sent."""
    with acting() as owner:
        intent = _intent(session, request, order, owner)
        if not await asyncio.to_thread(_intended, ledger, number, intent):
            return None
        if request.budget:
            await asyncio.to_thread(_keep_budget, request.budget, ledger, number, intent)
        # After the lease, other processes could take this one for dead while the POST is on its way.
        if session.clock.now() + _POST > intent.lease_until:
            late = errors.NotSent("writing the intent took so long that its lease would not have lasted for the submit")
            await asyncio.to_thread(ledger.close, request.key, number, ended("refused", late))
            raise late
        try:
            job = await session.provider.submit(order)
        except NOT_BOUGHT as refusal:
            await asyncio.to_thread(ledger.close, request.key, number, ended("refused", refusal))
            raise
        except (errors.OutcomeUnknown, errors.ProtocolError) as lost:
            job = await reconcile(session, ledger, intent, str(lost), named=lost.request_id)
        while (kept := await record_job(ledger, intent, number, job, session.clock)) is None:
            # Another scene lost the reply to an identical order and has adopted this job: its job is then ours.
            job = await reconcile(session, ledger, intent, "another scene with the same order has taken its job")
    session.in_flight.submitted(request.key, kept)
    return report_submitted(request, number, kept)


def _intended(ledger: Ledger, number: int, intent: Intent) -> bool:
    """Write the intent. If that fails, the intent may be stored nevertheless, so it is closed: nothing was sent."""
    try:
        return ledger.intend(number, intent)
    except LibraryError as why:
        with suppress(LibraryError):
            not_sent = errors.NotSent(f"the intent could not be written: {why}")
            ledger.withdraw(number, intent, ended("refused", not_sent))
        raise


def _keep_budget(budget: Budget, ledger: Ledger, number: int, intent: Intent) -> None:
    """Check the sum including this job, so that of two runs at the limit of a budget at least one sees the other."""
    try:
        budget.check(ledger, intent)
    except Exception as why:  # whatever the check or its storage raises: nothing was sent, and the ledger says so
        ledger.close(intent.key, number, Outcome(kind="abandoned", at=datetime.now(UTC), message=str(why)))
        raise


async def record_job(ledger: Ledger, intent: Intent, number: int, job: Job, clock: Clock) -> Job | None:
    """Record a bought job. Its id is stored nowhere else, so a failed write is tried again."""
    for wait in _RECORD_AFTER:
        with suppress(LibraryError):
            return await asyncio.to_thread(ledger.submitted, intent.key, number, job)
        await clock.sleep(wait)
    try:
        return await asyncio.to_thread(ledger.submitted, intent.key, number, job)
    except LibraryError as error:
        raise LibraryError(
            f"{intent.label} is bought ({job.provider} request {job.request_id}) and could not be recorded: {error}. "
            f"Fix the library, then run `storyboard adopt {intent.key[:12]} {job.request_id}`; do not buy it again"
        ) from error


def report_submitted(request: PurchaseRequest, number: int, job: Job) -> PaidJob:
    """Return the job that is now recorded, and call `on_submitted`."""
    bought = paid_job(request, number, job, "Submitted")
    if request.on_submitted:
        request.on_submitted(bought)
    return bought


def paid_job(request: PurchaseRequest, number: int, job: Job, state: State, outcome: Outcome | None = None) -> PaidJob:
    """The job of a request, with its price and the draft of its clip."""
    return PaidJob(
        key=request.key, attempt=number, job=job, state=state, outcome=outcome, usd=request.usd, draft=request.draft
    )


def _intent(session: Session, request: PurchaseRequest, order: Order, owner: Owner) -> Intent:
    now = session.clock.now()
    return Intent(
        key=request.key,
        owner=owner,
        at=now,
        lease_until=now + LEASE,
        provider=session.provider.name,
        account=request.account,
        endpoint=order.endpoint,
        order_digest=order.digest,
        order_shown=order.shown,
        label=request.label,
        usd=request.usd,
        reel=request.reel,
        draft=request.draft,
        character=request.character,
        fingerprint=request.fingerprint,
    )
