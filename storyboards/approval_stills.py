"""What a run asks about its stills before it buys motion: which take of each, and what the clips may cost. Pure.

An answer counts scene by scene: for as long as the scene asks for what it asked for, at that price, and has the same
takes of its still. So a run goes on under it after a crash, and asks only about what has come or changed since.
"""

from collections.abc import Collection, Mapping

from pydantic import JsonValue

from prefect_storyboard.storyboards.approval import Question, TakeOffered, cost_of, unpriced_of
from prefect_storyboard.storyboards.keys import digest
from prefect_storyboard.storyboards.plan import Plan, PlannedScene

Stills = Mapping[str, tuple[TakeOffered, ...]]  # the stored takes of the still of each scene


def stills_question(
    plan: Plan, stills: Stills, max_cost_usd: float | None, *, about: str = "", left_out: Collection[str] = ()
) -> Question | None:
    """The question about the stills whose clips a run would buy now; None if it buys none.

    The jobs of the plan have their states; `about` is the `stills_digest` of the whole plan. Scenes without a still may
    be left out, but not drawn again.
    """
    asked = asked_of(plan, stills)
    if not asked:
        return None
    prices = {still.scene.id: still.usd for still in plan.stills if still.scene.id in asked}
    return Question(
        kind="stills",
        title=plan.storyboard.title,
        reel=plan.storyboard.slug,
        hash=digest({"stills": dict[str, JsonValue](asked)}),
        about=about,
        asked=asked,
        scenes=tuple(asked),
        prices=prices,
        takes={scene: stills[scene] for scene in prices},
        usd=cost_of(plan),
        unpriced=unpriced_of(plan),
        max_cost_usd=max_cost_usd,
        left_out=tuple(scene for scene in asked if scene in left_out),
    )


def stills_digest(plan: Plan) -> str:
    """Changes when a still or a scene asks for something else, or a new take of it has another price."""
    pictures: dict[str, JsonValue] = {still.name: [still.own_identity, still.usd] for still in plan.stills}
    scenes: dict[str, JsonValue] = {scene.name: [scene.own_identity, scene.usd] for scene in plan.scenes}
    nodes = pictures | scenes
    return digest({"provider": plan.provider, "account": plan.account, "nodes": nodes})


def asked_of(plan: Plan, stills: Stills) -> dict[str, str]:
    """What each scene that is bought asks for and costs, with the takes of its still, in one word."""
    bought: dict[str, list[PlannedScene]] = {}
    for take in plan.renders:
        if take in plan.unsettled:
            bought.setdefault(take.scene.id, []).append(take)
    return {
        scene.scene.id: digest(
            {
                "terms": dict(plan.terms),
                "attempts": plan.attempts,
                "takes": [dict(take.terms) for take in bought[scene.scene.id]],
                "stills": [take.key for take in stills.get(scene.scene.id, ())],
            }
        )
        for scene in plan.scenes
        if scene.scene.id in bought
    }


def ready(plan: Plan, drawn: Collection[str]) -> Plan:
    """The part of a plan whose clips can be bought now: their stills are `drawn`, and all that they need is bought.

    A scene that continues one which is still to be bought is part of it if it has no still of its own.
    """
    follows = {still.scene.id: still.follows for still in plan.stills}
    part = [scene for scene in plan.scenes if not scene.still or scene.scene.id in drawn]
    while True:
        names = {scene.scene.id for scene in part}
        rest = [scene for scene in part if scene.standing or _has_what_it_needs(scene, names, follows)]
        if len(rest) == len(part):
            break
        part = rest
    shown = {(name, scene.model.casting) for scene in part if not scene.standing for name in scene.cast}
    cast = tuple(each for each in plan.characters if (each.character.name, each.model.casting) in shown)
    takes = tuple(take for take in plan.takes if take.scene.id in names)
    made = plan.model_copy(update={"scenes": tuple(part), "takes": takes, "characters": cast, "variants": ()})
    return made.drawing(scene.scene.id for scene in part if scene.still)


def _has_what_it_needs(scene: PlannedScene, names: Collection[str], follows: Mapping[str, str | None]) -> bool:
    needs = (*(name for name in scene.needs if name != scene.still_name), follows.get(scene.scene.id))
    return all(name in names for name in needs if name)
