"""Who is named in a prompt, and what somebody probably wanted to write."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from prefect_storyboard.storyboards.names import cite, composed, named_in, suggest, with_names

LETTERS = st.text(alphabet=st.characters(min_codepoint=65, max_codepoint=0x17F, categories=["Lu", "Ll"]), min_size=1)


@pytest.mark.parametrize(
    "prompt",
    [
        "Max climbs.",
        "climbs Max",
        "MAX!",
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


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "Maximum",
        "climax",
        "Maxé",
        "Max2",
        "éMax",
        "M ax",
        "Ma-x",
        "MaxMax",
        "max",
        "Max-Peter",
        "Jean-Max",
        "@max.ab",
        "@my.Max",
    ],
)
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
        ("É", "É!"),
        ("राम", "राम चलता है"),
    ],
)
def test_a_name_is_found_in_its_own_script(name: str, prompt: str) -> None:
    assert named_in(prompt, [name]) == {name}


@pytest.mark.parametrize(
    ("name", "prompt"),
    [
        ("Rose", "The sun rose."),
        ("Will", "She will climb."),
        ("Old Tom", "An old tom sleeps."),
        ("राम", "रामा चलता है"),
        ("มา", "ม่า"),
        ("Ann", "Ann-Marie climbs."),
        ("Ann", "Ann\u2011Marie climbs."),
        ("Luc", "Jean-Luc climbs."),
        ("Mara", "Maras Mantel weht im Wind."),
    ],
)
def test_a_word_that_only_looks_like_a_name_names_nobody(name: str, prompt: str) -> None:
    assert named_in(prompt, [name]) == frozenset()


@pytest.mark.parametrize(
    ("name", "prompt"),
    [
        ("Rose", "ROSE climbs, the sun rose."),
        ("Rose", "The sun rose for @rose."),
        ("OTTO", "Otto climbs."),
        ("mara", "Mara climbs."),
        ("the Keeper", "The Keeper climbs."),
        ("Mary Jane", "Mary\nJane climbs."),
        ("Mary Jane", "Mary \u00a0Jane climbs."),
        ("Mary  Jane", "MARY JANE climbs."),
        ("Ann", "The Ann-like puppet"),
        ("Ann", "pseudo-Ann"),
        ("Ann", "(@Ann)"),
        ("Ann", "Ann's and Ann\u2019s"),
        ("D'Arcy", "d'Arcy? No: D'Arcy!"),
        ("Straße", "STRASSE!"),
    ],
)
def test_capitals_blanks_and_an_at_sign_are_read_as_people_write_them(name: str, prompt: str) -> None:
    assert named_in(prompt, [name]) == {name}


def test_names_of_the_cast_that_are_joined_by_a_hyphen_are_both_named() -> None:
    assert named_in("The Mara-Otto duel", ["Mara", "Otto"]) == {"Mara", "Otto"}
    assert named_in("The Mara-Otto duel", ["Mara"]) == frozenset()


def test_an_alias_names_its_bearer() -> None:
    aliases = {"Mara": ["Maras", "the keeper"], "Otto": ["Bär"]}
    assert named_in("Maras Mantel weht im Wind.", ["Mara", "Otto"], aliases) == {"Mara"}
    assert named_in("The keeper hugs Bär.", ["Mara", "Otto"], aliases) == {"Mara", "Otto"}
    assert named_in("The keeper-like bär", ["Otto"], aliases) == frozenset()


def test_who_is_named_is_who_is_cited() -> None:
    mentions, aliases = {"Will": "@Image1", "Mara": "@Image2"}, {"Mara": ["the keeper"]}
    assert cite("Will says she will climb.", mentions) == "@Image1 says she will climb."
    assert cite("@will waves; the keeper's lamp.", mentions, aliases) == "@Image1 waves; @Image2's lamp."
    assert cite("@Mara.ab waves to @Mara.", mentions) == "@Mara.ab waves to @Image2."


def test_aliases_at_signs_and_broken_names_become_the_name_and_capitals_stay() -> None:
    aliases = {"Mary Jane": ["MJ"]}
    assert with_names("MJ, @mary jane, Mary\nJane, MARY JANE!", ["Mary Jane"], aliases) == (
        "Mary Jane, Mary Jane, Mary Jane, MARY JANE!"
    )


def test_a_longer_name_does_not_name_the_shorter_one_in_it() -> None:
    names = ["Otto", "Otto Junior", "Junior"]
    assert named_in("Otto Junior climbs.", names) == {"Otto Junior"}
    assert named_in("Otto Junior and Otto climb.", names) == {"Otto Junior", "Otto"}
    assert named_in("Otto, Junior!", names) == {"Otto", "Junior"}


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(name=LETTERS, before=LETTERS, after=LETTERS)
def test_a_name_is_found_between_other_words_and_not_inside_of_one(name: str, before: str, after: str) -> None:
    assume(not {name.casefold()} & {before.casefold(), after.casefold()})
    assert named_in(f"{before} {name.upper()}, {after}", [name]) == named_in(name.upper(), [name])
    assert named_in(f"{before} {name}'s {after}", [name]) == {name}
    assume(name.casefold() not in before.casefold() + after.casefold())
    assert named_in(f"{before}{name}{after}", [name]) == frozenset()


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
