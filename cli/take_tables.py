"""What `storyboard status`, `takes`, `reroll` and `pick` print."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from pydantic import BaseModel
from rich.table import Table
from rich.text import Text

from prefect_storyboard.blocks import account_to_plan_for, load_credentials
from prefect_storyboard.cli.live import console, report
from prefect_storyboard.cli.progress_table import watched
from prefect_storyboard.flows import SeriesFailed, draw_stills, pick_take, storyboard_series
from prefect_storyboard.series.looking import looked_up, summed_up, takes_of
from prefect_storyboard.series.prepare import Overrides
from prefect_storyboard.series.status import status_rows
from prefect_storyboard.series.takes import Of, TakeLine, last_acts
from prefect_storyboard.storyboards import Still
from prefect_storyboard.storyboards.money import price
from prefect_storyboard.storyboards.verdicts import verdict_text

Places = tuple[str, str, str | None]  # storyboard, provider, library

_STYLES = {"current": "green", "stale": "yellow", "missing": "bold", "rendering": "cyan", "in doubt": "bold red"}
_AGAIN = "the same command buys one more take; storyboard takes lists them all"
_PROSE = {"note", "why", "what to do", "still", "verdict"}  # columns that are folded in a narrow terminal
_DEEP = 3  # scenes/s01/take-001.mp4 in the folder of its reel
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


async def show_takes(
    board: str, provider: str, library: str | None, overrides: Overrides, *, as_json: bool = False
) -> int:
    """Print every take of every scene."""
    account = await account_to_plan_for(provider, os.environ)
    lines = await takes_of(board, account, library, overrides)
    if as_json:
        print_json(lines)
    elif lines:
        folder = _folder(lines)
        console.print(table(_row(line, folder) for line in lines))
        console.print(f"\nin {folder}/")
    else:
        console.print("no scene of this storyboard has a take")
    return 0


async def draw_all(places: Places, overrides: Overrides, asked: Mapping[str, Any], *, as_json: bool = False) -> int:
    """Draw the stills and print where they are. Returns 1 if one could not be drawn."""
    board, provider, library = places
    credentials = await load_credentials(provider, os.environ)
    known = overrides.model_dump(include={"model", "stills", "values"})
    try:
        with nullcontext() if as_json else watched(console):
            stills = await draw_stills(board, credentials, library, **known, **asked)
    except SeriesFailed as failed:
        print_json([failed.reel]) if as_json else report(failed.reel)
        return 1
    if as_json:
        print_json(stills)
        return 0
    console.print(table(_still_row(still) for still in stills))
    return 0


async def render_again(places: Places, overrides: Overrides, asked: Mapping[str, Any], *, as_json: bool = False) -> int:
    """Buy further takes of a scene and print how that ended. Returns 1 if one of them has no clip.

    The order is recorded as carried out only after the result has been printed.
    """
    board, provider, library = places
    credentials = await load_credentials(provider, os.environ)
    code = 0
    with last_acts():
        try:
            with nullcontext() if as_json else watched(console):
                reel = await storyboard_series(board, credentials, library, **_as_arguments(overrides), **asked)
        except SeriesFailed as failed:
            reel, code = failed.reel, 1
        print_json([reel]) if as_json else report(reel, _AGAIN)
    return code


async def choose(
    places: Places, overrides: Overrides, take: tuple[str, int], *, of: Of = "clip", as_json: bool = False
) -> int:
    """Pick a take and print where the reel is. Always returns 0, even if scenes have no clip."""
    board, provider, library = places
    account = await account_to_plan_for(provider, os.environ)
    reel = await pick_take(board, *take, account, library, of=of, **_as_arguments(overrides))
    if as_json:
        print_json([reel])
        return 0
    begins = f"the clip of {take[0]} begins with take {take[1]} of its still"
    shows = begins if of == "still" else f"{take[0]} shows take {take[1]}"
    console.print(f"{shows} from now on; nothing was bought")
    console.print(f"reel   {reel.url}\npage   {reel.page}")
    return 0


def _as_arguments(overrides: Overrides) -> dict[str, Any]:
    """The overrides of the storyboard as arguments of the flows."""
    return overrides.model_dump(include={"model", "stills", "fit", "quality", "audio", "values"})


def print_json(found: Sequence[BaseModel]) -> None:
    """Print models as a list, for other programs."""
    console.out(json.dumps([each.model_dump(mode="json") for each in found], indent=2), highlight=False)


def table(rows: Iterable[dict[str, str]]) -> Table:
    """A table of rows that have the same columns, without empty columns; states are coloured."""
    made, found = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim"), [*rows]
    names = [name for name in (found[0] if found else ()) if any(row[name] for row in found)]
    for name in names:
        made.add_column(
            name, justify="right" if name in _RIGHT else "left", overflow="fold", no_wrap=name not in _PROSE
        )
    for row in found:
        made.add_row(*(Text(row[name], style=_STYLES.get(row[name], "") if name == "state" else "") for name in names))
    return made


def _still_row(still: Still) -> dict[str, str]:
    size = f"{still.width}x{still.height}"
    cost = price(still.cost_usd)
    return {"scene": still.scene, "take": str(still.take), "size": size, "cost": cost, "still": still.url}


def _folder(lines: Sequence[TakeLine]) -> str:
    """The folder that holds most of the takes: that of the reel."""
    urls = [made.url for line in lines if (made := line.clip or line.still)]
    folders = Counter(url.rsplit("/", _DEEP)[0] for url in urls)
    return folders.most_common(1)[0][0] if folders else ""


def _row(line: TakeLine, folder: str) -> dict[str, str]:
    made = line.clip or line.still
    shown = "picked" if line.shown and line.picked else "shown" if line.shown else ""
    state = "missing" if made is None else "stale" if line.why else "current"
    return {
        "scene": line.name,
        "take": str(line.take),
        "reel": shown,
        "state": state,
        "seconds": f"{line.clip.seconds:g}" if line.clip else "",
        "cost": price(made.cost_usd) if made else "",
        "verdict": verdict_text(line.clip.verdict) if line.clip else "",
        "note": line.note,
        "why": "; ".join(line.why),
        "clip": made.url.removeprefix(f"{folder}/") if made else "",
    }
