"""Pay once: the loop around the ledger that every paid step goes through."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal, Protocol

from prefect_storyboard.jobs.budget import Budget
from prefect_storyboard.jobs.callbacks import callback_address
from prefect_storyboard.jobs.look import has_ended
from prefect_storyboard.jobs.paid import NOT_BOUGHT, PaidJob, State, ended, remembered, uninterrupted
from prefect_storyboard.jobs.reconcile import SETTLED, find_job, outcome_unknown, reconcile
from prefect_storyboard.ledger import (
    Attempt,
    Decision,
    Draft,
    Intent,
    Ledger,
    LibraryError,
    Outcome,
    Owner,
    decide,
    deciding,
)
from prefect_storyboard.ledger.owner import acting, alive
from prefect_storyboard.providers import errors
from prefect_storyboard.providers.clock import Clock
from prefect_storyboard.providers.http import SUBMIT_SECONDS
from prefect_storyboard.providers.protocol import Order
from prefect_storyboard.providers.session import Session
from prefect_storyboard.storyboards import Frozen, Job

LEASE = timedelta(seconds=2 * SUBMIT_SECONDS)
_POST = timedelta(seconds=SUBMIT_SECONDS)
_LOOK_AGAIN = 0.5  # seconds between looks at an attempt of somebody else
_LOOK_AGAIN_LOST = 10.0  # seconds between looks for a job that may yet be listed
_RECORD_AFTER = (0.5, 2.0, 8.0)  # seconds between tries to record a job that is bought
OnUnknown = Literal["stop", "resubmit"]


class PurchaseRequest(Frozen):
    """What to buy, and under which key. `label` is for people; `attempts` counts failures that may be paid for.

    `since` is when the run began: failures that cost nothing are bought again three times a run. `on_submitted` is
    called when the job is on record, also where the caller has been cancelled; it must not raise.
    """

    key: str
    label: str
    account: str
    usd: float | None = None
    on_unknown: OnUnknown = "stop"
    attempts: int = 1
    since: datetime | None = None
    reel: str = ""
    draft: Draft | None = None
    character: str | None = None
    fingerprint: str | None = None
    budget: Budget | None = None
    on_submitted: Callable[[PaidJob], None] | None = None


class BuildOrder(Protocol):
    """Uploads what an order names and builds its body."""

    def __call__(self, *, fresh: bool) -> Awaitable[Order]:
        """`fresh`: upload anew, for the provider could not fetch what was uploaded before."""


async def buy_once(session: Session, ledger: Ledger, request: PurchaseRequest, build_order: BuildOrder) -> PaidJob:
    """Return the job of that key: the stored one, or one that this call has just bought.

    `build_order` is called only when there is something to buy. Where the provider could not fetch an upload, the order
    is built with fresh ones, and submitted once more.
    Raises the provider's refusal, the recorded error of a failed job, or OutcomeUnknown where a submit may have been
    accepted and the provider does not say. A cancellation is honoured at once before the intent is written, and after
    it only once the provider's answer is on disk.
    """
    fresh = False
    while True:
        decision, last = await asyncio.to_thread(_look, ledger, request, session.clock)
        match decision, last:
            case Decision.SUBMIT, _:
                fresh = fresh or (last is not None and last.end is not None and last.end.stale_upload)
                number = last.number + 1 if last else 1
                try:
                    bought = await _buy(session, ledger, request, number, partial(build_order, fresh=fresh))
                except errors.InvalidRequest as refusal:
                    if fresh or not refusal.stale_upload:
                        raise
                    fresh, bought = True, None
                if bought:
                    return bought
            case Decision.WAIT, _:
                await session.clock.sleep(_LOOK_AGAIN)
            case Decision.UNKNOWN, Attempt():
                await _reconcile(session, ledger, request, last)
            case ((Decision.REATTACH | Decision.DONE), Attempt(job=Job() as job)):
                state: State = "Cached" if decision is Decision.DONE else "Reattached"
                return _paid_job(_as_bought(request, last), last.number, job, state, last.end)
            case _, Attempt(end=Outcome() as outcome):
                raise remembered(outcome, last.job)


def _look(ledger: Ledger, request: PurchaseRequest, clock: Clock) -> tuple[Decision, Attempt | None]:
    """Decide by what is stored now. An owner who is gone may have recorded the answer just before: look once more."""
    history: tuple[Attempt, ...] = ()
    while True:
        before, history = history, ledger.history(request.key)
        last = deciding(history)
        owner_alive = last is not None and alive(last.intent.owner)
        decision = decide(
            history, now=clock.now(), owner_alive=owner_alive, attempts=request.attempts, since=request.since
        )
        if decision is Decision.SUBMIT:
            _check_not_lost(ledger, request, last)
        if decision is not Decision.UNKNOWN or history == before:
            return decision, last


def _check_not_lost(ledger: Ledger, request: PurchaseRequest, last: Attempt | None) -> None:
    """Raise LedgerLost where the library shows that the job was bought, and its records are gone."""
    if request.draft:
        ledger.check_not_lost(request.draft.reel, request.draft.scene, request.key)
    elif last is None:
        ledger.check_character_not_lost(request.reel, request.key)


async def _buy(
    session: Session, ledger: Ledger, request: PurchaseRequest, number: int, build: Callable[[], Awaitable[Order]]
) -> PaidJob | None:
    """Take a slot of the account, build the order, and submit it. The job keeps the slot until it has ended."""
    await session.in_flight.take(request.key, partial(has_ended, session))
    try:
        order = await build()
        request = request.model_copy(update={"usd": await _price(session, request, order)})
        callback = await asyncio.to_thread(callback_address, session.callback_url, ledger, request.key, number)
        order = order.model_copy(update={"callback": callback})
        async with session.submitting():
            bought = await uninterrupted(_submit(session, ledger, request, number, order))
    except BaseException:
        session.in_flight.give_back_unsubmitted(request.key)
        raise
    if bought is None:
        session.in_flight.give_back_unsubmitted(request.key)
    return bought


async def _price(session: Session, request: PurchaseRequest, order: Order) -> float | None:
    """What the order costs: by the plan, by the table, or by the provider's own word. Asking is free."""
    for known in (request.usd, order.usd):
        if known is not None:
            return known
    with suppress(errors.ProviderError):
        return await session.provider.price(order)
    return None


