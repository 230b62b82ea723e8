"""What a scene says reaches the gateway and the meter: silence at half the price, a seed, a last frame."""

import pytest

from prefect_storyboard.flows.plan import planned
from prefect_storyboard.storyboards import StoryboardError
from tests.flows.gateways import opened


@pytest.fixture
def veo(engine, tmp_path):
    with opened("fal", "veo-3.1", tmp_path) as branch:
        yield branch


async def test_a_silent_scene_costs_what_the_plan_says_and_the_meter_bills(veo):
    loud, quiet = veo.board("The sea."), veo.board("The sea.", audio=False)
    plans = [await planned(board, veo.credentials(), veo.library) for board in (loud, quiet)]
    bought = [(await veo.counted(board))[1] for board in (loud, quiet, quiet)]
    bills = [bill["usd"] for bill in veo.meter()["billed"]]
    assert bought == [1, 1, 0]
    assert [plan.low_usd for plan in plans] == bills
    assert bills[1] == pytest.approx(bills[0] / 2)
    assert [body["generate_audio"] for body in veo.submitted()] == [True, False]
    assert plans[1].scenes[0].audio is False


async def test_seed_last_frame_and_what_must_not_be_seen_are_sent(veo):
    board = veo.board("The sea.", seed=7, negative="rain")
    board["scenes"][0] |= {"image": veo.picture("dawn.png"), "ends": veo.picture("dusk.png")}
    reel, bought = await veo.counted(board)
    (body,) = veo.submitted()
    assert [(clip.seed, clip.negative, clip.silent) for clip in reel.clips] == [(7, "rain", False)]
    assert (bought, body["seed"], body["negative_prompt"]) == (1, 7, "rain")
    assert body["first_frame_url"] != body["last_frame_url"]
    board["scenes"][0]["ends"] = veo.picture("night.png")
    assert (await veo.counted(board))[1] == 1


async def test_what_the_model_does_not_take_is_refused_or_told_before_anything_is_bought(veo):
    board = veo.board("Mara wakes.", seed=7, fit="exact", model="seedance-2", seconds=4)
    with pytest.raises(StoryboardError, match="seed: seedance-2 at fal takes no seed; leave seed out, or write fit"):
        await veo.counted(board)
    assert veo.requests() == []
    reel, bought = await veo.counted({**board, "fit": "nearest"})
    assert (bought, "seed" in veo.submitted()[0]) == (1, False)
    assert "s01: seed is left out: seedance-2 at fal takes no seed" in reel.warnings
