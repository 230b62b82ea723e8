"""Prefect's server for a command: the user's own if one is set, else a private one that ends with the command."""

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import subprocess

_BLOCK = re.compile(r"(storyboard-library|[a-z]+-credentials)/")
_QUIET = {
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "DO_NOT_TRACK": "1",
    "PREFECT_CLIENT_MAX_RETRIES": "3",  # five, the default, repeat each request to a dead server for a minute
}


def prepare_environment(*, debug: bool, home: Path | None = None) -> None:
    """Set what Prefect reads when it is imported. With `home`, the user's server and profile are left out."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    if not debug:
        os.environ["PREFECT_LOGGING_LEVEL"] = "CRITICAL"
        os.environ["PREFECT_LOGGING_ROOT_LEVEL"] = "CRITICAL"  # its database complains when the server stops
        os.environ["PREFECT_LOGGING_INTERNAL_LEVEL"] = "CRITICAL"  # and its queue of events, when the server is gone
    if home:
        home.mkdir(parents=True, exist_ok=True)
        os.environ |= {
            "PREFECT_HOME": str(home),
            "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
        }
        os.environ.pop("PREFECT_API_URL", None)
        os.environ.pop("PREFECT_PROFILE", None)


def blocks(*references: str | None) -> bool:
    """Whether one of these names a saved block, which only a Prefect server can load."""
    return any(reference and _BLOCK.match(reference) for reference in references)


@contextmanager
def prefect_server() -> Iterator[str]:
    """Start Prefect's ephemeral server, unless one is set, and stop it even if this process is killed.

    Yields the address of its API.
    """
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    from prefect.logging.handlers import APILogHandler
    from prefect.server.api.server import SubprocessASGIServer
    from prefect.settings import get_current_settings

    from prefect_storyboard.blocks.temporary_server import wait_longer

    wait_longer()
    if url := get_current_settings().api.url:
        _reach(url)
        yield url
        return
    print("starting Prefect's server (about 15 s the first time)", flush=True)
    server = SubprocessASGIServer()  # as Prefect's client would do by itself
    with ThreadPoolExecutor(1) as pool:
        started = pool.submit(_start, server)
        while server.server_process is None and not started.done():
            time.sleep(0.02)
        watchdog = _watchdog(server.server_process)
        try:
            started.result()
            yield server.api_url
        finally:
            asyncio.run(APILogHandler.aflush())
            server.stop()
            watchdog.kill()
            watchdog.communicate()


@contextmanager
def own_server() -> Iterator[None]:
    """Use the user's own server. Raises ValueError if none is set or it does not answer: a private one would forget."""
    from prefect.settings import get_current_settings

    if not (url := get_current_settings().api.url):
        raise ValueError(
            "no Prefect server is set; start one with `prefect server start`, then export PREFECT_API_URL=http://..."
        )
    _reach(url)
    yield


def _reach(url: str) -> None:
    """Raise ValueError if nothing answers at the user's own server. What it answers is left to Prefect."""
    import httpx  # it takes a tenth of a second to import, and `--help` needs none

    try:
        httpx.get(f"{url}/health", timeout=10)
    except httpx.HTTPError as error:
        raise ValueError(
            f"Prefect's server at {url} does not answer ({type(error).__name__}); start it, or unset PREFECT_API_URL"
        ) from None


def _start(server: Any) -> None:
    """Start it with SIGINT blocked. A terminal sends Ctrl-C to every process, and the server has to outlive the run."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    server.start()


def _watchdog(server: "subprocess.Popen[Any] | None") -> "subprocess.Popen[bytes]":
    """Start a shell that kills the server once our end of its pipe closes, however this process dies."""
    import subprocess

    command = f"read _; kill {server.pid}" if server else "exit"
    return subprocess.Popen(["/bin/sh", "-c", command], stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603 - a number of our own
