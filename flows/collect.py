"""The flow that collects: it stores what open jobs have made, on a schedule or after a stopped run."""

import asyncio
from collections.abc import Mapping

from prefect import flow
from prefect.artifacts import acreate_table_artifact

from prefect_storyboard.blocks import Credentials, Library, load_credentials, load_library
from prefect_storyboard.flows.form import LibraryField, ProviderField, form
from prefect_storyboard.jobs.characters import finish_character
from prefect_storyboard.jobs.paid import PaidJob
from prefect_storyboard.jobs.reconcile import find_job
from prefect_storyboard.jobs.settle import JobLine, line
from prefect_storyboard.jobs.wait import await_result
from prefect_storyboard.ledger import Attempt, Intent, Ledger, Unreadable, prove
from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.providers.errors import Busy, Expired, NotSent, OutcomeUnknown, ProviderError
from prefect_storyboard.providers.session import Session
from prefect_storyboard.series.markdown import escaped_rows
from prefect_storyboard.series.report import shown
from prefect_storyboard.series.suspend import wake
from prefect_storyboard.storyboards import Casting, Clip, Frozen, Job
from prefect_storyboard.storyboards.folders import slug
from prefect_storyboard.tasks import _events as events
from prefect_storyboard.tasks import store
from prefect_storyboard.tasks._extras import character_files

_AT_ONCE = 16
Accounts = Mapping[tuple[str, str], Credentials]


class Collected(Frozen):
    """What became of the open jobs.

    `waiting` jobs are still rendering. `failed` ones have failed, or are stuck: paid for, and their file cannot be
    fetched. `unknown` ones may have been bought, or their record cannot be read. `resumed` lists the flow runs that
    were suspended until these jobs ended.
    """

    clips: tuple[Clip, ...] = ()
    castings: tuple[Casting, ...] = ()
    waiting: tuple[JobLine, ...] = ()
    failed: tuple[JobLine, ...] = ()
    unknown: tuple[JobLine, ...] = ()
    resumed: tuple[str, ...] = ()


@form
@flow(name="collect-jobs", persist_result=False)
async def collect_jobs(providers: list[ProviderField], library: LibraryField = None) -> Collected:
    """Ask once about every open job: store what is ready, and close what has failed. Buys nothing.

    Needs no storyboard. Resumes the flow runs that were suspended until their jobs ended. Raises LibraryError where the
    library has been deleted or replaced meanwhile.
    """
    given = [await load_credentials(each) if isinstance(each, str) else each for each in providers]
    shelf = await load_library(library)
    ledger = Ledger(shelf.storage())
    accounts = {(each.provider, each.account): each for each in given}
    attempts = await asyncio.to_thread(lambda: list(ledger.open()))
    identity = await asyncio.to_thread(prove, ledger.storage) if attempts else None
    gate = asyncio.Semaphore(_AT_ONCE)
    ended = await asyncio.gather(*(_collect(attempt, ledger, accounts, shelf, gate) for attempt in attempts))
    lines = [each for each in ended if isinstance(each, JobLine)]
    collected = Collected(
        clips=tuple(each for each in ended if isinstance(each, Clip)),
        castings=tuple(each for each in ended if isinstance(each, Casting)),
        waiting=tuple(each for each in lines if each.state in {"rendering", "submitting"}),
        failed=tuple(each for each in lines if each.state in {"failed", "stuck"}),
        unknown=tuple(each for each in lines if each.state in {"unknown", "unreadable"}),
        resumed=tuple(await wake(ledger, stuck={each.key for each in lines if each.state == "stuck"})),
    )
    if identity:
        await asyncio.to_thread(ledger.check_still_there, identity)
    await _report(collected)
    return collected


async def _collect(
    attempt: Attempt | Unreadable, ledger: Ledger, accounts: Accounts, library: Library, gate: asyncio.Semaphore
) -> Clip | Casting | JobLine:
    """One open job, as far as it comes today."""
    if isinstance(attempt, Unreadable):
        return line(attempt)
    intent = attempt.intent
    credentials = accounts.get((intent.provider, intent.account))
    if credentials is None:
        return line(attempt, f"no credentials of {intent.provider} ({intent.account}) were given")
    async with gate, credentials.session() as session:
        try:
            if attempt.job is None:
                attempt = await _found(session, ledger, attempt, library)
            return await _fetched(session, ledger, attempt, credentials, library)
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
        events.job_submitted(library, _facts(attempt.intent, job))
    return attempt.model_copy(update={"job": job})


async def _fetched(
    session: Session, ledger: Ledger, attempt: Attempt, credentials: Credentials, library: Library
) -> Clip | Casting | JobLine:
    intent, job = attempt.intent, attempt.job
    if job is None:
        return line(attempt)
    bought = PaidJob(
        key=intent.key, attempt=attempt.number, job=job, state="Reattached", usd=intent.usd, draft=intent.draft
    )
    if intent.character:
        keep = character_files(session, ledger.storage, intent.character, intent.key, intent.fingerprint)
        casting = await finish_character(session, ledger, bought, intent.character, keep_files=keep, minutes=0)
        events.character_created(library, slug(intent.character), casting, _facts(intent, job))
        return casting
    if intent.draft is None:
        return line(attempt, "an older version bought it; run its storyboard to fetch it")
    result = await await_result(session, ledger, bought, minutes=0)
    return await store(bought, result, credentials=credentials, library=library)


def _facts(intent: Intent, job: Job) -> events.JobFacts:
    return events.JobFacts(
        key=intent.key,
        label=intent.label,
        provider=intent.provider,
        account=intent.account,
        cost_usd=intent.usd,
        request_id=job.request_id,
        reel=intent.reel,
    )


async def _report(collected: Collected) -> None:
    rows = [
        {"job": each.key[:12], "what": each.about, "state": each.state, "provider": each.provider, "note": each.note}
        for each in (*collected.unknown, *collected.failed, *collected.waiting)
    ]
    if rows:
        text = f"{len(collected.clips)} clips stored. These jobs are open or have failed."
        with shown("the table of open jobs"):
            await acreate_table_artifact(key="storyboard-jobs", table=escaped_rows(rows), description=text)
