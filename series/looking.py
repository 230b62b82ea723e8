"""What a storyboard has in the library, as the status command, the artifact and the page show it. Buys nothing."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from prefect.artifacts import acreate_table_artifact
from prefect.context import FlowRunContext

from prefect_storyboard.blocks import Credentials, Library
from prefect_storyboard.ledger import Ledger
from prefect_storyboard.series.markdown import escaped, escaped_rows
from prefect_storyboard.series.opening import opened
from prefect_storyboard.series.prepare import Overrides
from prefect_storyboard.series.report import artifact_key, shown
from prefect_storyboard.series.status import SceneStatus, board_status, status_rows
from prefect_storyboard.series.takes import TakeLine, board_takes
from prefect_storyboard.storyboards import Clip, Plan, Storyboard


async def looked_up(
    storyboard: Storyboard | Mapping[str, Any] | str,
    provider: Credentials | str,
    library: Library | str | None,
    overrides: Overrides | None = None,
) -> tuple[SceneStatus, ...]:
    """The state of every scene of a storyboard. Raises what a plan of it raises."""
    async with opened(storyboard, provider, library, overrides) as run:
        return await asyncio.to_thread(board_status, run.prepared.plan, Ledger(run.library.storage()))


async def takes_of(
    storyboard: Storyboard | Mapping[str, Any] | str,
    provider: Credentials | str,
    library: Library | str | None,
    overrides: Overrides | None = None,
) -> tuple[TakeLine, ...]:
    """Every take of every scene of a storyboard. Raises what a plan of it raises."""
    async with opened(storyboard, provider, library, overrides) as run:
        return await asyncio.to_thread(board_takes, run.prepared.plan, Ledger(run.library.storage()))


def summed_up(statuses: Sequence[SceneStatus]) -> str:
    """How many scenes are in which state, in a few words."""
    states = [each.state for each in statuses]
    return ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))


async def report_status(plan: Plan, ledger: Ledger, clips: Sequence[Clip] = ()) -> None:
    """Keep the state of every scene as an artifact of the run; `clips` are those of the run, if it has just ended."""
    if FlowRunContext.get() is None:
        return
    with shown("the table of states"):
        statuses = await asyncio.to_thread(board_status, plan, ledger, clips)
        await acreate_table_artifact(
            key=artifact_key(plan.storyboard.slug, "status"),
            table=escaped_rows(status_rows(statuses)),
            description=f"{escaped(plan.storyboard.title)}: {summed_up(statuses)}.",
        )
