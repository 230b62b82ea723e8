"""Let a person approve a plan before anything of it is bought, and buy what was approved, once and no more.

An approval holds for its plan as that is carried out: what is bought by now has been decided, and a run that is broken
off, resumed or started again does not ask twice. Whatever else has changed is another plan, and is asked about.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from math import isclose

from prefect.runtime import flow_run

from prefect_storyboard.blocks import RenderSettings
from prefect_storyboard.jobs.estimate import estimate
from prefect_storyboard.ledger import Approval, Ledger
from prefect_storyboard.series.approval_page import inputs, plan_page
from prefect_storyboard.series.asked import Limits
from prefect_storyboard.series.asking import ask, is_asked_elsewhere
from prefect_storyboard.series.failures import left_out
from prefect_storyboard.series.held import keep_plan, kept_plan
from prefect_storyboard.series.known import with_states
from prefect_storyboard.series.price import check_offered, check_sendable
from prefect_storyboard.series.run import Ended, Rendering
from prefect_storyboard.series.waiting import announce, asked_before
from prefect_storyboard.storyboards import FailedScene, Plan
from prefect_storyboard.storyboards.approval import Answer, Question, missing, plan_question, without
from prefect_storyboard.storyboards.held import differences


async def approve_plan(run: Rendering, given: Limits, asked: RenderSettings) -> Limits:
    """Ask whether to buy the plan, unless that was approved; the run's plan becomes what is not left out.

    Raises Stopped or NotApproved, and what stops a run before it buys: nothing was bought.
    """
    ledger = Ledger(run.library.storage())
    wanted = await estimate(run.prepared.plan, ledger, run.attempts)
    plan = with_states(run.prepared.plan, wanted, run.attempts)
    question = plan_question(plan, given.max_cost_usd)
    approval = await asyncio.to_thread(in_force, ledger, plan, str(flow_run.id or ""))
    if approval is None and question is None:
        return given
    if approval is None and question is not None:
        await check_sendable(run, wanted)
        await check_offered(run.session, run.prepared.plan, wanted, allow_retired=asked.allow_retired)
        approval = await _approval(run, question, plan, asked.approve_hours)
    if approval is None:
        return given
    _leave_out(run, plan, approval)
    allow = given.allow_unknown_price or approval.buy_unpriced
    return Limits(max_cost_usd=approval.max_cost_usd, allow_unknown_price=allow, since=approval.at)


async def _approval(run: Rendering, question: Question, plan: Plan, hours: float) -> Approval:
    """Ask, and record the answer."""
    ledger = Ledger(run.library.storage())
    changed = await asyncio.to_thread(_changed, ledger, plan)
    pictures = "" if is_asked_elsewhere() else await asyncio.to_thread(inputs, run.prepared, plan)
    question = question.model_copy(update={"page": plan_page(question, plan, changed, pictures)})
    await asyncio.to_thread(keep_plan, ledger.storage, plan)
    return await approval_of(run, question, plan, hours)


async def approval_of(run: Rendering, question: Question, plan: Plan, hours: float) -> Approval:
    """Ask a question, and record who has approved what."""
    ledger = Ledger(run.library.storage())
    name = await asyncio.to_thread(question_name, ledger, question)
    tell = partial(announce, run, hours=hours)
    answer = await ask(question, plan, name=name, hours=hours, announce=tell)
    made = recorded(question, answer, name, str(flow_run.id or ""))
    return await asyncio.to_thread(ledger.approve, question.reel, made)


def question_name(ledger: Ledger, question: Question) -> str:
    """The name of a question: another one for each time that the same has been approved before. Blocks."""
    asked = (question.kind, question.hash)
    same = [each for each in ledger.approvals(question.reel) if (each.kind, each.hash) == asked]
    return f"approve-{question.kind}-{question.hash[:16]}-{len(same) + 1}"


def recorded(question: Question, answer: Answer, name: str, run_id: str) -> Approval:
    """An answer as the library keeps it."""
    said = answer.model_dump(exclude={"decision"})
    asked = question.model_dump(include={"kind", "hash", "about", "asked"})
    return Approval.model_validate({**said, **asked, "name": name, "run": run_id, "at": datetime.now(UTC)})


def in_force(ledger: Ledger, plan: Plan, run_id: str) -> Approval | None:
    """The approval of a plan, or of one that this plan carries out; the newest. Blocks.

    Its own run does not ask again about what was left out; another run does, once all that was approved is bought. One
    whose budget no longer covers what is left to buy is not in force.
    """
    for approval in reversed(ledger.approvals(plan.storyboard.slug)):
        held = _held(ledger, approval.hash) if approval.kind == "plan" else None
        if held is None or any(differences(held, plan)):
            continue
        part = without(plan, approval.leave_out)
        own = bool(run_id) and approval.run == run_id
        if (own or part.unsettled) and covers(ledger, approval, part):
            return approval
    return None


def covers(ledger: Ledger, approval: Approval, part: Plan) -> bool:
    """Whether what is left of an approved budget is enough for what is left to buy. Blocks."""
    if approval.max_cost_usd is None or not part.unsettled:
        return True
    spent = ledger.journal.spent(part.storyboard.slug, approval.at)
    comes_to = spent + part.low_usd  # a job in doubt is among what was spent
    return comes_to <= approval.max_cost_usd or isclose(comes_to, approval.max_cost_usd)


def _held(ledger: Ledger, plan_hash: str) -> Plan | None:
    try:
        return kept_plan(ledger.storage, plan_hash)
    except ValueError:  # of an older version, or removed: the plan is asked about again
        return None


def _changed(ledger: Ledger, plan: Plan) -> Sequence[str]:
    """What this run asks about and has not asked about before. Blocks."""
    before = asked_before(ledger.storage, str(flow_run.id or ""))
    held = _held(ledger, before.hash) if before else None
    return [*differences(held, plan)] if held else []


def _leave_out(run: Rendering, plan: Plan, approval: Approval) -> None:
    """Let the run render the part that was approved."""
    narrow(run, missing(plan, approval.leave_out, approval.by), without(plan, approval.leave_out))


def narrow(run: Rendering, left_out: dict[str, str], part: Plan) -> None:
    """Let the run render a part of its plan; `left_out` says why each other scene has no clip."""
    run.left_out = left_out
    if left_out:
        run.held, run.whole = None, run.prepared.plan  # the part was held to its plan before it was approved
        run.prepared = run.prepared.model_copy(update={"plan": part})


def with_left_out(run: Rendering, ended: Sequence[Ended]) -> tuple[Ended, ...]:
    """The ends of all scenes of the storyboard, with those that a person has left out."""
    if run.whole is None:
        return tuple(ended)
    run.prepared, ends = run.prepared.model_copy(update={"plan": run.whole}), {end.scene: end for end in ended}
    found = [ends.get(scene.scene.id) or _absent(run, scene.scene.id) for scene in run.whole.scenes]
    run.whole = None
    return tuple(found)


def _absent(run: Rendering, name: str) -> FailedScene:
    scene = next(scene for scene in run.prepared.plan.scenes if scene.scene.id == name)
    return left_out(run, scene, run.left_out[name])
