"""A matrix: every combination in one storyboard, each with a reel of its own; what is the same stands there once."""

from typing import Any

import pytest

from prefect_storyboard.storyboards import Source, StoryboardError, parse, validate
from prefect_storyboard.storyboards.variants import Expanded, expanded

BOTH = {"aspect": ["16:9", "9:16"], "model": ["seedance-2", "veo-3.1"]}


def made(*scenes: dict[str, Any], most: int = 1_000, **facts: Any) -> Expanded:
    written = [{"id": f"s{number:02d}", "prompt": "The sea.", **scene} for number, scene in enumerate(scenes, 1)]
    return expanded(validate({"title": "Sea", "matrix": BOTH, "scenes": written, **facts}), Source(), most)


def test_without_a_matrix_nothing_is_changed() -> None:
    board = validate({"title": "Sea", "scenes": [{"id": "s01", "prompt": "p"}]})
    assert expanded(board, Source(), 1_000) == Expanded(board, Source())


def test_every_combination_is_a_reel_with_its_own_scenes() -> None:
    found = made({}, {})
    assert [variant.title for variant in found.variants] == [
        "Sea 16x9-seedance-2", "Sea 16x9-veo-3-1", "Sea 9x16-seedance-2", "Sea 9x16-veo-3-1",
    ]  # fmt: skip
    assert found.variants[3].scenes == ("s01-9x16-veo-3-1", "s02-9x16-veo-3-1")
    last = found.board.scene("s01-9x16-veo-3-1")
    assert (last.aspect, last.model, len(found.board.scenes), found.board.matrix) == ("9:16", "veo-3.1", 8, None)


def test_a_scene_with_its_own_aspect_and_model_stands_there_once_and_in_every_reel() -> None:
    found = made({"aspect": "1:1", "model": "kling-o3"}, {"aspect": "1:1"})
    assert [scene.id for scene in found.board.scenes] == ["s01", "s02-seedance-2", "s02-veo-3-1"]
    assert [variant.scenes[0] for variant in found.variants] == ["s01"] * 4
    assert found.variants[0].scenes == found.variants[2].scenes


def test_a_scene_belongs_to_its_parent_of_the_same_variant() -> None:
    found = made({}, {"continues": "s01", "aspect": "1:1", "model": "kling-o3"}, {"remixes": "s02"})
    assert {scene.id.partition("-")[2] for scene in found.board.scenes if scene.parent} == {
        "16x9-seedance-2", "16x9-veo-3-1", "9x16-seedance-2", "9x16-veo-3-1",
    }  # fmt: skip
    for scene in found.board.scenes:
        if scene.parent:
            assert scene.parent.partition("-")[2] == scene.id.partition("-")[2]


def test_a_matrix_of_one_kind_leaves_the_other_to_the_storyboard() -> None:
    found = made({}, matrix={"aspect": ["9:16"]}, model="seedance-2")
    assert [(scene.id, scene.aspect, scene.model) for scene in found.board.scenes] == [
        ("s01-9x16", "9:16", "seedance-2")
    ]
    assert found.variants[0].title == "Sea 9x16"


def test_more_scenes_than_the_operator_allows_and_ids_that_are_too_long_are_refused() -> None:
    with pytest.raises(StoryboardError, match="matrix: makes 8 scenes, more than 7; remove some of its values"):
        made({}, {}, most=7)
    with pytest.raises(StoryboardError, match=r"matrix: makes the id .*, which is too long; shorten the scene's id"):
        made({"id": "x" * 60})


def test_a_mistake_is_still_said_at_its_line() -> None:
    text = "title: Sea\nmatrix: {aspect: ['16:9', '9:16']}\nscenes:\n  - {id: a, prompt: p}\n  - id: b\n    prompt: p\n"
    found = expanded(*parse(text, "sea.yaml"), 1_000)
    at = [scene.id for scene in found.board.scenes].index("b-9x16")
    assert str(found.source.problem(("scenes", at, "prompt"), "is odd")).startswith("sea.yaml:6: ")
