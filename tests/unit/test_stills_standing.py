"""Which still stands, what is stale because of it, and what an order for stills buys: by the ledger alone."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from prefect_storyboard.ledger import Draft, Ledger, Outcome, StillDraft, deciding, open_storage
from prefect_storyboard.providers.images import sent_prompt
from prefect_storyboard.series.further import further_takes
from prefect_storyboard.series.standing import with_standing
from prefect_storyboard.series.status import board_status
from prefect_storyboard.series.takes import board_takes, order, pick
from prefect_storyboard.storyboards import Plan, PlannedScene, PlannedSheet, PlannedStill, Still
from prefect_storyboard.storyboards.still_prompts import LAST_FRAME

from .fakes import intent, job
from .test_currency import clip_of
from .test_keyframes import SCENES, planned, with_storm

FOLLOWING = [*SCENES, {"id": "s03", "prompt": "Mara sleeps.", "continues": "s01"}]


@dataclass
class Shelf:
    """A library, and a run that stores what the plan asks for, as the flows do; `bought` are its jobs in order."""

    ledger: Ledger = field(default_factory=lambda: Ledger(open_storage(f"memory://stills/{uuid4().hex}")))
    bought: list[str] = field(default_factory=list)

    def plan(self, *, cascade: bool = False, **facts: Any) -> Plan:
        return with_standing(planned(**{"scenes": FOLLOWING, **facts}), self.ledger, cascade=cascade)

    def run(self, plan: Plan) -> list[str]:
        """Buy what is missing; returns the names of what was bought."""
        before = len(self.bought)
        for sheet in plan.sheets:
            self._draw(sheet, "sheets", sheet.character.slug, f"sheet{sheet.look}")
        keys = {node.name: node.key for node in (*plan.stills, *plan.scenes)}
        waiting: list[PlannedStill | PlannedScene] = [*plan.stills, *plan.scenes]
        done: set[str] = set()
        while waiting:
            node = next(node for node in waiting if {*node.needs} <= done)
            waiting.remove(node)
            done.add(node.name)
            self.make(node, keys)
        for take in plan.still_takes:
            self.make(take, keys)
        return self.bought[before:]

    def make(self, node: PlannedStill | PlannedScene, keys: dict[str, str]) -> None:
        if isinstance(node, PlannedStill):
            self._draw(node, "stills", "t", node.scene.id, keys.get(node.begins_with))
            return
        facts = {"parent_key": keys[node.begins_with], "identity": node.identity, "own_identity": node.own_identity}
        facts |= {"basis": {**node.content, "copy": node.copy_number}, "take": node.take}
        self._buy(node.key, node.name, Draft(reel="t", scene=node.scene.id, model="m", prompt=node.prompt, **facts))
        draft = self.ledger.history(node.key)[0].intent.draft
        assert draft
        self._end(node.key, Outcome(kind="done", at=datetime.now(UTC), clip=clip_of(node.key, node, draft)))
        self.ledger.take("t", node.scene.id, node.key, attempt=1, reserve=True)

    def _draw(
        self, picture: PlannedSheet | PlannedStill, room: Any, reel: str, scene: str, parent: str | None = None
    ) -> None:
        drawn = picture.drawing
        references = tuple(
            each.model_copy(update={"job_key": parent}) if each.role == LAST_FRAME else each
            for each in drawn.references
        )
        sheet_of = picture.character.name if isinstance(picture, PlannedSheet) else ""
        still = StillDraft(asked=drawn.asked, sent=sent_prompt(drawn), references=references, sheet_of=sheet_of)
        basis = picture.content if isinstance(picture, PlannedStill) else drawn.content("default")
        facts = {"identity": picture.identity, "basis": {**basis, "copy": drawn.copy_number}, "still": still}
        self._buy(picture.key, picture.name, Draft(reel=reel, scene=scene, model="m", prompt=drawn.prompt, **facts))
        self._end(picture.key, Outcome(kind="done", at=datetime.now(UTC), still=still_of(picture, scene)))
        self.ledger.take(reel, scene, picture.key, attempt=1, reserve=True, room=room)

    def _buy(self, key: str, name: str, draft: Draft) -> None:
        if deciding(self.ledger.history(key)) is None:
            self.bought.append(name)
            self.ledger.intend(1, intent(key, draft=draft, reel=draft.reel))
            self.ledger.submitted(key, 1, job(key[:12]))

    def _end(self, key: str, outcome: Outcome) -> None:
        if self.ledger.history(key)[0].end is None:
            self.ledger.close(key, 1, outcome)


def still_of(picture: PlannedSheet | PlannedStill, scene: str) -> Still:
    drawn = picture.drawing
    facts = {"scene": scene, "take": 1, "url": "x.png", "sha256": picture.key, "bytes": 1, "width": 9, "height": 9}
    facts |= {"job_key": picture.key, "cost_usd": 0.04, "provider": "fal", "model": "painter", "request_id": "r"}
    facts |= {"prompt": drawn.prompt, "sent": drawn.prompt, "identity": picture.identity, "asked": drawn.asked}
    return Still.model_validate({**facts, "stored_at": datetime.now(UTC)})


@pytest.fixture
def shelf() -> Shelf:
    made = Shelf()
    made.run(made.plan())
    return made


def stale(plan: Plan) -> list[str]:
    return [node.name for node in (*plan.stills, *plan.scenes) if node.stale]


def test_a_second_run_buys_nothing_and_nothing_is_stale(shelf: Shelf) -> None:
    assert (shelf.run(shelf.plan()), stale(shelf.plan())) == ([], [])
    assert {each.state for each in board_status(shelf.plan(), shelf.ledger)} == {"current"}


def test_an_edited_look_draws_its_stills_again_and_keeps_just_their_clips_as_stale(shelf: Shelf) -> None:
    edited = {"cast": with_storm("in a red cape")}
    assert stale(shelf.plan(**edited)) == ["s02"]
    assert shelf.run(shelf.plan(**edited)) == ["Mara (storm)", "s02 still"]
    assert (shelf.run(shelf.plan(**edited)), stale(shelf.plan(**edited))) == ([], ["s02"])
    assert shelf.run(shelf.plan(cascade=True, **edited)) == ["s02"]
    assert stale(shelf.plan(**edited)) == []


def test_a_look_that_is_edited_and_edited_back_buys_nothing_more(shelf: Shelf) -> None:
    shelf.run(shelf.plan(cast=with_storm("in a red cape")))
    assert (shelf.run(shelf.plan()), stale(shelf.plan())) == ([], [])


def test_the_status_says_which_still_a_clip_is_of(shelf: Shelf) -> None:
    edited = {"cast": with_storm("in a red cape")}
    shelf.run(shelf.plan(**edited))
    found = {each.scene: each for each in board_status(shelf.plan(**edited), shelf.ledger)}
    assert (found["s02"].state, found["s02"].why) == ("stale", ("is made of another take of s02 still",))
    assert (found["s02 still"].state, found["s02 still"].takes) == ("current", 2)


def test_a_clip_that_is_rendered_again_makes_the_still_that_follows_it_stale_and_nothing_is_bought_unasked(
    shelf: Shelf,
) -> None:
    edited = {"scenes": [SCENES[0] | {"motion": "She lights it."}, *FOLLOWING[1:]]}
    assert shelf.run(shelf.plan(**edited)) == ["s01"]
    assert (stale(shelf.plan(**edited)), shelf.run(shelf.plan(**edited))) == (["s03 still"], [])
    assert shelf.run(shelf.plan(cascade=True, **edited)) == ["s03 still", "s03"]
    assert stale(shelf.plan(**edited)) == []


def test_an_order_for_stills_draws_these_and_nothing_else(shelf: Shelf) -> None:
    plan = shelf.plan()
    asked = order(plan, shelf.ledger, "s01", takes=2, note="closer", of="still")
    part = further_takes(plan, shelf.ledger, asked)
    assert {job.name for job in part.jobs if isinstance(job, PlannedScene | PlannedStill)} == {"s01 still"}
    assert [take.drawing.note for take in part.still_takes] == ["closer", "closer"]
    assert shelf.run(part) == ["s01 still", "s01 still"]
    assert stale(shelf.plan()) == ["s01"], "the newest one stands"


def test_a_picked_still_stands_and_a_pick_of_the_clip_is_another_choice(shelf: Shelf) -> None:
    plan = shelf.plan()
    shelf.run(further_takes(plan, shelf.ledger, order(plan, shelf.ledger, "s01", takes=1, of="still")))
    pick(shelf.plan(), shelf.ledger, "s01", 1, of="still")
    assert stale(shelf.plan()) == []
    pick(shelf.plan(), shelf.ledger, "s01", 2, of="still")
    pick(shelf.plan(), shelf.ledger, "s01", 1)
    lines = board_takes(shelf.plan(), shelf.ledger)
    shown = [(line.name, line.take, line.picked) for line in lines if line.shown and line.scene == "s01"]
    assert shown == [("s01 still", 2, True), ("s01", 1, True)]


def test_a_still_that_is_not_drawn_cannot_be_ordered_again_nor_picked() -> None:
    shelf = Shelf()
    plan = shelf.plan()
    asked = order(plan, shelf.ledger, "s01", takes=1, of="still")
    with pytest.raises(ValueError, match="s01 still needs the sheet of Mara, which is not there, and nothing was"):
        further_takes(plan, shelf.ledger, asked)
    with pytest.raises(ValueError, match="s01 still has no take yet, not 1; nothing was changed"):
        pick(plan, shelf.ledger, "s01", 1, of="still")


def test_a_scene_without_a_still_says_so() -> None:
    plan = planned([{"id": "s01", "prompt": "p", "image": "dawn.png"}])
    with pytest.raises(ValueError, match="still: no still is drawn for s01; nothing was changed"):
        pick(plan, Shelf().ledger, "s01", 1, of="still")
