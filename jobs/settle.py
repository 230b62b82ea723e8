"""The jobs of a ledger as lists for people, and the commands that settle an open one. Nothing here buys."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal

from prefect_storyboard.ledger import Attempt, Ledger, Outcome, Unreadable, deciding
from prefect_storyboard.ledger.owner import alive
from prefect_storyboard.providers.errors import Expired
from prefect_storyboard.providers.session import Account
from prefect_storyboard.storyboards import Frozen, Job

State = Literal["submitting", "rendering", "unknown", "unreadable", "stuck", "done", "failed", "refused", "abandoned"]
_LATE = "it was abandoned, but had been bought: collect it"
_SHORTEST = 6  # of a key that is typed


class JobLine(Frozen):
    """One attempt at a job. `usd` is its price, None if it is not published; `note` is a remark for people."""

    key: str
    attempt: int
    state: State
    about: str
    reel: str
    provider: str
    account: str
    request_id: str | None
    at: datetime
    usd: float | None
    note: str = ""


def jobs(ledger: Ledger, *, every: bool = False) -> list[JobLine]:
    """The open jobs, oldest first; with `every` all jobs, which reads the whole ledger."""
    found = every_job(ledger) if every else map(line, ledger.open())
    return sorted(found, key=lambda each: each.at)


def every_job(ledger: Ledger) -> Iterator[JobLine]:
    """All jobs of the ledger, in the order of their keys, one in memory at a time."""
    return map(line, ledger.every())


def line(attempt: Attempt | Unreadable, note: str = "") -> JobLine:
    """One attempt as a line of the list."""
    if isinstance(attempt, Unreadable):
        return _unreadable(attempt)
    intent = attempt.intent
    return JobLine(
        key=intent.key,
        attempt=attempt.number,
        state=_state(attempt),
        about=intent.label,
        reel=intent.reel,
        provider=intent.provider,
        account=intent.account,
        request_id=attempt.job.request_id if attempt.job else None,
        at=intent.at,
        usd=intent.usd,
        note=note or _note(attempt),
    )


def _unreadable(error: Unreadable) -> JobLine:
    """A job whose records exist but cannot be read."""
    return JobLine(
        key=error.key,
        attempt=0,
        state="unreadable",
        about="a job whose record cannot be read",
        reel="",
        provider="",
        account="default",
        request_id=None,
        at=datetime.now(UTC),
        usd=None,
        note=str(error),
    )


def _note(attempt: Attempt) -> str:
    if attempt.end:
        return attempt.end.message
    return _LATE if attempt.bought_after_all else ""


def _state(attempt: Attempt) -> State:
    if attempt.end:
        return attempt.end.kind
    if attempt.job:
        return "rendering"
    busy = alive(attempt.intent.owner) and datetime.now(UTC) < attempt.intent.lease_until
    return "submitting" if busy else "unknown"


async def ask(ledger: Ledger, key: str, request_id: str, account: Account) -> None:
    """Ask the provider for the job that is to be adopted, because an adoption cannot be undone.

    Raises ValueError if the provider does not know it, or if the job is not unknown or belongs to another account.
    """
    attempt = _unknown(ledger, key)
    _same_account(attempt, account)
    async with account.session() as session:
        try:
            await session.provider.status(_job(attempt, request_id))
        except Expired as error:
            raise ValueError(f"{error}; check the id") from None


def adopt(ledger: Ledger, key: str, request_id: str) -> JobLine:
    """Record which of the provider's jobs an unknown job is. The next run, or `collect`, fetches it.

    Raises ValueError if the job is not unknown, or if the provider's job belongs to another one.
    """
    attempt = _unknown(ledger, key)
    intent = attempt.intent
    job = _job(attempt, request_id)
    recorded = ledger.submitted(intent.key, attempt.number, job)
    if recorded is None:
        raise ValueError(f"{intent.provider} job {request_id} belongs to job {(ledger.holder(job) or '')[:12]} already")
    if recorded.request_id != request_id:
        raise ValueError(f"job {intent.key[:12]} was recorded in the meantime as {recorded.request_id}")
    return line(attempt.model_copy(update={"job": recorded}))


def abandon(ledger: Ledger, key: str) -> JobLine:
    """Record that an unknown job was never bought. The next run buys it again.

    Raises ValueError if the job is not unknown.
    """
    attempt = _unknown(ledger, key)
    given_up = Outcome(kind="abandoned", at=datetime.now(UTC), message="said to be not bought")
    outcome = ledger.close(attempt.intent.key, attempt.number, given_up)
    if outcome != given_up:
        raise ValueError(f"job {attempt.intent.key[:12]} was settled in the meantime: it is {outcome.kind}")
    job = ledger.history(attempt.intent.key)[attempt.number - 1].job
    if job:
        raise ValueError(f"job {attempt.intent.key[:12]} was bought in the meantime as {job.request_id}: collect it")
    return line(attempt.model_copy(update={"outcome": outcome}))


async def cancel(ledger: Ledger, key: str, account: Account) -> bool:
    """Ask the provider to stop an open job. False if it cannot, or if it is too late.

    The job stays open until the provider says how it ended: a running job may still finish, and cost. Raises ValueError
    if the job is not open or belongs to another account.
    """
    attempt = _last(ledger, key)
    intent = attempt.intent
    if attempt.job is None or attempt.end:
        state = _state(attempt)
        raise ValueError(f"job {intent.key[:12]} ({intent.label}) is {state}; only a rendering one is cancelled")
    _same_account(attempt, account)
    async with account.session() as session:
        return await session.provider.cancel(attempt.job)


def _job(attempt: Attempt, request_id: str) -> Job:
    intent = attempt.intent
    return Job(provider=intent.provider, endpoint=intent.endpoint, request_id=request_id, submitted_at=intent.at)


def _same_account(attempt: Attempt, account: Account) -> None:
    intent = attempt.intent
    if (intent.provider, intent.account) != (account.provider, account.account):
        raise ValueError(f"job {intent.key[:12]} is of {intent.provider} ({intent.account}); name that account")


def _unknown(ledger: Ledger, key: str) -> Attempt:
    attempt = _last(ledger, key)
    state = _state(attempt)
    if state == "unknown":
        return attempt
    what = f"job {attempt.intent.key[:12]} ({attempt.intent.label}) is {state}"
    if state == "rendering":
        what += f" as {attempt.intent.provider} job {attempt.job.request_id if attempt.job else ''}: collect it"
    raise ValueError(f"{what}; only an unknown job is settled by hand")


def _last(ledger: Ledger, prefix: str) -> Attempt:
    if len(prefix) < _SHORTEST:
        raise ValueError(f"write at least {_SHORTEST} letters of the job's key, as `storyboard jobs` shows it")
    found = list(ledger.matching(prefix.lower()))
    if len(found) != 1:
        many = f"{len(found)} jobs begin" if found else "no job begins"
        raise ValueError(f"{many} with {prefix}; see `storyboard jobs`")
    history = ledger.history(found[0])
    if not history:
        raise ValueError(f"job {found[0][:12]} is not in this ledger")
    return deciding(history) or history[-1]
