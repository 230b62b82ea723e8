"""A storyboard in another encoding, with a strange key or with comments is answered what it is and what to do."""

from difflib import SequenceMatcher

import pytest

from prefect_storyboard.media.sources import read_text
from prefect_storyboard.storyboards import StoryboardError, parse, validate

TEXT = "title: Mara\nscenes:\n- {id: s01, prompt: Das Mädchen geht.}\n"


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-16", r"board.yaml:1: is saved as UTF-16; save the file as UTF-8"),
        ("utf-16-le", r"board.yaml:1: is saved as UTF-16; save the file as UTF-8"),
        ("utf-16-be", r"board.yaml:1: is saved as UTF-16; save the file as UTF-8"),
        ("utf-32", r"board.yaml:1: is saved as UTF-32; save the file as UTF-8"),
        ("latin-1", r"board.yaml:3: .* in 'Mädchen'; it looks like Windows or Latin-1; save the file as UTF-8"),
        ("cp1252", r"board.yaml:3: .*save the file as UTF-8"),
    ],
)
def test_another_encoding_is_named_with_file_and_line(encoding, said, tmp_path):
    (tmp_path / "board.yaml").write_bytes(TEXT.encode(encoding))
    with pytest.raises(StoryboardError, match=said):
        read_text(str(tmp_path / "board.yaml"), {})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_utf_8_is_read_with_its_mark_and_without(encoding, tmp_path):
    (tmp_path / "board.yaml").write_bytes(TEXT.encode(encoding))
    assert parse(read_text(str(tmp_path / "board.yaml"), {}), "board.yaml")[0].title == "Mara"


@pytest.mark.parametrize("key", ["guidance", "negative_prompt_2", "fps", "lora", "camera"])
def test_a_key_that_resembles_none_gets_no_suggestion(key):
    with pytest.raises(StoryboardError, match=f"{key}: is not a known key; the keys are"):
        validate({"title": "x", "scenes": [{"id": "s01", "prompt": "x", key: 1}]})


@pytest.mark.parametrize(("key", "meant"), [("secnods", "seconds"), ("promt", "prompt"), ("Characters", "characters")])
def test_a_key_that_is_misspelt_still_gets_its_suggestion(key, meant):
    assert SequenceMatcher(None, key.casefold(), meant).ratio() > 0.7
    with pytest.raises(StoryboardError, match=f"{key}: is not a known key; did you mean {meant}"):
        validate({"title": "x", "scenes": [{"id": "s01", "prompt": "x", key: 1}]})


@pytest.mark.parametrize("comment", ["// a comment", "/* a comment */", "# a comment"])
@pytest.mark.parametrize(
    "where", ['{{ {0}\n"title": "x"}}', '{{"title": "x",\n{0}\n"scenes": []}}', '{{"title": "x" {0}\n}}']
)
def test_comments_in_json_are_called_by_their_name(where, comment):
    line = 1 + where.partition("{0}")[0].count("\n")
    with pytest.raises(StoryboardError, match=f"board.json:{line}: is not valid JSON: JSON has no comments"):
        parse(where.format(comment), "board.json")
