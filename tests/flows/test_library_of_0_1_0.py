"""A library that version 0.1.0 made is continued: what it rightly holds is not bought again."""

import shutil
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from prefect_storyboard.flows.plan import planned
from prefect_storyboard.ledger import Ledger, open_storage
from tests.flows.gateways import opened

FIXTURE = Path(__file__).parents[1] / "fixtures" / "library-0.1.0"
MARA = str(files("prefect_storyboard.examples") / "clips" / "mara.mp4")


@pytest.fixture
def fal(engine, tmp_path):
    shutil.copytree(FIXTURE / "library", tmp_path / "library")
    with opened("fal", "sora-2", tmp_path) as branch:
        yield branch


def scenario(**facts):
    board = yaml.safe_load((FIXTURE / "board.yaml").read_text()) | facts
    board["cast"][0]["clip"] = MARA
    return board


async def states(branch, board):
    made = await planned(board, branch.credentials(), branch.library)
    return [job.state for job in made.jobs], made.low_usd


async def test_what_it_holds_is_cached_and_what_it_left_open_is_open(fal):
    """Mara, s01 to s03 are there; s04 was lost, s05 refused, and s06 renders at a gateway that has forgotten it."""
    wanted = ["cached", "cached", "cached", "cached", "unknown", "failed", "reattached"]
    assert await states(fal, scenario()) == (wanted, 0.0)
    reel, bought = await fal.counted(scenario(), poll_minutes=0)
    assert (bought, [clip.scene for clip in reel.clips]) == (0, ["s01", "s02", "s03"])
    assert {failed.scene: failed.state for failed in reel.failed}.keys() == {"s04", "s05", "s06"}
    assert reel.clips[1].parent_key == reel.clips[0].job_key
    again, bought = await fal.counted(scenario(), poll_minutes=0, cascade=True)
    assert (bought, again.clips) == (0, reel.clips)


async def test_its_child_becomes_stale_where_the_parent_is_edited(fal):
    board = scenario(scenes=scenario()["scenes"][:3])
    board["scenes"][0]["prompt"] = "Mara lights the big lamp."
    assert await states(fal, board) == (["cached", "new", "stale", "cached"], 0.4)


async def test_a_child_that_it_took_from_another_board_is_rendered_from_its_own_parent(fal):
    """As 0.1.0 left it: the second board's s02 is a take that was made of the first board's s01."""
    first = scenario(scenes=scenario()["scenes"][:2])
    other = scenario(title="The Day Watch", scenes=scenario()["scenes"][:2])
    other["scenes"][0]["prompt"] = "Waves break on the shore."
    ledger = Ledger(open_storage(fal.library))
    key = ledger.take_keys("the-night-watch", "s02")[0]
    ledger.take("the-day-watch", "s02", key, attempt=1, reserve=True)
    assert await states(fal, other) == (["cached", "cached", "new"], 0.4)
    assert await states(fal, first) == (["cached"] * 3, 0.0)
