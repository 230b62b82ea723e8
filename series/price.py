"""What a run will cost, and what stops it before it buys: the budget and retired models."""

import asyncio
import logging
from collections.abc import Iterable
from datetime import UTC, datetime

from prefect.context import FlowRunContext
from prefect.logging import get_run_logger

from prefect_storyboard.jobs.budget import Budget, OverBudget, check_budget
from prefect_storyboard.jobs.estimate import Estimate, estimate
from prefect_storyboard.jobs.progress import Progress, emit_progress
from prefect_storyboard.ledger import Attempt, Ledger, deciding
from prefect_storyboard.providers.agreement import check_agreed
from prefect_storyboard.providers.errors import (
    Busy,
    Expired,
    InvalidRequest,
    NotSent,
    ProtocolError,
    ProviderError,
    Retired,
)
from prefect_storyboard.providers.protocol import Order, Provider
from prefect_storyboard.providers.session import Session
from prefect_storyboard.series.again import remarks
from prefect_storyboard.series.known import with_states
from prefect_storyboard.series.run import Rendering
from prefect_storyboard.series.sent import check_prompts, draft_order
from prefect_storyboard.storyboards import Plan, PlannedScene, check_held
from prefect_storyboard.storyboards.keys import digest
from prefect_storyboard.storyboards.retiring import Retiring
from prefect_storyboard.tasks import _events as events


async def priced(plan: Plan, provider: Provider) -> Plan:
    """The plan with the request of every scene, and with the provider's price if the table has none.

    Raises InvalidRequest for a scene that the provider's request cannot express: nothing was sent.
    """
    orders = await asyncio.to_thread(lambda: {scene.key: draft_order(provider, scene) for scene in plan.scenes})
    bodies = {key: digest(order.body) for key, order in orders.items()}
    orders = {scene.key: orders[scene.key] for scene in plan.scenes if scene.usd is None}
    distinct = {_what_costs(scene): orders[scene.key] for scene in plan.scenes if scene.key in orders}
    asked = await asyncio.gather(*(_price(provider, order) for order in distinct.values()))
    prices = dict(zip(distinct, asked, strict=True))
    scenes = tuple(
        scene.model_copy(
            update={
                "order": bodies[scene.key],
                "usd": prices[_what_costs(scene)] if scene.key in orders else scene.usd,
            }
        )
        for scene in plan.scenes
    )
    return plan.model_copy(update={"scenes": scenes})


async def allow(
    run: Rendering,
    max_cost_usd: float | None,
    *,
    allow_unknown_price: bool,
    allow_retired: bool,
    since: datetime | None = None,
) -> Estimate:
    """Look up all jobs, and raise PlanDiffers, OverBudget, Retired or InvalidRequest before the first submit.

    The budget is checked again at each submit, against everything bought for the reel `since` then, or from now on.
    """
    plan = run.prepared.plan
    wanted = await estimate(plan, Ledger(run.library.storage()), run.attempts)
    log_warnings((*plan.warnings, *remarks(plan, run.attempts), *wanted.warnings))
    await check_sendable(run, wanted)
    try:
        looks = with_states(plan, wanted, run.attempts).usd_of_looks
        whole = wanted.model_copy(update={"usd": round(wanted.usd + looks, 6)})
        check_budget(whole, max_cost_usd, allow_unknown_price=allow_unknown_price)
    except OverBudget as error:
        events.series_over_budget(run.library, plan.storyboard.slug, max_cost_usd or 0.0, str(error))
        raise
    if max_cost_usd is not None:
        spent = await asyncio.to_thread(_spent, run, since)
        run.spare = max(max_cost_usd - whole.usd - spent, 0.0)
        begins, reel = since or datetime.now(UTC), plan.storyboard.slug
        run.budget = Budget(usd=max_cost_usd - looks, reel=reel, since=begins, unpriced=allow_unknown_price)
    await check_offered(run.session, plan, wanted, allow_retired=allow_retired)
    for character in plan.characters:
        emit_progress(Progress(subject=character.character.name, state="waiting"))
    for sheet in plan.sheets:
        emit_progress(Progress(subject=f"sheet of {sheet.name}", state="waiting"))
    for still in (*plan.stills, *plan.still_takes):
        emit_progress(Progress(subject=still.subject, state="waiting"))
    for scene in plan.renders:
        emit_progress(Progress(subject=scene.subject, state="waiting", seconds=scene.seconds))
    return wanted


