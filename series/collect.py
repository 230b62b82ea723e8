"""Fetch the result of one open job without its storyboard; used by `collect_jobs` and the callbacks server."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol

from prefect_storyboard.blocks import Credentials, Library
from prefect_storyboard.jobs.characters import keep_character
from prefect_storyboard.jobs.paid import PaidJob
from prefect_storyboard.jobs.reconcile import find_job
from prefect_storyboard.jobs.settle import JobLine, line
from prefect_storyboard.jobs.wait import await_result
from prefect_storyboard.ledger import Attempt, Intent, Ledger, Unreadable
from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.providers.errors import Busy, Expired, NotSent, OutcomeUnknown, ProviderError
from prefect_storyboard.providers.protocol import Result
from prefect_storyboard.providers.session import Session
from prefect_storyboard.storyboards import Casting, Clip, Job, Still
from prefect_storyboard.storyboards.folders import slug
from prefect_storyboard.tasks import _events as events
from prefect_storyboard.tasks import store
from prefect_storyboard.tasks._event_facts import JobFacts
from prefect_storyboard.tasks._extras import character_files
from prefect_storyboard.tasks._keep import keep_made

Collectable = Clip | Still | Casting | JobLine
ResultOf = Callable[[Session, Ledger, PaidJob], Awaitable[Result]]
_OLD = "an older version bought it; run its storyboard to fetch it"
look_once: ResultOf = partial(await_result, minutes=0)


class Store(Protocol):
    """The task `store`, or its function without Prefect's engine."""

    def __call__(
        self, job: PaidJob, result: Result, *, credentials: Credentials, library: Library
    ) -> Awaitable[Clip]: ...


async def collect_job(
    attempt: Attempt | Unreadable,
    ledger: Ledger,
    credentials: Credentials | None,
    library: Library,
    *,
    result_of: ResultOf = look_once,
    keep: Store = store,
) -> Collectable:
    """Collect one open job: returns its clip, still or casting, or the line that says why there is none. Buys nothing.

    Without credentials the job is left alone. `result_of` asks the provider. A failed job is closed in the ledger.
    """
    if isinstance(attempt, Unreadable):
        return line(attempt)
    intent = attempt.intent
    if credentials is None:
        return line(attempt, f"no credentials of {intent.provider} ({intent.account}) were given")
    async with credentials.session() as session:
        try:
            if attempt.job is None:
                attempt = await _found(session, ledger, attempt, library)
            return await _fetched(session, ledger, attempt, (credentials, library), (result_of, keep))
        except (Busy, NotSent, OutcomeUnknown) as error:
            return line(attempt, str(error))
        except (MediaError, Expired) as error:
            return line(attempt, str(error)).model_copy(update={"state": "stuck"})
        except ProviderError as error:
            (*_, last) = await asyncio.to_thread(ledger.history, intent.key)
            return line(last, str(error))


async def _found(session: Session, ledger: Ledger, attempt: Attempt, library: Library) -> Attempt:
    """The attempt with its job, if the provider lists it."""
    if line(attempt).state == "submitting":
        raise OutcomeUnknown("it is being submitted")
    found = await find_job(session, ledger, attempt.intent)
    if found.job is None:
        raise OutcomeUnknown(f"{found.why}; adopt {attempt.intent.key[:12]} with the provider's id, or abandon it")
    job = await asyncio.to_thread(ledger.submitted, attempt.intent.key, attempt.number, found.job)
    if job:
        events.job_submitted(library, job_facts(attempt.intent, job))
    return attempt.model_copy(update={"job": job})


async def _fetched(
    session: Session,
    ledger: Ledger,
    attempt: Attempt,
    accounts: tuple[Credentials, Library],
    how: tuple[ResultOf, Store],
) -> Collectable:
    (credentials, library), (result_of, keep) = accounts, how
    intent, bought = attempt.intent, _bought(attempt)
    if bought is None or (intent.character is None and intent.draft is None):
        return line(attempt, "" if bought is None else _OLD)
    result = await result_of(session, ledger, bought)
    if intent.draft and intent.draft.still:
        return await keep_made(bought, intent.draft, result, credentials=credentials, library=library)
    if intent.character:
        return await _created(session, ledger, (intent, bought), result, library)
    return await keep(bought, result, credentials=credentials, library=library)


def _bought(attempt: Attempt) -> PaidJob | None:
    intent, job = attempt.intent, attempt.job
    if job is None:
        return None
    return PaidJob(
        key=intent.key, attempt=attempt.number, job=job, state="Reattached", usd=intent.usd, draft=intent.draft
    )


async def _created(
    session: Session, ledger: Ledger, bought: tuple[Intent, PaidJob], result: Result, library: Library
) -> Casting:
    """Store a character that was created."""
    intent, job = bought
    name = intent.character or ""
    files = character_files(session, ledger.storage, name, intent.key, intent.fingerprint)
    casting = await keep_character(ledger, job, name, result, keep_files=files)
    events.character_created(library, slug(name), casting, job_facts(intent, job.job))
    return casting


def job_facts(intent: Intent, job: Job | None) -> JobFacts:
    """The job as an event describes it."""
    return JobFacts(
        key=intent.key,
        label=intent.label,
        provider=intent.provider,
        account=intent.account,
        cost_usd=intent.usd,
        request_id=job.request_id if job else None,
        reel=intent.reel,
    )
