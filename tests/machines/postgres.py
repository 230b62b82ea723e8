"""A PostgreSQL of the tests' own, on loopback, from the programs that Debian's package has installed."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.deployments.studio_server import wait_for
from tests.ports import unused_port

CI = os.environ.get("CI") == "true"


@contextmanager
def postgres() -> Iterator[str]:
    """An empty database, as the URL that Prefect wants. It forgets everything, and need not survive a power cut."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))  # pytest's own folders are closed to other users
    port, as_user = unused_port(), _user(folder)
    data, log = folder / "data", folder / "log"
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "prefect", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
        check=True, capture_output=True, cwd=folder, **as_user,
    )  # fmt: skip
    options = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off"}
    given = [f"-c{name}={value}" for name, value in options.items()]
    with log.open("w") as said:
        server = subprocess.Popen([programs / "postgres", "-D", data, *given], stderr=said, cwd=folder, **as_user)
    try:
        ready = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
        wait_for(lambda: subprocess.run(ready, check=False).returncode == 0, 60, f"PostgreSQL ({log})")
        yield f"postgresql+asyncpg://prefect@127.0.0.1:{port}/postgres"
    finally:
        server.send_signal(signal.SIGINT)  # hangs up on everybody, and ends
        server.wait(60)
    shutil.rmtree(folder)


def _programs() -> Path:
    """Where the newest server is; a CI machine must have one."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[4]))
    if not found:
        assert not CI, "no PostgreSQL: .ci/run installs Debian's package"
        pytest.skip("no PostgreSQL in /usr/lib/postgresql; Debian's package is called postgresql")
    return found[-1].parent


def _user(folder: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
