"""Pay once: the loop around the ledger that every paid step goes through."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar

from prefect_storyboard.jobs.budget import Budget
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
from prefect_storyboard.providers.http import SUBMIT_SECONDS
from prefect_storyboard.providers.protocol import Order
from prefect_storyboard.providers.session import Session
from prefect_storyboard.storyboards import Frozen, Job

LEASE = timedelta(seconds=2 * SUBMIT_SECONDS)
_POST = timedelta(seconds=SUBMIT_SECONDS)
_LOOK_AGAIN = 0.5  # seconds between looks at an attempt of somebody else
_LOOK_AGAIN_LOST = 10.0  # seconds between looks for a job that may yet be listed
_RECORD_AFTER = (0.5, 2.0, 8.0)  # seconds between tries to record a job that is bought
# Answers to a submit that prove that nothing was bought.
_NOT_BOUGHT = (
    errors.NotSent,
    errors.Busy,
    errors.InvalidRequest,
    errors.Refused,
    errors.Unauthorized,
    errors.OutOfCredit,
    errors.Retired,
)
_ERRORS = {kind.__name__: kind for kind in (*_NOT_BOUGHT, errors.GenerationFailed, errors.Expired)}

T = TypeVar("T")
OnUnknown = Literal["stop", "resubmit"]
State = Literal["Submitted", "Reattached", "Cached"]


class PurchaseRequest(Frozen):
    """What to buy, and under which key. `label` is for people; `attempts` counts failures that may be paid for."""

    key: str
    label: str
    account: str
    usd: float | None = None
    on_unknown: OnUnknown = "stop"
    attempts: int = 1
    reel: str = ""
    draft: Draft | None = None
    character: str | None = None
    budget: Budget | None = None


class PaidJob(Frozen):
    """A job that is paid for. `state` says what this run did for it; `outcome` is set when it has ended already."""

    key: str
    attempt: int
    job: Job
    state: State
    outcome: Outcome | None = None
    usd: float | None = None
    draft: Draft | None = None


async def buy_once(
    session: Session, ledger: Ledger, request: PurchaseRequest, build_order: Callable[[], Awaitable[Order]]
) -> PaidJob:
    """Return the job of that key: the stored one, or one that this call has just bought.

    `build_order` uploads what the order names and builds its body; it is called only when there is something to buy.
    Raises the provider's refusal, the recorded error of a failed job, or OutcomeUnknown where a submit may have been
    accepted and the provider does not say. A cancellation is honoured at once before the intent is written, and after
    it only once the provider's answer is on disk.
    """
    while True:
        decision, last = await asyncio.to_thread(_look, ledger, request)
        match decision, last:
            case Decision.SUBMIT, _:
                order = await build_order()
                async with session.submitting():
                    bought = await uninterrupted(
                        _submit(session, ledger, request, last.number + 1 if last else 1, order)
                    )
                if bought:
                    return bought
            case Decision.WAIT, _:
                await asyncio.sleep(_LOOK_AGAIN)
            case Decision.UNKNOWN, Attempt():
                await _reconcile(session, ledger, request, last)
            case ((Decision.REATTACH | Decision.DONE), Attempt(job=Job() as job)):
                state: State = "Cached" if decision is Decision.DONE else "Reattached"
                return _purchase(request, last.number, job, state, last.end)
            case _, Attempt(end=Outcome() as outcome):
                raise remembered(outcome, last.job)


async def uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """Await to the end however often cancelled, and honour the cancellation then: an id that is bought gets on disk.

    `asyncio.wait` leaves what it waits for alone; a shield would give up at the second cancellation.
    """
    running = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not running.done():
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return running.result()
    if not running.cancelled():
        running.exception()  # seen: what is worth keeping of it is in the ledger
    raise cancelled


def ended(kind: Literal["refused", "failed"], error: errors.ProviderError) -> Outcome:
    """What the ledger keeps of an error: `refused` at the submit, `failed` after it was accepted."""
    return Outcome(
        kind=kind,
        at=datetime.now(UTC),
        error=type(error).__name__,
        message=str(error),
        field=getattr(error, "field", None),
        remedy=error.remedy,
        charged=error.charged,
        resubmittable=getattr(error, "resubmittable", False),
    )


def remembered(outcome: Outcome, job: Job | None = None) -> errors.ProviderError:
    """The error again, from what the ledger keeps of it."""
    kind = _ERRORS.get(outcome.error, errors.GenerationFailed)
    facts: dict[str, Any] = {"charged": outcome.charged, "remedy": outcome.remedy}
    if job:
        facts["request_id"] = job.request_id
    for name in ("field", "resubmittable"):
        if hasattr(kind, name):
            facts[name] = getattr(outcome, name)
    return kind(f"{outcome.message} (from an earlier run)", **facts)


def _look(ledger: Ledger, request: PurchaseRequest) -> tuple[Decision, Attempt | None]:
    """Decide by what is stored now. An owner who is gone may have recorded the answer just before: look once more."""
    history: tuple[Attempt, ...] = ()
    while True:
        before, history = history, ledger.history(request.key)
        last = deciding(history)
        if last is None and request.draft:
            ledger.check_not_lost(request.draft.reel, request.draft.scene, request.key)
        owner_alive = last is not None and alive(last.intent.owner)
        decision = decide(history, now=datetime.now(UTC), owner_alive=owner_alive, attempts=request.attempts)
        if decision is not Decision.UNKNOWN or history == before:
            return decision, last


async def _submit(
    session: Session, ledger: Ledger, request: PurchaseRequest, number: int, order: Order
) -> PaidJob | None:
    """Write the intent, POST, record the answer. None: nothing was sent, because somebody else wrote one first."""
    with acting() as owner:
        intent = _intent(session, request, order, owner)
        if not await asyncio.to_thread(_intended, ledger, number, intent):
            return None
        await asyncio.to_thread(_keep_budget, ledger, request, number, intent)
        if datetime.now(UTC) + _POST > intent.lease_until:  # others could take it for dead while the POST is on its way
            late = errors.NotSent("writing the intent took so long that its lease would not have lasted for the submit")
            await asyncio.to_thread(ledger.close, request.key, number, ended("refused", late))
            raise late
        try:
            job = await session.provider.submit(order)
        except _NOT_BOUGHT as refusal:
            await asyncio.to_thread(ledger.close, request.key, number, ended("refused", refusal))
            raise
        except (errors.OutcomeUnknown, errors.ProtocolError) as lost:
            job = await reconcile(session, ledger, intent, str(lost))
        while (kept := await _recorded(ledger, intent, number, job)) is None:
            # Another scene lost the reply to the very same order and has adopted this job: then its job is ours.
            job = await reconcile(session, ledger, intent, "another scene with the same order has taken its job")
    return _purchase(request, number, kept, "Submitted")


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


def _purchase(request: PurchaseRequest, number: int, job: Job, state: State, outcome: Outcome | None = None) -> PaidJob:
    return PaidJob(
        key=request.key, attempt=number, job=job, state=state, outcome=outcome, usd=request.usd, draft=request.draft
    )


def _intent(session: Session, request: PurchaseRequest, order: Order, owner: Owner) -> Intent:
    now = datetime.now(UTC)
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
    )


async def _recorded(ledger: Ledger, intent: Intent, number: int, job: Job) -> Job | None:
    """Record a job that is bought. Its id is nowhere else, so a storage that stumbles is asked again."""
    for wait in _RECORD_AFTER:
        with suppress(LibraryError):
            return await asyncio.to_thread(ledger.submitted, intent.key, number, job)
        await asyncio.sleep(wait)
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
        await _recorded(ledger, attempt.intent, attempt.number, found.job)
    elif request.on_unknown != "resubmit" or not found.told:
        raise outcome_unknown(attempt.intent, "no answer is recorded", found.why)
    elif found.listed and (left := attempt.intent.at + SETTLED - datetime.now(UTC)) > timedelta():
        await asyncio.sleep(min(left.total_seconds(), _LOOK_AGAIN_LOST))  # a list may lag; then it is asked once more
    elif (await asyncio.to_thread(_look, ledger, request))[1] == attempt:  # nobody has settled it meanwhile
        given_up = Outcome(kind="abandoned", at=datetime.now(UTC), message="not found; resubmitted on request")
        await asyncio.to_thread(ledger.close, request.key, attempt.number, given_up)
