"""How the reel is made of its clips costs nothing: loudness, music and transitions assemble it again."""

from pathlib import Path

import pytest

from prefect_storyboard.flows import plan_storyboard
from prefect_storyboard.storyboards import StoryboardError
from tests.flows.gateways import opened

MUSIC = Path(__file__).parents[2] / "examples" / "clips" / "mara.mp4"  # any file with sound


@pytest.fixture
def fal(engine, tmp_path):
    with opened("fal", "seedance-2", tmp_path) as branch:
        yield branch


async def test_another_finish_buys_nothing_and_makes_another_reel_of_the_same_clips(fal):
    board = fal.board("Mara waits.", "The sea.")
    reel, bought = await fal.counted(board)
    first = Path(reel.url).read_bytes()
    assert bought == 2
    assert set(reel.gains) == {"s01", "s02"}
    cached, bought = await fal.counted(board)
    assert (bought, cached.gains, Path(cached.url).read_bytes()) == (0, reel.gains, first)
    for finish in ({"loudness": False}, {"music": str(MUSIC)}, {"transition": "dissolve"}):
        made, bought = await fal.counted(board | finish)
        assert (bought, made.clips) == (0, reel.clips)
        assert Path(made.url).read_bytes() != first
    assert made.seconds == pytest.approx(reel.seconds - 0.5, abs=0.05)


async def test_a_scene_says_how_it_begins(fal):
    board = fal.board("Mara waits.", "The sea.", "A boat.")
    board["scenes"][2] |= {"transition": "dissolve", "transition_seconds": 1}
    reel, _ = await fal.counted(board)
    assert reel.seconds == pytest.approx(sum(clip.seconds for clip in reel.clips) - 1, abs=0.1)


async def test_music_without_sound_is_refused_before_anything_is_bought(fal):
    board = fal.board("Mara waits.") | {"music": fal.picture("front.png")}
    with pytest.raises(StoryboardError, match=r"music.*front\.png"):
        await plan_storyboard.fn(board, fal.credentials(), fal.library)
    assert fal.meter()["jobs_accepted"] == 0
