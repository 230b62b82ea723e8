"""`storyboard export`: write a reel as a cut list for an editing program, as captions, or as a table of its takes."""

from contextlib import nullcontext

from cyclopts import App

from prefect_storyboard.cli import options
from prefect_storyboard.cli.app import explained, finish
from prefect_storyboard.cli.extras import require
from prefect_storyboard.cli.prefect_server import needs_server, prefect_server, prepare_environment


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
    override: options.BoardOptions = options.AS_WRITTEN,
    as_json: options.ExportAsJson = False,
    debug: options.Debug = False,
) -> int:
    """Write the reel as a cut list for an editing program, as captions, or as a table of its takes. Buys nothing.

    The cuts are at the same frames as in the reel's MP4. The file names clips by relative paths; if the library is a
    bucket, the clips are copied into a folder beside the file. otio and edl need the extra [export].
    """
    if to in {"otio", "edl"}:
        require("export")
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.export_tables import show_export

    with explained(debug=debug), prefect_server() if needs_server(provider, library) else nullcontext():
        return finish(show_export((board, provider, library), override.overrides(), to, output, as_json=as_json))
