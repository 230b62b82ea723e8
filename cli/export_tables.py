"""What `storyboard export` prints."""

import os
from pathlib import Path

from prefect_storyboard.blocks import account_to_plan_for
from prefect_storyboard.cli.live import console
from prefect_storyboard.cli.take_tables import Places, print_json
from prefect_storyboard.export import Format
from prefect_storyboard.series.exporting import Exported, export_board
from prefect_storyboard.series.prepare import Overrides


async def show_export(
    places: Places, overrides: Overrides, to: Format, file: Path | None, *, as_json: bool = False
) -> int:
    """Export the reel and print where its file is, and which scenes it lacks. Returns 0."""
    board, provider, library = places
    account = await account_to_plan_for(provider, os.environ)
    files = await export_board(board, account, library, overrides, to=to, file=file)
    if as_json:
        print_json(files)
        return 0
    for each in files:
        _print(each)
    return 0


def _print(made: Exported) -> None:
    scenes = "1 scene" if len(made.scenes) == 1 else f"{len(made.scenes)} scenes"
    console.print(f"{made.file}  {scenes}, {made.frames} frames at {made.fps:g} a second; nothing was bought")
    for names, what in (
        (made.missing, "has no clip and is left out"),
        (made.stale, "shows a stale clip"),
        (made.gone, "is no longer in the library and is left out"),
    ):
        for name in names:
            console.print(f"{name} {what}", style="yellow", markup=False)
