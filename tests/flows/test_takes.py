"""Takes are bought, picked and kept: nothing else is bought, every take stays, and the meter is the judge."""

import asyncio
import warnings
from pathlib import Path

import pytest
from prefect.context import AsyncClientContext

from prefect_storyboard.flows import pick_take
from prefect_storyboard.jobs.progress import progress_listener
from prefect_storyboard.series.looking import looked_up
from tests.flows.gateways import opened


@pytest.fixture
def fal(engine, tmp_path):
    with opened("fal", "seedance-2", tmp_path) as branch:
        yield branch


async def pick(branch, board, scene, take):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Artifact creation outside", FutureWarning)
        async with AsyncClientContext.get_or_create():
            return await pick_take.fn(board, scene, take, branch.credentials(), branch.library)


async def states(branch, board):
    found = await looked_up(board, branch.credentials(), branch.library)
    return {each.scene: each.state for each in found}


def takes(reel):
    return {clip.scene: clip.take for clip in reel.clips}


async def test_a_reroll_buys_one_take_of_that_scene_and_a_pick_brings_the_first_one_back_for_nothing(fal):
    board = fal.board("Mara waits.", "The sea.")
    first, _ = await fal.counted(board)
    again, bought = await fal.counted(board, reroll="s02", note="At night.")
    assert (bought, takes(again), again.failed) == (1, {"s01": 1, "s02": 2}, ())
    assert fal.submitted()[-1]["prompt"].endswith("The sea.\nAt night.")
    assert Path(again.url).stat().st_mtime >= Path(first.clips[0].url).stat().st_mtime
    run, bought = await fal.counted(board)
    assert (bought, takes(run)) == (0, {"s01": 1, "s02": 2}), "a later run shows the newest"
    before = fal.meter()["jobs_accepted"]
    picked = await pick(fal, board, "s02", 1)
    assert (takes(picked), picked.clips) == ({"s01": 1, "s02": 1}, first.clips)
    run, _ = await fal.counted(board)
    assert (takes(run), fal.meter()["jobs_accepted"]) == ({"s01": 1, "s02": 1}, before)
    assert await states(fal, board) == {"s01": "current", "s02": "current"}
    assert all(Path(clip.url).exists() for reel in (first, again) for clip in reel.clips), "every take stays"


async def test_takes_of_a_board_are_bought_once_and_the_newest_stands(fal):
    board = fal.board("Mara waits.", "The sea.")
    board["scenes"][1]["takes"] = 3
    reel, bought = await fal.counted(board)
    assert (bought, reel.clips[1].basis["take"], reel.bought) == (4, 3, 4)
    again, bought = await fal.counted(board)
    assert (bought, again.clips) == (0, reel.clips)
    await pick(fal, board, "s02", 2)
    again, bought = await fal.counted(board)
    assert (bought, takes(again)["s02"]) == (0, 2)


async def test_each_take_has_a_line_of_its_own_from_its_order_to_its_clip(fal):
    board = fal.board("The sea.")
    board["scenes"][0]["takes"] = 2
    seen = []
    token = progress_listener.set(seen.append)
    try:
        await fal.counted(board)
        ends = {each.subject: each.state for each in seen}
        assert ends == {"s01": "stored", "s01 (take 1)": "stored"}
        seen.clear()
        await fal.counted(board, reroll="s01")
    finally:
        progress_listener.reset(token)
    assert {each.subject for each in seen if each.state not in {"waiting", "cached"}} == {"s01 (reroll 1)"}
    assert {each.take for each in seen if each.subject == "s01 (reroll 1)"} == {None, 3}


async def test_a_take_that_is_refused_leaves_the_newest_that_is_not(fal):
    board = fal.board("The sea.")
    await fal.counted(board)
    fal.fault("policy_refusal", match={"prompt": "knife"})
    reel, _ = await fal.counted(board, reroll="s01", note="With a knife.")
    assert (takes(reel), [each.scene for each in reel.failed]) == ({"s01": 1}, ["s01"])
    run, bought = await fal.counted(board)
    assert (bought, takes(run), run.failed) == (0, {"s01": 1}, ())


async def test_children_of_another_take_become_stale_and_a_cascade_buys_them(fal):
    board = fal.board("The sea.", "It goes on.")
    board["scenes"][1]["continues"] = "s01"
    await fal.counted(board)
    reel, bought = await fal.counted(board, reroll="s01")
    assert (bought, takes(reel)) == (1, {"s01": 2, "s02": 1})
    assert await states(fal, board) == {"s01": "current", "s02": "stale"}
    await pick(fal, board, "s01", 1)
    assert await states(fal, board) == {"s01": "current", "s02": "current"}
    await pick(fal, board, "s01", 2)
    reel, bought = await fal.counted(board, cascade=True)
    assert (bought, takes(reel)) == (1, {"s01": 2, "s02": 2})


async def test_a_reroll_that_was_killed_is_completed_by_the_same_words_and_the_next_one_is_another(fal):
    board = fal.board("The sea.")
    await fal.counted(board)
    fal.fault("slow_render", seconds=3600)
    _, bought = await fal.counted(board, reroll="s01", takes=2, poll_minutes=0.001)
    assert bought == 2
    for _ in range(2):
        again, bought = await fal.counted(board, reroll="s01", takes=2, poll_minutes=0.001)
        assert (bought, [each.state for each in again.failed]) == (0, ["rendering", "rendering"])
    _, bought = await fal.counted(board, reroll="s01", takes=1, poll_minutes=0.001)
    assert bought == 1, "other words are another order"


async def test_two_that_pick_at_once_both_end_with_the_same_reel(fal):
    board = fal.board("The sea.")
    await fal.counted(board)
    await fal.counted(board, reroll="s01")
    await asyncio.gather(pick(fal, board, "s01", 1), pick(fal, board, "s01", 2))
    reel, bought = await fal.counted(board)
    stored = Path(reel.url).parent / "reel.json"
    assert (bought, stored.exists()) == (0, True)
    again, _ = await fal.counted(board)
    assert again.clips == reel.clips


async def test_an_edited_scene_is_bought_once_although_an_older_take_was_picked(fal):
    board = fal.board("The sea.")
    await fal.counted(board)
    await pick(fal, board, "s01", 1)
    board["scenes"][0]["prompt"] = "The open sea."
    assert await states(fal, board) == {"s01": "stale"}
    reel, bought = await fal.counted(board)
    assert (bought, takes(reel)) == (1, {"s01": 2})
    await pick(fal, board, "s01", 1)
    kept, bought = await fal.counted(board)
    assert (bought, takes(kept)) == (0, {"s01": 1}), "a stale take that is picked stands, and is not bought again"
    assert await states(fal, board) == {"s01": "stale"}


async def test_a_pick_leaves_an_edited_scene_in_the_reel_as_it_is_until_a_run_renders_it(fal):
    board = fal.board("Mara waits.", "The sea.")
    board["scenes"][1]["takes"] = 2
    first, _ = await fal.counted(board)
    board["scenes"][0]["prompt"] = "Mara runs."
    before = fal.meter()["jobs_accepted"]
    picked = await pick(fal, board, "s02", 1)
    assert (takes(picked), picked.failed) == ({"s01": 1, "s02": 1}, ())
    assert picked.clips[0].url == first.clips[0].url
    assert "s01 shows a take of an earlier storyboard; the next run renders it again" in picked.warnings
    assert fal.meter()["jobs_accepted"] == before
    reel, bought = await fal.counted(board)
    assert (bought, takes(reel)) == (1, {"s01": 2, "s02": 1})
