"""The command that moves a storyboard to another model. `--help` loads no flow."""

from contextlib import nullcontext

from cyclopts import App

from prefect_storyboard.cli import options
from prefect_storyboard.cli.app import explained, finish
from prefect_storyboard.cli.prefect_server import needs_server, prefect_server, prepare_environment


def register(app: App) -> None:
    """Add the command to the application."""
    app.command(recast)


def recast(
    board: options.Board,
    *,
    to: options.To,
    provider: options.Provider,
    library: options.Library = None,
    fit: options.Fit = None,
    with_: options.With = None,
    max_cost: options.MaxCost = None,
    allow_unknown_price: options.AllowUnknownPrice = False,
    allow_retired: options.AllowRetired = False,
    attempts: options.Attempts = 1,
    plan: options.OnlyPlan = False,
    yes: options.Yes = False,
    debug: options.Debug = False,
) -> int:
    """Move a storyboard to another model: show the changes scene by scene, ask, create the characters again and render.

    The takes of the old model stay in the library; the reel is made from the new ones. Sizes are the nearest that the
    model sells, unless --fit says otherwise.
    """
    prepare_environment(debug=debug)
    from prefect_storyboard.cli import recast as recasting
    from prefect_storyboard.cli.served import health_of, run_served
    from prefect_storyboard.series.prepare import Overrides

    moved = Overrides(fit=fit, values=options.values(with_))
    with explained(debug=debug):
        with prefect_server() if needs_server(provider, library) else nullcontext():
            changes = finish(recasting.show(board, provider, to, library, moved))
        if plan or not recasting.agreed(changes, yes=yes):
            return 0 if plan else 1
        options_of_run = {
            "fit": fit,
            "values": dict(moved.values),
            "max_cost_usd": max_cost,
            "allow_unknown_price": allow_unknown_price,
            "allow_retired": allow_retired,
            "attempts": attempts,
        }
        with prefect_server() as api:
            return run_served(recasting.render(board, provider, to, library, **options_of_run), health_of(api))
