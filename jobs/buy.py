"""Pay once: the loop around the ledger that every paid step goes through."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

from prefect_storyboard.jobs.callbacks import callback_address
from prefect_storyboard.jobs.look import has_ended
from prefect_storyboard.jobs.paid import PaidJob, State, remembered, uninterrupted
from prefect_storyboard.jobs.purchase import BuildOrder, PurchaseRequest
from prefect_storyboard.jobs.reconcile import SETTLED, find_job, outcome_unknown
from prefect_storyboard.jobs.submit import paid_job, record_job, report_submitted, submit
from prefect_storyboard.ledger import Attempt, Decision, Ledger, Outcome, decide, deciding, surveyed
from prefect_storyboard.ledger.owner import alive
from prefect_storyboard.providers import errors
from prefect_storyboard.providers.clock import Clock
from prefect_storyboard.providers.protocol import Order
from prefect_storyboard.providers.session import Session
from prefect_storyboard.storyboards import Job

_LOOK_AGAIN = 0.5  # seconds between reads of an attempt that another process makes
_LOOK_AGAIN_LOST = 10.0  # seconds between searches for a job that the provider may not list yet


async def buy_once(session: Session, ledger: Ledger, request: PurchaseRequest, build_order: BuildOrder) -> PaidJob:
    """Return the job of that key: the recorded one, or one that this call buys.

    `build_order` is called only if there is something to buy. If the provider could not fetch an upload, the files are
    uploaded again and the order is submitted once more.
    Raises the provider's refusal, the recorded error of a failed job, or OutcomeUnknown if a submit may have been
    accepted and the provider does not say. A cancellation takes effect at once before the intent is written, and after
    that only when the provider's answer is on disk.
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
                return paid_job(_as_bought(request, last), last.number, job, state, last.end)
            case _, Attempt(end=Outcome() as outcome):
                raise remembered(outcome, last.job)


def _look(ledger: Ledger, request: PurchaseRequest, clock: Clock) -> tuple[Decision, Attempt | None]:
    """Decide from the records. A process that has exited may have recorded the answer just before: read once more.

    The first read may use what the run found when it was planned, because the intent is created exclusively.
    """
    history: tuple[Attempt, ...] = ()
    survey = surveyed(ledger.storage)
    while True:
        found = survey.history(request.key) if survey else None
        before, history = history, ledger.history(request.key) if found is None else found
        last = deciding(history)
        owner_alive = last is not None and alive(last.intent.owner)
        decision = decide(
            history, now=clock.now(), owner_alive=owner_alive, attempts=request.attempts, since=request.since
        )
        if decision is Decision.SUBMIT and found is None:  # else the plan has checked
            _check_not_lost(ledger, request, last)
        if decision is not Decision.UNKNOWN or history == before:
            return decision, last


def _check_not_lost(ledger: Ledger, request: PurchaseRequest, last: Attempt | None) -> None:
    """Raise LedgerLost if a stored take proves that the job was bought and its records are gone."""
    if request.draft:
        ledger.check_not_lost(request.draft.reel, request.draft.scene, request.key, request.draft.room)
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
            bought = await uninterrupted(submit(session, ledger, request, number, order))
    except BaseException:  # also on cancellation: a job that was not submitted gives its slot back
        session.in_flight.give_back_unsubmitted(request.key)
        raise
    if bought is None:
        session.in_flight.give_back_unsubmitted(request.key)
    return bought


async def _price(session: Session, request: PurchaseRequest, order: Order) -> float | None:
    """The price of the order: from the plan, the model table, or the provider's price API, which is free."""
    for known in (request.usd, order.usd):
        if known is not None:
            return known
    with suppress(errors.ProviderError):
        return await session.provider.price(order)
    return None


def _as_bought(request: PurchaseRequest, attempt: Attempt) -> PurchaseRequest:
    """The request with the facts of the job that was bought, in place of those asked for now."""
    bought = attempt.intent.draft
    request = request.model_copy(update={"usd": attempt.intent.usd}) if request.usd is None else request
    if request.draft is None or bought is None:
        return request
    draft = request.draft.model_copy(update={"remixable": bought.remixable, "parent_key": bought.parent_key})
    return request.model_copy(update={"draft": draft})


async def _reconcile(session: Session, ledger: Ledger, request: PurchaseRequest, attempt: Attempt) -> None:
    """Resolve an intent without a recorded answer: find the job at the provider, or do what `on_unknown` says."""
    found = await find_job(session, ledger, attempt.intent)
    if found.job:
        if kept := await record_job(ledger, attempt.intent, attempt.number, found.job, session.clock):
            report_submitted(request, attempt.number, kept)
    elif request.on_unknown != "resubmit" or not found.read:
        raise outcome_unknown(attempt.intent, "no answer is recorded", found.why)
    elif found.listed and (left := attempt.intent.at + SETTLED - session.clock.now()) > timedelta():
        # The provider's list may lag: it is read once more.
        await session.clock.sleep(min(left.total_seconds(), _LOOK_AGAIN_LOST))
    elif (await asyncio.to_thread(_look, ledger, request, session.clock))[1] == attempt:  # not settled in the meantime
        given_up = Outcome(kind="abandoned", at=datetime.now(UTC), message="not found; resubmitted on request")
        await asyncio.to_thread(ledger.close, request.key, attempt.number, given_up)
