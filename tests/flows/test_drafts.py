"""A silent draft and its final: two reels, two prices that the plan and the meter agree on, each paid for once."""

import pytest

from prefect_storyboard.flows.plan import planned
from prefect_storyboard.series.prepare import Overrides
from tests.flows.gateways import opened


@pytest.fixture
def veo(engine, tmp_path):
    with opened("fal", "veo-3.1", tmp_path) as branch:
        yield branch


async def test_a_silent_draft_costs_what_its_plan_says_and_leaves_the_final_alone(veo):
    board = veo.board("The sea.")
    said = Overrides(quality="draft", audio=False)
    plan = await planned(board, veo.credentials(), veo.library, said)
    final, _ = await veo.counted(board)
    draft, bought = await veo.counted(board, quality="draft", audio=False)
    bills = [bill["usd"] for bill in veo.meter()["billed"]]
    assert (bought, plan.low_usd, draft.cost_usd) == (1, bills[1], bills[1])
    assert bills[1] < bills[0]
    assert plan.scenes[0].model.name == "veo-3.1-lite"
    assert [reel.url.split("/")[-2] for reel in (final, draft)] == ["the-lighthouse", "the-lighthouse-draft"]
    assert (await veo.counted(board, quality="draft", audio=False))[1] == 0
    assert (await veo.counted(board))[1] == 0
