"""The sandbox as a process, or as a thread of a test. It listens on 127.0.0.1 and nowhere else."""

import argparse
import asyncio
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from prefect_storyboard.sandbox.app import create_app
from prefect_storyboard.sandbox.exchange import Pace
from prefect_storyboard.sandbox.variables import environment

__all__ = ["environment", "main", "run", "running"]


def run(
    port: int = 0,
    state_dir: str | Path = ".storyboard-sandbox",
    *,
    pace: Pace | None = None,
    faults: Path | None = None,
    clock_skew: float = 0.0,
    until_stdin_closes: bool = False,
) -> None:
    """Serve until SIGTERM or SIGINT (or the end of stdin), after one machine-readable line `sandbox ready <url>`."""
    app = create_app(state_dir, pace=pace, faults=faults, clock=lambda: time.time() + clock_skew)
    listener = _listen(port)
    base = _base(listener)
    server = _Server(app, lambda: _announce(base))

    def stop(_signal: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, stop)
    if until_stdin_closes:
        threading.Thread(target=_wait_for_end_of_stdin, args=(server,), daemon=True).start()
    server.run(sockets=[listener])


@contextmanager
def running(state_dir: str | Path, *, port: int = 0, **options: Any) -> Iterator[str]:
    """Serve from a thread for the length of a `with` block, which receives the base URL.

    `options` are those of `create_app`; the clock may be a fake one.
    """
    app = create_app(state_dir, **options)
    listener = _listen(port)
    ready = threading.Event()
    server = _Server(app, ready.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="sandbox")
    thread.start()
    try:
        if not ready.wait(10):
            raise RuntimeError("the sandbox did not start")
        yield _base(listener)
    finally:
        server.should_exit = True
        thread.join()


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line of `python -m prefect_storyboard.sandbox`."""
    parser = argparse.ArgumentParser(prog="prefect_storyboard.sandbox", description=run.__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--state", type=Path, default=Path(".storyboard-sandbox"), help="directory of its memory")
    parser.add_argument("--queue-seconds", type=float, default=Pace.queue_seconds)
    parser.add_argument("--render-seconds", type=float, default=Pace.render_seconds)
    parser.add_argument("--character-seconds", type=float, default=Pace.character_seconds)
    parser.add_argument("--picture-seconds", type=float, default=Pace.picture_seconds)
    parser.add_argument("--clip-scale", type=float, default=1.0, help="0.25 renders small clips, faster")
    parser.add_argument("--faults", type=Path, help="JSON file with a list of fault rules")
    parser.add_argument("--clock-skew", type=float, default=0.0, help="seconds that the gateways' clock is fast")
    parser.add_argument("--until-stdin-closes", action="store_true", help="stop when the parent process is gone")
    given = parser.parse_args(arguments)
    pace = Pace(
        queue_seconds=given.queue_seconds,
        render_seconds=given.render_seconds,
        character_seconds=given.character_seconds,
        picture_seconds=given.picture_seconds,
        clip_scale=given.clip_scale,
    )
    run(
        given.port,
        given.state,
        pace=pace,
        faults=given.faults,
        clock_skew=given.clock_skew,
        until_stdin_closes=given.until_stdin_closes,
    )


class _Protocol(H11Protocol):
    """HTTP/1.1 that shows each request its connection, so that a fault can hang up (see `faults.HangUp`)."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class _Server(uvicorn.Server):
    """A server that says when it accepts connections and leaves signals to its owner."""

    def __init__(self, app: Starlette, ready: Callable[[], None]) -> None:
        config = uvicorn.Config(
            app,
            http=_Protocol,
            ws="none",
            lifespan="on",
            log_level="error",
            access_log=False,
            date_header=False,  # the sandbox's own clock says what time it is
            # Closing an idle connection races with a POST on it, which a client cannot distinguish from a lost reply.
            timeout_keep_alive=3600,
            timeout_graceful_shutdown=1,
        )
        super().__init__(config)
        self._app = app
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.state.stopping.set()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listen(port: int) -> socket.socket:
    # With the protocol named, asyncio switches Nagle's delay off: 40 ms a request.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener


def _base(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def _announce(base: str) -> None:
    lines = [f"sandbox ready {base}", "", "point the tool at it:"]
    lines += [f"  export {name}={value}" for name, value in environment(base).items()]
    lines += ["", f"what it would have cost: {base}/sandbox/meter", ""]
    sys.stdout.write("\n".join(lines))
    sys.stdout.flush()


def _wait_for_end_of_stdin(server: uvicorn.Server) -> None:
    # os.read, not sys.stdin: a thread blocked in the latter's lock breaks the interpreter's shutdown.
    while os.read(0, 4096):
        time.sleep(0)
    server.should_exit = True
