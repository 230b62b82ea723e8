"""Which take stands in a reel when a scene's parent has changed: kept and named, or with cascade ordered anew."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from prefect_storyboard.ledger import Draft, Ledger, Outcome, deciding, open_storage
from prefect_storyboard.providers.table import model
from prefect_storyboard.series.standing import with_standing
from prefect_storyboard.storyboards import Clip, Plan, PlannedScene, Source, plan, shots, validate

from .fakes import intent, job

LOST = Outcome(kind="failed", at=datetime.now(UTC), error="GenerationFailed", charged=True)


def clip_of(key: str, scene: str) -> Clip:
    facts = {"url": f"reels/t/scenes/{scene}/take-001.mp4", "sha256": key, "bytes": 1, "seconds": 4.0}
    size = {"width": 1280, "height": 720, "cost_usd": 0.4, "provider": "fal", "model": "sora-2", "prompt": "p"}
    more = {"request_id": key[:8], "job_key": key, "stored_at": datetime.now(UTC), "scene": scene, "take": 1}
    return Clip.model_validate({**facts, **size, **more})


@dataclass
class Scenario:
    """A library, and a run that buys and stores what the plan asks for, as the flows do; `bought` are its scenes."""

    ledger: Ledger
    bought: list[str] = field(default_factory=list)

    def plan(self, *scenes: dict[str, Any], cascade: bool = False, title: str = "T") -> Plan:
        written = [{"id": f"s{number:02d}", "prompt": "p", **scene} for number, scene in enumerate(scenes, 1)]
        board = validate({"title": title, "model": "sora-2", "scenes": written})
        made = shots(board, lambda name: model("fal", name), Source())
        return with_standing(
            plan(board, made, provider="fal", account="default", content={}), self.ledger, cascade=cascade
        )

    def run(self, *scenes: dict[str, Any], only: int = 99, **options: Any) -> Plan:
        """Plan, then buy what is missing, parents first; killed after `only` purchases."""
        planned = self.plan(*scenes, **options)
        self.bought = []
        by_id = {scene.scene.id: scene for scene in planned.scenes}
        for scene in planned.scenes:
            last = deciding(self.ledger.history(scene.key))
            if len(self.bought) < only and not (last and last.end and last.end.clip):
                self.buy(scene, planned.storyboard.slug, by_id.get(scene.scene.parent or ""))
                self.bought.append(scene.scene.id)
            self.ledger.take(planned.storyboard.slug, scene.scene.id, scene.key, attempt=1, reserve=True)
        return planned

    def buy(
        self, scene: PlannedScene, reel: str, parent: PlannedScene | None, ends: Outcome | str | None = "clip"
    ) -> None:
        """Order a scene; `ends` None leaves its job open, "clip" stores it."""
        draft = Draft(
            reel=reel,
            scene=scene.scene.id,
            model="sora-2",
            prompt=scene.prompt,
            parent_key=parent.key if parent else None,
            identity=scene.identity,
            own_identity=scene.own_identity,
            parent=scene.parent_identity,
            take=scene.take,
        )
        number = len(self.ledger.history(scene.key)) + 1
        self.ledger.intend(number, intent(scene.key, draft=draft, reel=reel, label=f"scene {scene.scene.id}"))
        if ends == "lost":
            return
        self.ledger.submitted(scene.key, number, job(f"{scene.key[:8]}-{number}"))
        if ends == "clip":
            ends = Outcome(kind="done", at=datetime.now(UTC), clip=clip_of(scene.key, scene.scene.id), charged=True)
        if isinstance(ends, Outcome):
            self.ledger.close(scene.key, number, ends)


@pytest.fixture
def scenario() -> Scenario:
    return Scenario(Ledger(open_storage(f"memory://standing/{uuid4().hex}")))


ROOT: dict[str, Any] = {"prompt": "Mara wakes."}
EDITED: dict[str, Any] = {"prompt": "Mara wakes late."}
AGAIN: dict[str, Any] = {**ROOT, "take": 2}
CHILD: dict[str, Any] = {"prompt": "She goes on.", "continues": "s01"}
REMIX: dict[str, Any] = {"prompt": "The same at night.", "remixes": "s01"}
GRANDCHILD: dict[str, Any] = {"prompt": "And on.", "continues": "s02"}

CHANGED = pytest.mark.parametrize("changed", [EDITED, AGAIN], ids=["edited", "another take"])
KIND = pytest.mark.parametrize("child", [CHILD, REMIX], ids=["continues", "remixes"])


def keys(planned: Plan) -> list[str]:
    return [scene.key for scene in planned.scenes]


def stale(planned: Plan) -> list[str]:
    return [scene.scene.id for scene in planned.scenes if scene.stale]


@CHANGED
@KIND
def test_a_standing_take_is_kept_and_named_with_the_price_of_a_new_one(
    scenario: Scenario, child: dict[str, Any], changed: dict[str, Any]
) -> None:
    before = scenario.run(ROOT, child)
    after = scenario.run(changed, child)
    assert (scenario.bought, keys(after)[1], stale(after)) == (["s01"], keys(before)[1], ["s02"])
    price = "for unknown" if child is REMIX else "for $0.40"
    assert any(
        line.startswith("s02 ") and line.endswith(f"--cascade renders it again {price}") for line in after.warnings
    )


@CHANGED
@KIND
def test_a_cascade_renders_it_again_once_and_later_runs_keep_that(
    scenario: Scenario, child: dict[str, Any], changed: dict[str, Any]
) -> None:
    scenario.run(ROOT, child)
    renewed = scenario.run(changed, child, cascade=True)
    assert (scenario.bought, stale(renewed)) == (["s01", "s02"], [])
    for cascade in (False, True, False):
        assert keys(scenario.run(changed, child, cascade=cascade)) == keys(renewed)
        assert scenario.bought == []


@CHANGED
def test_a_cascade_reaches_the_grandchildren(scenario: Scenario, changed: dict[str, Any]) -> None:
    scenario.run(ROOT, CHILD, GRANDCHILD)
    kept = scenario.run(changed, CHILD, GRANDCHILD)
    assert stale(kept) == ["s02"], "the grandchild is made of the very take that is kept"
    scenario.run(changed, CHILD, GRANDCHILD, cascade=True)
    assert scenario.bought == ["s02", "s03"]
    assert stale(scenario.run(changed, CHILD, GRANDCHILD)) == []
    assert scenario.bought == []


@CHANGED
@pytest.mark.parametrize("cascade", [False, True])
def test_reverting_the_parent_brings_back_its_children_for_nothing(
    scenario: Scenario, changed: dict[str, Any], *, cascade: bool
) -> None:
    before = scenario.run(ROOT, CHILD, GRANDCHILD)
    scenario.run(changed, CHILD, GRANDCHILD, cascade=True)
    assert keys(scenario.run(ROOT, CHILD, GRANDCHILD, cascade=cascade)) == keys(before)
    assert scenario.bought == []


@CHANGED
@pytest.mark.parametrize("cascade", [False, True])
def test_a_cascade_that_was_killed_goes_on_where_it_was(
    scenario: Scenario, changed: dict[str, Any], *, cascade: bool
) -> None:
    scenario.run(ROOT, CHILD, GRANDCHILD)
    scenario.run(changed, CHILD, GRANDCHILD)
    killed = scenario.run(changed, CHILD, GRANDCHILD, cascade=True, only=1)
    assert scenario.bought == ["s02"]
    again = scenario.run(changed, CHILD, GRANDCHILD, cascade=cascade)
    assert keys(again)[1] == keys(killed)[1], "what is paid for stands"
    assert (scenario.bought, stale(again)) == ((["s03"], []) if cascade else ([], ["s03"]))


@CHANGED
@pytest.mark.parametrize(
    ("ends", "stands"), [(None, True), ("lost", False), (LOST, False)], ids=["open", "lost", "failed"]
)
def test_a_job_of_a_cascade_that_has_no_clip_is_not_ordered_beside_itself(
    scenario: Scenario, changed: dict[str, Any], ends: Outcome | str | None, *, stands: bool
) -> None:
    before = scenario.run(ROOT, CHILD)
    wanted = scenario.run(changed, CHILD, cascade=True, only=0 if changed is AGAIN else 1)
    parent, child = wanted.scenes
    scenario.buy(parent, "t", None) if changed is AGAIN else None
    scenario.buy(child, "t", parent, ends)
    assert keys(scenario.plan(changed, CHILD, cascade=True))[1] == child.key
    kept = scenario.plan(changed, CHILD)
    assert (keys(kept)[1], stale(kept)) == ((child.key, []) if stands else (keys(before)[1], ["s02"]))


def test_a_job_that_renders_on_while_its_parent_is_edited_is_kept(scenario: Scenario) -> None:
    parent, child = scenario.run(ROOT, CHILD, only=1).scenes
    scenario.buy(child, "t", parent, None)
    edited = scenario.plan(EDITED, CHILD)
    assert (keys(edited)[1], stale(edited), edited.scenes[1].standing) == (child.key, ["s02"], True)


@CHANGED
def test_a_child_that_is_edited_itself_is_rendered_anew_and_is_not_stale(
    scenario: Scenario, changed: dict[str, Any]
) -> None:
    scenario.run(ROOT, CHILD)
    after = scenario.run(changed, {**CHILD, "prompt": "She runs on."})
    assert (scenario.bought, stale(after)) == (["s01", "s02"], [])


@CHANGED
def test_a_take_raised_by_hand_is_rendered_from_the_new_parent(scenario: Scenario, changed: dict[str, Any]) -> None:
    scenario.run(ROOT, CHILD)
    after = scenario.run(changed, {**CHILD, "take": 2})
    assert (scenario.bought, stale(after)) == (["s01", "s02"], [])


def test_after_a_cascade_the_takes_count_on(scenario: Scenario) -> None:
    scenario.run(ROOT, CHILD)
    scenario.run(AGAIN, CHILD, cascade=True)
    assert [scene.take for scene in scenario.plan({**ROOT, "take": 3}, CHILD, cascade=True).scenes] == [3, 3]
    scenario.run(AGAIN, {**CHILD, "take": 2})
    assert scenario.bought == [], "the cascade has made take 2"
    scenario.run(AGAIN, {**CHILD, "take": 3})
    assert scenario.bought == ["s02"]


def test_of_the_stale_takes_the_newest_of_the_reel_is_kept(scenario: Scenario) -> None:
    scenario.run(ROOT, CHILD)
    second = scenario.run(AGAIN, CHILD, cascade=True)
    third = scenario.run({**ROOT, "take": 3}, CHILD)
    assert (keys(third)[1], stale(third)) == (keys(second)[1], ["s02"])


def test_takes_of_the_same_parent_follow_the_storyboard_down_again(scenario: Scenario) -> None:
    first = scenario.run(ROOT, CHILD)
    scenario.run(ROOT, {**CHILD, "take": 2})
    assert keys(scenario.run(ROOT, CHILD)) == keys(first)
    assert scenario.bought == []


# --- two boards


def test_another_parent_with_the_same_child_is_another_job(scenario: Scenario) -> None:
    first = scenario.run(ROOT, CHILD)
    second = scenario.run({"prompt": "Otto wakes."}, CHILD, title="Episode 2")
    assert (scenario.bought, stale(second)) == (["s01", "s02"], [])
    assert not {*keys(first)} & {*keys(second)}


@KIND
def test_the_same_parent_in_two_boards_is_shared(scenario: Scenario, child: dict[str, Any]) -> None:
    first = scenario.run(ROOT, child)
    assert keys(scenario.run(ROOT, child, title="Episode 2")) == keys(first)
    assert scenario.bought == []


def test_a_child_of_another_take_in_another_board_is_named(scenario: Scenario) -> None:
    scenario.run(ROOT, CHILD)
    assert stale(scenario.run(AGAIN, CHILD, title="Episode 2")) == ["s02"]
    scenario.run(AGAIN, CHILD, title="Episode 2", cascade=True)
    assert scenario.bought == ["s02"]
    assert stale(scenario.run(ROOT, CHILD)) == []


# --- a board that is moved about


def renamed(*scenes: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """The same scenes under other ids, parents too."""
    renames = {f"s{number:02d}": f"scene-{number}" for number in range(1, 9)}
    return tuple(
        {**scene, "id": f"scene-{number}"}
        | {field: renames[scene[field]] for field in ("continues", "remixes") if field in scene}
        for number, scene in enumerate(scenes, 1)
    )


MOVES: dict[str, Callable[[Scenario, tuple[dict[str, Any], ...]], Plan]] = {
    "title": lambda scenario, scenes: scenario.run(*scenes, title="Another"),
    "names": lambda scenario, scenes: scenario.run(*renamed(*scenes)),
    "order": lambda scenario, scenes: scenario.run(
        *reversed([{**s, "id": f"s{n:02d}"} for n, s in enumerate(scenes, 1)])
    ),
    "all": lambda scenario, scenes: scenario.run(*reversed(renamed(*scenes)), title="Another"),
}


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("before", [(ROOT,), (ROOT, AGAIN), (ROOT, EDITED)], ids=["new", "taken again", "edited"])
@KIND
def test_a_board_that_is_retitled_renamed_or_moved_buys_nothing(
    scenario: Scenario, child: dict[str, Any], before: tuple[dict[str, Any], ...], move: str
) -> None:
    for root in before:
        made = scenario.run(root, child, {**child, "prompt": "Otto goes on."}, cascade=True)
    moved = MOVES[move](scenario, (before[-1], child, {**child, "prompt": "Otto goes on."}))
    assert ({*keys(moved)}, scenario.bought, stale(moved)) == ({*keys(made)}, [], [])


# --- what version 0.1.0 has left


def as_in_0_1_0(scenario: Scenario, planned: Plan, *parent_keys: str) -> list[str]:
    """Store takes under the keys of 0.1.0, with its drafts: a parent was named by its id, and no identity recorded."""
    found: list[str] = []
    for scene, parent_key in zip(planned.scenes, parent_keys, strict=True):
        key = scene.legacy or scene.key
        found.append(key)
        if not scenario.ledger.history(key):
            draft = Draft(
                reel=planned.storyboard.slug,
                scene=scene.scene.id,
                model="sora-2",
                prompt="p",
                parent_key=parent_key or None,
            )
            scenario.ledger.intend(1, intent(key, draft=draft, reel=draft.reel))
            scenario.ledger.submitted(key, 1, job(key[:8]))
            done = Outcome(kind="done", at=datetime.now(UTC), clip=clip_of(key, scene.scene.id), charged=True)
            scenario.ledger.close(key, 1, done)
        scenario.ledger.take(planned.storyboard.slug, scene.scene.id, key, attempt=1, reserve=True)
    return found


def chain_of_0_1_0(scenario: Scenario) -> list[str]:
    root, child, grandchild = scenario.plan(ROOT, CHILD, GRANDCHILD).scenes
    return as_in_0_1_0(scenario, scenario.plan(ROOT, CHILD, GRANDCHILD), "", root.key, child.legacy or grandchild.key)


def test_a_chain_of_0_1_0_is_not_bought_again(scenario: Scenario) -> None:
    held = chain_of_0_1_0(scenario)
    for cascade in (False, True):
        now = scenario.run(ROOT, CHILD, GRANDCHILD, cascade=cascade)
        assert (keys(now), scenario.bought, stale(now)) == (held, [], [])


@CHANGED
def test_a_take_of_0_1_0_becomes_stale_too(scenario: Scenario, changed: dict[str, Any]) -> None:
    held = chain_of_0_1_0(scenario)
    now = scenario.run(changed, CHILD, GRANDCHILD)
    assert (keys(now)[1:], scenario.bought, stale(now)) == (held[1:], ["s01"], ["s02"])
    scenario.run(changed, CHILD, GRANDCHILD, cascade=True)
    assert scenario.bought == ["s02", "s03"]
    scenario.run(changed, CHILD, GRANDCHILD)
    assert scenario.bought == []


def test_a_new_child_of_a_take_of_0_1_0_stays_its_child(scenario: Scenario) -> None:
    held = chain_of_0_1_0(scenario)
    last: dict[str, Any] = {"prompt": "Otto goes on.", "continues": "s02"}
    made = scenario.run(ROOT, CHILD, GRANDCHILD, last)
    now = scenario.run(EDITED, CHILD, GRANDCHILD, last)
    assert (keys(now)[1:], stale(now)) == ([*held[1:], keys(made)[3]], ["s02"]), "it is made of the take that is kept"


def test_footage_that_0_1_0_took_from_another_board_is_not_taken(scenario: Scenario) -> None:
    root, child, _ = scenario.plan(ROOT, CHILD, GRANDCHILD).scenes
    as_in_0_1_0(scenario, scenario.plan(ROOT, CHILD), "", root.key)
    other = {"prompt": "Otto wakes."}
    second = as_in_0_1_0(scenario, scenario.plan(other, CHILD, title="Episode 2"), "", root.key)
    assert second[1] == child.legacy, "the same job, because the key held the parent's id"
    now = scenario.run(other, CHILD, title="Episode 2")
    assert (scenario.bought, stale(now)) == (["s02"], [])
    assert stale(scenario.run(ROOT, CHILD)) == []
    assert scenario.bought == []
