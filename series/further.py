"""The part of a plan that buys the takes of an order, and nothing else."""

from prefect_storyboard.ledger import Choice, Ledger, deciding
from prefect_storyboard.series.takes import clip_or_still, node_of, scene_of
from prefect_storyboard.storyboards import Plan, PlannedScene, PlannedStill


def further_takes(plan: Plan, ledger: Ledger, asked: Choice) -> Plan:
    """The part of the plan that buys the takes of an order and nothing else. Blocks.

    Raises ValueError where the scene needs a clip or a character that is not there yet: nothing was bought.
    """
    if asked.still:
        return _further_stills(plan, ledger, asked)
    scenes = {node.name: node for node in (*plan.stills, *plan.scenes)}
    scene = scene_of(plan, asked.scene)
    fresh = scene.model_copy(update={"standing": False, "stale": None, "damage": None, "further": True})
    takes = tuple(fresh.with_reroll(name, asked.note) for name in asked.rerolls)
    for name in scene.needs:
        if clip_or_still(deciding(ledger.history(scenes[name].key))) is None:
            lacks = "has no clip" if isinstance(scenes[name], PlannedScene) else "is not drawn yet"
            raise ValueError(f"{asked.scene} needs {name}, which {lacks}, and nothing was bought; run it first")
    cast = tuple(
        c for c in plan.characters if c.character.name in scene.cast and c.model.casting == scene.model.casting
    )
    for each in cast:
        last = deciding(ledger.history(each.key))
        if last is None or last.end is None or last.end.casting is None:
            who = each.character.name
            raise ValueError(f"{asked.scene} needs {who}, who is not created yet, and nothing was bought; run it first")
    needed = [scenes[name].model_copy(update={"standing": True, "most": 1}) for name in scene.needs]
    part = {
        "scenes": tuple(each for each in needed if isinstance(each, PlannedScene)),
        "stills": tuple(each for each in needed if isinstance(each, PlannedStill)),
        "sheets": (),
    }
    return plan.model_copy(update=part | {"takes": takes, "still_takes": (), "characters": cast, "variants": ()})


def _further_stills(plan: Plan, ledger: Ledger, asked: Choice) -> Plan:
    """The part of the plan that draws the takes of an order for stills, from sheets and clips that are there."""
    still = node_of(plan, asked.scene, "still")
    if not isinstance(still, PlannedStill):
        raise TypeError("the order is for a still")
    fresh = still.model_copy(update={"standing": False, "stale": None, "damage": None, "further": True})
    takes = tuple(fresh.with_reroll(name, asked.note) for name in asked.rerolls)
    sheets = tuple(sheet for sheet in plan.drawing([asked.scene]).sheets)
    scenes = tuple(scene_of(plan, name).model_copy(update={"standing": True, "most": 1}) for name in still.needs)
    for what, key in (
        *((f"the sheet of {each.name}", each.key) for each in sheets),
        *((s.name, s.key) for s in scenes),
    ):
        if clip_or_still(deciding(ledger.history(key))) is None:
            raise ValueError(f"{still.name} needs {what}, which is not there, and nothing was bought; run it first")
    part = {"sheets": sheets, "stills": (), "still_takes": takes, "scenes": scenes}
    return plan.model_copy(update=part | {"takes": (), "characters": (), "variants": ()})
