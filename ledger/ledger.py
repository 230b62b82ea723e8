"""The record of every job in a library: `ledger/<kk>/<key>/<attempt>/{intent,job,outcome,void}.json`.

Each file is created once, in this order, and never changed, so that any number of processes may read and write at
the same moment. Whoever creates `intent` may submit. `job` is written as soon as the provider has answered, and only
by the key that holds the provider's request: `ledger/requests/<provider>/<request>.json`. Reading never lists:
attempts are numbered from 001 and the first gap is the end. What cannot be read stops the run; it is never taken for
absent, because absent means "buy it".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from prefect_storyboard.ledger.journal import Journal
from prefect_storyboard.ledger.records import Attempt, Holder, Intent, Outcome
from prefect_storyboard.ledger.storage import LibraryError, Storage
from prefect_storyboard.storyboards import Casting, Job

Stored = TypeVar("Stored", bound=BaseModel)


class Unreadable(LibraryError):
    """A record of one job is torn, foreign or missing. The other jobs are well."""

    key = ""


@dataclass(frozen=True)
class Ledger:
    """The ledger of one library. All methods block; none keeps anything in memory."""

    storage: Storage

    def history(self, key: str) -> tuple[Attempt, ...]:
        """Every attempt at a job, oldest first. Raises Unreadable for a record that is torn, foreign or missing."""
        found: list[Attempt] = []
        while not found or found[-1].outcome is not None:
            number = len(found) + 1
            intent = self._read(Intent, *self._at(key, number, "intent"))
            if intent is None:
                break
            outcome = self._read(Outcome, *self._at(key, number, "outcome"))  # before the job, which is written first
            job = self._read(Job, *self._at(key, number, "job"))
            if intent.key != key:
                raise self._unreadable(f"is the intent of another job, {intent.key}", *self._at(key, number, "intent"))
            if job is None and outcome and outcome.kind == "done":
                raise self._unreadable("is missing, and its job is done", *self._at(key, number, "job"))
            void = self._read(Outcome, *self._at(key, number, "void")) if outcome and outcome.casting else None
            found.append(Attempt(number=number, intent=intent, job=job, outcome=outcome, void=void))
        return tuple(found)

    def outcome(self, key: str, number: int) -> Outcome | None:
        """How an attempt ended; None while it is open."""
        return self._read(Outcome, *self._at(key, number, "outcome"))

    def intend(self, number: int, intent: Intent) -> bool:
        """Announce an attempt. True: it is yours, submit. False: somebody else was first, look again."""
        self.journal.opens(intent.key, number)
        self.journal.spends(intent, number)
        if self._create(intent, *self._at(intent.key, number, "intent")) == intent:
            return True
        self.journal.gives_back(intent, number)
        return False

    def submitted(self, key: str, number: int, job: Job) -> Job | None:
        """Record the provider's answer; returns what stands in the ledger, or None where another key holds the job.

        The claim comes first. In the other order a crash in between would leave a recorded job for another key to
        adopt; in this one the job is found again by its claim.
        """
        return self._create(job, *self._at(key, number, "job")) if self.claim(job, key) else None

    def close(self, key: str, number: int, outcome: Outcome) -> Outcome:
        """End an attempt; returns how it ended, which is another's word where that came first."""
        ended = self._create(outcome, *self._at(key, number, "outcome"))
        intent = self._read(Intent, *self._at(key, number, "intent"))
        if intent and ended.kind in {"refused", "abandoned"}:
            self.journal.gives_back(intent, number)
        self.journal.closes(key, number)
        return ended

    def void(self, key: str, casting: Casting, outcome: Outcome) -> None:
        """Take back a casting that the provider does not know any more, unless another one has taken its place."""
        last = self.history(key)[-1]
        if last.outcome and last.outcome.casting and last.outcome.casting.id == casting.id:
            self._create(outcome, *self._at(key, last.number, "void"))

    @property
    def journal(self) -> Journal:
        """Which jobs are open and what each reel has spent, for those who need not read all records."""
        return Journal(self.storage)

    def open(self) -> Iterator[Attempt | Unreadable]:
        """The attempts that have not ended, by the journal, which forgets on the way what has.

        A job that cannot be read is given as the error that it is, so that the others are not held up by it.
        """
        for key, number in self.journal.open():
            history = self._readable(key)
            if isinstance(history, Unreadable):
                yield history
            elif len(history) >= number and history[number - 1].outcome is None:
                yield history[number - 1]
            elif len(history) >= number:
                self.journal.closes(key, number)

    def every(self) -> Iterator[Attempt | Unreadable]:
        """All attempts that there ever were. Lists the folders: for people, not for decisions."""
        for key in self.matching():
            history = self._readable(key)
            yield from [history] if isinstance(history, Unreadable) else history

    def matching(self, prefix: str = "") -> Iterator[str]:
        """Every key of the ledger that begins so. Lists the folders: for people, not for decisions."""
        everything = (name for name in self.storage.names("ledger") if len(name) == 2)
        for folder in [prefix[:2]] if len(prefix) > 1 else everything:
            yield from (key for key in self.storage.names("ledger", folder) if key.startswith(prefix))

    def claim(self, job: Job, key: str) -> bool:
        """Say that a provider's request belongs to this key. False: it belongs to another one.

        Two scenes may send the very same order; a request found in the provider's list is adopted by one of them.
        """
        return self._create(Holder(key=key), *self._claim(job)).key == key

    def holder(self, job: Job) -> str | None:
        """The key that has claimed a provider's request."""
        held = self._read(Holder, *self._claim(job))
        return held.key if held else None

    def take(self, reel: str, scene: str, key: str, *, reserve: bool) -> int:
        """The number of the take that this job is: the one it has, else the next free one (kept if `reserve`)."""
        number = 1
        while True:
            place = ("ledger", "takes", reel, scene, f"{number:03d}.json")
            held = self._create(Holder(key=key), *place) if reserve else self._read(Holder, *place)
            if held is None or held.key == key:
                return number
            number += 1

    def take_keys(self, reel: str, scene: str) -> tuple[str, ...]:
        """The jobs whose clips are the takes of a scene, in the order of the takes."""
        keys: list[str] = []
        while held := self._read(Holder, "ledger", "takes", reel, scene, f"{len(keys) + 1:03d}.json"):
            keys.append(held.key)
        return tuple(keys)

    def _readable(self, key: str) -> tuple[Attempt, ...] | Unreadable:
        try:
            return self.history(key)
        except Unreadable as error:
            error.key = key
            return error

    def _claim(self, job: Job) -> tuple[str, ...]:
        return ("ledger", "requests", job.provider, f"{quote(job.request_id, safe='')}.json")

    def _at(self, key: str, number: int, record: str) -> tuple[str, ...]:
        return ("ledger", key[:2], key, f"{number:03d}", f"{record}.json")

    def _create(self, record: Stored, *place: str) -> Stored:
        body = record.model_dump_json(indent=1).encode()
        stored = self.storage.create_once(body, *place)
        return record if stored == body else self._parse(type(record), stored, place)

    def _read(self, kind: type[Stored], *place: str) -> Stored | None:
        body = self.storage.read(*place)
        return None if body is None else self._parse(kind, body, place)

    def _parse(self, kind: type[Stored], body: bytes, place: tuple[str, ...]) -> Stored:
        try:
            return kind.model_validate_json(body)
        except ValidationError:
            raise self._unreadable(f"is no {kind.__name__.lower()} of this ledger (torn or foreign)", *place) from None

    def _unreadable(self, why: str, *place: str) -> Unreadable:
        return Unreadable(
            f"{self.storage.link(*place)} {why}; the job is left alone. Look at it, and move it away if it is not yours"
        )
