"""The search for keys and signed links: in the library, in what was printed, in Prefect's database."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tests.chaos.case import Case
from tests.chaos.stage import SECRET

_TELLTALES = (SECRET.encode(), b"?sig=", b"n0b0dy-reads-th1s")


def secrets_told(case: Case) -> Iterator[str]:
    """No key and no signed link in any file of the library, nor in anything that was printed."""
    storage = case.stage.storage
    files = storage.fs.find(storage.root) if storage.fs.exists(storage.root) else []
    bodies = [(path, storage.fs.cat_file(path)) for path in files]
    bodies += [(str(path), path.read_bytes()) for path in case.stage.folder.glob("*.log")]
    for path, body in bodies:
        if any(telltale in body for telltale in _TELLTALES):
            yield f"{path} tells a secret"
        # Until our part of a flow begins, and after it, Prefect raises this wherever a SIGTERM finds the program.
        expected = b"prefect.exceptions.TerminationSignal" in body
        if path.endswith(".log") and b"Traceback (most recent call last)" in body and not expected:
            yield f"{Path(path).name} shows a traceback: {_last(body)}"


def told(database: Path) -> Iterator[str]:
    """The tables of Prefect's database that hold a key or a signed link. By rows: a page may end within a value."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as rows:
        rows.text_factory = bytes
        tables = [name.decode() for (name,) in rows.execute("select name from sqlite_master where type = 'table'")]
        for table in tables:
            values = (value for row in rows.execute(f'select * from "{table}"') for value in row)  # noqa: S608 - its own names
            if any(telltale in value for value in values if isinstance(value, bytes) for telltale in _TELLTALES):
                yield f"{database.name} tells a secret in {table}"


def _last(body: bytes) -> str:
    return body.decode(errors="replace").strip().splitlines()[-1][:200]
