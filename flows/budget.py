"""What a run will buy and cost, said and checked before anything is sent."""

import asyncio
import math
from datetime import UTC, datetime

from prefect_storyboard.flows.run import Rendering
from prefect_storyboard.ledger import Decision, Ledger, decide
from prefect_storyboard.ledger.owner import alive
from prefect_storyboard.providers.errors import Busy, Expired, InvalidRequest, NotSent, ProtocolError, Retired
from prefect_storyboard.providers.session import Session
from prefect_storyboard.storyboards import Frozen, Plan
from prefect_storyboard.tasks.budget import Budget, OverBudget
from prefect_storyboard.tasks.progress import Progress, tell

_BUYS = {Decision.SUBMIT, Decision.UNKNOWN}  # an unknown job may turn out to be new


class Estimate(Frozen):
    """What is new, and its price. `unpriced` names the jobs whose price nobody has published."""

    decisions: dict[str, Decision]
    usd: float
    unpriced: tuple[str, ...]

    @property
    def unsettled(self) -> int:
        """How many jobs are to be bought or waited for."""
        return sum(decision not in {Decision.DONE, Decision.FAILED} for decision in self.decisions.values())

    def buys(self, key: str) -> bool:
        """Whether the job of that key has to be bought."""
        return self.decisions[key] in _BUYS


async def estimate(plan: Plan, ledger: Ledger, attempts: int) -> Estimate:
    """Look every job up in the ledger and add up the new ones."""
    jobs = {job.key: job for job in plan.jobs}

    def look(key: str) -> Decision:
        history = ledger.history(key)
        owner_alive = bool(history) and alive(history[-1].intent.owner)
        return decide(history, now=datetime.now(UTC), owner_alive=owner_alive, attempts=attempts)

    found = await asyncio.gather(*(asyncio.to_thread(look, key) for key in jobs))
    decisions = dict(zip(jobs, found, strict=True))
    names = {character.key: character.character.name for character in plan.characters}
    names |= {scene.key: scene.scene.id for scene in plan.scenes}
    new = [job for key, job in jobs.items() if decisions[key] in _BUYS]
    return Estimate(
        decisions=decisions,
        usd=round(sum(job.usd or 0.0 for job in new), 6),
        unpriced=tuple(names[job.key] for job in new if job.usd is None),
    )


async def allow(
    run: Rendering, max_cost_usd: float | None, *, allow_unknown_price: bool, allow_retired: bool
) -> Estimate:
    """Look everything up, and raise OverBudget or Retired before the first submit; the budget holds at each one."""
    plan = run.prepared.plan
    wanted = await estimate(plan, Ledger(run.library.storage()), run.attempts)
    check_budget(wanted, max_cost_usd, allow_unknown_price=allow_unknown_price)
    if max_cost_usd is not None:
        now, reel = datetime.now(UTC), plan.storyboard.slug
        run.budget = Budget(usd=max_cost_usd, reel=reel, since=now, unpriced=allow_unknown_price)
    await check_offered(run.session, plan, wanted, allow_retired=allow_retired)
    for character in plan.characters:
        tell(Progress(subject=character.character.name, state="waiting"))
    for scene in plan.scenes:
        tell(Progress(subject=scene.scene.id, state="waiting", seconds=scene.seconds))
    return wanted


def check_budget(wanted: Estimate, max_cost_usd: float | None, *, allow_unknown_price: bool) -> None:
    """Raise OverBudget where the new jobs cost more than allowed, or nobody can tell whether they do."""
    if max_cost_usd is None:
        return
    if math.isnan(max_cost_usd):
        raise OverBudget("max_cost_usd is no number; give US dollars, or leave it out")
    if wanted.usd > max_cost_usd:
        raise OverBudget(
            f"the run would buy for ${wanted.usd:.2f}, and max_cost_usd is ${max_cost_usd:.2f}; "
            "raise it, or leave scenes out"
        )
    if wanted.unpriced and not allow_unknown_price:
        raise OverBudget(
            f"nobody has published the price of {', '.join(wanted.unpriced)}, so max_cost_usd cannot be kept; "
            "allow it with allow_unknown_price"
        )


async def check_offered(session: Session, plan: Plan, wanted: Estimate, *, allow_retired: bool) -> None:
    """Raise Retired for a model that is not sold any more: by the provider's own list, else by its date."""
    if allow_retired:
        return
    needed = {s.model.endpoints[s.operation]: s.model for s in plan.scenes if wanted.buys(s.key)}
    for endpoint, family in needed.items():
        try:
            offered = await session.provider.offered(endpoint)
        except (NotSent, Busy, ProtocolError, Expired, InvalidRequest):
            offered = None  # a list that cannot be read says nothing
        over = family.retires_on is not None and family.retires_on <= datetime.now(UTC).date()
        if offered is False or (offered is None and over):
            why = "the provider's list says so" if offered is False else f"its maker ended it on {family.retires_on}"
            hint = f"Its successor is {family.successor}" if family.successor else "Choose another model"
            raise Retired(
                f"{family.name} is not sold any more at {plan.provider} ({why})",
                successor=family.successor,
                remedy=f"Nothing was bought. {hint}; or say allow_retired to try all the same.",
            )
