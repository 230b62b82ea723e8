"""What `storyboard status`, `takes`, `reroll` and `pick` print."""

import json
import os
from collections.abc import Iterable, Sequence

from pydantic import BaseModel
from rich.table import Table
from rich.text import Text

from prefect_storyboard.blocks import account_to_plan_for
from prefect_storyboard.cli.live import console
from prefect_storyboard.series.looking import looked_up, summed_up
from prefect_storyboard.series.prepare import Overrides
from prefect_storyboard.series.status import status_rows

_STYLES = {"current": "green", "stale": "yellow", "missing": "bold", "rendering": "cyan", "in doubt": "bold red"}
_RIGHT = {"a new one costs", "seconds", "cost"}


async def show_status(
    board: str, provider: str, library: str | None, overrides: Overrides, *, as_json: bool = False
) -> int:
    """Print the state of every scene. Returns 1 if one of them is in doubt."""
    account = await account_to_plan_for(provider, os.environ)
    statuses = await looked_up(board, account, library, overrides)
    if as_json:
        print_json(statuses)
    else:
        console.print(table(status_rows(statuses)))
        console.print(f"\n{summed_up(statuses)}; nothing was bought")
    return 1 if any(each.state == "in doubt" for each in statuses) else 0


def print_json(found: Sequence[BaseModel]) -> None:
    """Print models as a list, for other programs."""
    console.out(json.dumps([each.model_dump(mode="json") for each in found], indent=2), highlight=False)


def table(rows: Iterable[dict[str, str]]) -> Table:
    """Rows with the same columns; a state has its colour."""
    made = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for row in rows:
        if not made.columns:
            for name in row:
                made.add_column(name, justify="right" if name in _RIGHT else "left", overflow="fold")
        made.add_row(
            *(Text(value, style=_STYLES.get(value, "") if name == "state" else "") for name, value in row.items())
        )
    return made
