"""Picks and orders for further takes: one order of all choices, and a kill at any write buys nothing twice."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from prefect_storyboard.ledger import Ledger, Outcome, Storage, deciding
from prefect_storyboard.series.further import further_takes
from prefect_storyboard.series.standing import with_standing
from prefect_storyboard.series.takes import board_takes, carry_out, last_acts, order, pick

from .fakes import Killed, job
from .test_currency import Board, Shelf

SEA = "Far out, a boat turns."


def board(**facts: Any) -> Board:
    scenes = [{"id": "s01", "prompt": SEA, **facts}, {"id": "s02", "prompt": "It goes on.", "continues": "s01"}]
    return {"title": "T", "model": "seedance-2", "scenes": scenes}


@dataclass(frozen=True)
class Dying(Storage):
    """A storage whose process is killed at its n-th write: before it, or right after."""

    left: list[int] = field(default_factory=list)
    after: bool = False

    def create_once(self, body: bytes, *parts: str) -> bytes:
        with_it = self._dies()
        if with_it and not self.after:
            raise Killed
        stored = super().create_once(body, *parts)
        if with_it:
            raise Killed
        return stored

    def _dies(self) -> bool:
        self.left[0] -= 1
        return self.left[0] == 0


@dataclass
class Meter:
    """Carries out rerolls as the flow does: its order on record, then each take; `billed` are the paid jobs."""

    shelf: Shelf
    billed: list[str] = field(default_factory=list)

    def reroll(self, what: Board, ledger: Ledger | None = None, **words: Any) -> None:
        ledger = ledger or self.shelf.ledger
        plan = with_standing(self.shelf.plan(what), ledger)
        asked = order(plan, ledger, "s01", **{"takes": 1, **words})
        part = further_takes(plan, ledger, asked)
        at = Shelf(ledger)
        for take in part.takes:
            last = deciding(ledger.history(take.key))
            if last and last.job is None and take.key in self.billed:  # the provider's list has it
                ledger.submitted(take.key, 1, job(take.key[:12]))
            if take.key not in self.billed:
                at.intend(part, take, None)
                self.billed.append(take.key)
                ledger.submitted(take.key, 1, job(take.key[:12]))
            at.finish(part, take)
        carry_out(ledger, plan.storyboard.slug, asked)


@pytest.fixture
def meter() -> Iterator[Meter]:
    shelf = Shelf()
    shelf.run(board())
    yield Meter(shelf)
    shelf.ledger.storage.fs.rm(shelf.ledger.storage.path(), recursive=True)


def shown(meter: Meter, what: Board) -> dict[str, int]:
    lines = board_takes(meter.shelf.plan(what), meter.shelf.ledger)
    return {line.scene: line.take for line in lines if line.shown}


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("write", range(1, 16))
def test_a_reroll_that_is_killed_at_any_write_and_repeated_buys_exactly_what_was_asked(
    meter: Meter, write: int, *, after: bool
) -> None:
    whole = meter.shelf.ledger.storage
    dying = Dying(whole.fs, whole.root, whole.url, left=[write], after=after)
    try:
        meter.reroll(board(), Ledger(dying), takes=2, note="At night.")
        finished = True
    except Killed:
        finished = (
            bool(meter.shelf.ledger.choices("t")[-1:]) and meter.shelf.ledger.choices("t")[-1].kind == "carried out"
        )
    meter.reroll(board(), takes=2, note="At night.")
    assert len(meter.billed) == (4 if finished else 2)


def test_the_same_words_after_an_order_was_carried_out_are_another_order(meter: Meter) -> None:
    for number in (1, 2):
        meter.reroll(board())
        assert (len(meter.billed), shown(meter, board())["s01"]) == (number, number + 1)


def test_an_order_is_carried_out_for_those_who_are_told_only_when_they_have_been(meter: Meter) -> None:
    def killed() -> None:
        with last_acts():
            meter.reroll(board())
            raise Killed

    with pytest.raises(Killed):
        killed()
    meter.reroll(board())
    assert len(meter.billed) == 1, "nobody had heard of the first one"


def test_an_order_with_a_name_is_that_order_whatever_has_happened_since(meter: Meter) -> None:
    for _ in range(3):
        meter.reroll(board(), name="run-1")
    assert len(meter.billed) == 1
    with pytest.raises(ValueError, match="the order run-1 was given for other words; nothing was bought"):
        meter.reroll(board(), name="run-1", note="Other words.")


@pytest.mark.parametrize("words", [{"takes": 2}, {"note": "At night."}], ids=str)
def test_other_words_are_another_order(meter: Meter, words: dict[str, Any]) -> None:
    plan, ledger = meter.shelf.plan(board()), meter.shelf.ledger
    first = order(plan, ledger, "s01", takes=1)
    assert order(plan, ledger, "s01", takes=1) == first
    assert order(plan, ledger, "s01", **{"takes": 1, **words}) != first


def test_of_many_who_say_the_same_at_once_all_have_one_order(meter: Meter) -> None:
    plan, ledger = meter.shelf.plan(board()), meter.shelf.ledger
    with ThreadPoolExecutor(8) as pool:
        found = {each.id for each in pool.map(lambda _: order(plan, ledger, "s01", takes=1), range(16))}
    assert len(found) == 1


def test_of_many_picks_at_once_each_is_on_record_and_all_see_the_same_last_one(meter: Meter) -> None:
    meter.reroll(board())
    plan, ledger = meter.shelf.plan(board()), meter.shelf.ledger
    with ThreadPoolExecutor(8) as pool:
        picked = [*pool.map(lambda number: pick(plan, ledger, "s01", number % 2 + 1), range(8))]
    choices = [each for each in ledger.choices("t") if each.kind == "picked"]
    assert {each.id for each in picked} == {each.id for each in choices}
    assert shown(meter, board())["s01"] == choices[-1].take
    assert all(each.by.count("@") == 1 and each.at <= datetime.now(UTC) for each in choices)


def test_a_pick_that_is_repeated_is_one_choice(meter: Meter) -> None:
    meter.reroll(board())
    plan = meter.shelf.plan(board())
    assert pick(plan, meter.shelf.ledger, "s01", 1) == pick(plan, meter.shelf.ledger, "s01", 1)


@pytest.mark.parametrize("number", [0, 2, 99])
def test_a_take_that_there_is_not_is_not_picked(meter: Meter, number: int) -> None:
    with pytest.raises(ValueError, match=f"take: s01 has takes 1 to 1, not {number}; nothing was changed"):
        pick(meter.shelf.plan(board()), meter.shelf.ledger, "s01", number)


def test_a_pick_stays_while_more_takes_are_bought_and_until_the_scene_is_edited(meter: Meter) -> None:
    pick(meter.shelf.plan(board()), meter.shelf.ledger, "s01", 1)
    meter.reroll(board())
    assert shown(meter, board())["s01"] == 1
    edited = board(prompt="Another sea.")
    assert not meter.shelf.plan(edited).scenes[0].picked
    meter.shelf.run(edited)
    assert shown(meter, edited)["s01"] == 3
    assert shown(meter, board())["s01"] == 1, "the edit is undone"


def test_a_stale_take_that_is_picked_stands_and_nothing_is_asked_for_beside_it(meter: Meter) -> None:
    edited = board(prompt="Another sea.")
    pick(meter.shelf.plan(edited), meter.shelf.ledger, "s01", 1)
    plan = meter.shelf.plan(edited)
    assert (plan.scenes[0].standing, plan.scenes[0].picked, plan.takes) == (True, True, ())
    assert "prompt has changed" in (plan.scenes[0].stale or "")


def test_a_scene_that_continues_another_take_is_stale_and_current_again_when_the_first_is_picked(meter: Meter) -> None:
    meter.reroll(board())
    states = {each.scene: each.state for each in meter.shelf.status(board())}
    assert states == {"s01": "current", "s02": "stale"}
    pick(meter.shelf.plan(board()), meter.shelf.ledger, "s01", 1)
    states = {each.scene: each.state for each in meter.shelf.status(board())}
    assert states == {"s01": "current", "s02": "current"}


def test_what_renders_a_stale_take_again_depends_on_what_has_changed(meter: Meter) -> None:
    meter.reroll(board())
    assert "--cascade renders it again" in meter.shelf.status(board())[1].remedy
    edited = board()
    edited["scenes"][1]["prompt"] = "It returns."
    meter.shelf.run(edited)
    pick(meter.shelf.plan(edited), meter.shelf.ledger, "s02", 1)
    stale = meter.shelf.status(edited)[1]
    assert (stale.state, "reroll renders it again" in stale.remedy) == ("stale", True)


def test_takes_of_a_board_are_asked_for_and_a_failed_one_does_not_stand(meter: Meter) -> None:
    three = board(takes=3)
    plan = meter.shelf.plan(three)
    assert (len(plan.takes), len({take.key for take in plan.renders if take.scene.id == "s01"})) == (2, 3)
    newest = plan.scenes[0]
    assert newest.take == 3, "what is not stored yet is newer"
    meter.shelf.intend(plan, newest, None)
    meter.shelf.ledger.submitted(newest.key, 1, job(newest.key[:12]))
    meter.shelf.ledger.close(newest.key, 1, Outcome(kind="failed", at=datetime.now(UTC), error="GenerationFailed"))
    assert meter.shelf.plan(three).scenes[0].take == 2


@pytest.mark.parametrize("words", [{"takes": 3}, {}], ids=["of the board", "of an order"])
def test_which_take_stands_does_not_depend_on_which_download_ends_first(meter: Meter, words: dict[str, Any]) -> None:
    what = board(**words)
    if not words:
        plan = meter.shelf.plan(what)
        part = further_takes(plan, meter.shelf.ledger, order(plan, meter.shelf.ledger, "s01", takes=3))
        takes = [*part.takes]
    else:
        part = meter.shelf.plan(what)
        takes = [part.scenes[0], *part.takes]
        takes.sort(key=lambda take: take.take)
    for take in reversed(takes):
        if not meter.shelf.ledger.history(take.key):
            meter.shelf.intend(part, take, None)
            meter.shelf.ledger.submitted(take.key, 1, job(take.key[:12]))
        meter.shelf.finish(part, take)
    assert meter.shelf.plan(what).scenes[0].key == takes[-1].key


def test_a_reroll_needs_what_its_scene_needs_and_buys_none_of_it() -> None:
    shelf = Shelf()
    plan = shelf.plan(board())
    asked = order(plan, shelf.ledger, "s02", takes=1)
    with pytest.raises(ValueError, match="s02 needs s01, which has no clip, and nothing was bought"):
        further_takes(plan, shelf.ledger, asked)


def test_a_name_of_one_more_take_and_its_note_are_in_its_key_and_in_no_other() -> None:
    (scene, _) = Shelf().plan(board()).scenes
    assert "reroll" not in scene.content
    further = scene.with_reroll("a-1", "At night.")
    assert len({scene.key, further.key, scene.with_reroll("a-1").key, scene.with_reroll("a-2").key}) == 4
    assert (further.identity, further.own_identity) == (scene.identity, scene.own_identity)
    assert further.prompt == f"{scene.prompt}\nAt night."


def test_an_edited_scene_shows_the_take_that_was_picked_before_until_it_is_rendered(meter: Meter) -> None:
    meter.reroll(board())
    pick(meter.shelf.plan(board()), meter.shelf.ledger, "s01", 1)
    edited = board(prompt="Another sea.")
    assert shown(meter, edited)["s01"] == 1
    lines = board_takes(meter.shelf.plan(edited), meter.shelf.ledger)
    assert [line.take for line in lines if line.scene == "s01" and line.kept] == [1]
    meter.shelf.run(edited)
    assert [line for line in board_takes(meter.shelf.plan(edited), meter.shelf.ledger) if line.kept] == []


def test_a_take_whose_records_are_damaged_is_one_line_and_holds_up_no_other(meter: Meter) -> None:
    meter.reroll(board())
    plan, ledger = meter.shelf.plan(board()), meter.shelf.ledger
    (lost,) = meter.billed
    (record,) = ledger.storage.fs.glob(f"{ledger.storage.path('ledger')}/**/{lost}/**/intent.json")
    ledger.storage.fs.rm(record)
    lines = [line for line in board_takes(plan, ledger) if line.scene == "s01"]
    assert [(line.take, line.clip is None) for line in lines] == [(1, False), (2, True)]
    assert "intent.json is missing" in lines[1].why[0]
