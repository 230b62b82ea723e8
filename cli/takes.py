"""The commands of choosing: what stands, which takes there are, one more of a scene, and the one that is shown."""

from contextlib import nullcontext

from cyclopts import App

from prefect_storyboard.cli import options
from prefect_storyboard.cli.app import explained, finish
from prefect_storyboard.cli.prefect_server import blocks, prefect_server, prepare_environment


def register(app: App) -> None:
    """Add the commands to the application."""
    for command in (status,):
        app.command(command)


def status(
    board: options.Board,
    *,
    provider: options.Provider,
    library: options.Library = None,
    model: options.Model = None,
    fit: options.Fit = None,
    quality: options.Quality = None,
    audio: options.Audio = None,
    with_: options.With = None,
    as_json: options.TakesAsJson = False,
    debug: options.Debug = False,
) -> int:
    """Show for each scene whether its clip is of today's storyboard: current, stale and why, missing, in doubt.

    Buys nothing and changes nothing. A stale clip is usable, and is never rendered again unasked.
    """
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.take_tables import show_status
    from prefect_storyboard.series.prepare import Overrides

    with explained(debug=debug), prefect_server() if blocks(provider, library) else nullcontext():
        said = Overrides(model=model, fit=fit, quality=quality, audio=audio, values=options.values(with_))
        return finish(show_status(board, provider, library, said, as_json=as_json))
