"""The same question on a terminal: what is typed becomes the answer, and `--yes` answers without asking."""

import io
import sys

import pytest
from rich.console import Console

from prefect_storyboard.cli.approve import answered, ask_plan, ask_stills, ask_takes, how_to_ask
from prefect_storyboard.cli.progress_table import ProgressTable
from prefect_storyboard.series.asking import NotApproved, ask, is_asked_elsewhere
from prefect_storyboard.storyboards.approval import Answer, Question, takes_question

from .test_approval import PLAN, asked, takes


class Typing(Console):
    """A terminal at which somebody types these lines."""

    def __init__(self, *lines: str) -> None:
        super().__init__(file=io.StringIO())
        self.lines = [*lines]

    def input(self, prompt: object = "", *, markup: bool = True, **_: object) -> str:  # type: ignore[override]
        assert not markup, "what stands in brackets is shown"
        return self.lines.pop(0)


def about_takes() -> Question:
    question = takes_question(PLAN, takes(s01=1, s02=2), 5.0)
    assert question
    return question


def test_what_is_typed_about_a_plan_is_the_answer() -> None:
    said = ask_plan(asked(), Typing("s02", "$4.50", "y"))
    assert (said.decision, said.leave_out, said.max_cost_usd) == ("approve", ("s02",), 4.5)


def test_return_keeps_everything_but_buys_nothing() -> None:
    said = ask_plan(asked(), Typing("", "", ""))
    assert (said.decision, said.leave_out, said.max_cost_usd) == ("stop", (), 10.0)


def test_an_amount_that_is_none_is_asked_for_again() -> None:
    assert ask_plan(asked(), Typing("", "much", "7", "yes")).max_cost_usd == 7.0


def test_takes_are_chosen_and_rendered_again_by_their_numbers() -> None:
    said = ask_takes(about_takes(), Typing("two", "2", "s01, s02", "Darker.", "", "y"))
    assert (said.takes, said.again, said.note, said.max_cost_usd) == ({"s02": 2}, ("s01", "s02"), "Darker.", 5.0)
    kept = ask_takes(about_takes(), Typing("", "", "y"))
    assert (kept.takes, kept.again) == ({"s02": 1}, ())


def test_without_a_terminal_and_without_yes_there_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(
        ValueError, match=r"^--approve asks on a terminal, and stdin is not one. Nothing was bought; --yes"
    ):
        how_to_ask("plan", yes=False)
    assert (how_to_ask("plan", yes=True), how_to_ask(None, yes=False)) == ("yes", None)


async def _asked(question: Question) -> Answer:
    async def announce(*_: object) -> None:
        raise AssertionError("nobody has to be told")

    return await ask(question, PLAN, name="q", hours=1, announce=announce)


async def test_yes_approves_within_the_budget_and_never_more() -> None:
    screen = Console(file=io.StringIO())
    with answered("yes", screen, ProgressTable()):
        assert is_asked_elsewhere()
        assert (await _asked(asked())).decision == "approve"
        with pytest.raises(NotApproved, match=r"it would cost \$2.4192, and the budget is \$1.00; nothing was bought"):
            await _asked(asked(budget=1.0))
    assert not is_asked_elsewhere()


def about_stills() -> Question:
    return about_takes().model_copy(update={"kind": "stills", "left_out": ("s02",)})


def test_stills_are_chosen_and_then_motion_is_bought_or_some_are_drawn_again() -> None:
    said = ask_stills(about_stills(), Typing("2", "", "s01", "7", "y"))
    assert (said.takes, said.leave_out, said.max_cost_usd, said.again) == ({"s02": 2}, ("s01",), 7.0, ())
    kept = ask_stills(about_stills(), Typing("", "", "", "", "y"))
    assert (kept.takes, kept.leave_out) == ({"s02": 1}, ("s02",)), "return keeps what is proposed"
    again = ask_stills(about_stills(), Typing("", "s01", "Closer.", "y"))
    assert (again.again, again.note, again.leave_out, again.max_cost_usd) == (("s01",), "Closer.", ("s02",), 5.0)
