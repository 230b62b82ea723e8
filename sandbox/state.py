"""What the sandbox remembers: one SQLite file and two folders, so that `kill -9` and a restart lose nothing.

Every row is a small JSON document. A job's phase is never stored: it follows from the times in the row and the clock.
"""

import hashlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, JsonValue

Phase = Literal["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
NEVER = 9e15  # a `done_at` that no clock reaches: the job hangs

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


class Document(BaseModel):
    """A row of the state, and the base of everything that goes into one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def copy_with(self, **changes: Any) -> Self:
        """The same document with some fields replaced."""
        return self.model_copy(update=changes)


class Clip(Document):
    """Everything that decides the bytes of a rendered clip.

    `portraits` are the kept stills of the cast, place by place; a member without one is drawn as a figure. `look` is
    one of `looks.LOOKS`; `silent` means without a sound track.
    """

    width: int
    height: int
    seconds: int
    prompt: str
    cast: tuple[str, ...] = ()
    label: str = ""
    stamp: str = ""
    image: str | None = None
    portraits: tuple[str | None, ...] = ()
    look: str = ""
    silent: bool = False


class Reference(Document):
    """A picture that a model draws from: whom or what it shows, as the prompt says, and the hash of the file."""

    name: str
    kind: Literal["person", "place", "prop"]
    words: str
    file: str


class Picture(Document):
    """Everything that decides the bytes of a drawn picture."""

    width: int
    height: int
    prompt: str
    format: Literal["png", "jpeg", "webp"] = "png"
    label: str = ""
    stamp: str = ""
    references: tuple[Reference, ...] = ()
    black: bool = False


class Outcome(Document):
    """How a job ended. `status` is what the model answered; 200 is the only one that is billed.

    `portrait` is the kept still of the character that was made; `known_as` are the ids and handles by which later jobs
    may cite what was made, so that the meter recognises an order whatever ids it happens to carry. `usd` is None where
    nobody has published the price.
    """

    status: int
    kind: Literal["video", "character", "picture"]
    detail: JsonValue = None
    error_type: str | None = None
    headers: dict[str, str] = {}
    name: str | None = None
    portrait: str | None = None
    known_as: tuple[str, ...] = ()
    clip: Clip | None = None
    picture: Picture | None = None
    usd: float | None = 0.0


class Job(Document):
    """One accepted submit. `ending` is the fault that it was given, `outcome` is set when it has run."""

    id: str
    gateway: str
    endpoint: str
    key_id: str
    body: JsonValue
    base: str
    options: dict[str, str] = {}
    submitted_at: float
    started_at: float
    done_at: float
    cancelled_at: float | None = None
    ending: dict[str, JsonValue] | None = None
    outcome: Outcome | None = None

    def phase(self, now: float) -> Phase:
        """Where the job is at the time `now`."""
        if now >= self.done_at:
            return "COMPLETED"
        return "IN_PROGRESS" if now >= self.started_at else "IN_QUEUE"

    @property
    def prompt(self) -> str:
        """The text that a fault rule may match: the prompt, or a character's name."""
        return prompt_of(self.body)


def prompt_of(body: JsonValue) -> str:
    """The prompt of a submit, or the name or description of the character that it makes."""
    body = body if isinstance(body, dict) else {}
    body = inner if isinstance(inner := body.get("input"), dict) else body
    shots = body.get("multi_prompt") or body.get("shots")  # Kling's and Sora's forms of a scene in several shots
    first = shots[0] if isinstance(shots, list) and shots else None
    body = {**body, **first} if isinstance(first, dict) and not body.get("prompt") else body
    found = (
        body.get(key)
        for key in ("prompt", "Scene", "name", "character_user_name", "character_prompt", "character_name")
    )
    return next((text for text in found if isinstance(text, str) and text), "")


class File(Document):
    """An uploaded file; its bytes lie in `files/<id>`."""

    id: str
    name: str
    content_type: str
    sha256: str
    created_at: float
    expires_at: float = NEVER


class Ticket(Document):
    """A permission that was handed out: a CDN token, a presigned upload or an open multipart upload."""

    id: str
    kind: Literal["token", "signed", "parts"]
    expires_at: float
    file_id: str = ""
    name: str = ""
    content_type: str = ""
    file_expires_at: float = NEVER
    etags: dict[int, str] = {}


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
