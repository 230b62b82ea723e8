"""What all commands share: the application, and one clear text where something is wrong."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console

app = App(
    name="storyboard",
    default_parameter=Parameter(negative=()),
    help="A storyboard goes in, a reel comes out, and every scene is paid for once.",
)
_errors = Console(stderr=True, soft_wrap=True, highlight=False)

Debug = Annotated[
    bool, Parameter(name="--debug", negative="", help="Show the traceback of an error, and Prefect's log.")
]


class _Terminated(SystemExit):
    """Somebody sent SIGTERM."""


def _terminated(*_: object) -> None:
    """Everything that was opened is put away. While a flow runs, it ends first, and then this is called."""
    raise _Terminated


@contextmanager
def explained(*, debug: bool) -> Iterator[None]:
    """End with one clear text on stderr, and no traceback, where the mistake is the user's or the provider's."""
    from prefect_storyboard.cli.mistakes import MISTAKES, STOPPED, explain

    signal.signal(signal.SIGTERM, _terminated)
    try:
        yield
    except (*STOPPED, _Terminated) as stopped:
        _errors.print("Stopped. Jobs that are paid for stay in the ledger; run it again to go on.", style="yellow")
        raise SystemExit(130 if isinstance(stopped, KeyboardInterrupt) else 143) from None
    except MISTAKES as mistake:
        if debug:
            _errors.print_exception()
        _errors.print("[bold red]error:[/] ", end="")
        _errors.print(explain(mistake), markup=False)
        raise SystemExit(1) from None
