"""The weekly check of the models in use, against a gateway that takes one off its list. It buys nothing."""

import pytest

from prefect_storyboard.flows import ModelsEnding, check_models
from tests.flows.gateways import opened


@pytest.fixture
def fal(engine, tmp_path):
    with opened("fal", "seedance-2", tmp_path) as branch:
        yield branch


async def test_a_model_that_renders_a_reel_and_leaves_the_list_fails_the_check(fal):
    on = {"providers": [fal.credentials()], "library": fal.library}
    assert await check_models.fn(**on) == []
    _, bought = await fal.counted(fal.board("The sea."))
    assert await check_models(**on) == ["seedance-2 at fal"]
    fal.fault("deprecated", match={"gateway": "fal", "endpoint": "seedance-2.0"})
    with pytest.raises(
        ModelsEnding, match="seedance-2 at fal is no longer on fal's list, and renders the-lighthouse; "
    ):
        await check_models(**on)
    assert (bought, fal.meter()["jobs_accepted"]) == (1, 1)


async def test_models_may_be_named_and_one_that_nobody_sells_is_a_mistake(fal):
    on = {"providers": [fal.credentials()], "library": fal.library}
    assert await check_models.fn(**on, models=["kling-o3"]) == ["kling-o3 at fal"]
    with pytest.raises(ModelsEnding, match="sora-2 at fal is switched off by its maker on 2026-09-24; move to "):
        await check_models.fn(**on, models=["sora-2"], days=36_500)
    with pytest.raises(ValueError, match="kling-99 is not a model of fal"):
        await check_models.fn(**on, models=["kling-99"])
