"""The commands that run, plan, check and set up. Each ends with an exit code, and one text if something is wrong."""

import sys
from contextlib import nullcontext
from pathlib import Path

from prefect_storyboard.cli import catalogue as catalogue_command
from prefect_storyboard.cli import export as export_command
from prefect_storyboard.cli import jobs as job_commands
from prefect_storyboard.cli import options, recast_command
from prefect_storyboard.cli import page as page_command
from prefect_storyboard.cli import takes as take_commands
from prefect_storyboard.cli.app import app, explained, finish
from prefect_storyboard.cli.extras import require
from prefect_storyboard.cli.prefect_server import (
    needs_server,
    own_server,
    prefect_server,
    prepare_environment,
    private_server,
    starting_server,
)

__all__ = ["app", "main"]

job_commands.register(app)
take_commands.register(app)
page_command.register(app)
catalogue_command.register(app)
export_command.register(app)
recast_command.register(app)


@app.command
def init(folder: options.NewFolder = Path(), /) -> int:
    """Write a storyboard to start from, with a clip for its character. Replaces no file."""
    from prefect_storyboard.cli.init import next_steps, write

    with explained(debug=False):
        print(next_steps(write(folder)))
        return 0


@app.command
def run(
    board: options.Board,
    *,
    provider: options.Provider,
    library: options.Library = None,
    override: options.BoardOptions = options.AS_WRITTEN,
    max_cost: options.MaxCost = None,
    allow_unknown_price: options.AllowUnknownPrice = False,
    allow_retired: options.AllowRetired = False,
    on_unknown: options.OnUnknown = "stop",
    attempts: options.Attempts = 1,
    on_bad: options.OnBad = None,
    judge: options.Judge = None,
    cascade: options.Cascade = False,
    held: options.HeldPlan = None,
    approve: options.Approve = None,
    yes: options.ApproveYes = False,
    debug: options.Debug = False,
) -> int:
    """Render a storyboard. After a crash, run it again: paid jobs are continued, not bought again."""
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.approve import how_to_ask
    from prefect_storyboard.cli.live import RunOptions, check, render
    from prefect_storyboard.cli.served import health_of, run_served
    from prefect_storyboard.series.held import read_plan

    with explained(debug=debug):
        asked = RunOptions(
            model=override.model,
            stills=override.stills,
            fit=override.fit,
            quality=override.quality,
            audio=override.audio,
            values=options.values(override.with_),
            max_cost_usd=max_cost,
            allow_unknown_price=allow_unknown_price,
            allow_retired=allow_retired,
            on_unknown=on_unknown,
            attempts=attempts,
            on_bad=on_bad,
            judge=judge,
            cascade=cascade,
            approve=approve,
        )
        how = how_to_ask(approve, yes=yes)
        saved = read_plan(held.read_bytes(), str(held)) if held else None
        with starting_server() as served:
            finish(check(board, provider, library, asked, held=saved))
            answers = health_of(served())
            return run_served(render(board, provider, library, held=saved, how=how, **asked), answers)


@app.command
def plan(
    board: options.Board,
    *,
    provider: options.Provider,
    library: options.Library = None,
    override: options.BoardOptions = options.AS_WRITTEN,
    attempts: options.Attempts = 1,
    on_bad: options.OnBad = None,
    judge: options.Judge = None,
    cascade: options.Cascade = False,
    save: options.Save = None,
    debug: options.Debug = False,
) -> int:
    """Show scene by scene what a run would buy and cost. Buys nothing."""
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.plan_tables import show_plan

    with explained(debug=debug), prefect_server() if needs_server(provider, library) else nullcontext():
        overrides = override.overrides().model_copy(update={"on_bad": on_bad})
        asked = {"cascade": cascade, "attempts": attempts, "judge": judge}
        work = show_plan(board, provider, library, overrides, asked, save=save)
        return finish(work)


@app.command
def demo(
    *,
    folder: options.Folder = Path("storyboard-demo"),
    board: options.AnotherBoard = None,
    debug: options.Debug = False,
) -> int:
    """Render the lighthouse storyboard against the sandbox: no key, no cost, no network."""
    require("sandbox")
    folder = folder.absolute()
    prepare_environment(debug=debug, home=folder / "prefect")
    from prefect_storyboard.cli.demo import sandbox_process, show

    with explained(debug=debug), private_server() as served, sandbox_process(folder / "sandbox") as base:
        served()
        return finish(show(folder, base, board))


