"""What may be done about a job: a pure function of what is stored.

nothing stored                                  SUBMIT
intent, its owner alive and its lease running   WAIT
intent, owner dead or lease over                UNKNOWN     it may have been bought
intent, job                                     REATTACH    it was bought: poll it
..., outcome done                               DONE        the clip is in the library
..., outcome done, void                         SUBMIT      a casting that the provider knows no more
..., outcome refused or abandoned               SUBMIT      nothing was bought: the next attempt
intent, job, outcome abandoned                  REATTACH    a run has found it while somebody gave it up
..., outcome failed, free and worth a retry     SUBMIT      and it does not count as a failure below
..., outcome failed, by moderation              FAILED      sending the same again changes nothing
..., outcome failed                             SUBMIT while fewer attempts failed than allowed, else FAILED
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


def decide(history: Sequence[Attempt], *, now: datetime, owner_alive: bool, attempts: int = 1) -> Decision:
    """Decide by the last attempt. `owner_alive` is about its owner; `attempts` counts failures that may be paid for."""
    if not history:
        return Decision.SUBMIT
    last = history[-1]
    if last.outcome is None:
        if last.job is not None:
            return Decision.REATTACH
        return Decision.WAIT if owner_alive and now < last.intent.lease_until else Decision.UNKNOWN
    match last.outcome.kind:
        case "done":
            return Decision.SUBMIT if last.void else Decision.DONE
        case "abandoned" if last.job is not None:
            return Decision.REATTACH
        case "refused" | "abandoned":
            return Decision.SUBMIT
    if last.outcome.error == "Refused":
        return Decision.FAILED
    if _free(last.outcome):
        return Decision.SUBMIT
    failures = sum(1 for a in history if a.outcome and a.outcome.kind == "failed" and not _free(a.outcome))
    return Decision.SUBMIT if failures < attempts else Decision.FAILED


def _free(failed: Outcome) -> bool:
    return failed.resubmittable and failed.charged is False
