"""Wait for a job that creates a character, and record its casting."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from prefect_storyboard.jobs.paid import PaidJob, uninterrupted
from prefect_storyboard.jobs.wait import await_result
from prefect_storyboard.ledger import Ledger, Outcome
from prefect_storyboard.providers.errors import ProtocolError
from prefect_storyboard.providers.protocol import Result
from prefect_storyboard.providers.session import Session
from prefect_storyboard.storyboards import Casting

KeepFiles = Callable[[Result], Awaitable[dict[str, str]]]


async def finish_character(
    session: Session, ledger: Ledger, job: PaidJob, name: str, *, keep_files: KeepFiles, minutes: float = 60.0
) -> Casting:
    """Wait for a paid creation and close its job with the casting; see `keep_character`."""
    result = await await_result(session, ledger, job, minutes=minutes)
    return await keep_character(ledger, job, name, result, keep_files=keep_files)


async def keep_character(ledger: Ledger, job: PaidJob, name: str, result: Result, *, keep_files: KeepFiles) -> Casting:
    """Close the job of an ended creation with its casting.

    `keep_files` stores the small files of the result, such as a profile picture, in the library and returns where.
    """
    if result.character_id is None:
        raise ProtocolError(f"{name} was created without an id", request_id=job.job.request_id, raw=result.raw)
    files = await keep_files(result)
    casting = Casting(character=name, id=result.character_id, mention=result.mention, files=files, facts=result.facts)
    usd = job.usd if result.usd is None else result.usd
    done = Outcome(kind="done", at=datetime.now(UTC), casting=casting, cost_usd=usd, charged=True)
    stored = await uninterrupted(asyncio.to_thread(ledger.close, job.key, job.attempt, done))
    return stored.casting or casting
