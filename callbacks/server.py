"""The callbacks server as a process, behind a proxy that terminates TLS."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from prefect_storyboard.callbacks.asgi import CallbacksApp

_CONNECTIONS = 1_000  # at once, as when a thousand renders end together; further requests get a 503
_IDLE = 75  # seconds that the proxy may keep a connection for the next callback
_LEAVE = 30  # seconds for what is being stored when the server is stopped


class _Server(uvicorn.Server):
    """Prints its address once it listens, because port 0 is known only then, and exits with 0 when it is stopped."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at a signal without raising it again: that is the normal end of a server."""
        before = {each: signal.signal(each, self.handle_exit) for each in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    async def startup(self, sockets: object = None) -> None:
        """Listen."""
        await super().startup(sockets)  # type: ignore[arg-type] # uvicorn's own type of them
        for each in self.servers:
            for socket in each.sockets:
                host, port, *_ = socket.getsockname()
                print(f"callbacks ready http://{f'[{host}]' if ':' in host else host}:{port}", flush=True)  # noqa: T201 - for people and supervisors


def serve(app: CallbacksApp, host: str, port: int) -> bool:
    """Serve until SIGTERM or SIGINT. False if it could not start; the log says why."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,  # the paths are tokens
        server_header=False,
        limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=_IDLE,
        timeout_graceful_shutdown=_LEAVE,
    )
    server = _Server(config)
    server.run()
    return server.started
