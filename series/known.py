"""A plan with what the ledger knows of each of its jobs."""

from collections.abc import Mapping

from prefect_storyboard.jobs.estimate import Estimate
from prefect_storyboard.ledger import Decision
from prefect_storyboard.storyboards import Plan
from prefect_storyboard.storyboards.plan import State

_STATES: Mapping[Decision, State] = {
    Decision.SUBMIT: "new",
    Decision.WAIT: "reattached",
    Decision.REATTACH: "reattached",
    Decision.DONE: "cached",
    Decision.UNKNOWN: "unknown",
    Decision.FAILED: "failed",
}


def with_states(plan: Plan, wanted: Estimate, attempts: int = 1) -> Plan:
    """The plan whose jobs say what a run of so many attempts does with them. One without a decision cannot be read."""
    states: dict[str, State] = {job.key: "unreadable" for job in plan.jobs}
    states |= {key: _STATES[decision] for key, decision in wanted.decisions.items()}
    states |= dict.fromkeys(wanted.blocked, "blocked")
    sheets = tuple(job.model_copy(update={"state": states[job.key]}) for job in plan.sheets)
    stills = tuple(job.model_copy(update={"state": "stale" if job.stale else states[job.key]}) for job in plan.stills)
    still_takes = tuple(job.model_copy(update={"state": states[job.key]}) for job in plan.still_takes)
    characters = tuple(job.model_copy(update={"state": states[job.key]}) for job in plan.characters)
    scenes = tuple(job.model_copy(update={"state": "stale" if job.stale else states[job.key]}) for job in plan.scenes)
    takes = tuple(job.model_copy(update={"state": states[job.key]}) for job in plan.takes)
    known = {"characters": characters, "scenes": scenes, "takes": takes, "attempts": attempts}
    return plan.model_copy(update=known | {"sheets": sheets, "stills": stills, "still_takes": still_takes})
