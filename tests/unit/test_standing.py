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
class Night:
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
def night() -> Night:
    return Night(Ledger(open_storage(f"memory://standing/{uuid4().hex}")))


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
    night: Night, child: dict[str, Any], changed: dict[str, Any]
) -> None:
    before = night.run(ROOT, child)
    after = night.run(changed, child)
    assert (night.bought, keys(after)[1], stale(after)) == (["s01"], keys(before)[1], ["s02"])
    price = "for unknown" if child is REMIX else "for $0.40"
    assert any(
        line.startswith("s02 ") and line.endswith(f"--cascade renders it again {price}") for line in after.warnings
    )


@CHANGED
@KIND
def test_a_cascade_renders_it_again_once_and_later_runs_keep_that(
    night: Night, child: dict[str, Any], changed: dict[str, Any]
) -> None:
    night.run(ROOT, child)
    renewed = night.run(changed, child, cascade=True)
    assert (night.bought, stale(renewed)) == (["s01", "s02"], [])
    for cascade in (False, True, False):
        assert keys(night.run(changed, child, cascade=cascade)) == keys(renewed)
        assert night.bought == []


@CHANGED
def test_a_cascade_reaches_the_grandchildren(night: Night, changed: dict[str, Any]) -> None:
    night.run(ROOT, CHILD, GRANDCHILD)
    kept = night.run(changed, CHILD, GRANDCHILD)
    assert stale(kept) == ["s02"], "the grandchild is made of the very take that is kept"
    night.run(changed, CHILD, GRANDCHILD, cascade=True)
    assert night.bought == ["s02", "s03"]
    assert stale(night.run(changed, CHILD, GRANDCHILD)) == []
    assert night.bought == []


@CHANGED
@pytest.mark.parametrize("cascade", [False, True])
def test_reverting_the_parent_brings_back_its_children_for_nothing(
    night: Night, changed: dict[str, Any], *, cascade: bool
) -> None:
    before = night.run(ROOT, CHILD, GRANDCHILD)
    night.run(changed, CHILD, GRANDCHILD, cascade=True)
    assert keys(night.run(ROOT, CHILD, GRANDCHILD, cascade=cascade)) == keys(before)
    assert night.bought == []


@CHANGED
@pytest.mark.parametrize("cascade", [False, True])
def test_a_cascade_that_was_killed_goes_on_where_it_was(
    night: Night, changed: dict[str, Any], *, cascade: bool
) -> None:
    night.run(ROOT, CHILD, GRANDCHILD)
    night.run(changed, CHILD, GRANDCHILD)
    killed = night.run(changed, CHILD, GRANDCHILD, cascade=True, only=1)
    assert night.bought == ["s02"]
    again = night.run(changed, CHILD, GRANDCHILD, cascade=cascade)
    assert keys(again)[1] == keys(killed)[1], "what is paid for stands"
    assert (night.bought, stale(again)) == ((["s03"], []) if cascade else ([], ["s03"]))


@CHANGED
@pytest.mark.parametrize(
    ("ends", "stands"), [(None, True), ("lost", False), (LOST, False)], ids=["open", "lost", "failed"]
)
def test_a_job_of_a_cascade_that_has_no_clip_is_not_ordered_beside_itself(
    night: Night, changed: dict[str, Any], ends: Outcome | str | None, *, stands: bool
) -> None:
    before = night.run(ROOT, CHILD)
    wanted = night.run(changed, CHILD, cascade=True, only=0 if changed is AGAIN else 1)
    parent, child = wanted.scenes
    night.buy(parent, "t", None) if changed is AGAIN else None
    night.buy(child, "t", parent, ends)
    assert keys(night.plan(changed, CHILD, cascade=True))[1] == child.key
    kept = night.plan(changed, CHILD)
    assert (keys(kept)[1], stale(kept)) == ((child.key, []) if stands else (keys(before)[1], ["s02"]))


