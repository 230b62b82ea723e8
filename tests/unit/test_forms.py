"""What the form of the Prefect UI is made from: the schemas of the flows' parameters."""

import inspect
import json
from pathlib import Path

import pytest
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools.validation import validate

from prefect_storyboard.blocks import RenderSettings, load_render_settings
from prefect_storyboard.cli import listing as generated
from prefect_storyboard.flows import (
    check_accounts,
    check_models,
    collect_jobs,
    create_characters,
    generate_scene,
    pick_take,
    plan_recast,
    plan_storyboard,
    recast_storyboard,
    storyboard_series,
)
from prefect_storyboard.parameters import PARAMETERS
from prefect_storyboard.providers.table import models

STORED = json.loads((Path(__file__).parent / "parameters-of-0.1.0.json").read_text(encoding="utf-8"))
FLOWS = (
    storyboard_series,
    generate_scene,
    pick_take,
    create_characters,
    plan_storyboard,
    plan_recast,
    recast_storyboard,
    collect_jobs,
    check_accounts,
    check_models,
)


def test_every_field_has_a_title_and_the_description_of_the_table():
    for flow in FLOWS:
        for name, field in parameter_schema(flow).properties.items():
            assert field["title"][0].isupper(), (flow.name, name)
            assert "_" not in field["title"], (flow.name, name)
            assert field["description"] == PARAMETERS[name], (flow.name, name)


def test_the_table_describes_no_parameter_that_no_flow_has():
    assert {name for flow in FLOWS for name in inspect.signature(flow.fn).parameters} == {*PARAMETERS}


def test_a_flows_docstring_explains_its_parameters_and_its_description_in_the_ui_does_not():
    for flow in FLOWS:
        assert all(
            f"\n    {name}: {PARAMETERS[name]}" in flow.__doc__ for name in inspect.signature(flow.fn).parameters
        )
        assert "Args:" not in flow.description


def test_the_command_line_says_of_an_option_what_the_form_says():
    for name in ("model", "fit", "max_cost_usd", "allow_retired", "on_unknown", "attempts"):
        assert PARAMETERS[name] in generated.text()


def test_titles_change_no_default():
    fields = parameter_schema(storyboard_series).properties
    assert {name: fields[name]["default"] for name in ("library", "max_cost_usd", "settings")} == {
        "library": None,
        "max_cost_usd": None,
        "settings": None,
    }
    assert parameter_schema(storyboard_series).required == ["storyboard", "provider"]


def test_the_tabs_of_a_field_have_names_for_people():
    """Prefect writes dict, str and None on those that have no title."""
    for flow in FLOWS:
        for field in parameter_schema(flow).properties.values():
            assert all("title" in each for each in field.get("anyOf", [])), (flow.name, field["title"])


def test_a_reference_to_a_saved_block_is_not_taken_for_the_block_itself():
    """With nothing required, it is both, and the server refuses the run."""
    definitions = parameter_schema(storyboard_series).definitions
    blocks = {name: each for name, each in definitions.items() if "block_type_slug" in each}
    assert {"FalCredentials", "KieCredentials", "Library", "RenderSettings", "ToApisCredentials"} < set(blocks)
    assert all(each["required"] for each in blocks.values())


def test_a_form_asks_for_eight_things_at_most_in_the_order_of_use():
    assert {
        flow.name: len(parameter_schema(flow).properties) for flow in FLOWS if len(flow.parameters.properties) > 8
    } == {}
    fields = parameter_schema(storyboard_series).properties
    assert sorted(fields, key=lambda name: fields[name]["position"]) == [
        "storyboard",
        "provider",
        "library",
        "model",
        "max_cost_usd",
        "quality",
        "values",
        "settings",
    ]


@pytest.mark.parametrize("flow", [storyboard_series, generate_scene, create_characters, plan_storyboard])
def test_what_a_form_leaves_out_lives_in_the_board_or_in_saved_settings(flow):
    left_out = {*inspect.signature(flow.fn).parameters} - {*parameter_schema(flow).properties}
    of_one_run = {"plan_hash", "reroll", "reroll_of", "takes", "note"}  # nobody saves them
    assert left_out - {"quality", "stills"} - of_one_run <= {*RenderSettings.model_fields}


@pytest.mark.parametrize("flow", [storyboard_series, create_characters, plan_storyboard], ids=lambda flow: flow.name)
def test_the_stored_parameters_of_0_1_0_are_taken_by_the_flow_and_by_the_form(flow):
    given = {"storyboard": "s3://boards/nightly.yaml", **STORED[flow.name]}
    flow.validate_parameters(given)
    validate(given, parameter_schema(flow).model_dump_for_openapi(), raise_on_error=True)


async def test_a_parameter_of_the_run_wins_over_the_saved_settings_and_these_over_the_defaults():
    saved = RenderSettings(attempts=3, wait="suspend", allow_retired=True)
    asked = (await load_render_settings(saved)).overridden(attempts=1, allow_retired=False, wait=None, fit=None)
    assert (asked.attempts, asked.wait, asked.allow_retired, asked.on_unknown) == (1, "suspend", False, "stop")


async def test_without_settings_a_run_is_as_it_was_in_0_1_0():
    asked = await load_render_settings(None)
    hidden = {"fit", "allow_unknown_price", "allow_retired", "on_unknown", "attempts", "poll_minutes", "wait"}
    old = STORED["storyboard-series"]
    assert {name: getattr(asked, name) for name in hidden} == {name: old[name] for name in hidden}


def test_a_wrong_value_is_refused_wherever_it_comes_from():
    with pytest.raises(ValueError, match="attempts"):
        RenderSettings().overridden(attempts=0)


def test_the_model_is_searched_among_what_is_sold_or_written_by_a_name_of_ones_own():
    suggested, free, none = parameter_schema(storyboard_series).properties["model"]["anyOf"]
    assert {"seedance-2.5", "kling-o3"} <= {*suggested["enum"]}
    assert not {name for sold in models().values() for name, each in sold.items() if each.ended} & {*suggested["enum"]}
    assert (free["type"], "enum" in free, none["type"]) == ("string", False, "null")
    storyboard_series.validate_parameters({"storyboard": "b.yaml", "provider": "fal-credentials/x", "model": "own-wan"})
