"""Prefect, quiet: the user's own server where one is set, else a private one that ends when we do."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_QUIET = {
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
}


def prepare_environment(*, debug: bool, home: Path | None = None) -> None:
    """Set what Prefect reads when it is imported. With `home`, no server and no profile of the user's is used."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    if not debug:
        os.environ["PREFECT_LOGGING_LEVEL"] = "CRITICAL"
    if home:
        home.mkdir(parents=True, exist_ok=True)
        os.environ |= {
            "PREFECT_HOME": str(home),
            "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
            "DO_NOT_TRACK": "1",
        }
        os.environ.pop("PREFECT_API_URL", None)
        os.environ.pop("PREFECT_PROFILE", None)


@contextmanager
def prefect_server() -> Iterator[None]:
    """Start Prefect's ephemeral server, unless the user has one, and stop it even if this process is killed."""
    from prefect.logging.handlers import APILogHandler  # noqa: PLC0415
    from prefect.server.api.server import SubprocessASGIServer  # noqa: PLC0415 - reads the environment when imported
    from prefect.settings import get_current_settings  # noqa: PLC0415

    if get_current_settings().api.url:
        yield
        return
    server = SubprocessASGIServer()  # the one that Prefect's client would start by itself
    server.start()
    pid = server.server_process.pid if server.server_process else 0
    watchdog = subprocess.Popen(  # a killed parent closes the pipe; then the server goes too
        ["/bin/sh", "-c", f"read _; kill {pid}"], stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        yield
    finally:
        watchdog.kill()
        watchdog.communicate()
        asyncio.run(APILogHandler.aflush())
        server.stop()
