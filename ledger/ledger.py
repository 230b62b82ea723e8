"""The record of every job in a library: `ledger/<kk>/<key>/<attempt>/{intent,job,outcome,late,void}.json`.

Each file is created once, in this order, and never changed, so that any number of processes may read and write at
the same moment. Whoever creates `intent` may submit. `job` is written as soon as the provider has answered, and only
by the key that holds the provider's request: `ledger/requests/<provider>/<request>.json`. `late` ends an attempt that
was abandoned and had been bought after all.

Attempts are numbered from 001 and the first gap is the end. What cannot be read stops the run; it is never taken for
absent, because absent means "buy it". So an intent counts as absent only where no later record of its job is listed;
a listing never proves anything else. `prune` packs the records of a settled job into its first intent.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from prefect_storyboard.ledger.choices import Choice, Choose, read_choices, record_choice
from prefect_storyboard.ledger.evidence import check_character_not_lost, check_take_not_lost
from prefect_storyboard.ledger.files import RecordFiles, Unreadable
from prefect_storyboard.ledger.history import UNUSED, listed_records, read_history, read_packed, record_place
from prefect_storyboard.ledger.journal import Journal
from prefect_storyboard.ledger.proof import check_still_there
from prefect_storyboard.ledger.records import Attempt, Holder, Intent, Outcome
from prefect_storyboard.ledger.storage import Storage
from prefect_storyboard.ledger.survey import surveyed
from prefect_storyboard.ledger.takes import reserve_take, take_keys, take_number
from prefect_storyboard.storyboards import Casting, Job


@dataclass(frozen=True)
class Ledger:
    """The ledger of one library. All methods block; none keeps anything in memory."""

    storage: Storage

    def history(self, key: str) -> tuple[Attempt, ...]:
        """Every attempt at a job, oldest first. Raises Unreadable for a record that is torn, foreign or missing."""
        return read_history(self._files, key)

    def packed(self, key: str) -> tuple[Attempt, ...]:
        """The attempts of a job that was pruned; none of any other. One read."""
        return read_packed(self._files, key)

    def history_of_new(self, key: str) -> tuple[Attempt, ...]:
        """The history of a job that nobody is likely to have bought: one listing, if nothing is listed.

        An intent that the listing did not show is still in the way of a second one.
        """
        return self.history(key) if self.records(key) else ()

    def outcome(self, key: str, number: int) -> Outcome | None:
        """How an attempt ended; None while it is open, or was given up and perhaps bought after all."""
        outcome = self._files.read(Outcome, *record_place(key, number, "outcome"))
        if outcome and outcome.kind == "abandoned":
            return self._files.read(Outcome, *record_place(key, number, "late"))
        return outcome

    def intend(self, number: int, intent: Intent) -> bool:
        """Write the intent of an attempt. True: it is yours, submit. False: somebody else was first, look again."""
        self.journal.add_open(intent.key, number)
        self.journal.add_spent(intent, number)
        if self._files.create(intent, *record_place(intent.key, number, "intent")) == intent:
            return True
        self.journal.remove_spent(intent, number)
        return False

    def withdraw(self, number: int, intent: Intent, outcome: Outcome) -> None:
        """Undo an `intend` that raised: where the intent was written all the same, the attempt ends with `outcome`."""
        if self._files.read(Intent, *record_place(intent.key, number, "intent")) == intent:
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
        recorded = self._files.create(job, *record_place(key, number, "job"))
        outcome = self._files.read(Outcome, *record_place(key, number, "outcome"))
        if outcome and outcome.kind == "abandoned":
            self._reopen(key, number)
        return recorded

    def close(self, key: str, number: int, outcome: Outcome) -> Outcome:
        """End an attempt; returns how it ended, which is another's word where that came first.

        Where the attempt was abandoned, and has been bought after all, its end is recorded as late.
        """
        ended = self._files.create(outcome, *record_place(key, number, "outcome"))
        if ended.kind == "abandoned" and outcome.kind not in UNUSED:
            ended = self._files.create(outcome, *record_place(key, number, "late"))
        if ended.kind in UNUSED and (intent := self._files.read(Intent, *record_place(key, number, "intent"))):
            self.journal.remove_spent(intent, number)
        self.journal.remove_open(key, number)
        # Last: who records a job now sees that the attempt is abandoned, and who has just recorded one is seen here.
        if ended.kind == "abandoned" and self._files.read(Job, *record_place(key, number, "job")):
            self._reopen(key, number)
        return ended

    def void(self, key: str, casting: Casting, outcome: Outcome) -> None:
        """Take back a casting that the provider does not know any more, unless another one has taken its place."""
        for attempt in reversed(self.history(key)):
            if attempt.end and attempt.end.casting and attempt.end.casting.id == casting.id:
                self._files.create(outcome, *record_place(key, attempt.number, "void"))
                return

    def records(self, key: str) -> list[tuple[str, ...]]:
        """Attempt and name of every record of a job, as listed: evidence of what there is, not of what there is not."""
        return listed_records(self.storage, key)

    def attempt_of(self, key: str, request_id: str) -> int:
        """The attempt whose recorded job has that id; where none has, the one after the last that has a job."""
        if packed := self.packed(key):
            return next((a.number for a in packed if a.job and a.job.request_id == request_id), len(packed) + 1)
        free = 1
        for number in sorted({int(attempt) for attempt, _ in self.records(key)}):
            job = self._files.read(Job, *record_place(key, number, "job"))
            if job and job.request_id == request_id:
                return number
            outcome = self._files.read(Outcome, *record_place(key, number, "outcome"))
            ends_elsewhere = job is not None or (outcome is not None and outcome.kind in UNUSED)
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
        survey = surveyed(self.storage)
        if survey and attempt is None and not reserve and (seen := survey.take(reel, scene, key)):
            return seen
        return take_number(self._files, reel, scene, Holder(key=key, attempt=attempt), reserve=reserve)

    def reserve_take(self, reel: str, scene: str, key: str, *, attempt: int, number: int) -> int:
        """Keep the number of a take that was seen to be free; where it is not any more, the next free one."""
        return reserve_take(self._files, reel, scene, Holder(key=key, attempt=attempt), number)

    def take_keys(self, reel: str, scene: str) -> tuple[str, ...]:
        """The jobs whose clips are the takes of a scene, in the order of the takes."""
        return take_keys(self._files, reel, scene)

    def choices(self, reel: str) -> tuple[Choice, ...]:
        """What people have chosen of a reel, oldest first. One read where nobody has. Raises Unreadable."""
        return read_choices(self._files, reel)

    def choose(self, reel: str, choose: Choose) -> Choice:
        """Record a choice that is made in the light of all before it; returns it, or the one that it is."""
        return record_choice(self._files, reel, choose)

    def _reopen(self, key: str, number: int) -> None:
        """An abandoned attempt was bought after all: it is open, and counts."""
        self.journal.add_open(key, number)
        intent = self._files.read(Intent, *record_place(key, number, "intent"))
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