def _spent(run: Rendering, since: datetime | None) -> float:
    """What the reel has cost since somebody approved it; nothing, if the run begins to count now. Blocks."""
    reel = run.prepared.plan.storyboard.slug
    return Ledger(run.library.storage()).journal.spent(reel, since) if since else 0.0


async def check_sendable(run: Rendering, wanted: Estimate) -> None:
    """Raise PlanDiffers or InvalidRequest if the plan differs from the saved one, or cannot be sent as it is."""
    plan = run.prepared.plan
    if run.held:
        check_held(run.held, with_states(plan, wanted, run.attempts))
    check_prompts(scene for scene in plan.renders if wanted.buys(scene.key))
    await asyncio.to_thread(check_remixes, plan, wanted, Ledger(run.library.storage()))


def log_warnings(warnings: Iterable[str]) -> None:
    """Log the warnings of the plan before anything is bought: a run in the UI can still be cancelled."""
    logger = get_run_logger() if FlowRunContext.get() else logging.getLogger(__name__)
    for warning in warnings:
        logger.warning(warning)


def check_remixes(plan: Plan, wanted: Estimate, ledger: Ledger) -> None:
    """Raise InvalidRequest if a new remix needs a video that its provider has deleted. Nothing was sent. Blocks."""
    scenes = {scene.scene.id: scene for scene in plan.scenes}
    new = [scene for scene in plan.renders if scene.scene.remixes and wanted.buys(scene.key)]
    faults = []
    for scene in new:
        parent = scenes[scene.scene.remixes or ""]
        is_bought = parent.key in wanted.decisions and not wanted.buys(parent.key)
        last = deciding(ledger.history(parent.key)) if is_bought else None
        if last and _is_deleted(last):
            name = parent.scene.id
            why = f"was rendered without a remix in the storyboard, and {plan.provider} deleted its video"
            faults.append(f"{scene.scene.id}: {name} {why}; increase the take of {name}")
    if faults:
        raise InvalidRequest("\n".join(faults), field="remixes", sent=False)


def _is_deleted(bought: Attempt) -> bool:
    draft, clip = bought.intent.draft, bought.end.clip if bought.end else None
    return (draft is not None and not draft.remixable) or (clip is not None and clip.handle is None)


async def check_offered(session: Session, plan: Plan, wanted: Estimate, *, allow_retired: bool) -> None:
    """Raise Retired for a model that is no longer sold, by the provider's own list or else by its retirement date.

    Raises InvalidRequest if the model table is unsure of a model and the provider's catalogue disagrees with it.
    """
    unsure = {s.endpoint: s for s in plan.renders if s.model.doubt(s.mode) and wanted.buys(s.key)}
    for scene in unsure.values():
        await check_agreed(session.provider, draft_order(session.provider, scene), scene.model, scene.mode)
    if allow_retired:
        return
    needed: dict[str, Retiring] = {s.endpoint: s.model for s in plan.renders if s.endpoint and wanted.buys(s.key)}
    drawn = [picture.drawing for picture in plan.pictures if wanted.buys(picture.key)]
    needed |= {each.model.endpoints[each.mode]: each.model for each in drawn if each.mode in each.model.endpoints}
    for endpoint, family in needed.items():
        try:
            offered = await session.provider.offered(endpoint)
        except (NotSent, Busy, ProtocolError, Expired, InvalidRequest):
            offered = None  # a list that cannot be read proves nothing
        if offered is False or (offered is None and family.ended):
            why = "the provider's list says so" if offered is False else f"its maker ended it on {family.retires_on}"
            raise Retired(
                f"{family.name} is not sold any more at {plan.provider} ({why})",
                successor=family.successor,
                remedy=f"Nothing was bought. {family.replacement}; or pass allow_retired to try nevertheless.",
            )


async def _price(provider: Provider, order: Order) -> float | None:
    try:
        return await provider.price(order)
    except ProviderError:
        return None


def _what_costs(scene: PlannedScene) -> tuple[object, ...]:
    sent = sum(sending.clip for sending in scene.sends), sum(sending.pictures for sending in scene.sends)
    size = scene.seconds, scene.resolution, scene.aspect, scene.silent
    return scene.model.name, scene.mode, scene.operation, size, sent
