"""A storyboard without a model: what the account sells for it, cheapest first, in one error."""

from datetime import date
from typing import Any

import pytest

from prefect_storyboard.storyboards import Model, References, Source, Storyboard, StoryboardError, shots, validate
from prefect_storyboard.storyboards.offers import no_model, offers, unnamed
from prefect_storyboard.storyboards.single import no_single_model

CHEAP = Model(
    name="cheap",
    provider="nowhere",
    endpoints={"text": "cheap/text"},
    seconds=(4, 8),
    aspects=("16:9", "9:16"),
    resolutions=("480p",),
    usd_per_second={"480p": 0.05},
)
DEAR = CHEAP.model_copy(
    update={
        "name": "dear",
        "endpoints": {"text": "dear/text", "image": "dear/image"},
        "usd_per_second": {"480p": 0.5},
        "max_characters": 2,
        "references": References(images=4),
        "retires_on": date(2199, 1, 1),
    }
)
UNPRICED = CHEAP.model_copy(update={"name": "unpriced", "usd_per_second": {}})
LONG = CHEAP.model_copy(update={"name": "long", "seconds": (10,), "usd_per_second": {"480p": 0.01}})
OVER = CHEAP.model_copy(update={"name": "over", "retires_on": date(2020, 1, 1), "usd_per_second": {"480p": 0.01}})
ALL = (UNPRICED, OVER, DEAR, LONG, CHEAP)


def board(*scenes: dict[str, Any], **facts: Any) -> Storyboard:
    written = [{"id": f"s{number:02d}", "prompt": "The sea.", **scene} for number, scene in enumerate(scenes, 1)]
    return validate({"title": "T", "cast": [{"name": "Mara", "clip": "m.mp4"}], "scenes": written, **facts})


def error(made: Storyboard, before: str | None = None) -> str:
    return str(no_model(made, ALL, "Nowhere (nowhere)", Source(), before=before))


def names(made: Storyboard) -> list[tuple[str, float | None]]:
    return [(each.model.name, each.usd) for each in offers(made, ALL)]


def test_there_is_no_default() -> None:
    assert board({}).model is None
    with pytest.raises(StoryboardError, match="model: is missing"):
        shots(board({}), lambda _: CHEAP, Source())


def test_a_board_is_unnamed_as_long_as_one_scene_is() -> None:
    assert unnamed(board({}, {"model": "cheap"}))
    assert not unnamed(board({"model": "cheap"}))
    assert not unnamed(board({}, model="cheap"))


def test_the_cheapest_comes_first_then_unknown_prices_then_what_is_only_nearly_sold() -> None:
    assert names(board({}, {"seconds": 8})) == [("cheap", 0.6), ("dear", 6.0), ("unpriced", None), ("long", 0.2)]


def test_only_models_that_take_the_cast_and_the_beginnings_are_offered() -> None:
    assert names(board({"prompt": "Mara climbs."})) == [("dear", 2.0)]
    assert names(board({"image": "dawn.png"})) == [("dear", 2.0)]


def test_a_model_that_its_maker_has_ended_is_not_offered() -> None:
    assert "over" not in dict(names(board({})))


def test_scenes_with_a_model_of_their_own_are_not_in_the_price() -> None:
    assert names(board({}, {"model": "dear"}))[0] == ("cheap", 0.2)


def test_the_error_names_the_needs_the_prices_and_what_to_write() -> None:
    said = error(board({"prompt": "Mara climbs."}, {"prompt": "Mara rests.", "seconds": 8}))
    assert "storyboard: model: names no model, and nothing was bought" in said
    assert "Nowhere (nowhere) sells 2 scenes of 4 s and 8 s in 16:9 with 1 character, cheapest first" in said
    assert "\n  dear     $6.00  480p, until 2199-01-01\n" in said
    assert said.endswith("write for example model: dear")


def test_a_reel_of_0_1_0_is_named_with_the_model_that_keeps_it() -> None:
    said = error(board({}), before="sora-2")
    assert "was rendered with sora-2, which version 0.1.0 took by default" in said
    assert "write model: sora-2 to keep its takes and buy nothing again" in said


def test_a_remix_of_a_scene_with_a_model_of_its_own_is_left_to_that_model() -> None:
    assert names(board({"model": "dear"}, {"remixes": "s01"}, {}))[0] == ("cheap", 0.2)


def test_where_nothing_is_sold_the_error_says_so() -> None:
    assert "no model of Nowhere (nowhere) sells 2 scenes of 4 s in 16:9" in error(board({"remixes": "s02"}, {}))


def test_a_task_has_the_same_list_on_one_line_by_the_names_of_its_arguments() -> None:
    said = str(no_single_model(ALL, "Nowhere (nowhere)", ["Mara"], seconds=8))
    assert "\n" not in said
    assert said.startswith("model: names no model, and nothing was bought; Nowhere (nowhere) sells 1 scene of 8 s")
    assert said.endswith('dear $4.00 480p, until 2199-01-01; write for example model="dear"')
