"""Let a person choose among the takes of a reel, and make some again, until the reel is as they want it.

What was approved is recorded before it is done, and done by the same functions as `pick` and `reroll`: a run that is
broken off goes on with it, and buys no take twice.
"""

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from prefect_storyboard.blocks import RenderSettings
from prefect_storyboard.ledger import Approval, Choice, Ledger, deciding
from prefect_storyboard.series.approval_page import takes_page
from prefect_storyboard.series.approving import approval_of
from prefect_storyboard.series.asked import Limits, allowed_within
from prefect_storyboard.series.asking import is_asked_elsewhere
from prefect_storyboard.series.chosen import stand_again
from prefect_storyboard.series.further import further_takes
from prefect_storyboard.series.rendering import settled_scenes
from prefect_storyboard.series.rerolling import has_ended
from prefect_storyboard.series.run import Rendering
from prefect_storyboard.series.takes import Of, TakeLine, board_takes, carry_out, order, pick
from prefect_storyboard.storyboards import Clip, FailedScene, Plan
from prefect_storyboard.storyboards.approval import ApprovalKind, TakeOffered, scenes_digest, takes_question


async def approve_takes(run: Rendering, given: Limits, asked: RenderSettings) -> None:
    """Ask which takes the reel shows, unless that was approved of just these takes, and do what the answer says.

    Raises Stopped or NotApproved: nothing was bought after the question.
    """
    ledger, reel = Ledger(run.library.storage()), run.prepared.plan.storyboard.slug
    while True:
        await carry_on(run, "takes", scenes_digest, asked)
        plan = await stand_again(run)
        lines = await asyncio.to_thread(board_takes, plan, ledger)
        question = takes_question(plan, offered(plan, lines), given.max_cost_usd)
        known = await asyncio.to_thread(ledger.approvals, reel)
        if question is None or any((each.kind, each.hash) == ("takes", question.hash) for each in known):
            return
        clips = [line for line in lines if line.clip]
        page = await asyncio.to_thread(takes_page, question, clips, run.library, pictures=not is_asked_elsewhere())
        await approval_of(run, question.model_copy(update={"page": page}), plan, asked.approve_hours)


def offered(plan: Plan, lines: Iterable[TakeLine]) -> dict[str, tuple[TakeOffered, ...]]:
    """The takes of the scenes that may be chosen and rendered again: all that they need is there."""
    there = stored(lines)
    return {
        scene.scene.id: there[scene.scene.id]
        for scene in plan.scenes
        if scene.scene.id in there and all(need in there for need in scene.needs)
    }


def stored(lines: Iterable[TakeLine]) -> dict[str, tuple[TakeOffered, ...]]:
    """The takes that have a file, by the names of their scenes and stills."""
    takes: dict[str, tuple[TakeOffered, ...]] = {}
    for line in lines:
        if made := line.clip or line.still:
            take = TakeOffered(number=line.take, key=made.job_key, shown=line.shown, url=made.url)
            takes[line.name] = (*takes.get(line.name, ()), take)
    return takes


async def carry_on(run: Rendering, kind: ApprovalKind, about: Callable[[Plan], str], asked: RenderSettings) -> None:
    """Do what was approved and is not done yet: pick, then make again. Dropped if what it is `about` has changed."""
    ledger, reel = Ledger(run.library.storage()), run.asked.storyboard.slug
    approval = await asyncio.to_thread(open_approval, ledger, reel, kind)
    if approval is None:
        return
    plan = await stand_again(run)
    same = approval.about == about(plan)
    if same:
        await asyncio.to_thread(pick_approved, plan, ledger, approval)
    if same and approval.again:
        await make_again(run, await stand_again(run), approval, asked)
    await asyncio.to_thread(close_approval, ledger, reel, approval, done=same)


