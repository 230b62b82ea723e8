"""A saved plan that a run must match: what decides cost and content, as one hash and field by field. Pure."""

from collections.abc import Collection, Iterator, Mapping

from pydantic import JsonValue

from prefect_storyboard.storyboards.again import is_again
from prefect_storyboard.storyboards.money import price
from prefect_storyboard.storyboards.plan import Plan, PlannedJob, PlannedScene, PlannedStill, Terms

__all__ = ["PlanDiffers", "check_held", "differences"]

_OPEN = {None, "new", "unknown"}  # what a run may have to buy
_LONGEST = 60  # characters of a value in a difference
_MADE_OF = "key"  # shown only where no field that it hashes says it better


class PlanDiffers(ValueError):
    """The run would render something else than the saved plan; `lines` has each difference. Nothing was bought."""

    def __init__(self, lines: tuple[str, ...]) -> None:
        super().__init__(
            "storyboard, models or library have changed since this plan was saved, and nothing was bought:\n"
            + "\n".join(f"  {line}" for line in lines)
            + "\nSave a new plan and run that, or undo the change."
        )
        self.lines = lines


def check_held(held: Plan, today: Plan) -> None:
    """Raise PlanDiffers if `today`, whose jobs have their states, differs from `held`.

    A job that was new in the plan and was bought since is no difference, so an interrupted run passes. A price counts
    only if something is to be bought.
    """
    if lines := tuple(differences(held, today)):
        raise PlanDiffers(lines)


def differences(held: Plan, today: Plan) -> Iterator[str]:
    """The differences between the held plan and today's, one line for each field."""
    yield from _changed("", held.terms, today.terms)
    if today.attempts > held.attempts:
        yield f"attempts: {held.attempts} in the plan, {today.attempts} now"
    before, after = _jobs(held), _jobs(today)
    planned = {job.key for job in before.values()}
    yield from (f"{name}: is in the plan, and not in the storyboard any more" for name in before if name not in after)
    for name, job in after.items():
        if _is_at_work(job, planned):
            continue
        if name not in before:
            yield f"{name}: is not in the plan; {_price(job)}"
            continue
        was = before[name]
        if job.key == was.key and job.state not in _OPEN:
            continue  # it is bought: there is nothing left to decide
        yield from _changed(f"{name} ", was.terms, job.terms)
        if was.state not in _OPEN and job.key == was.key:
            yield f"{name}: is {was.state} in the plan, and would be bought now for {_price(job)}"
    if [*before] != [*after] and {*before} == {*after}:
        yield "order of the scenes: is another one"


def _changed(prefix: str, before: Terms, after: Terms) -> Iterator[str]:
    fields = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    shown = [name for name in fields if name not in {_MADE_OF, "order"}]
    for name in shown:
        yield f"{prefix}{name}: {_text(before.get(name))} in the plan, {_text(after.get(name))} now"
    if fields and not shown:
        yield f"{prefix}content: the media, the parent or the wording behind it are other ones"


def _is_at_work(job: PlannedJob, planned: Collection[str]) -> bool:
    """Whether it is another take of a scene whose clip was bad, or that clip: the plan said that it would be bought."""
    if not isinstance(job, PlannedScene):
        return False
    again = is_again(job.reroll) or (job.standing and job.most is not None)
    return again or (job.further and job.key in planned and job.state not in _OPEN)


def _jobs(plan: Plan) -> Mapping[str, PlannedJob]:
    """The jobs of a plan by the names that people use."""
    named: dict[str, PlannedJob] = {
        f"{job.character.name} for {job.model.casting or job.model.name}": job for job in plan.characters
    }
    named |= {f"sheet of {job.name}": job for job in plan.sheets}
    named |= {job.name: job for job in plan.stills} | {job.name: job for job in plan.scenes}
    further: tuple[PlannedStill | PlannedScene, ...] = (*plan.still_takes, *plan.takes)
    return named | {f"{job.name} take {job.reroll or job.take}": job for job in further}


def _price(job: PlannedJob) -> str:
    return price(job.usd)


def _text(value: JsonValue) -> str:
    text = "nothing" if value is None or value in ("", [], {}) else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
