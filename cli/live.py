"""Run the flow, show its progress, and print how it ended."""

import asyncio
import os
from collections.abc import Awaitable, Mapping
from typing import Any, TypedDict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from prefect_storyboard.blocks import Credentials, load_credentials, load_library
from prefect_storyboard.cli.approve import How, answered
from prefect_storyboard.cli.progress_table import watched
from prefect_storyboard.flows import SeriesFailed, storyboard_series
from prefect_storyboard.jobs.purchase import OnUnknown
from prefect_storyboard.series.held import keep_plan
from prefect_storyboard.series.opening import opened
from prefect_storyboard.series.prepare import Overrides
from prefect_storyboard.series.price import allow
from prefect_storyboard.series.report import bought, cost, count, rows
from prefect_storyboard.storyboards import Plan, Reel
from prefect_storyboard.storyboards.approval import ApprovalKind
from prefect_storyboard.storyboards.base import OnBad
from prefect_storyboard.storyboards.nouns import Fit, Quality

console = Console(highlight=False, markup=False, soft_wrap=True)

_AGAIN = "$0.00: everything is in the library; a second run buys nothing"


class RunOptions(TypedDict):
    """The options that `storyboard run` passes to the flow besides storyboard, account and library."""

    model: str | None
    stills: str | None
    fit: Fit | None
    quality: Quality | None
    audio: bool | None
    values: dict[str, str]
    max_cost_usd: float | None
    allow_unknown_price: bool
    allow_retired: bool
    on_unknown: OnUnknown
    attempts: int
    on_bad: OnBad | None
    judge: str | None
    cascade: bool
    approve: ApprovalKind | None


async def check(board: str, provider: str, library: str | None, asked: RunOptions, *, held: Plan | None = None) -> None:
    """Check storyboard, key, library, budget and models before Prefect's server starts. Buys nothing.

    Prints the changes to reference media and the warnings of the plan. A saved block can be loaded only from a server:
    then the flow does these checks.
    """
    if "/" in provider or (library or "").startswith("storyboard-library/"):
        return
    credentials = await load_credentials(provider, os.environ)
    overrides = Overrides(
        stills=asked["stills"],
        model=asked["model"],
        fit=asked["fit"],
        quality=asked["quality"],
        audio=asked["audio"],
        on_bad=asked["on_bad"],
        values=asked["values"],
    )
    opening = opened(
        board,
        credentials,
        library,
        overrides,
        cascade=asked["cascade"],
        attempts=asked["attempts"],
        judge=asked["judge"],
    )
    async with opening as run:
        for line in run.prepared.plan.preparations:
            console.print(f"prepare  {line}", style="dim")
        for warning in run.prepared.plan.warnings:
            console.print(f"warning  {warning}", style="yellow")
        run.attempts, run.held = asked["attempts"], held
        is_asked = asked["approve"] in {"plan", "stills"}  # the person who approves may raise the budget
        await allow(
            run,
            None if is_asked else asked["max_cost_usd"],
            allow_unknown_price=asked["allow_unknown_price"],
            allow_retired=asked["allow_retired"],
        )


async def render(
    board: str | Mapping[str, Any],
    provider: str | Credentials,
    library: str | None,
    *,
    held: Plan | None = None,
    how: How | None = None,
    **options: Any,
) -> int:
    """Run the flow and print how it ended. With a `held` plan, it stores the plan in the library and renders just that.

    `how` says whether the flow's questions are asked on the terminal or approved at once. Returns the exit code: 1 if
    a scene has no clip, else 0.
    """
    if held:
        await asyncio.to_thread(keep_plan, (await load_library(library)).storage(), held)
        options["plan_hash"] = held.hash
    credentials = await load_credentials(provider, os.environ) if isinstance(provider, str) else provider
    rendering = storyboard_series(board, credentials, library, **options)
    return await shown_live(rendering, how=how, unpriced=bool(options.get("allow_unknown_price")))


async def shown_live(rendering: Awaitable[Reel], *, how: How | None = None, unpriced: bool = False) -> int:
    """Show how a flow renders a reel, and how it ends. Returns the exit code: 1 if a scene has no clip, else 0."""
    try:
        with watched(console) as table, answered(how, console, table, unpriced=unpriced):
            reel = await rendering
    except SeriesFailed as failed:
        report(failed.reel)
        return 1
    report(reel)
    return 0


def report(reel: Reel, again: str = _AGAIN) -> None:
    """Print where the reel is, what its clips cost, what failed, and what the same command does a second time."""
    for warning in reel.warnings:
        console.print(f"warning: {warning}", style="yellow")
    if reel.failed:
        _print_failures(reel)
    console.print()
    for each in reel.variants or (reel,):
        if each.url:
            console.print(f"reel   {each.url}   {count(len(each.clips), 'scene')}, {each.seconds:g} s")
            console.print(f"page   {each.page}")
    console.print(f"cost   {cost(reel)} for the reel; this run bought {bought(reel)}")
    if not reel.failed:
        console.print(f"again  {again}")


def _print_failures(reel: Reel) -> None:
    table = Table(
        title=f"{count(len(reel.failed), 'scene')} without a clip",
        title_style="bold red",
        title_justify="left",
    )
    for name in ("scene", "why", "charged", "what to do"):
        table.add_column(name, overflow="fold")
    for row in rows(reel):
        table.add_row(*map(Text, row.values()))
    console.print(table)