def close_approval(ledger: Ledger, reel: str, approval: Approval, *, done: bool) -> None:
    """Record that what an approval picks and makes again was done, or that its scenes have changed before. Blocks."""
    end = {"kind": "carried out" if done else "dropped", "at": datetime.now(UTC)}
    ledger.approve(reel, approval.model_copy(update=end))


def open_approval(ledger: Ledger, reel: str, kind: ApprovalKind) -> Approval | None:
    """The last approval of takes, or of stills, that is not carried out. Blocks."""
    known = ledger.approvals(reel)
    done = {each.name for each in known if each.kind in {"carried out", "dropped"}}
    return next((each for each in reversed(known) if each.kind == kind and each.name not in done), None)


def pick_approved(plan: Plan, ledger: Ledger, approval: Approval) -> None:
    """Let the chosen takes stand; not where somebody has picked another one since. Blocks."""
    of, choices = made_again(approval), ledger.choices(plan.storyboard.slug)
    picks = [each for each in choices if each.kind == "picked" and each.still == (of == "still")]
    later = {each.scene for each in picks if each.at > approval.at}
    lines = (line for line in board_takes(plan, ledger) if line.shown and (line.still is None) == (of == "clip"))
    stands = {line.scene: line.take for line in lines if not line.kept}
    for scene, number in approval.takes.items():
        if scene not in later and stands.get(scene) != number:
            pick(plan, ledger, scene, number, of=of, by=approval.by)


def made_again(approval: Approval) -> Of:
    """What the approval chooses, and makes again."""
    return "still" if approval.kind == "stills" else "clip"


async def make_again(run: Rendering, plan: Plan, approval: Approval, asked: RenderSettings) -> None:
    """Buy one more take of each clip, or of each still, that was asked for, all at once."""
    ledger, reel = Ledger(run.library.storage()), plan.storyboard.slug
    orders = await asyncio.to_thread(orders_of, plan, ledger, approval)
    part = await asyncio.to_thread(part_of, plan, ledger, orders)
    run.held, run.prepared = None, run.prepared.model_copy(update={"plan": part})
    limits = Limits(max_cost_usd=approval.max_cost_usd, allow_unknown_price=True, since=approval.at)
    wanted = await allowed_within(run, limits, asked)
    await settled_scenes(run, wanted, cancel_provider_jobs=asked.cancel_provider_jobs)
    for end in run.rerolled:
        if isinstance(end, FailedScene):
            run.notes.append(f"{end.scene} was to be made again: {end.error}")
        elif isinstance(end, Clip):
            run.further.append(end)
    run.rerolled = []
    for each in orders:
        names = [take.key for take in (*part.takes, *part.still_takes) if take.reroll in each.rerolls]
        if all(has_ended(deciding(ledger.history(key))) for key in names):
            await asyncio.to_thread(carry_out, ledger, reel, each)


def orders_of(plan: Plan, ledger: Ledger, approval: Approval) -> list[Choice]:
    """The orders for further takes that an approval gives; they are on record from now on. Blocks."""
    return [
        order(plan, ledger, scene, takes=1, note=approval.note, name=name, of=made_again(approval), by=approval.by)
        for scene, name in approval.orders.items()
    ]


def part_of(plan: Plan, ledger: Ledger, orders: Iterable[Choice]) -> Plan:
    """The part of the plan that buys the takes of all orders and nothing else. Blocks."""
    parts = [further_takes(plan, ledger, each) for each in orders]
    scenes = {scene.scene.id: scene for part in parts for scene in part.scenes}
    cast = {each.key: each for part in parts for each in part.characters}
    sheets = {each.key: each for part in parts for each in part.sheets}
    stills = {each.key: each for part in parts for each in part.stills}
    made = {
        "scenes": tuple(scenes.values()),
        "characters": tuple(cast.values()),
        "sheets": tuple(sheets.values()),
        "stills": tuple(stills.values()),
        "takes": tuple(take for part in parts for take in part.takes),
        "still_takes": tuple(take for part in parts for take in part.still_takes),
    }
    return plan.model_copy(update=made | {"variants": ()})
