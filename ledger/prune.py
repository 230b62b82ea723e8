"""Pack each settled job into one file: all of its records, in place of its first intent.

    before  ledger/<kk>/<key>/<attempt>/{intent,job,outcome,late,void}.json
    after   ledger/<kk>/<key>/001/intent.json

Nothing that a decision needs is lost: an equal scene of any reel finds the same clip, and a failure counts as before.
The claim of the provider's request, the take number and the reel's spending stay as they are, because they are looked
up by names other than the job's key.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from prefect_storyboard.ledger.files import RecordFiles, Unreadable
from prefect_storyboard.ledger.history import listed_records, read_history, read_packed, record_place
from prefect_storyboard.ledger.ledger import Ledger
from prefect_storyboard.ledger.records import Attempt, Intent

_FIRST = 1


@dataclass(frozen=True)
class Pruned:
    """One packed job, and how many files were removed."""

    key: str
    files: int


def prune(ledger: Ledger, before: datetime) -> Iterator[Pruned]:
    """Pack every job that was settled before that moment, one after the other, so that memory stays flat.

    A job that is open, unknown or unreadable is left alone, and so is one with an abandoned attempt: it may turn out to
    have been bought. If the call is interrupted, the next one continues where it stopped.
    """
    files = RecordFiles(ledger.storage)
    for key in ledger.matching():
        try:
            packed = _packed(files, key, before)
        except Unreadable:
            continue
        if packed:
            yield packed


def _packed(files: RecordFiles, key: str, before: datetime) -> Pruned | None:
    place = record_place(key, _FIRST, "intent")
    first = files.read(Intent, *place)
    history = read_history(files, key)
    if first is None or not _is_settled(history, before):
        return None
    if first.packed != history:
        files.replace(first.model_copy(update={"packed": history}), *place)
    covered = {record_place(key, attempt.number, name)[-2:] for attempt in history for name in _names(attempt)}
    spare = covered.intersection(listed_records(files.storage, key))
    if spare and read_packed(files, key) != history:  # read back from the storage before anything is removed
        raise files.unreadable("does not say what was written", *place)
    for record in sorted(spare):
        files.storage.remove(*place[:-2], *record)
    return Pruned(key, len(spare)) if spare else None


def _is_settled(history: Sequence[Attempt], before: datetime) -> bool:
    """Whether the provider ended every attempt before that moment."""
    ends = [each for attempt in history for each in (attempt.outcome, attempt.void)]
    closed = all(attempt.outcome and attempt.outcome.kind != "abandoned" for attempt in history)
    return bool(history) and closed and all(end.at < before for end in ends if end)


def _names(attempt: Attempt) -> Iterator[str]:
    """The records that the packed form of an attempt replaces; later ones are not among them."""
    there = {"job": attempt.job, "outcome": attempt.outcome, "void": attempt.void, "intent": attempt.number > _FIRST}
    return (name for name, known in there.items() if known)
