"""Run the flow and show its progress: a live table in a terminal, one line for each change elsewhere."""

import asyncio
import os
import time
from collections.abc import Awaitable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypedDict

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from prefect_storyboard.blocks import Credentials, load_credentials, load_library
from prefect_storyboard.flows import SeriesFailed, storyboard_series
from prefect_storyboard.jobs.progress import Progress, progress_listener
from prefect_storyboard.jobs.purchase import OnUnknown
from prefect_storyboard.series.held import keep_plan
from prefect_storyboard.series.opening import opened
from prefect_storyboard.series.prepare import Overrides
from prefect_storyboard.series.price import allow
from prefect_storyboard.series.report import bought, cost, count, rows
from prefect_storyboard.storyboards import Plan, Reel
from prefect_storyboard.storyboards.money import price
from prefect_storyboard.storyboards.nouns import Fit, Quality

console = Console(highlight=False, markup=False, soft_wrap=True)
_STYLES = {
    "stored": "green",
    "cached": "green",
    "created": "green",
    "failed": "red",
    "running": "cyan",
    "queued": "blue",
}


class RunOptions(TypedDict):
    """The options that `storyboard run` passes to the flow besides storyboard, account and library."""

    model: str | None
    fit: Fit | None
    quality: Quality | None
    audio: bool | None
    values: dict[str, str]
    max_cost_usd: float | None
    allow_unknown_price: bool
    allow_retired: bool
    on_unknown: OnUnknown
    attempts: int
    cascade: bool


async def check(board: str, provider: str, library: str | None, asked: RunOptions, *, held: Plan | None = None) -> None:
    """Check storyboard, key, library, budget and models before Prefect's server starts. Buys nothing.

    Prints the changes to reference media and the warnings of the plan. A saved block can be loaded only from a server:
    then the flow does these checks.
    """
    if "/" in provider or (library or "").startswith("storyboard-library/"):
        return
    credentials = await load_credentials(provider, os.environ)
    overrides = Overrides(
        model=asked["model"],
        fit=asked["fit"],
        quality=asked["quality"],
        audio=asked["audio"],
        values=asked["values"],
    )
    async with opened(board, credentials, library, overrides, cascade=asked["cascade"]) as run:
        for line in run.prepared.plan.preparations:
            console.print(f"prepare  {line}", style="dim")
        for warning in run.prepared.plan.warnings:
            console.print(f"warning  {warning}", style="yellow")
        run.attempts, run.held = asked["attempts"], held
        await allow(
            run,
            asked["max_cost_usd"],
            allow_unknown_price=asked["allow_unknown_price"],
            allow_retired=asked["allow_retired"],
        )


async def render(
    board: str | Mapping[str, Any],
    provider: str | Credentials,
    library: str | None,
    *,
    held: Plan | None = None,
    **options: Any,
) -> int:
    """Run the flow and print how it ended; it renders the `held` plan, which the library keeps from now on, or stops.

    Returns the exit code: 1 if a scene has no clip, else 0.
    """
    if held:
        await asyncio.to_thread(keep_plan, (await load_library(library)).storage(), held)
        options["plan_hash"] = held.hash
    credentials = await load_credentials(provider, os.environ) if isinstance(provider, str) else provider
    return await shown_live(storyboard_series(board, credentials, library, **options))


async def shown_live(rendering: Awaitable[Reel]) -> int:
    """Show how a flow renders a reel, and how it ends. Returns the exit code: 1 if a scene has no clip, else 0."""
    try:
        with watched():
            reel = await rendering
    except SeriesFailed as failed:
        report(failed.reel)
        return 1
    report(reel)
    return 0


def report(reel: Reel) -> None:
    """Print where the reel is, what it cost, what failed, and what a second run will cost."""
    for warning in reel.warnings:
        console.print(f"warning: {warning}", style="yellow")
    if reel.failed:
        _print_failures(reel)
    console.print()
    for each in reel.variants or (reel,):
        if each.url:
            console.print(f"reel   {each.url}   {count(len(each.clips), 'scene')}, {each.seconds:g} s")
            console.print(f"page   {each.page}")
    console.print(f"cost   {cost(reel)} in all; this run bought {bought(reel)}")
    if not reel.failed:
        console.print("again  $0.00: everything is in the library; a second run buys nothing")


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


@dataclass
class _Line:
    """One row of the table."""

    state: str = "waiting"
    take: int | None = None
    length: float | None = None
    cost: float | None = None
    since: float = field(default_factory=time.monotonic)
    ended: float | None = None

    def update(self, progress: Progress) -> None:
        if self.state == "waiting":
            self.since = time.monotonic()
        self.state = progress.state
        self.take = progress.take or self.take
        self.length = progress.seconds or self.length
        self.cost = progress.cost_usd if progress.cost_usd is not None else self.cost
        if progress.state in {"stored", "cached", "created", "failed"}:
            self.ended = time.monotonic()


@contextmanager
def watched() -> Iterator[None]:
    """Show every change of state until the `with` block ends."""
    lines: dict[str, _Line] = {}
    live = (
        Live(get_renderable=lambda: _table(lines), console=console, refresh_per_second=4)
        if console.is_terminal
        else None
    )

    def watch(progress: Progress) -> None:
        line = lines.setdefault(progress.subject, _Line())
        changed = line.state != progress.state
        line.update(progress)
        if live is None and changed:
            console.print(_plain(progress.subject, line))

    token = progress_listener.set(watch)
    try:
        if live:
            with live:
                yield
        else:
            yield
    finally:
        progress_listener.reset(token)


def _table(lines: dict[str, _Line]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for name, justify in (
        ("scene", "left"),
        ("state", "left"),
        ("take", "right"),
        ("seconds", "right"),
        ("cost", "right"),
    ):
        table.add_column(name, justify="right" if justify == "right" else "left")
    for name, line in lines.items():
        state = Text(line.state, style=_STYLES.get(line.state, ""))
        table.add_row(Text(name), state, _number(line.take), _elapsed(line), _price(line))
    return table


def _plain(name: str, line: _Line) -> str:
    parts = [name, line.state]
    if line.take:
        parts.append(f"take {line.take}")
    if line.ended:
        parts += [_elapsed(line) + " s", _price(line)]
    return "  ".join(part for part in parts if part)


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _elapsed(line: _Line) -> str:
    if line.state == "waiting":
        return ""
    return f"{(line.ended or time.monotonic()) - line.since:.1f}"


def _price(line: _Line) -> str:
    if line.cost is not None:
        return price(line.cost)
    return "unknown" if line.ended and line.state != "failed" else ""
