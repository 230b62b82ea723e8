"""The commands about jobs that are paid for: list, fetch and settle them. None of them buys."""

import asyncio
from contextlib import nullcontext

from cyclopts import App

from prefect_storyboard.cli.app import Debug, explained
from prefect_storyboard.cli.prefect_server import blocks, prefect_server, prepare_environment


def register(app: App) -> None:
    """Add the commands to the application."""
    for command in (jobs, collect, adopt, abandon, cancel, repair):
        app.command(command)


def jobs(*, library: str | None = None, all_: bool = False, debug: Debug = False) -> int:
    """List the open jobs: state, age, provider, price. The exit code is 1 where one of them is unknown.

    Parameters
    ----------
    library
        Folder, URL or saved block where everything is kept; default ~/storyboard-library.
    all_
        Every job that there ever was; reads the whole ledger.
    """
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.job_tables import show_jobs

    with explained(debug=debug), prefect_server() if blocks(library) else nullcontext():
        return asyncio.run(show_jobs(library, every=all_))


def collect(*providers: str, library: str | None = None, debug: Debug = False) -> int:
    """Fetch what open jobs have made, without a storyboard. Buys nothing.

    Parameters
    ----------
    providers
        fal, kie, toapis, wavespeed (keys from the environment), or saved blocks such as fal-credentials/production.
    library
        Folder, URL or saved block where everything is kept; default ~/storyboard-library.
    """
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.job_tables import collect as fetch

    if not providers:
        raise SystemExit("error: name the accounts to ask, for example: storyboard collect fal")
    with explained(debug=debug), prefect_server():
        return asyncio.run(fetch(providers, library))


def adopt(
    job: str, request: str, *, provider: str | None = None, library: str | None = None, debug: Debug = False
) -> int:
    """Say which of the provider's jobs an unknown one is; the next run, or collect, fetches it.

    Parameters
    ----------
    job
        The job's key, or its first letters, as `storyboard jobs` shows it.
    request
        The provider's id, from its own page.
    provider
        fal, kie, toapis or wavespeed (key from the environment), or a saved block: it is asked whether it knows the id.
        Left out: the id is believed, and cannot be taken back.
    library
        Folder, URL or saved block where everything is kept; default ~/storyboard-library.
    """
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.job_tables import adopt as take

    with explained(debug=debug), prefect_server() if blocks(provider, library) else nullcontext():
        return asyncio.run(take(job, request, provider, library))


def abandon(job: str, *, library: str | None = None, debug: Debug = False) -> int:
    """Say that an unknown job was never bought; the next run buys it anew.

    Parameters
    ----------
    job
        The job's key, or its first letters, as `storyboard jobs` shows it.
    library
        Folder, URL or saved block where everything is kept; default ~/storyboard-library.
    """
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.job_tables import abandon as drop

    with explained(debug=debug), prefect_server() if blocks(library) else nullcontext():
        return asyncio.run(drop(job, library))


def cancel(job: str, *, provider: str, library: str | None = None, debug: Debug = False) -> int:
    """Ask the provider to stop an open job; one that runs may still finish, and cost.

    Parameters
    ----------
    job
        The job's key, or its first letters, as `storyboard jobs` shows it.
    provider
        The account that bought it: fal, kie, toapis, wavespeed, or a saved block.
    library
        Folder, URL or saved block where everything is kept; default ~/storyboard-library.
    """
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.job_tables import cancel as stop

    with explained(debug=debug), prefect_server() if blocks(provider, library) else nullcontext():
        return asyncio.run(stop(job, provider, library))


def repair(*, library: str | None = None, debug: Debug = False) -> int:
    """Rebuild the ledger's lost records from the takes that are stored. Buys nothing, deletes nothing.

    The exit code is 1 where a record is damaged and cannot be rebuilt.

    Parameters
    ----------
    library
        Folder, URL or saved block where everything is kept; default ~/storyboard-library.
    """
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.job_tables import repair as rebuild

    with explained(debug=debug), prefect_server() if blocks(library) else nullcontext():
        return asyncio.run(rebuild(library))
