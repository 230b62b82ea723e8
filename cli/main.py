"""The commands: one clear text where something is wrong, and an exit code that says so."""

import asyncio
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Literal

from prefect_storyboard.cli import jobs as ledger
from prefect_storyboard.cli.app import Debug, app, explained
from prefect_storyboard.cli.prefect_server import blocks, own_server, prefect_server, prepare_environment

ledger.register(app)


@app.command
def run(
    board: str,
    *,
    provider: str,
    library: str | None = None,
    model: str | None = None,
    fit: Literal["exact", "nearest"] | None = None,
    max_cost: float | None = None,
    allow_unknown_price: bool = False,
    allow_retired: bool = False,
    on_unknown: Literal["stop", "resubmit"] = "stop",
    attempts: int = 1,
    debug: Debug = False,
) -> int:
    """Render a storyboard. Run it again after a crash: what is paid for is picked up, not bought again.

    Parameters
    ----------
    board
        Path or URL of the storyboard, YAML or JSON.
    provider
        fal, kie, toapis or wavespeed (key from FAL_KEY, KIE_API_KEY, TOAPIS_API_KEY, WAVESPEED_API_KEY), or a saved
        block such as fal-credentials/production.
    library
        Folder, URL or saved block where everything is kept; default ~/storyboard-library.
    model
        A model family in the place of the storyboard's own, for example seedance-2.
    fit
        nearest renders the nearest length and size that the model sells; exact refuses. Left out: the storyboard's.
    max_cost
        Send nothing if the new scenes would cost more US dollars.
    allow_unknown_price
        With --max-cost, buy also what nobody has published a price of.
    allow_retired
        Try a model also if the provider says that it is not sold any more.
    on_unknown
        What to do about a job that may have been bought and that the provider does not list.
    attempts
        How many times in all a scene may be bought when the provider fails it.
    """
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.live import check, render
    from prefect_storyboard.series.prepare import Overrides

    options = {
        "model": model,
        "fit": fit,
        "max_cost_usd": max_cost,
        "allow_unknown_price": allow_unknown_price,
        "allow_retired": allow_retired,
        "on_unknown": on_unknown,
        "attempts": attempts,
    }
    with explained(debug=debug):
        asyncio.run(check(board, provider, library, Overrides(model=model, fit=fit)))
        with prefect_server():
            return asyncio.run(render(board, provider, library, **options))


@app.command
def plan(
    board: str,
    *,
    provider: str,
    library: str | None = None,
    model: str | None = None,
    fit: Literal["exact", "nearest"] | None = None,
    debug: Debug = False,
) -> int:
    """Say what a run would do and cost, scene by scene, and buy nothing.

    Parameters
    ----------
    board
        Path or URL of the storyboard, YAML or JSON.
    provider
        fal, kie, toapis or wavespeed, or a saved block such as fal-credentials/production.
    library
        Folder, URL or saved block where everything is kept; default ~/storyboard-library.
    model
        A model family in the place of the storyboard's own, for example seedance-2.
    fit
        nearest plans the nearest length and size that the model sells; exact refuses. Left out: the storyboard's.
    """
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.job_tables import show_plan
    from prefect_storyboard.series.prepare import Overrides

    with explained(debug=debug), prefect_server() if blocks(provider, library) else nullcontext():
        return asyncio.run(show_plan(board, provider, library, Overrides(model=model, fit=fit)))


@app.command
def demo(*, folder: Path = Path("storyboard-demo"), board: Path | None = None, debug: Debug = False) -> int:
    """Render the lighthouse storyboard against the sandbox: no key, no cost, no network.

    Parameters
    ----------
    folder
        Where the library and the sandbox's memory are kept; remove it to start over.
    board
        Another storyboard to render.
    """
    folder = folder.absolute()
    prepare_environment(debug=debug, home=folder / "prefect")
    from prefect_storyboard.cli.demo import sandbox_process, show

    with explained(debug=debug), sandbox_process(folder / "sandbox") as base, prefect_server():
        return asyncio.run(show(folder, base, board))


@app.command
def doctor(*providers: str, library: str | None = None, model: list[str] | None = None, debug: Debug = False) -> int:
    """Check accounts and library before they are needed: clock, key, upload, balance, models, exclusive files.

    Buys nothing. Ends with exit code 1 where something is bad.

    Parameters
    ----------
    providers
        fal, kie, toapis, wavespeed (keys from the environment), or saved blocks such as fal-credentials/production.
        Left out: all whose keys are in the environment.
    library
        Folder, URL or saved block; default ~/storyboard-library.
    model
        A model that has to be sold, at each of the providers; may be given more than once. Left out: all are shown.
    """
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.doctor import diagnose

    with explained(debug=debug), prefect_server() if blocks(*providers, library) else nullcontext():
        return asyncio.run(diagnose(providers, library, tuple(model or ())))


@app.command
def setup(*, debug: Debug = False) -> int:
    """Make on your Prefect server what the deployments rely on: blocks, limits, work pool, automation.

    Says what it did, and changes nothing the second time. Needs PREFECT_API_URL. Accounts come from FAL_KEY,
    KIE_API_KEY, TOAPIS_API_KEY and WAVESPEED_API_KEY, the library from STORYBOARD_LIBRARY. Writes prefect.yaml, the
    deployments, into the working directory where there is none.
    """
    prepare_environment(debug=debug)
    from prefect_storyboard.deployments.setup import set_up

    with explained(debug=debug), own_server():
        return asyncio.run(set_up())


@app.command
def sandbox(
    *,
    port: int = 8571,
    state: Path = Path("storyboard-sandbox"),
    render_seconds: float = 1.5,
    faults: Path | None = None,
) -> int:
    """Serve the gateways on loopback for your own tests: real protocol, real clips, no cost.

    Parameters
    ----------
    port
        Port on 127.0.0.1; 0 takes a free one.
    state
        Folder of its memory: jobs, uploads, the billing meter.
    render_seconds
        How long a scene renders.
    faults
        JSON file with rules of misbehaviour; see docs/sandbox.md.
    """
    from prefect_storyboard.sandbox.exchange import Pace
    from prefect_storyboard.sandbox.server import run as serve

    serve(port, state, pace=Pace(render_seconds=render_seconds), faults=faults)
    return 0


def main() -> None:
    """Entry point of `storyboard` and of `python -m prefect_storyboard`."""
    sys.exit(app(result_action="return_value"))
