"""Cast files: several storyboards share characters, and what is wrong with one is said at its own line."""

from pathlib import Path
from typing import Any

import pytest

from prefect_storyboard.blocks import Library
from prefect_storyboard.media.bounds import Allowed
from prefect_storyboard.series.read import Reading, read_board
from prefect_storyboard.storyboards import Storyboard, StoryboardError

FRIENDS = """\
cast:
  - name: Mara
    clip: clips/mara.mp4
    description: a keeper of ${place}
  - name: Otto
    images: [otto.png, https://example.com/otto.png]
"""
SCENES = "scenes: [{id: s01, prompt: Mara climbs.}]\n"


@pytest.fixture
def studio(tmp_path: Path) -> Path:
    (tmp_path / "cast").mkdir()
    (tmp_path / "cast" / "friends.yaml").write_text(FRIENDS)
    return tmp_path


def read(studio: Path, text: str, **values: str) -> Storyboard:
    (studio / "board.yaml").write_text(text)
    reading = Reading(Library(url=str(studio / "library")), {}, Allowed(), {"place": "the north", **values})
    return read_board(str(studio / "board.yaml"), reading)[0]


def refused(studio: Path, text: str) -> str:
    with pytest.raises(StoryboardError) as error:
        read(studio, text)
    return str(error.value)


def test_a_cast_file_is_mixed_with_inline_members_and_its_paths_are_its_own(studio: Path) -> None:
    text = f"title: T\ncast:\n  - cast/friends.yaml\n  - {{name: Ines, clip: ines.mp4}}\n{SCENES}"
    made = read(studio, text)
    assert [(who.name, who.clip) for who in made.cast] == [
        ("Mara", f"{studio}/cast/clips/mara.mp4"),
        ("Otto", None),
        ("Ines", "ines.mp4"),
    ]
    assert made.cast[1].images == (f"{studio}/cast/otto.png", "https://example.com/otto.png")
    assert made.cast[0].description == "a keeper of the north"


def test_one_file_needs_no_list(studio: Path) -> None:
    assert [who.name for who in read(studio, f"title: T\ncast: cast/friends.yaml\n{SCENES}").cast] == ["Mara", "Otto"]


def test_a_mistake_is_said_at_its_line_in_its_own_file_and_one_behind_it_in_the_storyboard(studio: Path) -> None:
    (studio / "cast" / "friends.yaml").write_text(FRIENDS.replace("images:", "pictures:"))
    said = refused(studio, f"title: T\ncast:\n  - cast/friends.yaml\n  - name: Ines\n    clipp: ines.mp4\n{SCENES}")
    assert "friends.yaml:6: cast[1].pictures: is not a known key; the keys are name, " in said
    assert "board.yaml:5: cast[2].clipp: is not a known key; did you mean clip?" in said


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("title: T\n", "friends.yaml: is not a cast file; a cast file has one key, cast:, with a list of characters"),
        ("cast: [mara\n", "friends.yaml:2: is not valid YAML"),
        ("", "friends.yaml: is empty"),
    ],
)
def test_a_file_that_holds_no_cast_is_refused(studio: Path, text: str, says: str) -> None:
    (studio / "cast" / "friends.yaml").write_text(text)
    assert says in refused(studio, f"title: T\ncast: cast/friends.yaml\n{SCENES}")


def test_a_file_that_is_not_there_is_named_at_the_storyboards_line(studio: Path) -> None:
    said = refused(studio, f"title: T\ncast:\n  - cast/gone.yaml\n{SCENES}")
    assert said.startswith("board.yaml:3: cast[0]: ")
    assert said.endswith("cast/gone.yaml cannot be read: there is no such file")


def test_a_storyboard_may_name_a_cast_file_only_where_it_may_name_any_file(
    studio: Path, tmp_path_factory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(studio)
    outside = tmp_path_factory.mktemp("elsewhere") / "friends.yaml"
    outside.write_text(FRIENDS)
    said = refused(studio, f"title: T\ncast: {outside}\n{SCENES}")
    assert "it is outside the folders that a storyboard may read" in said


def test_a_cast_file_names_no_further_file(studio: Path) -> None:
    (studio / "cast" / "friends.yaml").write_text("cast:\n  - more.yaml\n")
    assert "friends.yaml:2: cast[0]: must be an entry with keys such as name" in refused(
        studio, f"title: T\ncast: cast/friends.yaml\n{SCENES}"
    )
