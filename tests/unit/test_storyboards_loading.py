"""A storyboard comes in as YAML, JSON or a mapping, and means the same in each."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefect_storyboard.storyboards import Character, Scene, Storyboard, StoryboardError, is_text, parse, validate

EXAMPLE = Path(__file__).parents[2] / "examples" / "lighthouse.yaml"
BOARD: dict[str, Any] = {
    "title": "The Lighthouse",
    "cast": [{"name": "Mara", "clip": "mara.mp4", "start": 0.5}],
    "scenes": [{"id": "s01", "prompt": "Mara climbs.", "seconds": 8}, {"id": "s02", "prompt": "She rests."}],
}
YAML = """
title: The Lighthouse
cast:
  - name: Mara
    clip: mara.mp4
    start: 0.5
scenes:
  - id: s01
    prompt: Mara climbs.
    seconds: 8
  - {id: s02, prompt: She rests.}
"""


def yaml(text: str) -> Storyboard:
    return parse(text, "board.yaml")[0]


def scene(line: str) -> Scene:
    return yaml(f"title: T\nscenes:\n  - id: s01\n    prompt: p\n    {line}\n").scenes[0]


def test_yaml_json_and_a_mapping_mean_the_same() -> None:
    expected = Storyboard(
        title="The Lighthouse",
        cast=(Character(name="Mara", clip="mara.mp4", start=0.5),),
        scenes=(Scene(id="s01", prompt="Mara climbs.", seconds=8), Scene(id="s02", prompt="She rests.")),
    )
    assert yaml(YAML) == validate(BOARD) == expected
    for text in (json.dumps(BOARD), json.dumps(BOARD, indent="\t"), json.dumps(BOARD, indent=2)):
        assert parse(text, "board.json")[0] == parse(text, "BOARD.JSON")[0] == expected
    assert parse(json.dumps(BOARD, indent=2), "board.yml")[0] == expected


def test_the_example_is_a_storyboard_and_every_place_in_it_has_its_line() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    board, source = parse(text, "lighthouse.yaml")
    assert [scene.id for scene in board.scenes] == ["s01", "s02", "s03", "s04", "s05", "s06"]
    lines = text.splitlines()
    assert "s04" in lines[source.lines["scenes", 3] - 1]
    assert "seconds: 8" in lines[source.lines["scenes", 3, "seconds"] - 1]


@pytest.mark.parametrize(
    ("written", "read"), [("16:9", "16:9"), ('"9:16"', "9:16"), ("1:1", "1:1"), ("21:9", "21:9"), ("4:3 # old", "4:3")]
)
def test_an_aspect_needs_no_quotes(written: str, read: str) -> None:
    assert scene(f"aspect: {written}").aspect == read


@pytest.mark.parametrize(
    "name", ["No", "Yes", "On", "off", "True", "007", "1e3", "0x1F", "3.14", ".5", "2026-11-21", "12:30:45"]
)
def test_a_character_may_be_called(name: str) -> None:
    board = yaml(
        f"title: {name}\ncast:\n  - name: {name}\n    clip: a.mp4\nscenes:\n  - id: s01\n    prompt: {name} walks.\n"
    )
    assert board.cast[0].name == board.title == name
    assert board.characters_of(board.scenes[0]) == (name,)


def test_numbers_are_numbers_where_one_belongs() -> None:
    board = yaml(
        "title: 1\ncast:\n- {name: M, clip: c, start: .5, end: 2}\nscenes:\n- {id: 01, prompt: 2, seconds: 08, take: 3}"
    )
    assert (board.cast[0].start, board.cast[0].end) == (0.5, 2.0)
    assert (board.scenes[0].id, board.scenes[0].seconds, board.scenes[0].take) == ("01", 8, 3)


@pytest.mark.parametrize("empty", ["", "~", "null", "# none"])
def test_an_empty_value_is_the_default(empty: str) -> None:
    assert scene(f"aspect: {empty}").aspect is None


def test_null_in_quotes_is_a_name() -> None:
    board = yaml('title: "null"\ncast: [{name: "~", clip: a}]\nscenes: [{id: s, prompt: p}]')
    assert (board.title, board.cast[0].name) == ("null", "~")


@pytest.mark.parametrize("name", ["board.yaml", "board.json"])
def test_a_byte_order_mark_does_not_matter(name: str) -> None:
    assert parse("\ufeff" + json.dumps(BOARD), name)[0] == validate(BOARD)


def test_windows_line_ends_do_not_matter() -> None:
    assert yaml(YAML.replace("\n", "\r\n")) == yaml(YAML)


def test_json_may_hold_whatever_json_may_hold() -> None:
    prompt = '\U0001f600 \u2028 \x7f a/b \\ "quoted" \t tab: # & * {x} [y] 100 %'
    board = {**BOARD, "scenes": [{"id": "s01", "prompt": prompt}]}
    for text in (json.dumps(board), json.dumps(board, ensure_ascii=False), json.dumps(board).replace("a/b", "a\\/b")):
        assert parse(text, "board.json")[0].scenes[0].prompt == prompt


def test_a_yaml_anchor_saves_repeating_oneself() -> None:
    board = yaml(
        "title: T\ncast: [{name: Mara, clip: a}, {name: Otto, clip: b}]\nscenes:\n"
        "- &first {id: s01, prompt: p, seconds: 8, characters: &both [Mara, Otto]}\n"
        "- {<<: *first, id: s02}\n- {id: s03, prompt: q, characters: *both}"
    )
    assert [scene.seconds for scene in board.scenes] == [8, 8, None]
    assert [scene.characters for scene in board.scenes] == [("Mara", "Otto")] * 3


def test_folded_and_literal_texts_lose_their_last_line_end() -> None:
    board = yaml(
        "title: T\nstyle: >\n  warm\n  light\nscenes:\n- id: s01\n  prompt: |\n    Mara climbs.\n    She rests.\n"
    )
    assert (board.style, board.scenes[0].prompt) == ("warm light", "Mara climbs.\nShe rests.")


def test_an_editors_schema_key_is_allowed() -> None:
    assert validate({"$schema": "../storyboard.schema.json", **BOARD}) == validate(BOARD)


def test_a_letter_is_the_same_however_it_is_typed() -> None:
    board = validate(
        {
            "title": "T",
            "cast": [{"name": "Zoe\u0308", "clip": "a"}],
            "scenes": [{"id": "s", "prompt": "Zo\u00eb runs."}],
        }
    )
    assert board.characters_of(board.scenes[0]) == ("Zo\u00eb",)
    named = validate({**board.model_dump(), "scenes": [{"id": "s", "prompt": "p", "characters": ["Zoe\u0308"]}]})
    assert named.characters_of(named.scenes[0]) == ("Zo\u00eb",)


@pytest.mark.parametrize(
    "name", ["山田\u3000花子", "Zo\u00eb\u00a0M.", "\U0001f469\u200d\U0001f692 Ada", 'O\'Neill "Red"'], ids=ascii
)
def test_a_name_may_hold_what_people_put_into_names(name: str) -> None:
    board = validate(
        {"title": name, "cast": [{"name": name, "clip": "a"}], "scenes": [{"id": "s", "prompt": f"{name} runs."}]}
    )
    assert board.characters_of(board.scenes[0]) == (name,)


def test_defaults_are_those_of_the_design() -> None:
    board = validate({"title": "T", "scenes": [{"id": "s", "prompt": "p"}]})
    assert (board.model, board.aspect, board.seconds, board.resolution, board.style) == (None, "16:9", 4, None, "")
    assert (board.cast, board.scenes[0].take, board.scenes[0].parent) == ((), 1, None)


def test_a_storyboard_cannot_be_changed_behind_its_keys() -> None:
    board = validate(BOARD)
    with pytest.raises(ValueError, match="frozen"):
        board.title = "Another"  # type: ignore[misc]


TEXTS = st.one_of(
    st.text(),
    st.text(alphabet="{}[]:,-&*!|>'\"%@`#?~ \n\tab1\\uU<", max_size=40),
    st.lists(
        st.sampled_from(
            ["title: a", "scenes:", "- id: s", "  prompt: b", "&a [*a]", "{<<: *a}", "!!int x", "? [k]", "---", "..."]
        )
        | st.sampled_from(
            ["title: {{ t }}", "title: &a [*a]", '"\\ud800": 1', 'title: "\\U99999999"', "<<: 1", "%YAML 3.0", "~: 1"]
        )
    ).map("\n".join),
)


@settings(max_examples=400, deadline=None, derandomize=True, database=None)
@given(text=TEXTS, name=st.sampled_from(["board.yaml", "board.json"]))
def test_any_text_is_a_storyboard_or_says_what_is_wrong_with_it(text: str, name: str) -> None:
    reported = ""
    try:
        assert parse(text, name)[0].scenes
    except StoryboardError as error:
        reported = str(error)
    assert all(line.startswith(name) for line in reported.split("\n") if reported)


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(
    title=st.text(min_size=1, max_size=60),
    prompts=st.lists(st.text(min_size=1), min_size=1, max_size=3),
    ascii_only=st.booleans(),
)
def test_json_text_and_the_same_mapping_are_one_storyboard(title: str, prompts: list[str], *, ascii_only: bool) -> None:
    board = {"title": title, "scenes": [{"id": f"s{n}", "prompt": prompt} for n, prompt in enumerate(prompts)]}
    text = json.dumps(board, ensure_ascii=ascii_only)

    def read(load: Callable[[], Storyboard]) -> Storyboard | list[str]:
        try:
            return load()
        except StoryboardError as error:
            return [problem.message for problem in error.problems]

    assert read(lambda: parse(text, "board.json")[0]) == read(lambda: validate(board))


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("title: Fog\nscenes: []", True),
        ('{"title": "Fog"}', True),
        (" \n", True),
        ("boards/fog.yaml\n", False),
        ("s3://boards/fog.yaml", False),
    ],
)
def test_a_text_is_reported_from_the_name_of_a_file(written, text):
    assert is_text(written) == text
