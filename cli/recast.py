"""`storyboard recast`: show what moving to another model changes, ask, and render."""

import os
import sys
from typing import Any

from rich.table import Table
from rich.text import Text

from prefect_storyboard.blocks import account_to_plan_for, load_credentials
from prefect_storyboard.cli.live import console, shown_live
from prefect_storyboard.flows import recast_storyboard
from prefect_storyboard.flows.recast import recast_planned, row, total
from prefect_storyboard.series.prepare import Overrides
from prefect_storyboard.storyboards.recast import Recast


async def show(board: str, provider: str, to: str, library: str | None, overrides: Overrides) -> Recast:
    """Print the changes scene by scene, the requests, and what cannot be kept. Buys nothing."""
    account = await account_to_plan_for(provider, os.environ)
    changes = await recast_planned(board, account, to, library, overrides)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("scene", "was", "will be", "seconds", "price", "stays"):
        table.add_column(name, justify="right" if name in {"seconds", "price"} else "left", overflow="fold")
    for change in changes.changes:
        facts = row(change)
        table.add_row(*(Text(facts[name]) for name in ("scene", "was", "will be", "seconds", "price", "stays")))
    console.print(table)
    for change in changes.changes:
        facts = row(change)
        console.print(f"\n{change.scene}  {facts['endpoint']}  {facts['size']}", style="dim")
        console.print(change.after.prompt)
        for fact in filter(None, (facts["characters"], facts["cannot be kept"])):
            console.print(f"  {fact}", style="dim" if fact == facts["characters"] else "yellow")
    for line in changes.plan.preparations:
        console.print(f"prepare  {line}", style="dim")
    console.print(f"\n{total(changes)}")
    console.print(
        f"to keep the move, write model: {to} in {board}; a run without it shows the old takes again", style="dim"
    )
    return changes


def agreed(changes: Recast, *, yes: bool) -> bool:
    """Ask whether to render; without a terminal, only `--yes` confirms."""
    if yes:
        return True
    if not sys.stdin.isatty():
        console.print(
            "nothing was rendered: stdin is not a terminal; add --yes to render, or --plan to see the changes",
            style="yellow",
        )
        return False
    takes = len(changes.plan.takes)
    asked = f"{len(changes.changes)} scenes" + (f" and {takes} further takes" if takes else "")
    return console.input(f"Render {asked}? [y/N] ", markup=False).strip().lower() in {"y", "yes"}


async def render(board: str, provider: str, to: str, library: str | None, **options: Any) -> int:
    """Run the flow and print how it ended. Returns the exit code: 1 if a scene has no clip, else 0."""
    credentials = await load_credentials(provider, os.environ)
    return await shown_live(recast_storyboard(board, credentials, to, library, **options))
