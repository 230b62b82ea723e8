"""The published JSON Schema of a storyboard file: current, complete, and as strict as the loader."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from prefect_storyboard.storyboards import Character, Scene, Storyboard, schema

ROOT = Path(__file__).parents[2]
PUBLISHED = json.loads((ROOT / "storyboards" / schema.FILE).read_text(encoding="utf-8"))
BOARD: dict[str, Any] = {"title": "T", "scenes": [{"id": "s01", "prompt": "p"}]}


def check(board: Any) -> None:
    jsonschema.Draft202012Validator(PUBLISHED).validate(board)


def test_the_published_file_is_what_the_nouns_say() -> None:
    assert schema.main(["--check"]) == 0


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(PUBLISHED)
    assert PUBLISHED["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("file", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda file: file.name)
def test_every_example_is_valid_and_points_to_the_schema(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    check(yaml.safe_load(text))
    if file.name == "starter.yaml":  # `storyboard init` writes it into a folder where no schema lies
        return
    found = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
    assert found
    assert (file.parent / found[1]).resolve() == ROOT / "storyboards" / schema.FILE


@pytest.mark.parametrize(
    "board",
    [
        {**BOARD, "promt": "p"},
        {**BOARD, "scenes": [{"id": "s01", "prompt": "p", "promt": "q"}]},
        {**BOARD, "cast": [{"name": "Mara", "clip": "a", "voice": "deep"}]},
        {**BOARD, "scenes": []},
        {**BOARD, "scenes": [{"id": "s 01", "prompt": "p"}]},
        {**BOARD, "scenes": [{"prompt": "p"}]},
        {**BOARD, "aspect": "16x9"},
        {**BOARD, "seconds": 0},
        {**BOARD, "seconds": "8"},
        {**BOARD, "cast": [{"name": "M" * 81, "clip": "a"}]},
        {"scenes": BOARD["scenes"]},
    ],
    ids=lambda board: json.dumps(board)[:60],
)
def test_a_mistake_is_seen_in_the_editor_already(board: Any) -> None:
    with pytest.raises(jsonschema.ValidationError):
        check(board)


def test_whatever_the_nouns_write_is_valid() -> None:
    made = Storyboard(
        title="T",
        style="warm",
        cast=(Character(name="Mara", clip="a.mp4", start=0, end=2.5), Character(name="Otto", images=("b.png",))),
        scenes=(Scene(id="s01", prompt="p", characters=()), Scene(id="s02", prompt="q", continues="s01", take=2)),
    )
    check({"$schema": "storyboard.schema.json", **made.model_dump(mode="json")})


def fields() -> Iterator[tuple[str, dict[str, Any]]]:
    for noun in (PUBLISHED, *PUBLISHED["$defs"].values()):
        for name, field in noun["properties"].items():
            yield f"{noun['title']}.{name}", field


@pytest.mark.parametrize(("name", "field"), [*fields()], ids=lambda value: value if isinstance(value, str) else "")
def test_every_field_has_a_title_and_a_sentence_for_the_form(name: str, field: dict[str, Any]) -> None:
    assert field["title"][0].isupper(), name
    assert len(field["description"]) > 10, name
    assert field["description"][0].isupper(), name
    assert field["description"].endswith("."), name


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert schema.main([]) == 0
    assert capsys.readouterr().out == (ROOT / "storyboards" / schema.FILE).read_text(encoding="utf-8")


def test_a_file_that_is_not_current_fails_the_check_and_says_what_to_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / schema.FILE).write_text("{}")
    assert schema.main(["--check"], tmp_path / schema.FILE) == 1
    assert "is not current; run python -m" in capsys.readouterr().err
