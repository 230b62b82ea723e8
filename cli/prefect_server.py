"""Prefect's server for a command: the user's own if one is set, else a private one that ends with the command."""

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

_BLOCK = re.compile(r"(storyboard-library|[a-z]+-credentials)/")
_QUIET = {
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "DO_NOT_TRACK": "1",
    "PREFECT_CLIENT_MAX_RETRIES": "3",  # the default of five would repeat each request to a dead server for a minute
}
_TEMPORARY = {  # what Prefect's client sets for such a server: no UI, few services
    "PREFECT_UI_ENABLED": "0",
    "PREFECT__SERVER_EPHEMERAL": "1",
    "PREFECT__SERVER_FINAL": "1",
}


def prepare_environment(*, debug: bool, home: Path | None = None) -> None:
    """Set the variables that Prefect reads on import. With `home`, the user's server and profile are ignored."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    if not debug:
        os.environ["PREFECT_LOGGING_LEVEL"] = "CRITICAL"
        os.environ["PREFECT_LOGGING_ROOT_LEVEL"] = "CRITICAL"  # its database logs errors when the server stops
        os.environ["PREFECT_LOGGING_INTERNAL_LEVEL"] = "CRITICAL"  # and so does its event queue when the server is gone
    if home:
        home.mkdir(parents=True, exist_ok=True)
        os.environ |= {
            "PREFECT_HOME": str(home),
            "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
        }
        os.environ.pop("PREFECT_API_URL", None)
        os.environ.pop("PREFECT_PROFILE", None)


def needs_server(*references: str | None) -> bool:
    """Whether one of these is a saved block, which only a Prefect server can load."""
    return any(reference and _BLOCK.match(reference) for reference in references)


@contextmanager
def prefect_server() -> Iterator[str]:
    """Use the user's own server, or a private one for the length of the `with` block; yields the address of its API."""
    with starting_server() as served:
        yield served()


@contextmanager
def starting_server() -> Iterator[Callable[[], str]]:
    """Like `prefect_server`, but yields a function that waits until the server answers, and returns its address.

    Until that function is called, a private server only imports its modules, while the `with` block runs.
    """
    from prefect.settings import get_current_settings

    if url := get_current_settings().api.url:
        yield partial(_reach, url)
        return
    with private_server() as served:
        yield served


@contextmanager
def private_server() -> Iterator[Callable[[], str]]:
    """Start Prefect's temporary server in a child process, and stop it even if this process is killed.

    Yields a function that lets it serve, waits until it answers, and returns the address of its API. PREFECT_API_URL
    is set to that address for the `with` block. Prefect's client could start the server too, but would import it here.
    """
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        api = f"http://127.0.0.1:{listener.getsockname()[1]}/api"
        process = _child(listener.fileno())
    # It speaks plain HTTP on loopback: without the second setting each of Prefect's clients reads all certificates.
    given = {"PREFECT_API_URL": api, "PREFECT_API_TLS_INSECURE_SKIP_VERIFY": "true"}
    before = {name: os.environ.get(name) for name in given}
    _set(given)
    served = False

    def serve() -> str:
        nonlocal served
        served = True
        print("starting Prefect's server (about 15 s the first time)", flush=True)
        _let_serve(process, api)
        return api

    try:
        yield serve
    finally:
        if served:
            _flush_logs()
        _stop(process)
        _set(before)


def _child(descriptor: int) -> "subprocess.Popen[bytes]":
    """Start the server in a session of its own, because Ctrl-C reaches all processes of the terminal's session."""
    import subprocess

    return subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "prefect_storyboard.cli.temporary_server", str(descriptor)],
        stdin=subprocess.PIPE,
        env={**os.environ, **_TEMPORARY},
        pass_fds=[descriptor],
        start_new_session=True,
    )


def _set(variables: Mapping[str, str | None]) -> None:
    """Set or remove variables for what Prefect imports from now on, and for what it has read already."""
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    if "prefect.context" in sys.modules:
        from prefect.context import refresh_global_settings_context

        refresh_global_settings_context()


def _let_serve(process: "subprocess.Popen[bytes]", api: str) -> None:
    """Let the child serve, and wait for its first answer; until then the request waits in the listening socket."""
    import httpx
    from prefect.settings import get_current_settings

    from prefect_storyboard.blocks.temporary_server import raise_startup_limit

    raise_startup_limit()  # not earlier, because it imports modules that the command has imported by now
    longest = get_current_settings().server.ephemeral.startup_timeout_seconds
    if process.stdin:
        with suppress(BrokenPipeError):  # the child has exited: the request below fails
            process.stdin.write(b"\n")
            process.stdin.flush()
    try:
        httpx.get(f"{api}/health", timeout=longest, trust_env=False, verify=not is_plain(api)).raise_for_status()
    except httpx.HTTPError as error:
        ended = f", it ended with code {process.returncode}" if process.poll() is not None else ""
        raise ValueError(
            f"Prefect's temporary server did not start ({type(error).__name__}{ended}); run again with --debug, or "
            "set PREFECT_API_URL to a server of your own"
        ) from None


def _stop(process: "subprocess.Popen[bytes]") -> None:
    import subprocess

    process.terminate()
    try:
        process.communicate(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def is_plain(url: str) -> bool:
    """Whether a URL needs no certificates: reading them takes a tenth of a second for every client."""
    return url.startswith("http://")


def _flush_logs() -> None:
    import asyncio

    from prefect.logging.handlers import APILogHandler

    asyncio.run(APILogHandler.aflush())


@contextmanager
def own_server() -> Iterator[None]:
    """Use the user's own server.

    Raises ValueError if none is set or it does not answer: a private one would lose the objects.
    """
    from prefect.settings import get_current_settings

    if not (url := get_current_settings().api.url):
        raise ValueError(
            "no Prefect server is set; start one with `prefect server start`, then export PREFECT_API_URL=http://..."
        )
    _reach(url)
    yield


def _reach(url: str) -> str:
    """Return the address; raise ValueError if nothing answers there. Any response will do: Prefect checks it."""
    import httpx  # importing it takes 0.1 s, and `--help` does not need it

    try:
        httpx.get(f"{url}/health", timeout=10, verify=not is_plain(url))
    except httpx.HTTPError as error:
        raise ValueError(
            f"Prefect's server at {url} does not answer ({type(error).__name__}); start it, or unset PREFECT_API_URL"
        ) from None
    return url
