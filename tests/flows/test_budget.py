"""Nothing is sent over budget, and a price that nobody knows is not taken for nothing."""

import pytest

from prefect_storyboard.jobs.budget import OverBudget


async def test_nothing_is_sent_over_budget(studio):
    board = studio.board("The sea.", "The shore.")
    with pytest.raises(OverBudget, match=r"\$0\.80.*max_cost_usd is \$0\.79"):
        await studio.render(board, max_cost_usd=0.79)
    assert studio.requests() == [], "no upload and no question either"
    reel = await studio.render(board, max_cost_usd=0.80)
    assert (reel.bought_usd, studio.meter()["usd"]) == (0.8, 0.8)


@pytest.mark.parametrize("cap", [float("nan"), -1.0])
async def test_a_budget_that_is_no_sum_of_money_lets_nothing_through(studio, cap):
    with pytest.raises(ValueError, match="max_cost_usd"):
        await studio.render(studio.board("The sea."), max_cost_usd=cap)
    assert studio.requests() == []


async def test_only_what_is_new_counts_against_the_budget(studio):
    board = studio.board("The sea.", "The shore.")
    await studio.render(board)
    assert (await studio.render(board, max_cost_usd=0)).bought == 0
    board["scenes"][0]["prompt"] = "The open sea."
    with pytest.raises(OverBudget):
        await studio.render(board, max_cost_usd=0.3)
    assert (await studio.render(board, max_cost_usd=0.4)).bought_usd == 0.4


async def test_an_unknown_price_does_not_fit_into_any_budget_unless_allowed(studio):
    board = studio.board("Mara wakes.")
    with pytest.raises(OverBudget, match=r"price of Mara.*allow_unknown_price"):
        await studio.render(board, max_cost_usd=100)
    assert studio.requests() == []
    reel = await studio.render(board, max_cost_usd=0.4, allow_unknown_price=True)
    assert (reel.bought, reel.bought_usd, reel.unpriced) == (2, 0.4, 1)
    assert (await studio.render(board, max_cost_usd=0)).bought == 0


async def test_the_price_of_a_scene_is_its_own_models(studio):
    board = studio.board("The sea.", "The shore.", "The pier.")
    board["scenes"][1] |= {"model": "sora-2-pro", "resolution": "720p", "seconds": 8}
    board["scenes"][2]["model"] = "sora-2-pro"
    reel = await studio.render(board, max_cost_usd=0.4 + 2.4 + 2.0)
    assert [clip.cost_usd for clip in reel.clips] == [0.4, 2.4, 2.0]
    assert studio.meter()["usd"] == reel.bought_usd == 4.8
