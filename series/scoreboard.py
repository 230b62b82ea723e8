"""The progress of a run in the Prefect UI: logs, a progress bar, a table of scenes."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

from prefect.artifacts import acreate_progress_artifact, acreate_table_artifact, aupdate_progress_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactUpdate
from prefect.context import FlowRunContext
from prefect.logging import get_run_logger

from prefect_storyboard.jobs.progress import Progress, progress_listener
from prefect_storyboard.series.markdown import escaped
from prefect_storyboard.series.report import artifact_key
from prefect_storyboard.storyboards import Plan
from prefect_storyboard.storyboards.money import price

_EVERY = 2.0  # seconds between two updates of what is shown
_ENDED = {"stored", "cached", "created", "failed"}
_QUIET = {"checking", "queued", "running", "storing", "waiting"}


class Scoreboard:
    """The state of every scene and character of one run."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.lines: dict[str, Progress] = {}
        self.changed = False
        self.bar: UUID | None = None
        self.table: UUID | None = None

    def see(self, progress: Progress) -> bool:
        """Record a change; False if the state is the same as before."""
        before = self.lines.get(progress.subject)
        facts = {**(before.model_dump(exclude_none=True) if before else {}), **progress.model_dump(exclude_none=True)}
        self.lines[progress.subject] = Progress.model_validate(facts)
        moved = before is None or before.state != progress.state
        self.changed |= moved
        return moved

    @property
    def percent(self) -> float:
        """The percentage of the jobs that have ended."""
        cast = {
            (planned.character.name, "reattached") for planned in self.plan.characters
        }  # reported when the run ends
        ended = sum(line.state in _ENDED or (line.subject, line.state) in cast for line in self.lines.values())
        return round(100 * ended / max(len(self.plan.jobs), 1), 1)

    def rows(self) -> list[dict[str, Any]]:
        """The table."""
        return [
            {
                "scene": escaped(line.subject),
                "state": line.state,
                "take": line.take or "",
                "seconds": line.seconds or "",
                "cost": "" if line.cost_usd is None else price(line.cost_usd),
            }
            for line in self.lines.values()
        ]


@asynccontextmanager
async def followed(plan: Plan) -> AsyncIterator[None]:
    """Inside the block, log every relevant change and update a progress bar and a table as artifacts."""
    board, outer = Scoreboard(plan), progress_listener.get()
    inside = FlowRunContext.get() is not None
    logger = get_run_logger() if inside else logging.getLogger(__name__)

    def watch(progress: Progress) -> None:
        if board.see(progress) and progress.state not in _QUIET:
            logger.info(_sentence(progress))
        if outer:
            outer(progress)

    if inside:
        await _begin(board)
    token = progress_listener.set(watch)
    shown = asyncio.create_task(_show(board)) if inside else None
    try:
        yield
    finally:
        progress_listener.reset(token)
        if shown:
            shown.cancel()
            with suppress(asyncio.CancelledError):
                await shown
            await _update(board)


def _sentence(progress: Progress) -> str:
    parts = [progress.subject, *([f"take {progress.take}"] if progress.take else []), progress.state]
    return " ".join(parts) + (f", {price(progress.cost_usd)}" if progress.cost_usd is not None else "")


async def _begin(board: Scoreboard) -> None:
    with suppress(Exception):  # a failed artifact must not stop a run that is paid for
        key = artifact_key(board.plan.storyboard.slug, "progress")
        board.bar = await acreate_progress_artifact(
            progress=0.0, key=key, description=f"{escaped(board.plan.storyboard.title)}: progress"
        )


async def _show(board: Scoreboard) -> None:
    """Update the artifacts at intervals."""
    while True:
        await asyncio.sleep(_EVERY)
        if board.changed:
            await _update(board)


async def _update(board: Scoreboard) -> None:
    board.changed = False
    with suppress(Exception):
        if board.bar:
            await aupdate_progress_artifact(artifact_id=board.bar, progress=board.percent)
        await _table(board)


async def _table(board: Scoreboard) -> None:
    """One table, updated in place: a table for every change would bury the run's other artifacts."""
    if board.table:
        async with get_client() as client:
            await client.update_artifact(board.table, ArtifactUpdate(data=json.dumps(board.rows())))
        return
    key = artifact_key(board.plan.storyboard.slug, "scenes")
    text = f"{escaped(board.plan.storyboard.title)}: state of each scene"
    board.table = await acreate_table_artifact(key=key, table=board.rows(), description=text)