def test_a_job_that_renders_on_while_its_parent_is_edited_is_kept(night: Night) -> None:
    parent, child = night.run(ROOT, CHILD, only=1).scenes
    night.buy(child, "t", parent, None)
    edited = night.plan(EDITED, CHILD)
    assert (keys(edited)[1], stale(edited), edited.scenes[1].standing) == (child.key, ["s02"], True)


@CHANGED
def test_a_child_that_is_edited_itself_is_rendered_anew_and_is_not_stale(night: Night, changed: dict[str, Any]) -> None:
    night.run(ROOT, CHILD)
    after = night.run(changed, {**CHILD, "prompt": "She runs on."})
    assert (night.bought, stale(after)) == (["s01", "s02"], [])


@CHANGED
def test_a_take_raised_by_hand_is_rendered_from_the_new_parent(night: Night, changed: dict[str, Any]) -> None:
    night.run(ROOT, CHILD)
    after = night.run(changed, {**CHILD, "take": 2})
    assert (night.bought, stale(after)) == (["s01", "s02"], [])


def test_after_a_cascade_the_takes_count_on(night: Night) -> None:
    night.run(ROOT, CHILD)
    night.run(AGAIN, CHILD, cascade=True)
    assert [scene.take for scene in night.plan({**ROOT, "take": 3}, CHILD, cascade=True).scenes] == [3, 3]
    night.run(AGAIN, {**CHILD, "take": 2})
    assert night.bought == [], "the cascade has made take 2"
    night.run(AGAIN, {**CHILD, "take": 3})
    assert night.bought == ["s02"]


def test_of_the_stale_takes_the_newest_of_the_reel_is_kept(night: Night) -> None:
    night.run(ROOT, CHILD)
    second = night.run(AGAIN, CHILD, cascade=True)
    third = night.run({**ROOT, "take": 3}, CHILD)
    assert (keys(third)[1], stale(third)) == (keys(second)[1], ["s02"])


def test_takes_of_the_same_parent_follow_the_storyboard_down_again(night: Night) -> None:
    first = night.run(ROOT, CHILD)
    night.run(ROOT, {**CHILD, "take": 2})
    assert keys(night.run(ROOT, CHILD)) == keys(first)
    assert night.bought == []


# --- two boards


def test_another_parent_with_the_same_child_is_another_job(night: Night) -> None:
    first = night.run(ROOT, CHILD)
    second = night.run({"prompt": "Otto wakes."}, CHILD, title="Episode 2")
    assert (night.bought, stale(second)) == (["s01", "s02"], [])
    assert not {*keys(first)} & {*keys(second)}


@KIND
def test_the_same_parent_in_two_boards_is_shared(night: Night, child: dict[str, Any]) -> None:
    first = night.run(ROOT, child)
    assert keys(night.run(ROOT, child, title="Episode 2")) == keys(first)
    assert night.bought == []


def test_a_child_of_another_take_in_another_board_is_named(night: Night) -> None:
    night.run(ROOT, CHILD)
    assert stale(night.run(AGAIN, CHILD, title="Episode 2")) == ["s02"]
    night.run(AGAIN, CHILD, title="Episode 2", cascade=True)
    assert night.bought == ["s02"]
    assert stale(night.run(ROOT, CHILD)) == []


# --- a board that is moved about


