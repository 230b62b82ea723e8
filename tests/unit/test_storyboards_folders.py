"""Different titles and names get different folders, ordinary ones keep theirs, and no board writes into another's."""

import json
import unicodedata
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from prefect_storyboard.storyboards import Character, FolderTaken, check_folder, validate
from prefect_storyboard.storyboards.folders import same_title, slug

EXAMPLES = settings(max_examples=300, deadline=None, derandomize=True, database=None)
TITLES = st.text(alphabet="aA1\u0301é -_!#+🦊", max_size=6)
FOLDERS_OF_0_1_0 = json.loads((Path(__file__).parent / "folders-of-0.1.0.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("title", "folder"), FOLDERS_OF_0_1_0.items())
def test_ordinary_titles_keep_the_folder_of_0_1_0(title: str, folder: str) -> None:
    assert slug(title) == folder


@pytest.mark.parametrize(
    "titles",
    [
        ("Episode 1", "Episode 1!", "Episode 1?", "Episode: 1", "(Episode 1)"),
        ("C", "C++", "C#"),
        ("🦊", "🐻", "🦊🐻", "★"),
        ("राम", "रामा", "रम"),
        ("มา", "ม่า", "ม้า"),
        (
            f"{'The long road home and back again ' * 2}episode 11",
            f"{'The long road home and back again ' * 2}episode 12",
        ),
        ("\U00020000" * 100, "\U00020000" * 101),
        ("-", "_", "--", "- -"),
        ("Mara", "“Mara”", "Mara!"),
    ],
    ids=lambda titles: ascii(titles[0])[:24],
)
def test_titles_that_differ_get_folders_that_differ(titles: tuple[str, ...]) -> None:
    assert len({slug(title) for title in titles}) == len(titles)


def test_boards_and_characters_have_such_folders() -> None:
    boards = [validate({"title": title, "scenes": [{"id": "s", "prompt": "p"}]}) for title in ("C++", "C#")]
    characters = [Character(name=name, clip="a.mp4") for name in ("राम", "रामा")]
    assert len({noun.slug for noun in [*boards, *characters]}) == 4


@pytest.mark.parametrize("title", ["Zoë", "रामा", "Việt Nam", "ガラス"])
def test_a_title_has_one_folder_however_its_letters_are_typed(title: str) -> None:
    assert slug(unicodedata.normalize("NFD", title)) == slug(unicodedata.normalize("NFC", title))


def test_combining_marks_are_kept() -> None:
    assert (slug("राम"), slug("रामा")) == ("राम", "रामा")


@EXAMPLES
@given(one=TITLES, other=TITLES)
def test_two_titles_share_a_folder_only_where_letters_and_digits_agree(one: str, other: str) -> None:
    spaced = [title.replace("-", " ").replace("_", " ").strip() for title in (one, other)]
    assert slug(one) != slug(other) or same_title(*spaced)


@EXAMPLES
@given(text=st.text())
def test_any_text_makes_a_folder_that_stays_where_it_is(text: str) -> None:
    folder = slug(text)
    assert 1 <= len(folder) <= 64
    assert len(folder.encode()) <= 120
    assert not set(folder) & set('/\\.:*?"<>| \n\0')
    assert slug(folder) == folder


def board_yaml(title: str) -> bytes:
    return f"title: {json.dumps(title)}\nscenes: []\n".encode()


def test_a_free_folder_and_the_boards_own_may_be_written() -> None:
    check_folder("Episode 1", None)
    for stored in ("Episode 1", "episode  1", "EPISODE 1"):
        check_folder("Episode 1", board_yaml(stored))


@pytest.mark.parametrize("owner", ["Episode 1!", "Episode-1", "Episode 11"])
def test_a_folder_of_another_board_is_never_written_into(owner: str) -> None:
    with pytest.raises(FolderTaken, match=r"belongs to the storyboard .*; nothing was written\. Choose another title"):
        check_folder("Episode 1", board_yaml(owner))


@pytest.mark.parametrize("stored", [b"\xff", b"title: [", b"- a", b"scenes: []", b""])
def test_a_folder_whose_board_cannot_be_read_is_somebodys(stored: bytes) -> None:
    with pytest.raises(FolderTaken, match="cannot be read"):
        check_folder("Episode 1", stored)


@pytest.mark.parametrize("title", ["No: 16:9", "2001", "yes", "~", "灯台 #3", "- a"])
def test_a_board_recognises_its_own_folder_whatever_its_title(title: str) -> None:
    board = validate({"title": title, "scenes": [{"id": "s", "prompt": "p"}]})
    stored = yaml.safe_dump(board.model_dump(mode="json", exclude_defaults=True), allow_unicode=True)
    check_folder(board.title, stored)
