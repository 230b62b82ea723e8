"""What the form of the Prefect UI is made from: the schemas of the flows' parameters."""

from prefect.utilities.callables import parameter_schema

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
    assert {name for flow in FLOWS for name in parameter_schema(flow).properties} == {*PARAMETERS}


def test_a_flows_docstring_explains_its_parameters_and_its_description_in_the_ui_does_not():
    for flow in FLOWS:
        assert all(f"\n    {name}: {PARAMETERS[name]}" in flow.__doc__ for name in parameter_schema(flow).properties)
        assert "Args:" not in flow.description


def test_the_command_line_says_of_an_option_what_the_form_says():
    for name in ("model", "fit", "max_cost_usd", "allow_retired", "on_unknown", "attempts"):
        assert PARAMETERS[name] in generated.text()


def test_titles_change_no_default():
    fields = parameter_schema(storyboard_series).properties
    assert {name: fields[name].get("default") for name in ("fit", "on_unknown", "attempts", "wait")} == {
        "fit": None,
        "on_unknown": "stop",
        "attempts": 1,
        "wait": "poll",
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
    assert set(blocks) == {"FalCredentials", "KieCredentials", "Library", "ToApisCredentials", "WaveSpeedCredentials"}
    assert all(each["required"] for each in blocks.values())
