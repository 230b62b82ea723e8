"""The record of every job in a library: `ledger/<kk>/<key>/<attempt>/{intent,job,outcome,late,void}.json`.

Each file is created once, in this order, and never changed, so that any number of processes may read and write at
the same moment. Whoever creates `intent` may submit. `job` is written as soon as the provider has answered, and only
by the key that holds the provider's request: `ledger/requests/<provider>/<request>.json`. `late` ends an attempt that
was abandoned and had been bought after all.

Attempts are numbered from 001 and the first gap is the end. What cannot be read stops the run; it is never taken for
absent, because absent means "buy it". So an intent counts as absent only where no later record of its job is listed;
a listing never proves anything else.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from prefect_storyboard.ledger.evidence import check_character_not_lost, check_take_not_lost
from prefect_storyboard.ledger.files import RecordFiles, Unreadable
from prefect_storyboard.ledger.journal import Journal
from prefect_storyboard.ledger.proof import check_still_there
from prefect_storyboard.ledger.records import Attempt, Holder, Intent, Outcome
from prefect_storyboard.ledger.sidecars import stored_take
from prefect_storyboard.ledger.storage import Storage
from prefect_storyboard.storyboards import Casting, Job

_RECORDS = {f"{name}.json" for name in ("intent", "job", "outcome", "late", "void")}
_UNUSED = {"refused", "abandoned"}
_SINGLE_CLIPS = "~clips"  # no reel is called so


@dataclass(frozen=True)
class Ledger:
    """The ledger of one library. All methods block; none keeps anything in memory."""

    storage: Storage

    def history(self, key: str) -> tuple[Attempt, ...]:
        """Every attempt at a job, oldest first. Raises Unreadable for a record that is torn, foreign or missing."""
        found: list[Attempt] = []
        while not found or _makes_room(found[-1]):
            number = len(found) + 1
            intent = self._intent(key, number)
            if intent is None:
                break
            found.append(self._not_followed(self._attempt(number, intent)))
        return tuple(found)

    def outcome(self, key: str, number: int) -> Outcome | None:
        """How an attempt ended; None while it is open, or was given up and perhaps bought after all."""
        outcome = self._files.read(Outcome, *self._at(key, number, "outcome"))
        if outcome and outcome.kind == "abandoned":
            return self._files.read(Outcome, *self._at(key, number, "late"))
        return outcome

    def intend(self, number: int, intent: Intent) -> bool:
        """Write the intent of an attempt. True: it is yours, submit. False: somebody else was first, look again."""
        self.journal.add_open(intent.key, number)
        self.journal.add_spent(intent, number)
        if self._files.create(intent, *self._at(intent.key, number, "intent")) == intent:
            return True
        self.journal.remove_spent(intent, number)
        return False

    def withdraw(self, number: int, intent: Intent, outcome: Outcome) -> None:
        """Undo an `intend` that raised: where the intent was written all the same, the attempt ends with `outcome`."""
        if self._files.read(Intent, *self._at(intent.key, number, "intent")) == intent:
            self.close(intent.key, number, outcome)
        else:
            self.journal.remove_spent(intent, number)

    def submitted(self, key: str, number: int, job: Job) -> Job | None:
        """Record the provider's answer; returns what stands in the ledger, or None where another key holds the job.

        The claim comes first. In the other order a crash in between would leave a recorded job for another key to
        adopt; in this one the job is found again by its claim. An attempt that was abandoned meanwhile is open again.
        """
        if not self.claim(job, key):
            return None
        recorded = self._files.create(job, *self._at(key, number, "job"))
        outcome = self._files.read(Outcome, *self._at(key, number, "outcome"))
        if outcome and outcome.kind == "abandoned":
            self._reopen(key, number)
        return recorded

    def close(self, key: str, number: int, outcome: Outcome) -> Outcome:
        """End an attempt; returns how it ended, which is another's word where that came first.

        Where the attempt was abandoned, and has been bought after all, its end is recorded as late.
        """
        ended = self._files.create(outcome, *self._at(key, number, "outcome"))
        if ended.kind == "abandoned" and outcome.kind not in _UNUSED:
            ended = self._files.create(outcome, *self._at(key, number, "late"))
        intent = self._files.read(Intent, *self._at(key, number, "intent"))
        if intent and ended.kind in _UNUSED:
            self.journal.remove_spent(intent, number)
        self.journal.remove_open(key, number)
        # Last: who records a job now sees that the attempt is abandoned, and who has just recorded one is seen here.
        if ended.kind == "abandoned" and self._files.read(Job, *self._at(key, number, "job")):
            self._reopen(key, number)
        return ended

    def void(self, key: str, casting: Casting, outcome: Outcome) -> None:
        """Take back a casting that the provider does not know any more, unless another one has taken its place."""
        for attempt in reversed(self.history(key)):
            if attempt.end and attempt.end.casting and attempt.end.casting.id == casting.id:
                self._files.create(outcome, *self._at(key, attempt.number, "void"))
                return

    def records(self, key: str) -> list[tuple[str, ...]]:
        """Attempt and name of every record of a job, as listed: evidence of what there is, not of what there is not."""
        listed = self.storage.below("ledger", key[:2], key, prefix="0")
        return [place for place in listed if len(place) == 2 and place[0].isdecimal() and place[1] in _RECORDS]

    def attempt_of(self, key: str, request_id: str) -> int:
        """The attempt whose recorded job has that id; where none has, the one after the last that has a job."""
        free = 1
        for number in sorted({int(attempt) for attempt, _ in self.records(key)}):
            job = self._files.read(Job, *self._at(key, number, "job"))
            if job and job.request_id == request_id:
                return number
            outcome = self._files.read(Outcome, *self._at(key, number, "outcome"))
            ends_elsewhere = job is not None or (outcome is not None and outcome.kind in _UNUSED)
            free = number + 1 if ends_elsewhere else number
        return free

    def check_still_there(self, identity: str) -> None:
        """Raise LibraryError where this is no longer the library that `prove` returned the identity of. One read."""
        check_still_there(self.storage, identity)

    def check_not_lost(self, reel: str, scene: str, key: str) -> None:
        """Raise LedgerLost where a stored take names a job that has no records: it must not be bought again.

        One listing where the scene has no take.
        """
        check_take_not_lost(self.storage, reel, scene, key)

    def check_character_not_lost(self, reel: str, key: str) -> None:
        """Raise LedgerLost where a stored take shows a character whose creation has no records.

        Reads the reel's takes.
        """
        check_character_not_lost(self.storage, reel, key)

    @property
    def journal(self) -> Journal:
        """Which jobs are open and what each reel has spent, for those who need not read all records."""
        return Journal(self.storage)

    @property
    def _files(self) -> RecordFiles:
        return RecordFiles(self.storage)

    def open(self) -> Iterator[Attempt | Unreadable]:
        """The attempts that have not ended, by the journal, from which those that have are removed on the way.

        A job that cannot be read is given as the error that it is, so that the others are not held up by it.
        """
        for key, number in self.journal.open():
            history = self._readable(key)
            if isinstance(history, Unreadable):
                yield history
            elif len(history) >= number and history[number - 1].end is None:
                yield history[number - 1]
            elif len(history) >= number:
                self.journal.remove_open(key, number)

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
        return self._files.create(Holder(key=key), *self._claim(job)).key == key

    def holder(self, job: Job) -> str | None:
        """The key that has claimed a provider's request."""
        held = self._files.read(Holder, *self._claim(job))
        return held.key if held else None

    def take(self, reel: str, scene: str, key: str, *, attempt: int | None, reserve: bool) -> int:
        """The number of the take that an attempt made: the one it has, else the next free one (kept if `reserve`).

        Without an attempt, the first take that any attempt at the job has made; only for looking. A number whose
        record was lost while another job's take lies there is not free.
        """
        number, mine = 1, Holder(key=key, attempt=attempt)
        while True:
            place = ("ledger", "takes", reel or _SINGLE_CLIPS, scene, f"{number:03d}.json")
            held = self._files.read(Holder, *place)
            if held is None and reserve and not self._is_taken(reel, scene, number, mine):
                held = self._files.create(mine, *place)
            elif held is None and not reserve:
                return number
            if held and self._same(held, mine):
                return number
            number += 1

    def take_keys(self, reel: str, scene: str) -> tuple[str, ...]:
        """The jobs whose clips are the takes of a scene, in the order of the takes."""
        keys: list[str] = []
        while held := self._files.read(Holder, "ledger", "takes", reel, scene, f"{len(keys) + 1:03d}.json"):
            keys.append(held.key)
        return tuple(keys)

    def _is_taken(self, reel: str, scene: str, number: int, mine: Holder) -> bool:
        """Whether another attempt's take lies under that number: then its record was lost."""
        clip = stored_take(self.storage, reel, scene, number)
        if clip is None or clip.job_key != mine.key:
            return clip is not None
        job = self._files.read(Job, *self._at(mine.key, mine.attempt, "job")) if mine.attempt else None
        return job is not None and job.request_id != clip.request_id

    def _same(self, held: Holder, mine: Holder) -> bool:
        if held.key != mine.key or mine.attempt is None:
            return held.key == mine.key
        if held.attempt is not None:
            return held.attempt == mine.attempt
        # Version 0.1.0 did not say which attempt; one that was given up and then bought came in addition.
        outcome = self._files.read(Outcome, *self._at(mine.key, mine.attempt, "outcome"))
        return outcome is None or outcome.kind != "abandoned"

    def _intent(self, key: str, number: int) -> Intent | None:
        """The intent, or None where neither it nor a record that comes after it exists."""
        place = self._at(key, number, "intent")
        intent = self._files.read(Intent, *place)
        if intent is None and (later := self._later(key, number)):
            intent = self._files.read(Intent, *place)  # it may have been written since the first look
            if intent is None:
                raise self._files.unreadable(f"is missing, and {'/'.join(later)} is there", *place)
        if intent and intent.key != key:
            raise self._files.unreadable(f"is the intent of another job, {intent.key}", *place)
        return intent

    def _not_followed(self, attempt: Attempt) -> Attempt:
        """The attempt. Raises Unreadable where it has nothing but its intent, and another one came after it."""
        key, number = attempt.intent.key, attempt.number
        if attempt.job or attempt.outcome or not (later := self._later(key, number + 1)):
            return attempt
        attempt = self._attempt(number, attempt.intent)  # it may have ended since the first look
        if attempt.job is None and attempt.outcome is None:
            raise self._files.unreadable(
                f"is missing, and {'/'.join(later)} is there", *self._at(key, number, "outcome")
            )
        return attempt

    def _later(self, key: str, number: int) -> tuple[str, ...] | None:
        """A record of this attempt or of one that came after it."""
        return next((place for place in self.records(key) if int(place[0]) >= number), None)

    def _attempt(self, number: int, intent: Intent) -> Attempt:
        key = intent.key
        outcome = self._files.read(Outcome, *self._at(key, number, "outcome"))  # before the job, which is written first
        job = self._files.read(Job, *self._at(key, number, "job"))
        if job is None and outcome and outcome.kind not in _UNUSED:
            raise self._files.unreadable(f"is missing, and its job is {outcome.kind}", *self._at(key, number, "job"))
        attempt = Attempt(number=number, intent=intent, job=job, outcome=outcome)
        if attempt.bought_after_all:
            late = self._files.read(Outcome, *self._at(key, number, "late"))
            attempt = attempt.model_copy(update={"late": late})
        if attempt.end and attempt.end.casting:
            void = self._files.read(Outcome, *self._at(key, number, "void"))
            attempt = attempt.model_copy(update={"void": void})
        return attempt

    def _reopen(self, key: str, number: int) -> None:
        """An abandoned attempt was bought after all: it is open, and counts."""
        self.journal.add_open(key, number)
        intent = self._files.read(Intent, *self._at(key, number, "intent"))
        if intent:
            self.journal.add_spent(intent, number)

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


def _makes_room(attempt: Attempt) -> bool:
    """Whether another attempt may come after it."""
    if attempt.outcome is None:
        return False
    return attempt.outcome.kind != "done" or attempt.void is not None
