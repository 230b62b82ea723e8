"""Pay once: the loop around the ledger that every paid step goes through."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar

from prefect_storyboard.ledger import Attempt, Decision, Intent, Ledger, Outcome, Owner, decide
from prefect_storyboard.ledger.owner import acting, alive
from prefect_storyboard.providers import errors
from prefect_storyboard.providers.http import SUBMIT_SECONDS
from prefect_storyboard.providers.protocol import Order
from prefect_storyboard.providers.session import Session
from prefect_storyboard.storyboards import Frozen, Job

LEASE = timedelta(seconds=2 * SUBMIT_SECONDS)
_FIND_AFTER = (0.0, 1.0, 3.0, 6.0)  # seconds between looks into the provider's list, which may lag behind
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


class Want(Frozen):
    """What to buy, and under which key. `label` is for people; `attempts` counts failures that may be paid for."""

    key: str
    label: str
    account: str
    usd: float | None = None
    on_unknown: OnUnknown = "stop"
    attempts: int = 1


class Purchase(Frozen):
    """A job that is paid for. `state` says what this run did for it; `outcome` is set when it has ended already."""

    key: str
    attempt: int
    job: Job
    state: Literal["Submitted", "Reattached", "Cached"]
    outcome: Outcome | None = None


async def purchase(session: Session, ledger: Ledger, want: Want, word: Callable[[], Awaitable[Order]]) -> Purchase:
    """Return the job of that key: the stored one, or one that this call has just bought.

    `word` makes the order, uploads included; it is called only when there is something to buy. Raises the provider's
    refusal, what the ledger remembers of a failed job, or OutcomeUnknown where a submit may have been accepted and
    the provider does not tell.
    """
    while True:
        history = await asyncio.to_thread(ledger.history, want.key)
        last = history[-1] if history else None
        owner_alive = last is not None and alive(last.intent.owner)
        match decide(history, now=datetime.now(UTC), owner_alive=owner_alive, attempts=want.attempts), last:
            case Decision.SUBMIT, _:
                number = last.number + 1 if last else 1
                if bought := await finish(_submit(session, ledger, want, number, await word())):
                    return bought
            case Decision.WAIT, _:
                await asyncio.sleep(0.5)
            case Decision.UNKNOWN, Attempt():
                await _reconcile(session, ledger, want, last)
            case (Decision.REATTACH | Decision.DONE) as decision, Attempt(job=Job() as job):
                state: Literal["Cached", "Reattached"] = "Cached" if decision is Decision.DONE else "Reattached"
                return Purchase(key=want.key, attempt=last.number, job=job, state=state, outcome=last.outcome)
            case _, Attempt(outcome=Outcome() as outcome):
                raise remembered(outcome)


async def finish(work: Coroutine[Any, Any, T]) -> T:
    """Await to the end even when cancelled, and honour the cancellation then: an id that is bought gets on disk."""
    running = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


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


def remembered(outcome: Outcome) -> errors.ProviderError:
    """The error again, from what the ledger keeps of it."""
    kind = _ERRORS.get(outcome.error, errors.GenerationFailed)
    facts = {"charged": outcome.charged, "remedy": outcome.remedy}
    if hasattr(kind, "field"):
        facts["field"] = outcome.field
    return kind(f"{outcome.message} (from an earlier run)", **facts)


async def _submit(session: Session, ledger: Ledger, want: Want, number: int, order: Order) -> Purchase | None:
    """Announce, POST, record. None: somebody else announced it first."""
    async with session.submitting():
        with acting() as owner:
            intent = _intent(session, want, order, owner)
            if not await asyncio.to_thread(ledger.intend, number, intent):
                return None
            try:
                job = await session.provider.submit(order)
            except _NOT_BOUGHT as refusal:
                await asyncio.to_thread(ledger.close, want.key, number, ended("refused", refusal))
                raise
            except errors.OutcomeUnknown:
                job = await _found(session, ledger, intent)
            job = await asyncio.to_thread(ledger.submitted, want.key, number, job)
    return Purchase(key=want.key, attempt=number, job=job, state="Submitted")


def _intent(session: Session, want: Want, order: Order, owner: Owner) -> Intent:
    now = datetime.now(UTC)
    return Intent(
        key=want.key,
        owner=owner,
        at=now,
        lease_until=now + LEASE,
        provider=session.provider.name,
        account=want.account,
        endpoint=order.endpoint,
        order_digest=order.digest,
        label=want.label,
        usd=want.usd,
    )


async def _reconcile(session: Session, ledger: Ledger, want: Want, attempt: Attempt) -> None:
    """Settle an intent whose owner never recorded an answer: find the job, or obey the user's word."""
    try:
        job = await _found(session, ledger, attempt.intent)
    except errors.OutcomeUnknown:
        if want.on_unknown != "resubmit":
            raise
        given_up = Outcome(kind="abandoned", at=datetime.now(UTC), message="not found; resubmitted on request")
        await asyncio.to_thread(ledger.close, want.key, attempt.number, given_up)
    else:
        await asyncio.to_thread(ledger.submitted, want.key, attempt.number, job)


async def _found(session: Session, ledger: Ledger, intent: Intent) -> Job:
    """The job of a lost reply, from the provider's own list. Raises OutcomeUnknown where it is not there."""
    why = "the provider does not list it"
    for wait in _FIND_AFTER:
        await asyncio.sleep(wait)
        try:
            jobs = await session.provider.find(intent.endpoint, intent.order_digest, intent.at)
        except errors.ProviderError as error:
            why = f"the provider's list could not be read: {error}"
            continue
        for job in jobs:
            if await asyncio.to_thread(ledger.claim, job, intent.key):
                return job
    raise errors.OutcomeUnknown(
        f"{intent.label} was submitted at {intent.at:%Y-%m-%d %H:%M:%S} UTC and no answer is recorded; {why}"
    )
