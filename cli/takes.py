"""The commands that draw stills, show the state of a reel, and list, render again and pick takes."""

from contextlib import nullcontext

from cyclopts import App

from prefect_storyboard.cli import options
from prefect_storyboard.cli.app import explained, finish
from prefect_storyboard.cli.prefect_server import needs_server, prefect_server, prepare_environment


def register(app: App) -> None:
    """Add the commands to the application."""
    for command in (stills, status, takes, reroll, pick):
        app.command(command)


def stills(
    board: options.Board,
    *,
    provider: options.Provider,
    library: options.Library = None,
    override: options.BoardOptions = options.AS_WRITTEN,
    max_cost: options.MaxCost = None,
    allow_unknown_price: options.AllowUnknownPrice = False,
    on_unknown: options.OnUnknown = "stop",
    as_json: options.TakesAsJson = False,
    debug: options.Debug = False,
) -> int:
    """Draw the sheets and stills of a storyboard, for cents, to review them before you pay for clips.

    A later run then buys only the clips. `reroll --still` draws a still again; `pick --still` picks an earlier one.
    """
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.served import health_of, run_served
    from prefect_storyboard.cli.take_tables import draw_all

    with explained(debug=debug), prefect_server() as api:
        limits = {"max_cost_usd": max_cost, "allow_unknown_price": allow_unknown_price, "on_unknown": on_unknown}
        work = draw_all((board, provider, library), override.overrides(), limits, as_json=as_json)
        return run_served(work, health_of(api))


def status(
    board: options.Board,
    *,
    provider: options.Provider,
    library: options.Library = None,
    override: options.BoardOptions = options.AS_WRITTEN,
    as_json: options.TakesAsJson = False,
    debug: options.Debug = False,
) -> int:
    """Show the state of each scene's clip: current, stale and why, missing, in doubt.

    Buys nothing and changes nothing. A stale clip is usable, and is rendered again only if you ask for it.
    """
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.take_tables import show_status

    with explained(debug=debug), prefect_server() if needs_server(provider, library) else nullcontext():
        return finish(show_status(board, provider, library, override.overrides(), as_json=as_json))


def takes(
    board: options.Board,
    *,
    provider: options.Provider,
    library: options.Library = None,
    override: options.BoardOptions = options.AS_WRITTEN,
    as_json: options.TakesAsJson = False,
    debug: options.Debug = False,
) -> int:
    """List every take of every scene, and which one the reel shows. Buys nothing and changes nothing."""
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.take_tables import show_takes

    with explained(debug=debug), prefect_server() if needs_server(provider, library) else nullcontext():
        return finish(show_takes(board, provider, library, override.overrides(), as_json=as_json))


def reroll(
    board: options.Board,
    scene: options.SceneId,
    *,
    provider: options.Provider,
    still: options.OfStill = False,
    takes: options.Takes = 1,
    note: options.Note = None,
    library: options.Library = None,
    override: options.BoardOptions = options.AS_WRITTEN,
    max_cost: options.MaxCost = None,
    allow_unknown_price: options.AllowUnknownPrice = False,
    allow_retired: options.AllowRetired = False,
    on_unknown: options.OnUnknown = "stop",
    as_json: options.TakesAsJson = False,
    debug: options.Debug = False,
) -> int:
    """Render one scene again: buy one more take of it, or as many as --takes says. The earlier takes stay.

    With --still, draw the scene's still again; a clip that begins with the earlier still becomes stale and is kept.

    The reel is assembled again with the newest take, unless another one was picked. After a crash, run the same command
    again: takes that are paid for are fetched, not bought again.
    """
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.served import health_of, run_served
    from prefect_storyboard.cli.take_tables import render_again

    with explained(debug=debug), prefect_server() as api:
        limits = {"max_cost_usd": max_cost, "allow_unknown_price": allow_unknown_price, "allow_retired": allow_retired}
        of = {"reroll": scene, "reroll_of": "still" if still else "clip"}
        asked = {**of, "takes": takes, "note": note, "on_unknown": on_unknown, **limits}
        work = render_again((board, provider, library), override.overrides(), asked, as_json=as_json)
        return run_served(work, health_of(api))


def pick(
    board: options.Board,
    scene: options.SceneId,
    take: options.TakeNumber,
    *,
    provider: options.Provider,
    still: options.OfStill = False,
    library: options.Library = None,
    override: options.BoardOptions = options.AS_WRITTEN,
    as_json: options.TakesAsJson = False,
    debug: options.Debug = False,
) -> int:
    """Pick the take of a scene that the reel shows, now and in every later run. Assembles the reel again, at no cost.

    With --still, pick a take of the scene's still; a clip that begins with another still becomes stale and is kept.
    """
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.served import health_of, run_served
    from prefect_storyboard.cli.take_tables import choose

    with explained(debug=debug), prefect_server() as api:
        work = choose(
            (board, provider, library),
            override.overrides(),
            (scene, take),
            of="still" if still else "clip",
            as_json=as_json,
        )
        return run_served(work, health_of(api))
