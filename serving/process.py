"""A server process that exits with 0 after SIGINT or SIGTERM."""

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from prefect_storyboard.serving.asgi import Receive, Scope, Send

App = Callable[[Scope, Receive, Send], Any]


class Server(uvicorn.Server):
    """Reports its address once it listens, because only then the port is known, and exits with 0 when it is stopped."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[str], None]) -> None:
        super().__init__(config)
        self._ready = ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at a signal without raising it again: a signal is the normal way to stop a server."""
        before = {each: signal.signal(each, self.handle_exit) for each in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        for each in self.servers:
            for listener in each.sockets:
                host, port, *_ = listener.getsockname()
                self._ready(f"http://{f'[{host}]' if ':' in host else host}:{port}")


def run(app: App, ready: Callable[[str], None], *, listener: socket.socket | None = None, **options: Any) -> bool:
    """Serve until SIGTERM or SIGINT, on an open socket or on the `host` and `port` of the options, which are uvicorn's.

    `ready` is called with the address. Returns False if the server could not start; the log says why.
    """
    config = uvicorn.Config(app, ws="none", lifespan="on", access_log=False, server_header=False, **options)
    server = Server(config, ready)
    server.run([listener] if listener else None)
    return server.started
