"""Which errors of a run are told in a sentence, and which keep their traceback because they are a fault of ours."""

import pytest

from prefect_storyboard.blocks.browser_links import checked
from prefect_storyboard.jobs.budget import OverBudget
from prefect_storyboard.providers.errors import Unauthorized
from prefect_storyboard.series.mistakes import explain, explains_itself
from prefect_storyboard.storyboards import StoryboardError, parse


def raised(fails) -> Exception:
    try:
        fails()
    except Exception as error:  # noqa: BLE001 - which one it is is the question
        return error
    raise AssertionError


def over_budget():
    raise OverBudget("the run would cost $9; allow more")


def refused():
    raise Unauthorized("fal does not accept the key")


@pytest.mark.parametrize(
    "fails",
    [lambda: parse("title: T", "board.yaml"), over_budget, refused, lambda: checked("ftp://studio.example")],
    ids=["a storyboard", "a budget", "a provider", "a value that we refuse"],
)
def test_an_error_that_says_what_to_do_needs_no_traceback(fails):
    assert explains_itself(raised(fails))


@pytest.mark.parametrize("fails", [lambda: int("x"), lambda: {}["x"], b"\xff".decode], ids=["value", "key", "unicode"])
def test_a_fault_of_ours_keeps_its_traceback(fails):
    assert not explains_itself(raised(fails))


def test_what_a_provider_refuses_is_told_with_what_to_do():
    error = raised(refused)
    assert explain(error).splitlines() == ["fal does not accept the key", error.remedy]


def test_what_is_wrong_in_a_storyboard_says_so_itself():
    error = raised(lambda: parse("title: T", "board.yaml"))
    assert isinstance(error, StoryboardError)
    assert explain(error) == str(error)
