"""The commands that list, fetch and settle paid jobs. None of them buys anything."""

from contextlib import nullcontext

from cyclopts import App

from prefect_storyboard.cli.app import explained, finish
from prefect_storyboard.cli.options import (
    All,
    AskProvider,
    Debug,
    Job,
    Library,
    OlderThan,
    Provider,
    Providers,
    Request,
)
from prefect_storyboard.cli.prefect_server import needs_server, prefect_server, prepare_environment


def register(app: App) -> None:
    """Add the commands to the application."""
    for command in (jobs, collect, adopt, abandon, cancel, repair, prune):
        app.command(command)


def jobs(*, library: Library = None, all_: All = False, debug: Debug = False) -> int:
    """List the open jobs: state, age, provider, price. Exits with 1 if the outcome of one is unknown."""
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.job_tables import show_jobs

    with explained(debug=debug), prefect_server() if needs_server(library) else nullcontext():
        return finish(show_jobs(library, every=all_))


def collect(*providers: Providers, library: Library = None, debug: Debug = False) -> int:
    """Store the results of open jobs, without a storyboard. Buys nothing."""
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.job_tables import collect as fetch
    from prefect_storyboard.cli.served import health_of, run_served

    with explained(debug=debug):
        if not providers:
            raise ValueError("name the accounts to ask, for example: storyboard collect fal")
        with prefect_server() as api:
            return run_served(fetch(providers, library), health_of(api))


def adopt(
    job: Job, request: Request, *, provider: AskProvider = None, library: Library = None, debug: Debug = False
) -> int:
    """Record the provider's id of a job whose outcome is unknown. The next run, or collect, then fetches it."""
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.job_tables import adopt as take

    with explained(debug=debug), prefect_server() if needs_server(provider, library) else nullcontext():
        return finish(take(job, request, provider, library))


def abandon(job: Job, *, library: Library = None, debug: Debug = False) -> int:
    """Record that a job whose outcome is unknown was not bought. The next run then buys it."""
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.job_tables import abandon as drop

    with explained(debug=debug), prefect_server() if needs_server(library) else nullcontext():
        return finish(drop(job, library))


def cancel(job: Job, *, provider: Provider, library: Library = None, debug: Debug = False) -> int:
    """Ask the provider to cancel an open job. One that already renders may still finish, and is then charged."""
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.job_tables import cancel as stop

    with explained(debug=debug), prefect_server() if needs_server(provider, library) else nullcontext():
        return finish(stop(job, provider, library))


def repair(*, library: str | None = None, debug: Debug = False) -> int:
    """Rebuild the ledger's lost records from the takes that are stored. Buys nothing, deletes nothing.

    The exit code is 1 if a record is damaged and cannot be rebuilt.

    Parameters
    ----------
    library
        Folder, URL or saved block where everything is stored; default ~/storyboard-library.
    """
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.job_tables import repair as rebuild

    with explained(debug=debug), prefect_server() if needs_server(library) else nullcontext():
        return finish(rebuild(library))


def prune(*, older_than: OlderThan, library: Library = None, debug: Debug = False) -> int:
    """Pack the records of jobs that were settled long ago into one file each. Buys nothing, forgets nothing.

    A run finds every pruned clip, and every failure, as before. Jobs that are open, unknown, abandoned or unreadable
    are left alone; clips and their sidecars are not touched. An older version of this package refuses pruned records.
    """
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.job_tables import prune as pack

    with explained(debug=debug), prefect_server() if needs_server(library) else nullcontext():
        return finish(pack(library, older_than))
