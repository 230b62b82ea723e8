"""Who is named in a prompt, what a name is called on disk, and what somebody probably wanted to write."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from prefect_storyboard.storyboards.names import composed, named_in, slug, suggest

LETTERS = st.text(alphabet=st.characters(min_codepoint=65, max_codepoint=0x17F, categories=["Lu", "Ll"]), min_size=1)


@pytest.mark.parametrize(
    "prompt",
    [
        "Max climbs.",
        "climbs Max",
        "MAX!",
        "max",
        "Max's lantern",
        "Max\u2019s lantern",
        "the lantern of (Max)",
        "Max-like",
        "Maximum Max",
        "Straße, Gasse, Max",
        "İİİ Max",
        "Maxが走る",
    ],
)
def test_max_is_named_in(prompt: str) -> None:
    assert named_in(prompt, ["Max"]) == {"Max"}


@pytest.mark.parametrize("prompt", ["", "Maximum", "climax", "Maxé", "Max2", "éMax", "M ax", "Ma-x", "MaxMax"])
def test_max_is_not_named_in(prompt: str) -> None:
    assert named_in(prompt, ["Max"]) == frozenset()


@pytest.mark.parametrize(
    ("name", "prompt"),
    [
        ("美羽", "美羽在海边。"),
        ("ミラ", "灯台でミラが走る"),
        ("미라", "미라가 걷는다"),
        ("มารา", "วันนี้มาราเดิน"),
        ("R2-D2", "R2-D2 beeps"),
        ("É", "é!"),
    ],
)
def test_a_name_is_found_in_its_own_script(name: str, prompt: str) -> None:
    assert named_in(prompt, [name]) == {name}


def test_a_longer_name_does_not_name_the_shorter_one_in_it() -> None:
    names = ["Otto", "Otto Junior", "Junior"]
    assert named_in("Otto Junior climbs.", names) == {"Otto Junior"}
    assert named_in("Otto Junior and Otto climb.", names) == {"Otto Junior", "Otto"}
    assert named_in("Otto, Junior!", names) == {"Otto", "Junior"}


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(name=LETTERS, before=LETTERS, after=LETTERS)
def test_a_name_is_found_between_other_words_and_not_inside_of_one(name: str, before: str, after: str) -> None:
    assume(not {name.casefold()} & {before.casefold(), after.casefold()})
    assert named_in(f"{before} {name.upper().lower()}, {after}", [name]) == named_in(name.upper().lower(), [name])
    assert named_in(f"{before} {name}'s {after}", [name]) == {name}
    assume(name.casefold() not in before.casefold() + after.casefold())
    assert named_in(f"{before}{name}{after}", [name]) == frozenset()


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("The Lighthouse", "the-lighthouse"),
        ("  Mara & Otto: Part 2! ", "mara-otto-part-2"),
        ("../../etc", "etc"),
        ("Größe", "grösse"),
        ("灯台", "灯台"),
        ("★", "untitled"),
        ("x" * 80, "x" * 64),
        (f"{'x' * 63} y", "x" * 63),
        ("\U00020000" * 100, "\U00020000" * 30),
        ("é" * 60, "é" * 60),
        ("CON", "con"),
    ],
)
def test_a_folder_is_named_in_lower_case_digits_and_hyphens(text: str, folder: str) -> None:
    assert slug(text) == folder


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(text=st.text())
def test_any_text_makes_a_folder_that_stays_where_it_is(text: str) -> None:
    folder = slug(text)
    assert 1 <= len(folder) <= 64
    assert len(folder.encode()) <= 120
    assert not set(folder) & set('/\\.:*?"<>| \n\0')
    assert slug(folder) == folder


def test_one_letter_has_one_form() -> None:
    assert composed("Zoe\u0308") == composed("Zo\u00eb") == "Zo\u00eb"


@pytest.mark.parametrize(
    ("word", "ending"),
    [
        ("S01", "did you mean s01?"),
        ("s1", "did you mean s01?"),
        ("opening-seen", "did you mean opening-scene?"),
        ("zzz", "choose from s01, s02, opening-scene"),
    ],
)
def test_a_suggestion_is_what_was_meant_or_what_there_is(word: str, ending: str) -> None:
    assert suggest(word, ["s01", "s02", "opening-scene"]) == ending
