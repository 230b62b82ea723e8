"""Variables: filled in from the storyboard or from the run, and a fault at its line where one has no value."""

import json
from typing import Any

import pytest

from prefect_storyboard.cli.options import values
from prefect_storyboard.storyboards import StoryboardError, parse, validate

TEXT = """\
title: Tea
with:
  product: a red kettle
  seconds: 8
scenes:
  - id: s01
    prompt: Steam rises from ${product}.
    seconds: ${seconds}
  - id: s02
    prompt: The price is $${price}, or $5.
"""


def board(prompt: str, **facts: Any) -> Any:
    return {"title": "T", "scenes": [{"id": "s01", "prompt": prompt}], **facts}


def faults(data: Any, **given: str) -> list[str]:
    with pytest.raises(StoryboardError) as error:
        validate(data, values=given)
    return [f"{problem.field}: {problem.message}" for problem in error.value.problems]


def test_any_text_of_a_storyboard_may_hold_a_variable_and_two_dollars_are_one() -> None:
    made, _ = parse(TEXT, "tea.yaml")
    assert [scene.prompt for scene in made.scenes] == [
        "Steam rises from a red kettle.",
        "The price is ${price}, or $5.",
    ]
    assert made.scenes[0].seconds == 8


def test_what_a_run_says_wins() -> None:
    made = validate(board("${product}!", **{"with": {"product": "tea"}}), values={"product": "coffee"})
    assert made.scenes[0].prompt == "coffee!"


def test_a_variable_without_a_value_is_a_fault_at_its_line() -> None:
    with pytest.raises(StoryboardError) as error:
        parse(TEXT.replace("${product}", "${produkt}"), "tea.yaml")
    assert str(error.value) == "tea.yaml:7: scenes[0].prompt: ${produkt} has no value; did you mean product?"
    assert faults(board("${product}")) == [
        "scenes[0].prompt: ${product} has no value; add with: {product: ...}, or give it to the run"
    ]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("tea", "with: has no names; write for example with: {product: a red kettle}"),
        ({"pro duct": "tea"}, "with.pro duct: is not a valid name; use letters, digits and _, for example product"),
        ({"product": ["tea"]}, "with.product: must be text; write it in quotes"),
        ({"product": True}, "with.product: must be text; write it in quotes"),
    ],
)
def test_what_can_be_no_variable_is_a_fault_at_its_place(given: Any, says: str) -> None:
    assert faults(board("p", **{"with": given})) == [says]


def test_a_value_is_text_in_which_nothing_is_filled_in() -> None:
    made = validate(board("${a}"), values={"a": "${b}"})
    assert made.scenes[0].prompt == "${b}"


def test_variables_do_not_make_a_storyboard_larger_than_it_may_be() -> None:
    (said,) = set(faults(board("p", style="${a}" * 1_000), a="x" * 100_000))
    assert said == "style: is longer than a storyboard may be, once its variables are replaced"


def test_values_of_a_json_storyboard_are_filled_in_likewise() -> None:
    text = json.dumps(board("${product}", **{"with": {"product": "tea"}}))
    assert parse(text, "b.json")[0].scenes[0].prompt == "tea"


def test_the_command_line_takes_name_and_value() -> None:
    assert values(["product=tea", "place=a=b"]) == {"product": "tea", "place": "a=b"}
    assert values(None) == {}
    with pytest.raises(ValueError, match="--with takes NAME=VALUE, for example --with product=tea; found 'tea'"):
        values(["tea"])
