"""The record of every job in a library: `ledger/<kk>/<key>/<attempt>/{intent,job,outcome,late,void}.json`.

Each file is created once, in this order, and never changed, so that any number of processes may read and write
concurrently. The process that creates `intent` may submit. `job` is written as soon as the provider has responded, and
only by the key that holds the provider's request: `ledger/requests/<provider>/<request>.json`. `late` ends an attempt
that was abandoned although it had been bought.

Attempts are numbered from 001 without gaps. A record that cannot be read stops the run; it never counts as absent,
because absent means "buy it". So an intent counts as absent only if no later record of its job is listed; a listing
never proves anything else. `prune` packs the records of a settled job into its first intent.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from prefect_storyboard.ledger.approvals import Approval, read_approvals, record_approval
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
from prefect_storyboard.storyboards.planned import Room


@dataclass(frozen=True)
class Ledger:
    """The ledger of one library. All methods block, and nothing is cached."""

    storage: Storage

    def history(self, key: str) -> tuple[Attempt, ...]:
        """Every attempt at a job, oldest first. Raises Unreadable for a record that is torn, foreign or missing."""
        return read_history(self._files, key)

    def packed(self, key: str) -> tuple[Attempt, ...]:
        """The attempts of a pruned job; empty for any other. One read."""
        return read_packed(self._files, key)

    def history_of_new(self, key: str) -> tuple[Attempt, ...]:
        """The history of a job that is probably new: one listing, if nothing is listed.

        If the listing misses an intent, that intent still prevents a second one.
        """
        return self.history(key) if self.records(key) else ()

    def outcome(self, key: str, number: int) -> Outcome | None:
        """The outcome of an attempt; None while it is open, or abandoned and perhaps bought nevertheless."""
        outcome = self._files.read(Outcome, *record_place(key, number, "outcome"))
        if outcome and outcome.kind == "abandoned":
            return self._files.read(Outcome, *record_place(key, number, "late"))
        return outcome

    def intend(self, number: int, intent: Intent) -> bool:
        """Write the intent of an attempt. True: submit. False: another process was first; read the history again."""
        self.journal.add_open(intent.key, number)
        self.journal.add_spent(intent, number)
        if self._files.create(intent, *record_place(intent.key, number, "intent")) == intent:
            return True
        self.journal.remove_spent(intent, number)
        return False

    def withdraw(self, number: int, intent: Intent, outcome: Outcome) -> None:
        """Undo an `intend` that raised: if the intent was written nevertheless, end the attempt with `outcome`."""
        if self._files.read(Intent, *record_place(intent.key, number, "intent")) == intent:
            self.close(intent.key, number, outcome)
        else:
            self.journal.remove_spent(intent, number)

    def submitted(self, key: str, number: int, job: Job) -> Job | None:
        """Record the provider's response; returns the recorded job, or None if another key holds it.

        The claim comes first. In the other order, after a crash in between, another key could adopt a recorded job; in
        this order the job is found again by its claim. An attempt that was abandoned in the meantime is open again.
        """
        if not self.claim(job, key):
            return None
        recorded = self._files.create(job, *record_place(key, number, "job"))
        outcome = self._files.read(Outcome, *record_place(key, number, "outcome"))
        if outcome and outcome.kind == "abandoned":
            self._reopen(key, number)
        return recorded

    def close(self, key: str, number: int, outcome: Outcome) -> Outcome:
        """End an attempt; returns the recorded outcome, which is another process's if that came first.

        If the attempt was abandoned although it had been bought, its outcome is recorded as late.
        """
        ended = self._files.create(outcome, *record_place(key, number, "outcome"))
        if ended.kind == "abandoned" and outcome.kind not in UNUSED:
            ended = self._files.create(outcome, *record_place(key, number, "late"))
        if ended.kind in UNUSED and (intent := self._files.read(Intent, *record_place(key, number, "intent"))):
            self.journal.remove_spent(intent, number)
        self.journal.remove_open(key, number)
        # Last: a process that records a job now sees the abandonment, and a job recorded just before is seen here.
        if ended.kind == "abandoned" and self._files.read(Job, *record_place(key, number, "job")):
            self._reopen(key, number)
        return ended

    def void(self, key: str, casting: Casting, outcome: Outcome) -> None:
        """Void a casting that the provider no longer knows, unless another one has replaced it."""
        for attempt in reversed(self.history(key)):
            if attempt.end and attempt.end.casting and attempt.end.casting.id == casting.id:
                self._files.create(outcome, *record_place(key, attempt.number, "void"))
                return

    def records(self, key: str) -> list[tuple[str, ...]]:
        """Attempt and name of every record of a job, as listed: evidence of what there is, not of what there is not."""
        return listed_records(self.storage, key)

    def attempt_of(self, key: str, request_id: str) -> int:
        """The attempt whose recorded job has that id; if there is none, the one after the last attempt with a job."""
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
        """Raise LibraryError if this is no longer the library whose identity `prove` returned. One read."""
        check_still_there(self.storage, identity)

    def check_not_lost(self, reel: str, scene: str, key: str, room: Room = "scenes") -> None:
        """Raise LedgerLost if a stored take names a job without records: it must not be bought again.

        One listing if the scene has no take.
        """
        check_take_not_lost(self.storage, reel, scene, key, room)

    def check_character_not_lost(self, reel: str, key: str) -> None:
        """Raise LedgerLost if a stored take shows a character whose creation has no records.

        Reads the reel's takes.
        """
        check_character_not_lost(self.storage, reel, key)

    @property
    def journal(self) -> Journal:
        """The open jobs and what each reel has spent, without reading all records."""
        return Journal(self.storage)

    @property
    def _files(self) -> RecordFiles:
        return RecordFiles(self.storage)

    def open(self) -> Iterator[Attempt | Unreadable]:
        """The open attempts, from the journal; entries of ended ones are removed on the way.

        A job that cannot be read is yielded as its error, so that it does not hold up the others.
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
        """All attempts. Lists the folders: for people, not for decisions."""
        for key in self.matching():
            history = self._readable(key)
            yield from [history] if isinstance(history, Unreadable) else history

    def matching(self, prefix: str = "") -> Iterator[str]:
        """Every key with that prefix. Lists the folders: for people, not for decisions."""
        everything = (name for name in self.storage.names("ledger") if len(name) == 2)
        for folder in [prefix[:2]] if len(prefix) > 1 else everything:
            yield from (key for key in self.storage.names("ledger", folder) if key.startswith(prefix))

    def claim(self, job: Job, key: str) -> bool:
        """Claim a provider's request for this key. False: it belongs to another key.

        Two scenes may send identical orders; a request found in the provider's list is adopted by one of them.
        """
        return self._files.create(Holder(key=key), *self._claim(job)).key == key

    def holder(self, job: Job) -> str | None:
        """The key that has claimed a provider's request."""
        held = self._files.read(Holder, *self._claim(job))
        return held.key if held else None

    def take(
        self, reel: str, scene: str, key: str, *, attempt: int | None, reserve: bool, room: Room = "scenes"
    ) -> int:
        """The take number of an attempt: the one it has, else the next free one (reserved if `reserve`).

        Without an attempt, the first take of any attempt at the job; read-only. A number is not free if its record was
        lost while another job's take lies there.
        """
        survey = surveyed(self.storage)
        if survey and room == "scenes" and attempt is None and not reserve and (seen := survey.take(reel, scene, key)):
            return seen
        return take_number(self._files, reel, scene, Holder(key=key, attempt=attempt), reserve=reserve, room=room)

    def reserve_take(self, reel: str, scene: str, key: str, *, attempt: int, number: int, room: Room = "scenes") -> int:
        """Reserve a take number that was seen to be free; if it is taken by now, reserve the next free one."""
        return reserve_take(self._files, reel, scene, Holder(key=key, attempt=attempt), number=number, room=room)

    def take_keys(self, reel: str, scene: str, room: Room = "scenes") -> tuple[str, ...]:
        """The jobs whose clips or stills are the takes of a scene, in the order of the takes."""
        return take_keys(self._files, reel, scene, room)

    def choices(self, reel: str) -> tuple[Choice, ...]:
        """What people have chosen of a reel, oldest first. One read where nobody has. Raises Unreadable."""
        return read_choices(self._files, reel)

    def choose(self, reel: str, choose: Choose) -> Choice:
        """Record a choice that is made in the light of all before it; returns it, or the one that it is."""
        return record_choice(self._files, reel, choose)

    def approvals(self, reel: str) -> tuple[Approval, ...]:
        """What people have approved of a reel, oldest first. One read where nobody has. Raises Unreadable."""
        return read_approvals(self._files, reel)

    def approve(self, reel: str, approval: Approval) -> Approval:
        """Record an approval; returns it, or the one of the same name."""
        return record_approval(self._files, reel, approval)

    def _reopen(self, key: str, number: int) -> None:
        """Reopen an abandoned attempt that had been bought: it is open again, and its price counts."""
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
