"""Draw the stills of a run, let a person choose among them, and buy no clip before its still was approved.

A still that goes on from the last frame of a clip can be drawn only when that clip is there: then the clips that were
approved are rendered first, and the run asks again, about the new stills only. What was approved is recorded before it
is done, scene by scene: a run that is broken off goes on with it, and buys nothing twice.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from prefect.context import FlowRunContext
from prefect.runtime import flow_run

from prefect_storyboard.blocks import RenderSettings
from prefect_storyboard.jobs.estimate import estimate
from prefect_storyboard.ledger import Approval, Ledger
from prefect_storyboard.series.approval_stills_page import stills_page
from prefect_storyboard.series.approving import approval_of, covers, narrow
from prefect_storyboard.series.asked import Limits, allowed_within
from prefect_storyboard.series.asking import is_asked_elsewhere
from prefect_storyboard.series.choosing_takes import carry_on, stored
from prefect_storyboard.series.chosen import stand_again
from prefect_storyboard.series.drawing import pictures_only
from prefect_storyboard.series.known import with_states
from prefect_storyboard.series.price import check_offered, check_sendable
from prefect_storyboard.series.rendering import ended_scenes, settled_scenes
from prefect_storyboard.series.run import Rendering
from prefect_storyboard.series.scoreboard import followed
from prefect_storyboard.series.takes import board_takes
from prefect_storyboard.storyboards import FailedScene, Plan
from prefect_storyboard.storyboards.approval import missing, without
from prefect_storyboard.storyboards.approval_stills import Stills, asked_of, ready, stills_digest, stills_question
from prefect_storyboard.storyboards.shots import still_name

_OPEN = {None, "new", "unknown"}  # what a run may have to buy


class _Approved(NamedTuple):
    """What people have said of the clips that can be bought now; `last` is the approval whose budget holds for them."""

    scenes: Mapping[str, Approval]
    left_out: Mapping[str, Approval]
    last: Approval | None


async def approve_stills(run: Rendering, given: Limits, asked: RenderSettings) -> Limits:
    """Draw all that can be drawn, and ask until every clip that is to be bought is approved or left out.

    Returns the limits for the rest of the run, whose plan becomes what was approved. Raises Stopped or NotApproved:
    pictures were bought, and no clip that was not approved. Raises ValueError for a storyboard without stills.
    """
    if not run.asked.stills:
        raise ValueError("approve: no still is drawn for this storyboard, and nothing was bought; name an image model")
    await _check(run, asked)
    given = given.model_copy(update={"since": _began()})
    async with followed(run.asked):
        return await _decided(run, given, asked)


async def _check(run: Rendering, asked: RenderSettings) -> None:
    """Check the whole plan before a picture of it is bought."""
    ledger, plan = Ledger(run.library.storage()), run.prepared.plan
    known = await asyncio.to_thread(ledger.approvals, plan.storyboard.slug)
    if any(each.run == str(flow_run.id) for each in known):
        run.held = None  # it was held to its plan before it asked, and what was answered is another one
    wanted = await estimate(plan, ledger, run.attempts)
    await check_sendable(run, wanted)
    await check_offered(run.session, plan, wanted, allow_retired=asked.allow_retired)
    run.held = None


async def _decided(run: Rendering, given: Limits, asked: RenderSettings) -> Limits:
    limits = given
    while True:
        drawn = await _draw(run, given, asked)
        stills = await asyncio.to_thread(_stills, drawn, Ledger(run.library.storage()))
        part = ready(drawn, stills)
        approved = await asyncio.to_thread(_approved, run, part, stills)
        if any(scene not in approved.scenes and scene not in approved.left_out for scene in asked_of(part, stills)):
            await _ask(run, given, asked, (drawn, part, stills, approved))
            continue
        limits = _limits(given, approved.last) if approved.last else limits
        if not await _render(run, part, approved, limits, asked):
            _leave_out(run, drawn, part, approved)
            return limits


async def _draw(run: Rendering, given: Limits, asked: RenderSettings) -> Plan:
    """The plan with its states, after what was approved is done and all that can be drawn is drawn."""
    ledger = Ledger(run.library.storage())
    await carry_on(run, "stills", stills_digest, asked)
    pictures = await asyncio.to_thread(pictures_only, await stand_again(run, cascade=asked.cascade), ledger)
    run.prepared = run.prepared.model_copy(update={"plan": pictures})
    wanted = await allowed_within(run, given, asked)
    await ended_scenes(run, wanted, cancel_provider_jobs=False)
    plan = await stand_again(run, cascade=asked.cascade)
    return with_states(plan, await estimate(plan, ledger, run.attempts), run.attempts)


def _stills(plan: Plan, ledger: Ledger) -> Stills:
    found = stored(line for line in board_takes(plan, ledger) if line.still)
    ids = {still_name(scene.scene.id): scene.scene.id for scene in plan.scenes}
    return {ids[name]: takes for name, takes in found.items()}


def _approved(run: Rendering, part: Plan, stills: Stills) -> _Approved:
    """What holds of what people have said; the last word on a scene counts. Blocks.

    What its own run has left out is not asked about again; another run asks.
    """
    ledger, own = Ledger(run.library.storage()), str(flow_run.id or "")
    today, scenes, left_out = asked_of(part, stills), dict[str, Approval](), dict[str, Approval]()
    given = [each for each in ledger.approvals(part.storyboard.slug) if each.kind == "stills" and not each.again]
    for approval in given:
        for scene, word in approval.asked.items():
            if today.get(scene) != word:
                continue
            left_out.pop(scene, None)
            scenes.pop(scene, None)
            if scene not in approval.leave_out:
                scenes[scene] = approval
            elif own and approval.run == own:
                left_out[scene] = approval
    last = max(scenes.values(), key=lambda each: each.at, default=None)
    others = [scene for scene in today if scene not in scenes]
    if last and not covers(ledger, last, without(part, others)):
        return _Approved({}, left_out, None)
    return _Approved(scenes, left_out, last)


async def _ask(
    run: Rendering, given: Limits, asked: RenderSettings, known: tuple[Plan, Plan, Stills, _Approved]
) -> None:
    """Ask about all clips that could be bought now, and record the answer."""
    plan, part, stills, approved = known
    ledger = Ledger(run.library.storage())
    proposed = {*approved.left_out, *await asyncio.to_thread(_left_out_before, ledger, part.storyboard.slug)}
    budget = await asyncio.to_thread(_left, run, given)
    question = stills_question(part, stills, budget, about=stills_digest(plan), left_out=proposed)
    if question is None:
        raise TypeError("a clip is to be bought")
    page = await asyncio.to_thread(stills_page, question, plan, part, run, pictures=not is_asked_elsewhere())
    await approval_of(run, question.model_copy(update={"page": page}), part, asked.approve_hours)


def _left_out_before(ledger: Ledger, reel: str) -> tuple[str, ...]:
    """What was to be left out by the answer that had stills drawn again. Blocks."""
    answers = [each for each in ledger.approvals(reel) if each.kind == "stills"]
    return answers[-1].leave_out if answers and answers[-1].again else ()


def _left(run: Rendering, given: Limits) -> float | None:
    """What is left of the caller's budget. Blocks."""
    if given.max_cost_usd is None:
        return None
    began = given.since or datetime.now(UTC)
    spent = Ledger(run.library.storage()).journal.spent(run.asked.storyboard.slug, began)
    return round(max(given.max_cost_usd - spent, 0.0), 6)


