"""What may be done about a job: a pure function of what is stored.

nothing stored                                  SUBMIT
intent, its owner alive and its lease running   WAIT
intent, owner dead or lease over                UNKNOWN     it may have been bought
intent, job                                     REATTACH    it was bought: poll it
..., outcome done                               DONE        the clip is in the library
..., outcome done, void                         SUBMIT      a casting that the provider knows no more
..., outcome refused or abandoned               SUBMIT      nothing was bought: the next attempt
intent, job, outcome abandoned                  REATTACH    a run has found it while somebody gave it up
..., outcome failed, free and worth a retry     SUBMIT      three times a run, and it does not count as a failure below
..., outcome failed, its upload had expired     SUBMIT      once a run, likewise
..., outcome failed, by moderation of the input FAILED      sending the same again changes nothing
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


FREE_RESUBMITS = 3  # of a run: a fault that has not passed by then is none that passes


def decide(
    history: Sequence[Attempt],
    *,
    now: datetime,
    owner_alive: bool,
    attempts: int = 1,
    since: datetime | None = None,
) -> Decision:
    """Decide by the last attempt. `owner_alive` is about its owner.

    `attempts` counts failures that may be paid for, and outputs that moderation refused. Free failures are resubmitted
    three times a run, which began at `since` (None: all that the history holds are of one run); from then on they count
    like paid ones.
    """
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
    if last.outcome.error == "Refused" and not last.outcome.resubmittable:
        return Decision.FAILED
    failed = [a.outcome for a in history if a.outcome and a.outcome.kind == "failed"]
    free = [each for each in failed if _free(each) and (since is None or each.at >= since)]
    stale = [each for each in free if each.stale_upload]
    if _free(last.outcome):
        spent, most = (len(stale), 1) if last.outcome.stale_upload else (len(free) - len(stale), FREE_RESUBMITS)
        if spent <= most:
            return Decision.SUBMIT
    beyond = max(len(free) - len(stale) - FREE_RESUBMITS, 0) + max(len(stale) - 1, 0)
    failures = sum(1 for each in failed if not _free(each)) + beyond
    return Decision.SUBMIT if failures < attempts else Decision.FAILED


def _free(failed: Outcome) -> bool:
    """Whether a failure cost nothing and may pass. A refused output is free too, but chance: it uses up an attempt."""
    return failed.resubmittable and failed.charged is False and failed.error != "Refused"