async def _submit(
    session: Session, ledger: Ledger, request: PurchaseRequest, number: int, order: Order
) -> PaidJob | None:
    """Write the intent, POST, record the answer. None: nothing was sent, because somebody else wrote one first."""
    with acting() as owner:
        intent = _intent(session, request, order, owner)
        if not await asyncio.to_thread(_intended, ledger, number, intent):
            return None
        await asyncio.to_thread(_keep_budget, ledger, request, number, intent)
        # After the lease others could take it for dead while the POST is on its way.
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
        while (kept := await _recorded(ledger, intent, number, job, session.clock)) is None:
            # Another scene lost the reply to the very same order and has adopted this job: then its job is ours.
            job = await reconcile(session, ledger, intent, "another scene with the same order has taken its job")
    session.in_flight.submitted(request.key, kept)
    return _submitted(request, number, kept)


def _intended(ledger: Ledger, number: int, intent: Intent) -> bool:
    """Write the intent. Where that fails it may have arrived all the same, and is closed: nothing was sent."""
    try:
        return ledger.intend(number, intent)
    except LibraryError as why:
        with suppress(LibraryError):
            not_sent = errors.NotSent(f"the intent could not be written: {why}")
            ledger.withdraw(number, intent, ended("refused", not_sent))
        raise


def _keep_budget(ledger: Ledger, request: PurchaseRequest, number: int, intent: Intent) -> None:
    """Look at the sum with this job in it, so that of two runs at the edge of a budget at least one sees the other."""
    if request.budget is None:
        return
    try:
        request.budget.check(ledger, intent)
    except Exception as why:  # also a storage that stumbles: nothing was sent, so nobody has to wonder about it later
        ledger.close(request.key, number, Outcome(kind="abandoned", at=datetime.now(UTC), message=str(why)))
        raise


def _submitted(request: PurchaseRequest, number: int, job: Job) -> PaidJob:
    bought = _paid_job(request, number, job, "Submitted")
    if request.on_submitted:
        request.on_submitted(bought)
    return bought


def _paid_job(request: PurchaseRequest, number: int, job: Job, state: State, outcome: Outcome | None = None) -> PaidJob:
    return PaidJob(
        key=request.key, attempt=number, job=job, state=state, outcome=outcome, usd=request.usd, draft=request.draft
    )


def _as_bought(request: PurchaseRequest, attempt: Attempt) -> PurchaseRequest:
    """The request with what is true of the job that was bought, whatever is asked for now."""
    bought = attempt.intent.draft
    request = request.model_copy(update={"usd": attempt.intent.usd}) if request.usd is None else request
    if request.draft is None or bought is None:
        return request
    draft = request.draft.model_copy(update={"remixable": bought.remixable, "parent_key": bought.parent_key})
    return request.model_copy(update={"draft": draft})


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
        label=request.label,
        usd=request.usd,
        reel=request.reel,
        draft=request.draft,
        character=request.character,
        fingerprint=request.fingerprint,
    )


async def _recorded(ledger: Ledger, intent: Intent, number: int, job: Job, clock: Clock) -> Job | None:
    """Record a job that is bought. Its id is nowhere else, so a storage that stumbles is asked again."""
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


async def _reconcile(session: Session, ledger: Ledger, request: PurchaseRequest, attempt: Attempt) -> None:
    """Settle an intent whose owner never recorded an answer: find the job, or obey the user's word."""
    found = await find_job(session, ledger, attempt.intent)
    if found.job:
        if kept := await _recorded(ledger, attempt.intent, attempt.number, found.job, session.clock):
            _submitted(request, attempt.number, kept)
    elif request.on_unknown != "resubmit" or not found.told:
        raise outcome_unknown(attempt.intent, "no answer is recorded", found.why)
    elif found.listed and (left := attempt.intent.at + SETTLED - session.clock.now()) > timedelta():
        # A list may lag; then it is asked once more.
        await session.clock.sleep(min(left.total_seconds(), _LOOK_AGAIN_LOST))
    elif (await asyncio.to_thread(_look, ledger, request, session.clock))[1] == attempt:  # not settled meanwhile
        given_up = Outcome(kind="abandoned", at=datetime.now(UTC), message="not found; resubmitted on request")
        await asyncio.to_thread(ledger.close, request.key, attempt.number, given_up)
