"""What to do about a job: a pure function of its records.

nothing stored                                  SUBMIT
intent, its owner alive and its lease running   WAIT
intent, owner dead or lease over                UNKNOWN     it may have been bought
intent, job                                     REATTACH    it was bought: poll it
..., outcome done                               DONE        the clip is in the library
..., outcome done, void                         SUBMIT      a casting that the provider no longer knows
..., outcome refused or abandoned               SUBMIT      nothing was bought: the next attempt
intent, job, outcome abandoned                  REATTACH    it had been bought, and is open until `late` ends it
..., outcome failed, free and worth a retry     SUBMIT      three times a run, and it does not count as a failure below
..., outcome failed, its upload had expired     SUBMIT      once a run, likewise
..., outcome failed, nothing made by chance     SUBMIT      once a run, likewise
..., outcome failed, by moderation of the input FAILED      sending the same again changes nothing
..., outcome failed                             SUBMIT while fewer attempts failed than allowed, else FAILED

The last attempt decides. Where it would be SUBMIT or FAILED, an earlier one that turned out to be bought is used
instead.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from prefect_storyboard.ledger.records import Attempt, Outcome


class Decision(StrEnum):
    """What to do next."""

    SUBMIT = "submit"
    WAIT = "wait"
    REATTACH = "reattach"
    DONE = "done"
    UNKNOWN = "unknown"
    FAILED = "failed"


FREE_RESUBMITS = 3  # per run: a fault that lasts longer is not transient


def deciding(history: Sequence[Attempt]) -> Attempt | None:
    """The attempt that `decide` uses: the last one, or an earlier one whose job can still be used."""
    if not history:
        return None
    last = history[-1]
    if last.end is None or (last.end.kind == "done" and not last.void):
        return last
    return next((each for each in reversed(history) if _usable(each)), last)


def decide(
    history: Sequence[Attempt],
    *,
    now: datetime,
    owner_alive: bool,
    attempts: int = 1,
    since: datetime | None = None,
) -> Decision:
    """Decide from the `deciding` attempt. `owner_alive` is about its owner.

    `attempts` bounds the failures that may cost money and the outputs that moderation refused. Free failures are
    resubmitted three times a run, which began at `since` (None: the whole history is one run); after that they count
    like paid ones.
    """
    attempt = deciding(history)
    if attempt is None:
        return Decision.SUBMIT
    end = attempt.end
    if end is None:
        if attempt.job is not None:
            return Decision.REATTACH
        return Decision.WAIT if owner_alive and now < attempt.intent.lease_until else Decision.UNKNOWN
    if end.kind == "done":
        return Decision.SUBMIT if attempt.void else Decision.DONE
    if end.kind in {"refused", "abandoned"}:
        return Decision.SUBMIT
    if end.error == "Refused" and not end.resubmittable:
        return Decision.FAILED
    failed = [each.end for each in history if each.end and each.end.kind == "failed"]
    free = [each for each in failed if _free(each) and (since is None or each.at >= since)]
    once = [each for each in free if _once(each)]
    if _free(end):
        spent, most = (len(once), 1) if _once(end) else (len(free) - len(once), FREE_RESUBMITS)
        if spent <= most:
            return Decision.SUBMIT
    beyond = max(len(free) - len(once) - FREE_RESUBMITS, 0) + max(len(once) - 1, 0)
    failures = sum(1 for each in failed if not _free(each)) + beyond
    return Decision.SUBMIT if failures < attempts else Decision.FAILED


def times_bought(history: Sequence[Attempt]) -> int:
    """How many of the attempts have made something, or have failed and count as bought."""
    ends = [each.end for each in history if each.end]
    return sum(end.kind == "done" or (end.kind == "failed" and not _free(end)) for end in ends)


def _once(failed: Outcome) -> bool:
    """Whether the same request is worth one more submit, and no second one."""
    return failed.stale_upload or failed.by_chance


def _usable(attempt: Attempt) -> bool:
    """Whether the abandoned attempt had been bought, and has a clip or casting or may still get one."""
    open_or_done = attempt.late is None or attempt.late.kind == "done"
    return attempt.bought_after_all and open_or_done and not attempt.void


def _free(failed: Outcome) -> bool:
    """Whether a failure cost nothing and may be transient.

    A refused output is free too, but chance: it uses up an attempt.
    """
    return failed.resubmittable and failed.charged is False and failed.error != "Refused"
