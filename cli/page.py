"""`storyboard page`: the page of a reel in a browser, where a take is picked with one key."""

import os
import sys
from functools import partial
from typing import TYPE_CHECKING

from cyclopts import App

from prefect_storyboard.cli import options
from prefect_storyboard.cli.app import explained, finish
from prefect_storyboard.cli.extras import require
from prefect_storyboard.cli.prefect_server import blocks, prepare_environment, starting_server

if TYPE_CHECKING:
    import socket

_LEAVE = 3  # seconds for what is being answered when the page is stopped; a pick is recorded before the reel is made


def register(app: App) -> None:
    """Add the command to the application."""
    app.command(page)


def page(
    board: options.Board,
    *,
    provider: options.Provider,
    library: options.Library = None,
    said: options.BoardOptions = options.AS_WRITTEN,
    port: options.PagePort = 0,
    open_: options.Open = True,
    debug: options.Debug = False,
) -> int:
    """Serve the reel's page on this machine until Ctrl-C: look, compare, and pick takes with the keys 1 to 9.

    A pick is what `storyboard pick` does, and buys nothing. The page shows what a run would change and cost today.
    Whoever has the printed address sees this board's clips and may pick: it listens on 127.0.0.1 only.
    """
    require("page")
    prepare_environment(debug=debug)
    import secrets

    from prefect_storyboard.blocks import account_to_plan_for
    from prefect_storyboard.pages import PageApp, ServedBoard
    from prefect_storyboard.pages.board import Asked
    from prefect_storyboard.serving.process import run

    with explained(debug=debug), _listening(port) as listener, starting_server() as served:
        if blocks(provider, library):
            served()
        account = finish(account_to_plan_for(provider, os.environ))
        found = finish(ServedBoard.open(Asked(board, account, library, said.overrides()), served))
        token = secrets.token_urlsafe(24)
        ready = partial(_ready, token, show=open_)
        answered = run(
            PageApp(found, token),
            ready,
            listener=listener,
            log_level="debug" if debug else "critical",
            timeout_graceful_shutdown=_LEAVE,
        )
        return 0 if answered else 1


def _listening(port: int) -> "socket.socket":
    """A socket on loopback. Raises ValueError for a port that another program has."""
    import socket

    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise ValueError(
            f"--port {port} cannot be used ({error.strerror}); name another one, or leave it out"
        ) from None


def _ready(token: str, address: str, *, show: bool) -> None:
    url = f"{address}/{token}/"
    print(f"page ready {url}\nCtrl-C ends it", flush=True)
    if show and sys.stdout.isatty() and _has_screen():
        import webbrowser

        webbrowser.open(url)


def _has_screen() -> bool:
    """Whether a browser can open a window: else Python would start one inside the terminal."""
    return sys.platform in {"darwin", "win32"} or bool({"DISPLAY", "WAYLAND_DISPLAY"} & {*os.environ})
