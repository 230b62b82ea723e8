"""`storyboard page`: serve the page of a reel, on which a take is picked with one key."""

import os
import sys
from functools import partial
from typing import TYPE_CHECKING

from cyclopts import App

from prefect_storyboard.cli import options
from prefect_storyboard.cli.app import explained, finish
from prefect_storyboard.cli.extras import require
from prefect_storyboard.cli.prefect_server import needs_server, prepare_environment, starting_server

if TYPE_CHECKING:
    import socket

_GRACE = 3  # seconds for open requests when the page is stopped; a pick is recorded before the reel is assembled


def register(app: App) -> None:
    """Add the command to the application."""
    app.command(page)


def page(
    board: options.Board,
    *,
    provider: options.Provider,
    library: options.Library = None,
    override: options.BoardOptions = options.AS_WRITTEN,
    port: options.PagePort = 0,
    open_: options.Open = True,
    debug: options.Debug = False,
) -> int:
    """Serve the reel's page on this machine until Ctrl-C: compare takes, and pick them with the keys 1 to 9.

    A pick does what `storyboard pick` does, and buys nothing. The page shows what a run would change and cost now.
    Anyone with the printed address can see this storyboard's clips and pick takes. It listens on 127.0.0.1 only.
    """
    require("page")
    prepare_environment(debug=debug)
    import secrets

    from prefect_storyboard.blocks import account_to_plan_for
    from prefect_storyboard.pages import PageApp, ServedBoard
    from prefect_storyboard.pages.board import Asked
    from prefect_storyboard.serving.process import run

    with explained(debug=debug), _listening(port) as listener, starting_server() as served:
        if needs_server(provider, library):
            served()
        account = finish(account_to_plan_for(provider, os.environ))
        found = finish(ServedBoard.open(Asked(board, account, library, override.overrides()), served))
        token = secrets.token_urlsafe(24)
        ready = partial(_ready, token, show=open_)
        answered = run(
            PageApp(found, token),
            ready,
            listener=listener,
            log_level="debug" if debug else "critical",
            timeout_graceful_shutdown=_GRACE,
        )
        return 0 if answered else 1


def _listening(port: int) -> "socket.socket":
    """A socket on loopback. Raises ValueError if the port is in use."""
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
    """Whether a browser can open a window: without a screen, Python would start one inside the terminal."""
    return sys.platform in {"darwin", "win32"} or bool({"DISPLAY", "WAYLAND_DISPLAY"} & {*os.environ})
