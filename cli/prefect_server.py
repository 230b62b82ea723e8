"""Prefect, quiet: the user's own server where one is set, else a private one that ends when we do."""

import asyncio
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

_BLOCK = re.compile(r"(storyboard-library|[a-z]+-credentials)/")
_QUIET = {
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "DO_NOT_TRACK": "1",
}


def prepare_environment(*, debug: bool, home: Path | None = None) -> None:
    """Set what Prefect reads when it is imported. With `home`, no server and no profile of the user's is used."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    if not debug:
        os.environ["PREFECT_LOGGING_LEVEL"] = "CRITICAL"
        os.environ["PREFECT_LOGGING_ROOT_LEVEL"] = "CRITICAL"  # what its database says when the server is stopped
    if home:
        home.mkdir(parents=True, exist_ok=True)
        os.environ |= {
            "PREFECT_HOME": str(home),
            "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
        }
        os.environ.pop("PREFECT_API_URL", None)
        os.environ.pop("PREFECT_PROFILE", None)


def blocks(*references: str | None) -> bool:
    """Whether one of these is a saved block, which only a Prefect server knows."""
    return any(reference and _BLOCK.match(reference) for reference in references)


@contextmanager
def prefect_server() -> Iterator[None]:
    """Start Prefect's ephemeral server, unless the user has one, and stop it even if this process is killed."""
    from prefect.logging.handlers import APILogHandler
    from prefect.server.api.server import SubprocessASGIServer
    from prefect.settings import get_current_settings

    if url := get_current_settings().api.url:
        _reach(url)
        yield
        return
    print("starting Prefect (some 15 s the first time)", flush=True)
    server = SubprocessASGIServer()  # the one that Prefect's client would start by itself
    with ThreadPoolExecutor(1) as pool:
        started = pool.submit(_start, server)
        while server.server_process is None and not started.done():
            time.sleep(0.02)
        watchdog = _watchdog(server.server_process)
        try:
            started.result()
            yield
        finally:
            asyncio.run(APILogHandler.aflush())
            server.stop()
            watchdog.kill()
            watchdog.communicate()


@contextmanager
def own_server() -> Iterator[None]:
    """For what a private server would only forget. Raises ValueError where the user has named none, or it is away."""
    from prefect.settings import get_current_settings

    if not (url := get_current_settings().api.url):
        raise ValueError(
            "no Prefect server is set; start one with `prefect server start`, then export PREFECT_API_URL=http://..."
        )
    _reach(url)
    yield


def _reach(url: str) -> None:
    """Raise ValueError where nobody listens at the user's own server; what it answers is Prefect's business."""
    try:
        httpx.get(f"{url}/health", timeout=10)
    except httpx.HTTPError as error:
        raise ValueError(
            f"Prefect's server at {url} does not answer ({type(error).__name__}); start it, or unset PREFECT_API_URL"
        ) from None


def _start(server: Any) -> None:
    """Start it deaf to Ctrl-C, which a terminal sends to all: it must hear how our run ended, and goes after us."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    server.start()


def _watchdog(server: subprocess.Popen[Any] | None) -> subprocess.Popen[bytes]:
    """A shell that waits for our end of its pipe to close, as it does however we die, and then ends the server."""
    command = f"read _; kill {server.pid}" if server else "exit"
    return subprocess.Popen(["/bin/sh", "-c", command], stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603 - a number of our own