def renamed(*scenes: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """The same scenes under other ids, parents too."""
    renames = {f"s{number:02d}": f"scene-{number}" for number in range(1, 9)}
    return tuple(
        {**scene, "id": f"scene-{number}"}
        | {field: renames[scene[field]] for field in ("continues", "remixes") if field in scene}
        for number, scene in enumerate(scenes, 1)
    )


MOVES: dict[str, Callable[[Night, tuple[dict[str, Any], ...]], Plan]] = {
    "title": lambda night, scenes: night.run(*scenes, title="Another"),
    "names": lambda night, scenes: night.run(*renamed(*scenes)),
    "order": lambda night, scenes: night.run(*reversed([{**s, "id": f"s{n:02d}"} for n, s in enumerate(scenes, 1)])),
    "all": lambda night, scenes: night.run(*reversed(renamed(*scenes)), title="Another"),
}


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("before", [(ROOT,), (ROOT, AGAIN), (ROOT, EDITED)], ids=["new", "taken again", "edited"])
@KIND
def test_a_board_that_is_retitled_renamed_or_moved_buys_nothing(
    night: Night, child: dict[str, Any], before: tuple[dict[str, Any], ...], move: str
) -> None:
    for root in before:
        made = night.run(root, child, {**child, "prompt": "Otto goes on."}, cascade=True)
    moved = MOVES[move](night, (before[-1], child, {**child, "prompt": "Otto goes on."}))
    assert ({*keys(moved)}, night.bought, stale(moved)) == ({*keys(made)}, [], [])


# --- what version 0.1.0 has left


def as_in_0_1_0(night: Night, planned: Plan, *parent_keys: str) -> list[str]:
    """Store takes under the keys of 0.1.0, with its drafts: a parent was named by its id, and no identity recorded."""
    found: list[str] = []
    for scene, parent_key in zip(planned.scenes, parent_keys, strict=True):
        key = scene.legacy or scene.key
        found.append(key)
        if not night.ledger.history(key):
            draft = Draft(
                reel=planned.storyboard.slug,
                scene=scene.scene.id,
                model="sora-2",
                prompt="p",
                parent_key=parent_key or None,
            )
            night.ledger.intend(1, intent(key, draft=draft, reel=draft.reel))
            night.ledger.submitted(key, 1, job(key[:8]))
            done = Outcome(kind="done", at=datetime.now(UTC), clip=clip_of(key, scene.scene.id), charged=True)
            night.ledger.close(key, 1, done)
        night.ledger.take(planned.storyboard.slug, scene.scene.id, key, attempt=1, reserve=True)
    return found


def chain_of_0_1_0(night: Night) -> list[str]:
    root, child, grandchild = night.plan(ROOT, CHILD, GRANDCHILD).scenes
    return as_in_0_1_0(night, night.plan(ROOT, CHILD, GRANDCHILD), "", root.key, child.legacy or grandchild.key)


def test_a_chain_of_0_1_0_is_not_bought_again(night: Night) -> None:
    held = chain_of_0_1_0(night)
    for cascade in (False, True):
        now = night.run(ROOT, CHILD, GRANDCHILD, cascade=cascade)
        assert (keys(now), night.bought, stale(now)) == (held, [], [])


@CHANGED
def test_a_take_of_0_1_0_becomes_stale_too(night: Night, changed: dict[str, Any]) -> None:
    held = chain_of_0_1_0(night)
    now = night.run(changed, CHILD, GRANDCHILD)
    assert (keys(now)[1:], night.bought, stale(now)) == (held[1:], ["s01"], ["s02"])
    night.run(changed, CHILD, GRANDCHILD, cascade=True)
    assert night.bought == ["s02", "s03"]
    night.run(changed, CHILD, GRANDCHILD)
    assert night.bought == []


def test_a_new_child_of_a_take_of_0_1_0_stays_its_child(night: Night) -> None:
    held = chain_of_0_1_0(night)
    last: dict[str, Any] = {"prompt": "Otto goes on.", "continues": "s02"}
    made = night.run(ROOT, CHILD, GRANDCHILD, last)
    now = night.run(EDITED, CHILD, GRANDCHILD, last)
    assert (keys(now)[1:], stale(now)) == ([*held[1:], keys(made)[3]], ["s02"]), "it is made of the take that is kept"


def test_footage_that_0_1_0_took_from_another_board_is_not_taken(night: Night) -> None:
    root, child, _ = night.plan(ROOT, CHILD, GRANDCHILD).scenes
    as_in_0_1_0(night, night.plan(ROOT, CHILD), "", root.key)
    other = {"prompt": "Otto wakes."}
    second = as_in_0_1_0(night, night.plan(other, CHILD, title="Episode 2"), "", root.key)
    assert second[1] == child.legacy, "the same job, because the key held the parent's id"
    now = night.run(other, CHILD, title="Episode 2")
    assert (night.bought, stale(now)) == (["s02"], [])
    assert stale(night.run(ROOT, CHILD)) == []
    assert night.bought == []
