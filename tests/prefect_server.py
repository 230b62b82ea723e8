"""One Prefect server for all workers of a test run: the first that needs it starts it, and stops it as the last.

Files in the folder that the workers share hold the locks, so a worker that crashes lets go of them.
"""

import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from prefect.server.api.server import SubprocessASGIServer

_STARTED = 240  # seconds; ten on an idle machine


@contextmanager
def shared(folder: Path) -> Iterator[SubprocessASGIServer]:
    """Start the server, or use the one of another worker, in the place where Prefect's own clients look for one."""
    server = SubprocessASGIServer()
    port = folder / "prefect-server.port"
    with (folder / "prefect-server.users").open("w") as users:
        with _locked(folder / "prefect-server.start"):
            fcntl.flock(users, fcntl.LOCK_SH)
            mine = not port.exists()
            if mine:
                with mock.patch.dict(os.environ, _one_connection()):
                    server.start(timeout=_STARTED)
                port.write_text(str(server.port))
            else:
                server.port, server.running, server.server_process = int(port.read_text()), True, _elsewhere()
        try:
            yield server
        finally:
            if mine:
                with _locked(folder / "prefect-server.start"):  # who comes now starts another one
                    port.unlink()
                    fcntl.flock(users, fcntl.LOCK_EX)  # waits until the others have finished
                    server.stop()
            server.port, server.running, server.server_process = None, False, None


def _one_connection() -> dict[str, str]:
    """Several writers of SQLite refuse each other on a busy machine, and the server says 503.

    To a database with this word in its URL Prefect opens one connection, for which they queue. It is a file all the same.
    """
    folder = Path(os.environ["PREFECT_HOME"]) / ":memory:"
    folder.mkdir(exist_ok=True)
    return {"PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{folder}/prefect.db"}


def _elsewhere() -> subprocess.Popen[bytes]:
    """A process that runs, as far as Prefect's clients ask: it is the child of another worker."""
    return mock.create_autospec(subprocess.Popen, instance=True, **{"poll.return_value": None})


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
