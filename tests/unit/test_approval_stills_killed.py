"""An approval of stills is recorded before it is done: a kill at any write draws no still twice, and the choice stands."""

from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from prefect_storyboard.ledger import Ledger, Storage, deciding
from prefect_storyboard.series.approving import question_name, recorded
from prefect_storyboard.series.choosing_takes import (
    close_approval,
    open_approval,
    orders_of,
    part_of,
    pick_approved,
    stored,
)
from prefect_storyboard.series.further import further_takes
from prefect_storyboard.series.standing import with_standing
from prefect_storyboard.series.takes import board_takes, carry_out, order
from prefect_storyboard.storyboards import Plan
from prefect_storyboard.storyboards.approval import Answer
from prefect_storyboard.storyboards.approval_stills import stills_digest, stills_question

from .fakes import Killed, intent, job
from .test_keyframes import SCENES, planned
from .test_stills_standing import Shelf
from .test_takes import Dying

ANSWER = Answer(decision="approve", by="Ada", takes={"s01": 1}, again=("s02",), note="Darker.", max_cost_usd=9)
WRITES = 16  # more than there are: the last cases die after the end


@dataclass
class Run:
    """Does what the flow does with an answer about stills; `drawn` are the pictures that were paid."""

    shelf: Shelf
    drawn: list[str] = field(default_factory=list)

    def plan(self, ledger: Ledger) -> Plan:
        return with_standing(planned(SCENES), ledger)

    def go_on(self, ledger: Ledger) -> None:
        self._carry_on(ledger)
        if ledger.approvals("t"):
            return  # the question about the new stills is another test's
        plan = self.plan(ledger)
        lines = stored(line for line in board_takes(plan, ledger) if line.still)
        stills = {name.removesuffix(" still"): takes for name, takes in lines.items()}
        question = stills_question(plan, stills, None, about=stills_digest(plan))
        assert question
        ledger.approve("t", recorded(question, ANSWER, question_name(ledger, question), "r1"))
        self._carry_on(ledger)

    def _carry_on(self, ledger: Ledger) -> None:
        approval = open_approval(ledger, "t", "stills")
        if approval is None:
            return
        assert approval.about == stills_digest(self.plan(ledger))
        pick_approved(self.plan(ledger), ledger, approval)
        orders = orders_of(self.plan(ledger), ledger, approval)
        for take in part_of(self.plan(ledger), ledger, orders).still_takes:
            last = deciding(ledger.history(take.key))
            if take.key not in self.drawn:
                if last is None:
                    ledger.intend(1, intent(take.key, reel="t"))
                self.drawn.append(take.key)
            if last is None or last.job is None:  # the provider's list has it
                ledger.submitted(take.key, 1, job(take.key[:12]))
        for each in orders:
            carry_out(ledger, "t", each)
        close_approval(ledger, "t", approval, done=True)


@pytest.fixture
def run() -> Run:
    shelf = Shelf()
    made = with_standing(planned(SCENES), shelf.ledger)
    shelf.run(made.model_copy(update={"scenes": ()}))
    second = order(made, shelf.ledger, "s01", takes=1, of="still")
    shelf.run(further_takes(made, shelf.ledger, second))
    return Run(shelf)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("write", range(1, WRITES))
def test_a_kill_at_any_write_draws_each_still_once_and_the_choice_stands(run: Run, write: int, *, after: bool) -> None:
    storage: Storage = run.shelf.ledger.storage
    dying = Dying(storage.fs, storage.root, storage.url, left=[write], after=after)
    with suppress(Killed):
        run.go_on(Ledger(dying))
    run.go_on(run.shelf.ledger)
    run.go_on(run.shelf.ledger)
    assert len(run.drawn) == 1
    _, *choices = run.shelf.ledger.choices("t")
    assert sorted((each.kind, each.scene, each.still) for each in choices) == [
        ("asked", "s02", True),
        ("carried out", "s02", True),
        ("picked", "s01", True),
    ]
    assert {each.kind for each in run.shelf.ledger.approvals("t")} == {"stills", "carried out"}
