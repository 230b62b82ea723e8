"""Who is in a scene is what it was for ordinary boards; what could be read in two ways is said before money is spent."""

import json
from pathlib import Path
from typing import Any

import pytest

from prefect_storyboard.providers.table import model
from prefect_storyboard.storyboards import Casting, Source, shots, validate
from prefect_storyboard.storyboards.readings import Reading, readings
from prefect_storyboard.storyboards.single import single_shot

BOARDS = json.loads((Path(__file__).parent / "casts-of-0.1.0.json").read_text(encoding="utf-8"))
NOBODY = "no cast member is in this scene; name one in the prompt, or write characters: []"


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: ascii(board["title"]))
def test_the_cast_of_ordinary_scenes_is_that_of_0_1_0(board: dict[str, Any]) -> None:
    cast = [{"name": name, "clip": "c.mp4"} for name in board["cast"]]
    scenes = [
        {"id": f"s{n}", **{key: value for key, value in scene.items() if key != "found"}}
        for n, scene in enumerate(board["scenes"])
    ]
    made = validate({"title": "T", "model": "sora-2", "cast": cast, "scenes": scenes})
    assert [[*made.characters_of(scene)] for scene in made.scenes] == [scene["found"] for scene in board["scenes"]]


def remarks(prompt: str, *, cast: Any = ("Mara", "Will"), **facts: Any) -> tuple[str, ...]:
    members = [each if isinstance(each, dict) else {"name": each, "clip": "c.mp4"} for each in cast]
    board = validate(
        {"title": "T", "model": "sora-2", "cast": members, "scenes": [{"id": "s01", "prompt": prompt, **facts}]}
    )
    return shots(board, lambda name: model("fal", name), Source())[0].remarks


@pytest.mark.parametrize("prompt", ["Maras Mantel weht im Wind.", "She climbs.", "Bär Bo’s boat."])
def test_a_scene_without_anybody_of_the_cast_is_remarked(prompt: str) -> None:
    assert remarks(prompt, cast=["Mara", "Bo Bär"]) == (NOBODY,)


def test_who_says_that_nobody_is_in_the_scene_is_not_warned() -> None:
    assert remarks("The sea.", characters=[]) == remarks("The sea.", cast=[]) == remarks("Mara climbs.") == ()


def test_an_alias_or_an_at_sign_brings_somebody_in() -> None:
    keeper = {"name": "Mara", "clip": "c.mp4", "aliases": ["Maras"]}
    assert remarks("Maras Mantel weht im Wind.", cast=[keeper]) == remarks("@mara rests.") == ()


def test_the_plan_says_how_an_ambiguous_word_was_read() -> None:
    assert remarks("Will she climb?") == (
        "'Will' is read as the character Will; if it is only a word, write it in lower case",
    )
    assert remarks("Mara will climb.") == (
        "'will' is read as a word, not as the character Will; if it is Will, write @Will",
    )
    assert remarks("Mara will climb.", characters=["Mara"]) == ()
    assert remarks("Will she climb?", characters=["Mara"]) == ()


def test_a_model_without_characters_and_a_remix_have_no_such_remarks() -> None:
    scenes = [{"id": "s01", "prompt": "The sea.", "characters": []}, {"id": "s02", "prompt": "Rain.", "remixes": "s01"}]
    board = validate({"title": "T", "model": "sora-2", "cast": [{"name": "Mara", "clip": "c.mp4"}], "scenes": scenes})
    assert [shot.remarks for shot in shots(board, lambda name: model("fal", name), Source())] == [(), ()]
    mute = validate({**board.model_dump(), "scenes": [{"id": "s01", "prompt": "The sea."}]})
    assert shots(mute, lambda _: model("toapis", "sora-2-official"), Source())[0].remarks == ()


@pytest.mark.parametrize(
    ("prompt", "words", "found"),
    [
        ("Will she climb?", "", [Reading("Will", "Will", as_name=True)]),
        ("She waits. “Will climbs.”", "", [Reading("Will", "Will", as_name=True)]),
        ("WILL SHE?", "", [Reading("Will", "WILL", as_name=True)]),
        ("She will climb.", "", [Reading("Will", "will", as_name=False)]),
        ("Will climbs. Then Will rests.", "", []),
        ("@Will climbs.", "", []),
        ("Mara climbs.", "", []),
        ("Mara climbs.", "mara", [Reading("Mara", "Mara", as_name=True)]),
        ("mara climbs.", "", [Reading("Mara", "mara", as_name=False)]),
        ("Nobody.", "", []),
    ],
)
def test_a_word_that_may_be_a_name_is_reported_with_its_reading(prompt: str, words: str, found: list[Reading]) -> None:
    assert readings(prompt, ["Will", "Mara"], words=frozenset(words.split())) == found


def test_a_single_scene_is_worded_as_the_boards_is() -> None:
    sora = model("fal", "sora-2")
    keeper = {"name": "Mara", "clip": "c.mp4", "aliases": ["the keeper"]}
    facts = {
        "title": "T",
        "model": "sora-2",
        "cast": [keeper],
        "scenes": [{"id": "s01", "prompt": "The keeper, @mara, climbs."}],
    }
    (planned,) = shots(validate(facts), lambda _: sora, Source())
    mara = Casting(character="Mara", id="char_1", aliases=("the keeper",))
    single = single_shot("The keeper, @mara, climbs.", sora, lambda _: sora, characters=[mara])
    assert single.prompt == planned.prompt == "Mara, Mara, climbs."