@app.command
def doctor(
    *providers: options.Providers,
    library: options.Library = None,
    model: options.Models = None,
    debug: options.Debug = False,
) -> int:
    """Check accounts and library before a run: clock, key, upload, balance, models, exclusive creation of files.

    Without providers, it checks every account whose key is in the environment. Buys nothing. Exits with 1 if something
    would stop a run, or if there is no account to check.
    """
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.doctor import diagnose

    with explained(debug=debug), prefect_server() if needs_server(*providers, library) else nullcontext():
        return finish(diagnose(providers, library, tuple(model or ())))


@app.command(name="models")
def list_models(
    *providers: options.Gateways,
    characters: options.Characters = None,
    seconds: options.Seconds = None,
    aspect: options.Aspect = None,
    resolution: options.Resolution = None,
    silent: options.Silent = False,
    max_usd: options.MaxUsd = None,
    as_json: options.AsJson = False,
    check: options.CheckTable = None,
    debug: options.Debug = False,
) -> int:
    """List the models that can render a given scene, cheapest first: prices, characters, retirement dates.

    Needs no key. With --check it compares the model table with a gateway's own list and prints the differences as a
    patch of the table; that needs an account, and buys nothing. Exits with 1 if no model can render the scene, or if
    the table and the list differ.
    """
    prepare_environment(debug=debug)
    from prefect_storyboard.cli import models
    from prefect_storyboard.storyboards.needs import Need

    if check:
        with explained(debug=debug), prefect_server() if needs_server(check) else nullcontext():
            return finish(models.check(check))
    need = Need(
        characters=characters, seconds=seconds, aspect=aspect, resolution=resolution, silent=silent, max_usd=max_usd
    )
    return models.show(providers, need, as_json=as_json)


@app.command
def setup(*, debug: options.Debug = False) -> int:
    """Create on your Prefect server what the deployments need: blocks, limits, a work pool, automations.

    Run it as often as you like: it prints what it did, and leaves existing objects alone. It needs PREFECT_API_URL. It
    reads accounts from FAL_KEY, KIE_API_KEY, TOAPIS_API_KEY, WAVESPEED_API_KEY and OPENAI_BASE_URL, and the library
    from STORYBOARD_LIBRARY. STORYBOARD_NOTIFY names a saved block, for example slack-webhook/team, that gets a notice
    when a reel is ready or a job is unknown. It writes prefect.yaml into the working directory if there is none.
    """
    prepare_environment(debug=debug)
    from prefect_storyboard.deployments.setup import set_up

    with explained(debug=debug), own_server():
        return finish(set_up())


@app.command
def callbacks(
    *providers: options.Providers,
    library: options.Library = None,
    host: options.Host = "127.0.0.1",
    port: options.CallbacksPort = 8572,
    debug: options.Debug = False,
) -> int:
    """Serve the callbacks of the gateways, so that jobs need not be polled: see docs/callbacks.md. Buys nothing.

    Set the callback_url of each account to this server's public URL. The server verifies each callback and stores the
    job's result at once. If PREFECT_API_URL is set, suspended series are resumed and events are emitted.
    """
    require("callbacks")
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.callbacks import listen, loaded

    with explained(debug=debug):
        with prefect_server() if needs_server(*providers, library) else nullcontext():
            accounts, block = finish(loaded(providers, library))
        return listen(accounts, block, host, port)


@app.command
def sandbox(
    *,
    port: options.Port = 8571,
    state: options.State = Path("storyboard-sandbox"),
    render_seconds: options.RenderSeconds = 1.5,
    faults: options.Faults = None,
) -> int:
    """Serve the gateways on loopback for your own tests: the real protocols, real clips, no cost."""
    require("sandbox")
    from prefect_storyboard.sandbox.exchange import Pace
    from prefect_storyboard.sandbox.server import run as serve

    serve(port, state, pace=Pace(render_seconds=render_seconds), faults=faults)
    return 0


def main() -> None:
    """Entry point of `storyboard` and of `python -m prefect_storyboard`."""
    sys.exit(app(result_action="return_value"))
