"""The Prefect server that all runs of a long run share."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SERVICES = (
    "EVENT_PERSISTER",
    "TASK_RUN_RECORDER",
    "TRIGGERS",
    "SCHEDULER",
    "LATE_RUNS",
    "FOREMAN",
    "CANCELLATION_CLEANUP",
    "PAUSE_EXPIRATIONS",
)


@contextmanager
def prefect_server(folder: Path) -> Iterator[None]:
    """One Prefect server for all processes and their runs, unless somebody has started one."""
    _environment(folder)
    if "PREFECT_API_URL" in os.environ:
        yield
        return
    from prefect.server.api.server import SubprocessASGIServer

    server = SubprocessASGIServer()
    server.start(timeout=240)
    os.environ["PREFECT_API_URL"] = server.api_url
    try:
        yield
    finally:
        server.stop()


def database(folder: Path) -> Path:
    """The file that holds what all runs told Prefect."""
    return folder / "prefect" / ":memory:" / "prefect.db"


def _environment(folder: Path) -> None:
    """What Prefect reads when it is imported: a home of its own, no noise."""
    import certifi

    home, one = folder / "prefect", folder / "one.pem"
    database(folder).parent.mkdir(parents=True)
    pem = Path(certifi.where()).read_text()
    one.write_text(pem[pem.index("-----BEGIN") : pem.index("-----END CERTIFICATE-----") + 25] + "\n")
    os.environ |= {
        "PREFECT_HOME": str(home),
        "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
        "PREFECT_LOGGING_LEVEL": "CRITICAL",
        "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "240",
        "DO_NOT_TRACK": "1",
        # A dozen flows at once on SQLite: its writers refuse each other, and the server says 503. To a database with
        # this word in its URL Prefect opens one connection, for which they queue; it is a file all the same.
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{database(folder)}",
        "TMPDIR": str(folder),
        # The server would spend more time on the history of task runs than the runs take. Nobody will look at it.
        **{f"PREFECT_SERVER_SERVICES_{service}_ENABLED": "false" for service in _SERVICES},
        # Every client reads all root certificates, 50 ms each time, and here nobody speaks TLS.
        "SSL_CERT_FILE": str(one),
        "PREFECT_API_SSL_CERT_FILE": str(one),
    }
