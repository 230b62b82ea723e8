"""The flow that stores the results of open jobs, on a schedule or after a run was stopped."""

import asyncio
from datetime import UTC, datetime
from functools import partial

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact

from prefect_storyboard.blocks import load_credentials, load_library
from prefect_storyboard.flows.form import JudgeField, LibraryField, ProviderField, form
from prefect_storyboard.jobs.settle import JobLine
from prefect_storyboard.judges import named_judge
from prefect_storyboard.ledger import Attempt, Ledger, Unreadable, prove
from prefect_storyboard.series.collect import Collectable, collect_job
from prefect_storyboard.series.markdown import table_of
from prefect_storyboard.series.report import shown
from prefect_storyboard.series.suspend import wake
from prefect_storyboard.series.waiting import end_unanswered
from prefect_storyboard.storyboards import Casting, Clip, Frozen, Still
from prefect_storyboard.tasks import store

_AT_ONCE = 16


class Collected(Frozen):
    """The result of one collection.

    `waiting` jobs are still rendering. `failed` jobs have failed, or are stuck: they are paid for and their file cannot
    be fetched. `unknown` jobs may have been bought, or their record cannot be read. `resumed` lists the flow runs that
    were suspended until these jobs ended, and `unanswered` those that were not approved in time and have ended.
    """

    clips: tuple[Clip, ...] = ()
    stills: tuple[Still, ...] = ()
    castings: tuple[Casting, ...] = ()
    waiting: tuple[JobLine, ...] = ()
    failed: tuple[JobLine, ...] = ()
    unknown: tuple[JobLine, ...] = ()
    resumed: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()


@form()
@flow(name="collect-jobs", persist_result=False)
async def collect_jobs(
    providers: list[ProviderField], library: LibraryField = None, judge: JudgeField = None
) -> Collected:
    """Poll every open job once: store the results that are ready, and close the jobs that have failed. Buys nothing.

    Needs no storyboard. Resumes the flow runs that were suspended until their jobs ended. Raises LibraryError if the
    library was deleted or replaced during the run.
    """
    asked = await asyncio.to_thread(named_judge, judge) if judge else None
    given = [await load_credentials(each) if isinstance(each, str) else each for each in providers]
    block = await load_library(library)
    ledger = Ledger(block.storage())
    accounts = {(each.provider, each.account): each for each in given}
    attempts = await asyncio.to_thread(lambda: list(ledger.open()))
    identity = await asyncio.to_thread(prove, ledger.storage) if attempts else None
    gate = asyncio.Semaphore(_AT_ONCE)

    async def collect(attempt: Attempt | Unreadable) -> Collectable:
        intent = None if isinstance(attempt, Unreadable) else attempt.intent
        account = accounts.get((intent.provider, intent.account)) if intent else None
        async with gate:
            return await collect_job(attempt, ledger, account, block, keep=partial(store, judge=asked))

    ended = await asyncio.gather(*map(collect, attempts))
    lines = [each for each in ended if isinstance(each, JobLine)]
    collected = Collected(
        clips=tuple(each for each in ended if isinstance(each, Clip)),
        stills=tuple(each for each in ended if isinstance(each, Still)),
        castings=tuple(each for each in ended if isinstance(each, Casting)),
        waiting=tuple(each for each in lines if each.state in {"rendering", "submitting"}),
        failed=tuple(each for each in lines if each.state in {"failed", "stuck"}),
        unknown=tuple(each for each in lines if each.state in {"unknown", "unreadable"}),
        resumed=tuple(await wake(ledger, stuck={each.key for each in lines if each.state == "stuck"})),
        unanswered=tuple(await end_unanswered(ledger, now=datetime.now(UTC))),
    )
    if identity:
        await asyncio.to_thread(ledger.check_still_there, identity)
    await _report(collected)
    return collected


async def _report(collected: Collected) -> None:
    rows = [
        {"job": each.key[:12], "what": each.about, "state": each.state, "provider": each.provider, "note": each.note}
        for each in (*collected.unknown, *collected.failed, *collected.waiting)
    ]
    if rows:
        stored = len(collected.clips) + len(collected.stills)
        text = f"{stored} clips and stills stored. These jobs are open or have failed."
        with shown("the table of open jobs"):
            await acreate_markdown_artifact(key="storyboard-jobs", markdown=table_of(rows), description=text)