def _limits(given: Limits, approval: Approval) -> Limits:
    allow = given.allow_unknown_price or approval.buy_unpriced
    return Limits(max_cost_usd=approval.max_cost_usd, allow_unknown_price=allow, since=approval.at)


async def _render(run: Rendering, part: Plan, approved: _Approved, limits: Limits, asked: RenderSettings) -> bool:
    """Render the approved clips if stills wait for their last frames; whether one of those can be drawn now."""
    follows = {still.follows for still in run.prepared.plan.stills if still.follows}
    waiting = {still.scene.id for still in run.prepared.plan.stills} - {still.scene.id for still in part.stills}
    wanted = {scene for scene in approved.scenes if scene in follows}
    if not (waiting and wanted):
        return False
    others = [scene for scene in asked_of(part, {}) if scene not in approved.scenes]
    run.prepared = run.prepared.model_copy(update={"plan": without(part, others)})
    ends = await settled_scenes(
        run, await allowed_within(run, limits, asked), cancel_provider_jobs=asked.cancel_provider_jobs
    )
    return bool(wanted - {end.scene for end in ends if isinstance(end, FailedScene)})


def _leave_out(run: Rendering, plan: Plan, part: Plan, approved: _Approved) -> None:
    """Let the run render what was approved, and say of every other scene why it is not."""
    run.prepared = run.prepared.model_copy(update={"plan": plan})
    there = {scene.scene.id for scene in part.scenes}
    why = {scene: f"left out by {approval.by}" for scene, approval in approved.left_out.items()}
    for scene in plan.scenes:
        if scene.scene.id not in there and scene.state in _OPEN:
            end = run.stills.get(scene.scene.id)
            error = f": {end.error}" if isinstance(end, FailedScene) else ", because what it goes on from is missing"
            why[scene.scene.id] = f"its still could not be drawn{error}"
    by = ", ".join(dict.fromkeys(approval.by for approval in approved.left_out.values())) or "this run"
    gone = missing(plan, why, by)
    narrow(run, {scene: why.get(scene, text) for scene, text in gone.items()}, without(plan, why))


def _began() -> datetime:
    """When the flow run was started first: one that was suspended has been started several times."""
    context = FlowRunContext.get()
    started = context.flow_run.start_time if context and context.flow_run else None
    return started or datetime.now(UTC)
