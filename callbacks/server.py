"""The callbacks server as a process, behind a proxy that speaks TLS."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from prefect_storyboard.callbacks.asgi import CallbacksApp

_CONNECTIONS = 1_000  # at once, as when a thousand renders end together; beyond them the answer is 503
_IDLE = 75  # seconds that the proxy may keep a connection for the next callback
_LEAVE = 30  # seconds for what is being stored when the server is stopped


class _Server(uvicorn.Server):
    """Says where it listens once it does, as a port of 0 is known only then, and ends with 0 where it is stopped."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at a signal, and do not raise it again afterwards: to be stopped is how a server ends."""
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
    """Serve until SIGTERM or SIGINT. False where it could not start; the log says why."""
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
