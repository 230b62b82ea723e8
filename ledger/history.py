"""The history of one job: every attempt, read in order, and checked against the records listed after it."""

from prefect_storyboard.ledger.files import RecordFiles
from prefect_storyboard.ledger.records import Attempt, Intent, Outcome
from prefect_storyboard.ledger.storage import Storage
from prefect_storyboard.storyboards import Job

UNUSED = {"refused", "abandoned"}  # outcomes of attempts that bought nothing
_RECORDS = {f"{name}.json" for name in ("intent", "job", "outcome", "late", "void")}


def record_place(key: str, number: int, record: str) -> tuple[str, ...]:
    """Where a record of an attempt lies: `ledger/<kk>/<key>/<attempt>/<record>.json`."""
    return "ledger", key[:2], key, f"{number:03d}", f"{record}.json"


def listed_records(storage: Storage, key: str) -> list[tuple[str, ...]]:
    """Attempt and name of every listed record of a job.

    A listing proves that a record exists, never that it does not.
    """
    listed = storage.below("ledger", key[:2], key, prefix="0")
    return [place for place in listed if len(place) == 2 and place[0].isdecimal() and place[1] in _RECORDS]


def read_history(files: RecordFiles, key: str) -> tuple[Attempt, ...]:
    """Every attempt at a job, oldest first. Raises Unreadable for a record that is torn, foreign or missing."""
    found: list[Attempt] = []
    while not found or _makes_room(found[-1]):
        number = len(found) + 1
        intent = _intent(files, key, number)
        if intent is None:
            break
        if intent.packed:
            found += [_voided(files, attempt) for attempt in intent.packed]
            continue
        attempt = _attempt(files, number, intent)
        if attempt.job is None and attempt.outcome is None and read_packed(files, key):
            return read_history(files, key)  # its records were packed and removed between two reads
        found.append(_not_followed(files, attempt))
    return tuple(found)


def read_packed(files: RecordFiles, key: str) -> tuple[Attempt, ...]:
    """The attempts of a pruned job, see `prune`; empty for any other. One read."""
    first = files.read(Intent, *record_place(key, 1, "intent"))
    return first.packed if first else ()


def _voided(files: RecordFiles, attempt: Attempt) -> Attempt:
    """A packed attempt, whose casting may have been voided since."""
    if attempt.void is None and attempt.end and attempt.end.casting:
        void = files.read(Outcome, *record_place(attempt.intent.key, attempt.number, "void"))
        return attempt.model_copy(update={"void": void})
    return attempt


def _makes_room(attempt: Attempt) -> bool:
    """Whether another attempt may follow it."""
    if attempt.outcome is None:
        return False
    return attempt.outcome.kind != "done" or attempt.void is not None


def _intent(files: RecordFiles, key: str, number: int) -> Intent | None:
    """The intent, or None if neither it nor a later record exists."""
    place = record_place(key, number, "intent")
    intent = files.read(Intent, *place)
    if intent is None and (later := _later(files, key, number)):
        intent = files.read(Intent, *place)  # it may have been written since the first read
        if intent is None:
            raise files.unreadable(f"is missing, and {'/'.join(later)} is there", *place)
    if intent and intent.key != key:
        raise files.unreadable(f"is the intent of another job, {intent.key}", *place)
    return intent


def _attempt(files: RecordFiles, number: int, intent: Intent) -> Attempt:
    key = intent.key
    outcome = files.read(Outcome, *record_place(key, number, "outcome"))  # before the job, which is written first
    job = files.read(Job, *record_place(key, number, "job"))
    if job is None and outcome and outcome.kind not in UNUSED:
        raise files.unreadable(f"is missing, and its job is {outcome.kind}", *record_place(key, number, "job"))
    attempt = Attempt(number=number, intent=intent, job=job, outcome=outcome)
    if attempt.bought_after_all:
        late = files.read(Outcome, *record_place(key, number, "late"))
        attempt = attempt.model_copy(update={"late": late})
    return _voided(files, attempt)


def _not_followed(files: RecordFiles, attempt: Attempt) -> Attempt:
    """The attempt. Raises Unreadable if it has only its intent and another attempt follows it."""
    key, number = attempt.intent.key, attempt.number
    if attempt.job or attempt.outcome or not (later := _later(files, key, number + 1)):
        return attempt
    attempt = _attempt(files, number, attempt.intent)  # it may have ended since the first read
    if attempt.job is None and attempt.outcome is None:
        place = record_place(key, number, "outcome")
        raise files.unreadable(f"is missing, and {'/'.join(later)} is there", *place)
    return attempt


def _later(files: RecordFiles, key: str, number: int) -> tuple[str, ...] | None:
    """The later records: of this attempt, or of one that follows it."""
    return next((place for place in listed_records(files.storage, key) if int(place[0]) >= number), None)
