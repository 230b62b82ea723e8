"""What people see of a run: one line a job, the share of the jobs that have ended, and a log of what matters."""

import logging
from typing import Any

import pytest

from prefect_storyboard.jobs.progress import Progress, emit_progress, progress_listener
from prefect_storyboard.series.scoreboard import Scoreboard, followed
from prefect_storyboard.storyboards import Plan

from .test_plan import planned


@pytest.fixture
def plan() -> Plan:
    """Mara and two scenes."""
    return planned({"prompt": "Mara climbs."}, {})


@pytest.fixture
def board(plan: Plan) -> Scoreboard:
    return Scoreboard(plan)


def see(board: Scoreboard, *told: tuple[str, str], **facts: Any) -> None:
    for subject, state in told:
        board.see(Progress(subject=subject, state=state, **facts))


def test_what_is_known_of_a_scene_stays_known(board: Scoreboard) -> None:
    board.see(Progress(subject="s01", state="checking", take=2, seconds=4))
    board.see(Progress(subject="s01", state="submitted", cost_usd=0.4))
    board.see(Progress(subject="s01", state="running"))
    assert board.rows() == [{"scene": "s01", "state": "running", "take": 2, "seconds": 4, "cost": "$0.40"}]


def test_a_price_that_nobody_knows_is_left_empty_and_one_of_nothing_is_not(board: Scoreboard) -> None:
    board.see(Progress(subject="s01", state="stored"))
    board.see(Progress(subject="s02", state="stored", cost_usd=0.0))
    assert [row["cost"] for row in board.rows()] == ["", "$0.00"]


def test_only_another_state_is_news(board: Scoreboard) -> None:
    assert board.see(Progress(subject="s01", state="running"))
    assert not board.see(Progress(subject="s01", state="running"))
    assert board.see(Progress(subject="s01", state="stored"))


def test_the_bar_shows_the_jobs_that_have_ended(board: Scoreboard) -> None:
    assert board.percent == 0
    see(board, ("Mara", "waiting"), ("s01", "waiting"), ("s02", "waiting"))
    assert board.percent == 0
    see(board, ("Mara", "created"))
    assert board.percent == 33.3
    see(board, ("s01", "submitted"), ("s01", "storing"), ("s02", "failed"))
    assert board.percent == 66.7
    see(board, ("s01", "stored"))
    assert board.percent == 100


def test_a_scene_that_is_picked_up_renders_on_and_a_character_that_was_is_there(board: Scoreboard) -> None:
    see(board, ("s01", "reattached"))
    assert board.percent == 0
    see(board, ("Mara", "reattached"), ("s01", "cached"), ("s02", "rendering"))
    assert board.percent == 66.7


def test_a_plan_without_jobs_is_not_divided_by(plan: Plan) -> None:
    empty = plan.model_copy(update={"scenes": (), "characters": ()})
    assert Scoreboard(empty).percent == 0


async def test_what_matters_is_logged_once_and_handed_on(plan: Plan, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[Progress] = []
    token = progress_listener.set(seen.append)
    try:
        with caplog.at_level(logging.INFO, "prefect_storyboard.series.scoreboard"):
            async with followed(plan):
                emit_progress(Progress(subject="s01", state="checking", take=1))
                emit_progress(Progress(subject="s01", state="submitted", take=1, cost_usd=0.4))
                emit_progress(Progress(subject="s01", state="submitted", take=1))
                emit_progress(Progress(subject="s01", state="running"))
                emit_progress(Progress(subject="Mara", state="created"))
            emit_progress(Progress(subject="s01", state="stored"))  # the run is over
    finally:
        progress_listener.reset(token)
    assert caplog.messages == ["s01 take 1 submitted, $0.40", "Mara created"]
    assert len(seen) == 6


async def test_the_watcher_before_is_back_even_after_an_error(plan: Plan) -> None:
    before = progress_listener.get()

    async def fail() -> None:
        async with followed(plan):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert progress_listener.get() is before
