"""Scenes that are rendered again because their clips are bad: one further take at a time, within the attempts.

The take in the place of a bad one has a name that everybody computes from the bad one's key, and is on record as an
order before it is bought: a run that is broken off, or a second one beside it, finds the same take and buys it once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime
from math import isclose

from prefect_storyboard.ledger import Choice, Ledger, deciding, times_bought
from prefect_storyboard.series.choosing import Choices, is_about, is_bad, is_paid, question
from prefect_storyboard.series.run import Ended, Rendering
from prefect_storyboard.storyboards import Clip, FailedScene, Plan, PlannedScene
from prefect_storyboard.storyboards.again import again_id, is_again
from prefect_storyboard.storyboards.money import price
from prefect_storyboard.storyboards.outcomes import JsonObject

Render = Callable[[PlannedScene], Awaitable[Ended]]


def remarks(plan: Plan, attempts: int) -> tuple[str, ...]:
    """A warning, if the storyboard wants bad clips to be rendered again, and the run may buy every scene only once."""
    board = plan.storyboard
    if attempts > 1 or not any(board.rerolls(scene.scene) for scene in plan.scenes):
        return ()
    return ("on_bad: reroll renders nothing again, because attempts is 1; allow 2 attempts or more",)


def take_after(choices: Choices, scene: PlannedScene, key: str, attempts: int) -> PlannedScene | None:
    """The take in the place of the scene's take of that key; None if it is not bad or may not be bought again. Blocks.

    The scene is as the storyboard asks for it, made of what it needs.
    """
    history = choices.ledger.history(key)
    last = deciding(history)
    if last is None or not is_bad(last):
        return None
    spent = spent_before(choices, scene, key) + times_bought(history)
    if spent >= attempts:
        return None
    said = last.intent.draft.basis.get("note") if last.intent.draft else None
    take = scene.with_reroll(f"{again_id(key)}-1", str(said or ""))
    return take.model_copy(update={"further": True, "standing": False, "most": attempts - spent})


def spent_before(choices: Choices, scene: PlannedScene, key: str) -> int:
    """How often the scene had been bought when the take of that key was ordered in the place of a bad one."""
    mine = (each for each in _orders(choices, scene) if key == scene.with_reroll(each.rerolls[0], each.note).key)
    return next((each.spent for each in mine), 0)


def record_order(choices: Choices, take: PlannedScene, plan: Plan, spent: int) -> None:
    """Put the order for a take in the place of a bad one on record, unless it is. Blocks."""
    keys = {each.name: each.key for each in (*plan.stills, *plan.scenes)}
    name = (take.reroll or "").removesuffix("-1")
    wanted = Choice(
        id=name,
        kind="asked",
        scene=take.scene.id,
        at=datetime.now(UTC),
        by="on_bad: reroll",
        own_identity=take.own_identity,
        made_of=question({each: keys[each] for each in take.needs}),
        take=take.scene.take,
        takes=1,
        note=take.note or "",
        name=name,
        spent=spent,
    )
    choices.ledger.choose(choices.reel, lambda known: next((each for each in known if each.id == name), wanted))


def record_planned(run: Rendering) -> None:
    """Put the orders for takes of the plan that are in the place of bad ones on record. Blocks."""
    plan = run.prepared.plan
    for take in plan.takes:
        if is_again(take.reroll):
            record_order(_choices(run), take, plan, run.attempts - (take.most or 1))


async def without_bad(run: Rendering, scene: PlannedScene, stands: Ended, render: Render) -> Ended:
    """The clip that stands for a scene: while it is bad, further takes are rendered, as far as the run allows it.

    A take that cannot be rendered fails nothing: it becomes a note of the run, and the bad clip stands.
    """
    board = run.prepared.plan.storyboard
    if scene.picked or scene.stale or scene.most == 1 or not board.rerolls(scene.scene):
        return stands
    while isinstance(stands, Clip) and stands.is_bad:
        take = await asyncio.to_thread(_allowed, run, scene, stands)
        if take is None:
            break
        end = await render(take)
        if isinstance(end, FailedScene):
            run.notes.append(f"{end.scene} is bad, and could not be rendered again: {end.error}")
            break
        if not isinstance(end, Clip):
            return end
        run.further.append(stands)
        stands = end
        _follow(run, scene, end)
    return stands


def newest(run: Rendering, takes: Sequence[PlannedScene]) -> PlannedScene:
    """Which of a scene's takes stands, as every later run will find it. Blocks."""
    found = _choices(run).newest(takes)
    return next(take for take in takes if take.key == found.key)


def _allowed(run: Rendering, scene: PlannedScene, bad: Clip) -> PlannedScene | None:
    """The take in the place of the bad clip, on record; None if attempts or budget allow none. Blocks."""
    choices, plain = _choices(run), scene.with_content(as_asked(scene))
    take = take_after(choices, plain, bad.job_key, run.attempts)
    if take is None:
        return None
    if run.spare is not None and not is_paid(deciding(choices.ledger.history(take.key))):
        cost = (take.usd or 0.0) + run.prepared.plan.usd_per_look
        if cost > run.spare and not isclose(cost, run.spare):
            left = f"another take costs {price(cost)}, and max_cost_usd leaves {price(run.spare)}"
            run.notes.append(f"{scene.scene.id} is bad, and is kept: {left}")
            return None
        run.spare -= cost
    record_order(choices, take, run.prepared.plan, run.attempts - (take.most or 1))
    return take


def as_asked(scene: PlannedScene) -> JsonObject:
    """What the key of a scene would hash if no further take stood for it."""
    plain = {name: value for name, value in scene.content.items() if name not in {"reroll", "note"}}
    return {**plain, "take": scene.scene.take}


def _follow(run: Rendering, scene: PlannedScene, clip: Clip) -> None:
    """Let the characters that are made from the scene be made from that clip."""
    plan = run.prepared.plan
    cast = tuple(
        each.made_of(clip.job_key, plan.account) if each.character.from_scene == scene.scene.id else each
        for each in plan.characters
    )
    run.prepared = run.prepared.model_copy(update={"plan": plan.model_copy(update={"characters": cast})})


def _choices(run: Rendering) -> Choices:
    ledger, reel = Ledger(run.library.storage()), run.prepared.plan.storyboard.slug
    return Choices(ledger, reel, ledger.choices(reel))


def _orders(choices: Choices, scene: PlannedScene) -> Iterator[Choice]:
    return (each for each in choices.made if is_again(each.id) and each.kind == "asked" and is_about(each, scene))
