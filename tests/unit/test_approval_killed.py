"""An approval of takes is recorded before it is done: a kill at any write changes nothing of what is billed."""

from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from prefect_storyboard.ledger import Approval, Ledger, Storage, deciding
from prefect_storyboard.series.approving import question_name, recorded
from prefect_storyboard.series.choosing_takes import offered, open_approval, orders_of, part_of, pick_approved
from prefect_storyboard.series.standing import with_standing
from prefect_storyboard.series.takes import board_takes, carry_out
from prefect_storyboard.storyboards.approval import Answer, scenes_digest, takes_question

from .fakes import Killed, job
from .test_currency import Board, Shelf
from .test_takes import Dying

ANSWER = Answer(decision="approve", by="Ada", again=("s01", "s02"), note="Darker.", max_cost_usd=9)
WRITES = 24  # more than there are: the last cases die after the end


def board(prompt: str = "Far out, a boat turns.") -> Board:
    scenes = [{"id": "s01", "prompt": prompt, "takes": 2}, {"id": "s02", "prompt": "Mara waits."}]
    return {"title": "T", "model": "seedance-2", "scenes": scenes}


@dataclass
class Run:
    """Does what the flow does with an answer about takes; `billed` are the jobs that were paid."""

    shelf: Shelf
    billed: list[str] = field(default_factory=list)

    def begin(self, what: Board) -> None:
        """Render the storyboard, with all of its takes."""
        plan = with_standing(self.shelf.plan(what), self.shelf.ledger)
        for take in plan.renders:
            self.shelf.intend(plan, take, None)
            self.shelf.ledger.submitted(take.key, 1, job(take.key[:12]))
            self.shelf.finish(plan, take)

    def go_on(self, what: Board, ledger: Ledger | None = None) -> None:
        """Do what is approved; where nothing was approved of these takes, ask."""
        ledger = ledger or self.shelf.ledger
        self._carry_on(what, ledger)
        plan = with_standing(self.shelf.plan(what), ledger)
        lines = [line for line in board_takes(plan, ledger) if line.clip]
        question = takes_question(plan, offered(plan, lines), None)
        assert question
        known = {each.hash for each in ledger.approvals("t")}
        if question.hash in known or len(known) == 1:
            return  # the question about the new takes is another test's
        other = next(take.number for take in question.takes["s01"] if not take.shown)
        answer = ANSWER.model_copy(update={"takes": {"s01": other}})
        ledger.approve("t", recorded(question, answer, question_name(ledger, question), "r1"))
        self._carry_on(what, ledger)

    def _carry_on(self, what: Board, ledger: Ledger) -> None:
        approval = open_approval(ledger, "t", "takes")
        if approval is None:
            return
        plan = with_standing(self.shelf.plan(what), ledger)
        kind = "carried out" if approval.about == scenes_digest(plan) else "dropped"
        if kind == "carried out":
            pick_approved(plan, ledger, approval)
            self._buy(what, ledger, approval)
        ledger.approve("t", approval.model_copy(update={"kind": kind}))

    def _buy(self, what: Board, ledger: Ledger, approval: Approval) -> None:
        plan, at = with_standing(self.shelf.plan(what), ledger), Shelf(ledger)
        orders = orders_of(plan, ledger, approval)
        part = part_of(plan, ledger, orders)
        for take in part.takes:
            last = deciding(ledger.history(take.key))
            if last and last.job is None and take.key in self.billed:  # the provider's list has it
                ledger.submitted(take.key, 1, job(take.key[:12]))
            if take.key not in self.billed:
                at.intend(part, take, None)
                self.billed.append(take.key)
                ledger.submitted(take.key, 1, job(take.key[:12]))
            at.finish(part, take)
        for each in orders:
            carry_out(ledger, "t", each)


@pytest.fixture
def run() -> Run:
    made = Run(Shelf())
    made.begin(board())
    return made


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("write", range(1, WRITES))
def test_a_kill_at_any_write_buys_each_take_once_and_the_choice_stands(run: Run, write: int, *, after: bool) -> None:
    storage: Storage = run.shelf.ledger.storage
    dying = Dying(storage.fs, storage.root, storage.url, left=[write], after=after)
    with suppress(Killed):
        run.go_on(board(), Ledger(dying))
    run.go_on(board())
    run.go_on(board())
    assert len(run.billed) == len({*run.billed}) == 2
    choices = run.shelf.ledger.choices("t")
    assert sorted((each.kind, each.scene) for each in choices) == [
        ("asked", "s01"),
        ("asked", "s02"),
        ("carried out", "s01"),
        ("carried out", "s02"),
        ("picked", "s01"),
    ]
    assert {each.kind for each in run.shelf.ledger.approvals("t")} == {"takes", "carried out"}


def test_what_was_approved_of_other_scenes_is_dropped_and_buys_nothing(run: Run) -> None:
    plan = run.shelf.plan(board())
    lines = board_takes(plan, run.shelf.ledger)
    question = takes_question(plan, offered(plan, lines), None)
    assert question
    run.shelf.ledger.approve("t", recorded(question, ANSWER, "q", "r1"))
    run.go_on(board("Nearer, a boat turns."))
    assert ([each.kind for each in run.shelf.ledger.approvals("t")], run.billed) == (["takes", "dropped"], [])
