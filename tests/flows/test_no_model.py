"""No model is assumed: a storyboard without one buys nothing, and one word says which reel of 0.1.0 goes on."""

import shutil

import pytest

from prefect_storyboard.flows.plan import planned
from prefect_storyboard.storyboards import StoryboardError
from tests.flows.gateways import opened
from tests.flows.test_library_of_0_1_0 import FIXTURE, scenario


@pytest.fixture
def fal(engine, tmp_path):
    shutil.copytree(FIXTURE / "library", tmp_path / "library")
    with opened("fal", "seedance-2", tmp_path) as branch:
        yield branch


async def refused(branch, board, **options):
    with pytest.raises(StoryboardError) as wrong:
        await branch.counted(board, **options)
    assert branch.meter()["jobs_accepted"] == 0
    assert branch.requests() == []
    return str(wrong.value)


async def test_a_storyboard_without_a_model_gets_the_list_and_nothing_is_sent(fal):
    said = await refused(fal, {**fal.board("Mara wakes.", "The sea."), "model": None})
    lines = said.splitlines()
    assert lines[0].startswith("storyboard: model: names no model, and nothing was bought; fal.ai (fal) sells 2 scenes")
    assert any(line.split()[:2] == ["seedance-2-fast", "$1.9352"] for line in lines)
    assert not any("sora" in line for line in lines)
    with pytest.raises(StoryboardError):
        await planned({**fal.board("The sea."), "model": None}, fal.credentials(), fal.library)


async def test_a_runs_parameter_is_a_model_and_so_is_one_for_each_scene(fal):
    board = {**fal.board("The sea."), "model": None}
    _, bought = await fal.counted(board, model="seedance-2")
    board["scenes"][0]["model"] = "seedance-2"
    assert (bought, (await fal.counted(board))[1]) == (1, 0)


async def test_a_board_of_0_1_0_that_said_nothing_is_told_the_word_that_finds_its_takes(fal):
    """Version 0.1.0 rendered with sora-2 where a storyboard named no model: its parameters are still understood."""
    board = scenario()
    del board["model"]
    assert "write model: sora-2 to keep its takes and buy nothing again" in await refused(fal, board)
    made = await planned({**board, "model": "sora-2"}, fal.credentials(), fal.library)
    assert ([job.state for job in made.jobs][:4], made.low_usd) == (["cached"] * 4, 0.0)
