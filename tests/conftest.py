"""What every test stands on: no traffic but loopback, a Prefect of its own, a sandbox where one is asked for."""

import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import certifi

# A shell lets its background jobs ignore Ctrl-C, and so would the programs that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Where it is set, each worker and each process that a test starts would compile Prefect and the tests again, in 10 s.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

_WORKER = "PYTEST_XDIST_WORKER" in os.environ
# One home for all workers, because one server serves them; a worker inherits it.
_HOME = os.environ.get("STORYBOARD_TESTS_HOME") or tempfile.mkdtemp(prefix="prefect-home-")
os.environ["STORYBOARD_TESTS_HOME"] = _HOME
_PEM = Path(certifi.where()).read_text(encoding="ascii")
_END = "-----END CERTIFICATE-----\n"
Path(_HOME, "one.pem").write_text(_PEM[_PEM.index("-----BEGIN") : _PEM.index(_END) + len(_END)], encoding="ascii")

# Before Prefect is imported anywhere: it reads its environment once.
os.environ |= {
    # Every client reads all root certificates, 20 to 50 ms each time, and on loopback nobody speaks TLS.
    "SSL_CERT_FILE": f"{_HOME}/one.pem",
    "PREFECT_API_SSL_CERT_FILE": f"{_HOME}/one.pem",
    "PREFECT_HOME": _HOME,
    "PREFECT_PROFILES_PATH": f"{_HOME}/profiles.toml",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_DATABASE_TIMEOUT": "60",  # on a busy machine the writers of SQLite wait for each other
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "240",
    "DO_NOT_TRACK": "1",
    # Everything that tests read lies on loopback, which is an inner address: an operator's permission as any other.
    "PREFECT_INTEGRATIONS_STORYBOARD_ALLOWED_HOSTS": "127.0.0.1,localhost,::1",
}
os.environ.pop("PREFECT_API_URL", None)

from collections.abc import Iterator  # noqa: E402

import httpx  # noqa: E402
import hypothesis  # noqa: E402
import pytest  # noqa: E402
import pytest_socket  # noqa: E402

# A busy machine may slow an example; that is no failure.
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("patient")

# Nor is it one that the sandbox takes longer than httpx waits where a test names no time-out: five seconds.
for _step in ("connect", "read", "write", "pool"):
    setattr(httpx._config.DEFAULT_TIMEOUT_CONFIG, _step, 60.0)

LOOPBACK = ["127.0.0.1", "::1", "localhost"]


_ROOT = Path(__file__).parent
_SLOW = {"chaos", "deployments", "machines", "packaging", "ui"}
_SERVED = {"cli", "flows"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files run side by side; the slow ones begin first, then those on a Prefect server."""
    for item in items:
        if item.path.relative_to(_ROOT).parts[0] in _SLOW:
            item.add_marker(pytest.mark.slow)

    def rank(item: pytest.Item) -> int:
        slow, served = item.get_closest_marker("slow"), item.path.relative_to(_ROOT).parts[0] in _SERVED
        return 0 if slow else 1 if served else 2

    items.sort(key=rank)


def pytest_unconfigure() -> None:
    """Nothing is left in the temporary folder when the last worker has ended."""
    if not _WORKER:
        os.environ.pop("STORYBOARD_TESTS_HOME")
        shutil.rmtree(_HOME, ignore_errors=True)


def pytest_runtest_setup() -> None:
    """A connection to any other host than this one is an error: tests cost nothing and tell nobody."""
    pytest_socket.socket_allow_hosts(LOOPBACK, allow_unix_socket=True)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prefect server, one for all workers; flows and tasks run against it. The address of its API."""
    from tests.prefect_server import shared

    folder = tmp_path_factory.getbasetemp()
    with shared(folder.parent if _WORKER else folder) as server:
        yield server.api_url


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[str]:
    """A sandbox of this test's own, whose jobs take a moment; its base URL."""
    from prefect_storyboard.sandbox.exchange import Pace
    from prefect_storyboard.sandbox.server import running
    from tests.ports import unused_port

    pace = Pace(queue_seconds=0.0, render_seconds=0.1, character_seconds=0.1, clip_scale=0.25)
    with running(tmp_path / "sandbox", port=unused_port(), pace=pace) as base:
        yield base
