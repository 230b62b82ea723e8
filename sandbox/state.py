"""What the sandbox remembers: one SQLite file and two folders, so that `kill -9` and a restart lose nothing.

Every row is a small JSON document: see `documents`.
"""

import hashlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prefect_storyboard.sandbox.documents import File, Job, Ticket

_SCHEMA = """
create table if not exists jobs(id text primary key, gateway text, submitted_at real, started_at real, document text);
create index if not exists jobs_by_start on jobs(gateway, started_at);
create table if not exists files(id text primary key, document text);
create table if not exists tickets(id text primary key, document text);
create table if not exists rules(position integer primary key, document text, seen integer, fired integer);
create table if not exists requests(seq integer primary key, route text, document text, status integer);
create table if not exists received(job_id text primary key, document text);
create table if not exists counters(name text primary key, n integer);
"""


class State:
    """The rows and files under one directory. Safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = folder / "files"
        self.clips = folder / "clips"
        for each in (self.files, self.clips):
            each.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(folder / "sandbox.db", check_same_thread=False, isolation_level=None)
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = off")  # a killed process loses nothing; only a power cut would
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the database; the object is of no use afterwards."""
        self._db.close()

    def sql(self, statement: str, *values: object) -> list[Any]:
        """Run one statement in its own transaction and return its rows."""
        with self._lock:
            return self._db.execute(statement, values).fetchall()

    def add_job(self, job: Job) -> None:
        """Record an accepted submit, before its reply leaves."""
        self.sql(
            "insert into jobs values(?, ?, ?, ?, ?)",
            job.id,
            job.gateway,
            job.submitted_at,
            job.started_at,
            job.model_dump_json(),
        )

    def save_job(self, job: Job) -> Job:
        """Replace the row of a known job; returns the job as it is kept, its clip with the look that a rule gave it."""
        if job.outcome and job.outcome.clip and (look := job.options.get("look")):
            clip = job.outcome.clip.copy_with(look=look)
            job = job.copy_with(outcome=job.outcome.copy_with(clip=clip))
        self.sql(
            "update jobs set started_at = ?, document = ? where id = ?", job.started_at, job.model_dump_json(), job.id
        )
        return job

    def job(self, job_id: str) -> Job | None:
        """The job with this id."""
        rows = self.sql("select document from jobs where id = ?", job_id)
        return Job.model_validate_json(rows[0][0]) if rows else None

    def jobs(self) -> Iterator[Job]:
        """Every job, in the order of acceptance."""
        for (document,) in self.sql("select document from jobs order by submitted_at, rowid"):
            yield Job.model_validate_json(document)

    def queued_before(self, job: Job, now: float) -> int:
        """How many jobs of the same gateway wait in front of this one."""
        sql = "select count(*) from jobs where gateway = ? and started_at > ? and submitted_at < ?"
        return int(self.sql(sql, job.gateway, now, job.submitted_at)[0][0])

    def add_file(self, file: File) -> None:
        """Publish an upload whose bytes are in place."""
        self.publish(file)
        self.count("uploads")

    def publish(self, file: File) -> None:
        """Publish a file that was not uploaded."""
        self.sql("insert or replace into files values(?, ?)", file.id, file.model_dump_json())

    def file(self, file_id: str) -> File | None:
        """The uploaded file with this id."""
        rows = self.sql("select document from files where id = ?", file_id)
        return File.model_validate_json(rows[0][0]) if rows else None

    def save_ticket(self, ticket: Ticket) -> Ticket:
        """Hand out a permission, or replace it."""
        self.sql("insert or replace into tickets values(?, ?)", ticket.id, ticket.model_dump_json())
        return ticket

    def ticket(self, ticket_id: str, kind: str, now: float) -> Ticket | None:
        """A permission of this kind that is still valid."""
        rows = self.sql("select document from tickets where id = ?", ticket_id)
        ticket = Ticket.model_validate_json(rows[0][0]) if rows else None
        return ticket if ticket and ticket.kind == kind and now < ticket.expires_at else None

    def keep(self, data: bytes) -> str:
        """Store bytes under their hash; the answer names them."""
        digest = hashlib.sha256(data).hexdigest()
        target = self.files / digest
        if not target.exists():
            partial = target.with_suffix(f".{threading.get_ident()}.tmp")
            partial.write_bytes(data)
            partial.replace(target)
        return digest

    def count(self, name: str) -> None:
        """Add one to a counter."""
        self.sql("insert into counters values(?, 1) on conflict(name) do update set n = n + 1", name)

    def counter(self, name: str) -> int:
        """The value of a counter."""
        rows = self.sql("select n from counters where name = ?", name)
        return int(rows[0][0]) if rows else 0
