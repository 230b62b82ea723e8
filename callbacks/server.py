"""The callbacks server as a process, behind a proxy that terminates TLS."""

from prefect_storyboard.callbacks.asgi import CallbacksApp
from prefect_storyboard.serving.process import run

_CONNECTIONS = 1_000  # at once, as when a thousand renders end together; further requests get a 503
_IDLE = 75  # seconds that the proxy may keep a connection for the next callback
_GRACE = 30  # seconds for results that are being stored when the server is stopped


def serve(app: CallbacksApp, host: str, port: int) -> bool:
    """Serve until SIGTERM or SIGINT. False if it could not start; the log says why."""
    return run(
        app,
        _announce,
        host=host,
        port=port,
        log_level="warning",
        limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=_IDLE,
        timeout_graceful_shutdown=_GRACE,
    )


def _announce(address: str) -> None:
    print(f"callbacks ready {address}", flush=True)  # noqa: T201 - for people and supervisors
