"""What may be done about a job: a pure function of what is stored.

nothing stored                                  SUBMIT
intent, its owner alive and its lease running   WAIT
intent, owner dead or lease over                UNKNOWN     it may have been bought
intent, job                                     REATTACH    it was bought: poll it
..., outcome done                               DONE        the clip is in the library
..., outcome done, void                         SUBMIT      a casting that the provider knows no more
..., outcome refused or abandoned               SUBMIT      nothing was bought: the next attempt
intent, job, outcome abandoned                  REATTACH    it was bought after all, and is open until `late` ends it
..., outcome failed, free and worth a retry     SUBMIT      and it does not count as a failure below
..., outcome failed, by moderation              FAILED      sending the same again changes nothing
..., outcome failed                             SUBMIT while fewer attempts failed than allowed, else FAILED

The last attempt decides. Where it would be SUBMIT or FAILED, an earlier one that was bought after all is used instead.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from prefect_storyboard.ledger.records import Attempt, Outcome


class Decision(StrEnum):
    """The one thing to do next."""

    SUBMIT = "submit"
    WAIT = "wait"
    REATTACH = "reattach"
    DONE = "done"
    UNKNOWN = "unknown"
    FAILED = "failed"


def deciding(history: Sequence[Attempt]) -> Attempt | None:
    """The attempt that `decide` goes by: the last one, or an earlier one whose job can still be used."""
    if not history:
        return None
    last = history[-1]
    if last.end is None or (last.end.kind == "done" and not last.void):
        return last
    return next((each for each in reversed(history) if _usable(each)), last)


def decide(history: Sequence[Attempt], *, now: datetime, owner_alive: bool, attempts: int = 1) -> Decision:
    """Decide by the attempt that counts. `owner_alive` is about its owner; `attempts` counts failures paid for."""
    attempt = deciding(history)
    if attempt is None:
        return Decision.SUBMIT
    if attempt.end is None:
        if attempt.job is not None:
            return Decision.REATTACH
        return Decision.WAIT if owner_alive and now < attempt.intent.lease_until else Decision.UNKNOWN
    if attempt.end.kind == "done":
        return Decision.SUBMIT if attempt.void else Decision.DONE
    if attempt.end.kind in {"refused", "abandoned"}:
        return Decision.SUBMIT
    if attempt.end.error == "Refused":
        return Decision.FAILED
    if _free(attempt.end):
        return Decision.SUBMIT
    failures = sum(1 for each in history if each.end and each.end.kind == "failed" and not _free(each.end))
    return Decision.SUBMIT if failures < attempts else Decision.FAILED


def _usable(attempt: Attempt) -> bool:
    """Whether it was bought after all, and has a clip or casting, or may yet have one."""
    open_or_done = attempt.late is None or attempt.late.kind == "done"
    return attempt.bought_after_all and open_or_done and not attempt.void


def _free(failed: Outcome) -> bool:
    return failed.resubmittable and failed.charged is False
