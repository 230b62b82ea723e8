"""Models come and go, and prices are not always known: both are looked up before anything is bought."""

import pytest

from prefect_storyboard.jobs.budget import OverBudget
from prefect_storyboard.providers.errors import Retired
from tests.flows.gateways import GATEWAYS, opened

LISTS = {"fal": "deprecated", "toapis": "retired", "wavespeed": "retired"}  # who has a list, and how it ends there


@pytest.fixture
def gateway():
    """Each test says which."""
    raise NotImplementedError


@pytest.fixture
def studio(engine, tmp_path, gateway):
    with opened(gateway, "sora-2", tmp_path) as studio:
        yield studio


@pytest.mark.parametrize("gateway", ["kie"])
async def test_without_a_list_the_date_decides_and_the_successor_is_named(studio):
    board = studio.board("The sea.")
    with pytest.raises(
        Retired, match=r"sora-2 is not sold any more at kie \(its maker ended it on 2026-09-24\)"
    ) as over:
        await studio.counted(board, allow_retired=False)
    assert over.value.successor == "seedance-2"
    assert (
        over.value.remedy
        == "Nothing was bought. Its successor is seedance-2; or pass allow_retired to try nevertheless."
    )
    assert studio.requests("submit") == []
    assert (await studio.counted(board, allow_retired=True))[1] == 1
    assert (await studio.counted(board, allow_retired=False))[1] == 0, "what is bought needs nobody's leave"
    assert (await studio.counted(studio.board("The sea.", model="seedance-2"), allow_retired=False))[1] == 1


@pytest.mark.parametrize("gateway", LISTS)
async def test_a_list_that_still_has_the_model_counts_more_than_the_date(studio):
    reel, bought = await studio.counted(studio.board("The sea."), allow_retired=False)
    assert (len(reel.clips), bought) == (1, 1)
    assert "switched off by its maker on 2026-09-24; its successor is seedance-2" in reel.warnings[0]


@pytest.mark.parametrize("gateway", LISTS)
async def test_a_model_that_is_off_the_list_is_refused_before_anything_is_bought(studio, gateway):
    studio.fault(LISTS[gateway], match={"route": "platform", "endpoint": "sora-2"})
    with pytest.raises(
        Retired, match=rf"sora-2 is not sold any more at {gateway} \(the provider's list says so\)"
    ) as over:
        await studio.counted(studio.board("Mara wakes.", "The sea."), allow_retired=False)
    assert (over.value.successor, "seedance-2" in over.value.remedy) == ("seedance-2", True)
    assert (studio.requests("submit"), studio.requests("upload")) == ([], [])


@pytest.mark.parametrize("gateway", LISTS)
async def test_a_living_model_that_goes_off_the_list_is_refused_too(studio, gateway):
    studio.fault(LISTS[gateway], match={"route": "platform", "endpoint": "seedance-2"})
    with pytest.raises(Retired, match=r"seedance-2 is not sold any more") as over:
        await studio.counted(studio.board("The sea.", model="seedance-2"), allow_retired=False)
    assert "Choose another model" in over.value.remedy
    assert studio.requests("submit") == []


@pytest.mark.parametrize("gateway", GATEWAYS)
async def test_a_gateway_that_says_so_at_the_submit_is_believed_and_nothing_is_bought(studio):
    studio.fault("retired", match={"route": "submit"}, times=1)
    reel, bought = await studio.counted(studio.board("The sea."))
    assert (bought, reel.failed[0].charged) == (0, False)
    assert "does not offer" in reel.failed[0].error
    assert "Nothing was bought" in reel.failed[0].remedy
    assert (await studio.counted(studio.board("The sea.")))[1] == 1, "it was refused, and may be tried again"


@pytest.mark.parametrize(
    ("gateway", "model", "facts"),
    [
        ("toapis", "sora-2", {}),
        ("toapis", "seedance-2", {}),
        ("kie", "sora-2", {"seconds": 15}),
        ("fal", "sora-2-pro", {"resolution": "true_1080p"}),
        ("wavespeed", "seedance-2", {"resolution": "1080p"}),
    ],
)
async def test_a_price_that_nobody_knows_fits_no_budget_unless_it_is_allowed(studio, model, facts):
    board = studio.board("The sea.", model=model, **facts)
    with pytest.raises(OverBudget, match=r"price of s01, so max_cost_usd cannot be kept"):
        await studio.counted(board, max_cost_usd=1000)
    assert studio.requests("submit") == []


@pytest.mark.parametrize("gateway", ["toapis"])
async def test_an_unknown_price_stays_unknown_to_the_end(studio):
    reel, _ = await studio.counted(studio.board("The sea."), max_cost_usd=0, allow_unknown_price=True)
    assert (reel.clips[0].cost_usd, reel.cost_usd, reel.unpriced) == (None, 0.0, 1)


@pytest.mark.parametrize("gateway", ["wavespeed"])
async def test_wavespeed_is_asked_for_the_price_that_the_table_does_not_know(studio):
    board = studio.board("The sea.", model="seedance-2")
    with pytest.raises(OverBudget, match=r"would buy for \$0\.96, and max_cost_usd is \$0\.95"):
        await studio.counted(board, max_cost_usd=0.95)
    assert studio.requests("submit") == []
    reel, _ = await studio.counted(board, max_cost_usd=0.96)
    assert (reel.clips[0].cost_usd, reel.cost_usd, reel.bought_usd, reel.unpriced) == (0.96, 0.96, 0.96, 0)
    assert studio.meter()["usd"] == 0.96


@pytest.mark.parametrize("gateway", ["wavespeed"])
async def test_a_price_list_that_cannot_be_read_leaves_the_price_unknown(studio):
    studio.fault("internal_error", match={"route": "platform"})
    board = studio.board("The sea.", model="seedance-2")
    with pytest.raises(OverBudget, match="price of s01"):
        await studio.counted(board, max_cost_usd=1000)
    reel, bought = await studio.counted(board, allow_retired=False)
    assert (bought, reel.unpriced) == (1, 1)


@pytest.mark.parametrize("gateway", ["kie"])
async def test_the_credits_that_kie_has_taken_are_what_the_clip_cost(studio):
    reel, _ = await studio.counted(studio.board("The sea.", seconds=15))
    assert (reel.clips[0].cost_usd, reel.cost_usd, reel.unpriced) == (0.125, 0.125, 0)
    assert studio.meter()["usd"] == 0.125
