"""What every test stands on: no traffic but loopback, a Prefect of its own, a sandbox where one is asked for."""

import os
import signal
import tempfile

# A shell lets its background jobs ignore Ctrl-C, and so would the programs that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Before Prefect is imported anywhere: it reads its environment once.
_HOME = tempfile.mkdtemp(prefix="prefect-home-")
os.environ |= {
    "PREFECT_HOME": _HOME,
    "PREFECT_PROFILES_PATH": f"{_HOME}/profiles.toml",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "DO_NOT_TRACK": "1",
}
os.environ.pop("PREFECT_API_URL", None)

from collections.abc import Iterator  # noqa: E402
from pathlib import Path  # noqa: E402

import pytest  # noqa: E402
import pytest_socket  # noqa: E402

LOOPBACK = ["127.0.0.1", "::1", "localhost"]


_SLOW = {"chaos", "deployments", "machines", "packaging", "s3", "ui"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files run side by side; the slow ones begin first."""
    root = Path(__file__).parent
    items.sort(key=lambda item: item.path.relative_to(root).parts[0] not in _SLOW)


def pytest_runtest_setup() -> None:
    """A connection to any other host than this one is an error: tests cost nothing and tell nobody."""
    pytest_socket.socket_allow_hosts(LOOPBACK, allow_unix_socket=True)


@pytest.fixture(scope="session")
def engine() -> Iterator[None]:
    """Prefect's ephemeral server, started once; flows and tasks run against it."""
    from prefect.server.api.server import SubprocessASGIServer

    server = SubprocessASGIServer()
    server.start(timeout=120)
    yield
    server.stop()


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[str]:
    """A sandbox of this test's own, whose jobs take a moment; its base URL."""
    from prefect_storyboard.sandbox.exchange import Pace
    from prefect_storyboard.sandbox.server import running

    pace = Pace(queue_seconds=0.0, render_seconds=0.1, character_seconds=0.1, clip_scale=0.25)
    with running(tmp_path / "sandbox", pace=pace) as base:
        yield base
