"""The application to which all commands are added, and how it prints their errors."""

import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from cyclopts import App, CycloptsError, CycloptsPanel, MissingArgumentError, Parameter
from rich.console import Console


def _error_panel(error: CycloptsError) -> Any:
    """The text of an error in the command line; for a missing argument, with the help text of that argument."""
    if isinstance(error, MissingArgumentError) and error.argument and error.argument.parameter.help:
        return CycloptsPanel(f"{error}\n{error.argument.parameter.help}")
    return CycloptsPanel(error)


app = App(
    name="storyboard",
    default_parameter=Parameter(negative=()),
    error_formatter=_error_panel,
    help="Turn a storyboard into a video series with consistent characters, and pay for every scene once.",
)
_errors = Console(stderr=True, soft_wrap=True, highlight=False)

T = TypeVar("T")


class _Terminated(SystemExit):
    """The process received SIGTERM."""


def _terminated(*_: object) -> None:
    """Raise, so that `with` and `finally` clauses run.

    While a flow runs, Prefect ends it first and then calls this handler.
    """
    raise _Terminated


def finish(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine to its end; asyncio is imported here, so that `--help` does not load it."""
    import asyncio

    return asyncio.run(work)


@contextmanager
def explained(*, debug: bool) -> Iterator[None]:
    """Print an error that the user or the provider caused as one text on stderr, without a traceback."""
    from prefect_storyboard.cli.mistakes import MISTAKES, STOPPED, explain

    signal.signal(signal.SIGTERM, _terminated)
    try:
        yield
    except (*STOPPED, _Terminated) as stopped:
        _errors.print(
            "Stopped. Jobs that were paid for are in the ledger; run the command again to continue.", style="yellow"
        )
        raise SystemExit(130 if isinstance(stopped, KeyboardInterrupt) else 143) from None
    except MISTAKES as mistake:
        if debug:
            _errors.print_exception()
        _errors.print("[bold red]error:[/] ", end="")
        _errors.print(explain(mistake), markup=False)
        raise SystemExit(1) from None
