"""`storyboard export`: the cut of a reel for an editor, captions for a player, a table for a producer."""

from contextlib import nullcontext

from cyclopts import App

from prefect_storyboard.cli import options
from prefect_storyboard.cli.app import explained, finish
from prefect_storyboard.cli.extras import require
from prefect_storyboard.cli.prefect_server import blocks, prefect_server, prepare_environment


def register(app: App) -> None:
    """Add the command to the application."""
    app.command(export)


def export(
    board: options.Board,
    *,
    to: options.ExportTo,
    provider: options.Provider,
    output: options.ExportFile = None,
    library: options.Library = None,
    said: options.BoardOptions = options.AS_WRITTEN,
    as_json: options.ExportAsJson = False,
    debug: options.Debug = False,
) -> int:
    """Write the reel's cut for an editor, with every take, or its captions, or a table. Buys nothing.

    Cuts are where the reel's own MP4 has them, to the frame. Clips are named by paths relative to the file; where the
    library is a bucket, they are copied into a folder beside it. otio and edl need the extra [export].
    """
    if to in {"otio", "edl"}:
        require("export")
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.export_tables import show_export

    with explained(debug=debug), prefect_server() if blocks(provider, library) else nullcontext():
        return finish(show_export((board, provider, library), said.overrides(), to, output, as_json=as_json))
