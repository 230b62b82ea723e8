"""One storyboard as variants: one run, one bill, a reel for each; and clips without any reel."""

from pathlib import Path

import pytest

from prefect_storyboard.flows.plan import planned
from prefect_storyboard.jobs.budget import OverBudget
from tests.flows.gateways import opened


@pytest.fixture
def fal(engine, tmp_path):
    with opened("fal", "seedance-2", tmp_path) as branch:
        yield branch


async def test_every_variant_has_a_reel_and_what_is_the_same_is_bought_once(fal):
    upright = fal.board("The sea.", aspect="9:16")
    _, before = await fal.counted(upright)
    board = fal.board("The sea.", "The shore.", matrix={"aspect": ["16:9", "9:16"]})
    board["scenes"][1]["aspect"] = "1:1"
    plan = await planned(board, fal.credentials(), fal.library)
    with pytest.raises(OverBudget):
        await fal.counted(board, max_cost_usd=plan.low_usd - 0.01)
    reel, bought = await fal.counted(board, max_cost_usd=plan.low_usd)
    bills = [bill["usd"] for bill in fal.meter()["billed"]]
    assert (before, bought) == (1, 2)
    assert sum(bills[1:]) == pytest.approx(plan.low_usd)
    assert reel.bought_usd == pytest.approx(plan.low_usd)
    assert [Path(each.url).parent.name for each in reel.variants] == ["the-lighthouse-16x9", "the-lighthouse-9x16"]
    assert all(Path(each.url).exists() and Path(each.page).exists() for each in reel.variants)
    wide, tall = (each.clips[0] for each in reel.variants)
    assert wide.width > wide.height
    assert tall.width < tall.height
    assert reel.variants[0].clips[1] == reel.variants[1].clips[1]
    assert (await fal.counted(board))[1] == 0


async def test_clips_without_a_reel_are_stored_and_nothing_is_made_of_them(fal):
    reel, bought = await fal.counted(fal.board("The sea.", reel=False))
    folder = Path(fal.library) / "reels" / "the-lighthouse"
    assert (bought, len(reel.clips), reel.url) == (1, 1, None)
    assert sorted(path.name for path in folder.iterdir()) == ["plan.json", "scenes", "storyboard.yaml"]
    again, bought = await fal.counted(fal.board("The sea."))
    assert (bought, Path(again.url).name) == (0, "reel.mp4")
