"""Deployments share saved render settings; what 0.1.0 stored with a deployment is still taken."""

import json

import pytest
from prefect.client.orchestration import get_client

from prefect_storyboard.blocks import RenderSettings

from .studio_server import ACCOUNT, ROOT

STORED = json.loads((ROOT / "tests" / "unit" / "parameters-of-0.1.0.json").read_text(encoding="utf-8"))
SHARED = "main"


async def ended(studio, title, board, **parameters):
    run = await studio.start(title, board, **parameters)
    return await studio.reaches(run, "Completed", "Failed", "Crashed")


async def test_a_run_with_every_stored_parameter_of_0_1_0_renders(studio):
    given = {**STORED["storyboard-series"], "library": studio.library("Old")}
    run = await ended(studio, "Old", studio.board("Old", "as ever"), **given)
    assert (run.state_name, studio.meter("Old")["jobs"]) == ("Completed", 1)
    assert {name: run.parameters[name] for name in ("attempts", "wait", "on_unknown")} == {
        "attempts": 1,
        "wait": "poll",
        "on_unknown": "stop",
    }


async def test_a_deployment_keeps_stored_parameters_that_its_form_does_not_show(studio):
    async with get_client() as client:
        nightly = await client.read_deployment_by_name("storyboard-series/nightly")
        shown = nightly.parameter_openapi_schema["properties"]
        run = await client.create_flow_run_from_deployment(nightly.id, parameters={"storyboard": "/nowhere.yaml"})
        await client.delete_flow_run(run.id)
    assert len(shown) == 8
    assert "wait" not in shown
    assert run.parameters["wait"] == "suspend"


@pytest.fixture
async def shared():
    """The saved settings that the deployments name, as they were after the test."""
    before = await RenderSettings.aload(SHARED)
    yield
    await before.asave(SHARED, overwrite=True)


async def test_settings_that_are_changed_once_hold_for_every_deployment_that_names_them(studio, shared):
    board = studio.board("Ruler", "three seconds", seconds=3)
    refused = await ended(studio, "Ruler", board, provider=ACCOUNT)
    assert refused.state_name == "Failed"
    assert "seconds" in refused.state.message
    await RenderSettings(fit="nearest").asave(SHARED, overwrite=True)
    assert (await ended(studio, "Ruler", board, provider=ACCOUNT)).state_name == "Completed"
    again = await ended(studio, "Ruler", board, provider=ACCOUNT, fit="exact")
    assert again.state_name == "Failed", "the run's own word wins"
    assert studio.meter("Ruler")["jobs"] == 1
