"""The commands of choosing: what stands, which takes there are, one more of a scene, and the one that is shown."""

from contextlib import nullcontext

from cyclopts import App

from prefect_storyboard.cli import options
from prefect_storyboard.cli.app import explained, finish
from prefect_storyboard.cli.prefect_server import blocks, prefect_server, prepare_environment


def register(app: App) -> None:
    """Add the commands to the application."""
    for command in (stills, status, takes, reroll, pick):
        app.command(command)


def stills(
    board: options.Board,
    *,
    provider: options.Provider,
    library: options.Library = None,
    said: options.BoardOptions = options.AS_WRITTEN,
    max_cost: options.MaxCost = None,
    allow_unknown_price: options.AllowUnknownPrice = False,
    on_unknown: options.OnUnknown = "stop",
    as_json: options.TakesAsJson = False,
    debug: options.Debug = False,
) -> int:
    """Draw the sheets and the stills of a storyboard, for cents, and render nothing: look at them before you pay.

    A later run buys motion only. `reroll --still` draws one again, and `pick --still` lets an earlier one stand.
    """
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.served import health_of, run_served
    from prefect_storyboard.cli.take_tables import draw_all

    with explained(debug=debug), prefect_server() as api:
        limits = {"max_cost_usd": max_cost, "allow_unknown_price": allow_unknown_price, "on_unknown": on_unknown}
        work = draw_all((board, provider, library), said.overrides(), limits, as_json=as_json)
        return run_served(work, health_of(api))


def status(
    board: options.Board,
    *,
    provider: options.Provider,
    library: options.Library = None,
    said: options.BoardOptions = options.AS_WRITTEN,
    as_json: options.TakesAsJson = False,
    debug: options.Debug = False,
) -> int:
    """Show for each scene whether its clip is of today's storyboard: current, stale and why, missing, in doubt.

    Buys nothing and changes nothing. A stale clip is usable, and is never rendered again unasked.
    """
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.take_tables import show_status

    with explained(debug=debug), prefect_server() if blocks(provider, library) else nullcontext():
        return finish(show_status(board, provider, library, said.overrides(), as_json=as_json))


def takes(
    board: options.Board,
    *,
    provider: options.Provider,
    library: options.Library = None,
    said: options.BoardOptions = options.AS_WRITTEN,
    as_json: options.TakesAsJson = False,
    debug: options.Debug = False,
) -> int:
    """List every take of every scene, and which one the reel shows. Buys nothing and changes nothing."""
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.take_tables import show_takes

    with explained(debug=debug), prefect_server() if blocks(provider, library) else nullcontext():
        return finish(show_takes(board, provider, library, said.overrides(), as_json=as_json))


def reroll(
    board: options.Board,
    scene: options.SceneId,
    *,
    provider: options.Provider,
    still: options.OfStill = False,
    takes: options.Takes = 1,
    note: options.Note = None,
    library: options.Library = None,
    said: options.BoardOptions = options.AS_WRITTEN,
    max_cost: options.MaxCost = None,
    allow_unknown_price: options.AllowUnknownPrice = False,
    allow_retired: options.AllowRetired = False,
    on_unknown: options.OnUnknown = "stop",
    as_json: options.TakesAsJson = False,
    debug: options.Debug = False,
) -> int:
    """Render a scene again, and nothing else: it buys one more take, or --takes of them. The earlier takes stay.

    With --still it draws the scene's still again; the clip that began with the other one is stale then, and kept.

    The reel is assembled again with the newest take, unless another one was picked. After a crash, give the same words
    again: what is paid for is picked up, not bought again.
    """
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.served import health_of, run_served
    from prefect_storyboard.cli.take_tables import render_again

    with explained(debug=debug), prefect_server() as api:
        limits = {"max_cost_usd": max_cost, "allow_unknown_price": allow_unknown_price, "allow_retired": allow_retired}
        of = {"reroll": scene, "reroll_of": "still" if still else "clip"}
        asked = {**of, "takes": takes, "note": note, "on_unknown": on_unknown, **limits}
        work = render_again((board, provider, library), said.overrides(), asked, as_json=as_json)
        return run_served(work, health_of(api))


def pick(
    board: options.Board,
    scene: options.SceneId,
    take: options.TakeNumber,
    *,
    provider: options.Provider,
    still: options.OfStill = False,
    library: options.Library = None,
    said: options.BoardOptions = options.AS_WRITTEN,
    as_json: options.TakesAsJson = False,
    debug: options.Debug = False,
) -> int:
    """Let a take of a scene stand in the reel, now and in every later run. Assembles the reel again for nothing.

    With --still, a take of its still: a clip that began with another one is stale then, and kept.
    """
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.served import health_of, run_served
    from prefect_storyboard.cli.take_tables import choose

    with explained(debug=debug), prefect_server() as api:
        work = choose(
            (board, provider, library),
            said.overrides(),
            (scene, take),
            of="still" if still else "clip",
            as_json=as_json,
        )
        return run_served(work, health_of(api))
