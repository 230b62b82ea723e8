"""A run that is given a plan's hash renders that plan, or stops before anything is bought; the meter is the judge."""

import pytest

from prefect_storyboard.flows import plan_storyboard
from prefect_storyboard.storyboards import PlanDiffers
from tests.flows.gateways import opened


@pytest.fixture
def fal(engine, tmp_path):
    with opened("fal", "seedance-2", tmp_path) as branch:
        yield branch


async def approved(branch, board, **options):
    return await plan_storyboard(board, branch.credentials(), branch.library, **options)


async def test_a_run_buys_what_was_planned_and_its_repeat_buys_nothing(fal):
    board = fal.board("Mara waits.", "The sea.")
    plan = await approved(fal, board)
    reel, bought = await fal.counted(board, plan_hash=plan.hash)
    assert (bought, reel.bought_usd) == (2, plan.low_usd)
    again, bought = await fal.counted(board, plan_hash=plan.hash[:12])
    assert (bought, again.clips) == (0, reel.clips)


async def test_a_board_that_changed_after_its_plan_buys_nothing_and_is_told_what_differs(fal):
    board = fal.board("Mara waits.", "The sea.")
    plan = await approved(fal, board)
    board["scenes"][1] |= {"prompt": "The open sea."}
    with pytest.raises(PlanDiffers) as stopped:
        await fal.counted(board, plan_hash=plan.hash)
    assert stopped.value.lines[0].startswith("s02 prompt: The sea.")
    assert fal.bought() == (0, 0)


async def test_a_run_that_was_broken_off_goes_on_under_the_same_plan(fal):
    board = fal.board("Mara waits.", "The sea.")
    plan = await approved(fal, board)
    fal.fault("slow_render", seconds=3600)
    broken, bought = await fal.counted(board, plan_hash=plan.hash, poll_minutes=0.001)
    assert (bought, [each.state for each in broken.failed]) == (2, ["rendering", "rendering"])
    with pytest.raises(PlanDiffers, match="attempts: 1 in the plan, 2 now"):
        await fal.counted(board, plan_hash=plan.hash, attempts=2)
    again, bought = await fal.counted(board, plan_hash=plan.hash, poll_minutes=0.001)
    assert (bought, len(again.failed)) == (0, 2)
