"""A mistake in a storyboard is reported with file, line, field and what to write instead."""

import json
from typing import Any

import pytest

from prefect_storyboard.storyboards import Source, StoryboardError, parse, validate


def reported(text: str, name: str = "board.yaml") -> list[str]:
    with pytest.raises(StoryboardError) as error:
        parse(text, name)
    assert [str(problem) for problem in error.value.problems] == str(error.value).split("\n")
    return [str(problem) for problem in error.value.problems]


def reported_of(**facts: Any) -> list[str]:
    with pytest.raises(StoryboardError) as error:
        validate({"title": "T", "scenes": [{"id": "s01", "prompt": "p"}], **facts})
    return [f"{problem.field}: {problem.message}" for problem in error.value.problems]


def scene(line: str) -> str:
    return f"title: T\nscenes:\n  - id: s01\n    prompt: Mara climbs.\n    {line}\n"


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        ("promt: again", "promt: is not a known key; did you mean prompt?"),
        ("Prompt: again", "Prompt: is not a known key; did you mean prompt?"),
        ("duration: 8", "duration: is not a known key; did you mean seconds?"),
        ("aspect_ratio: 16:9", "aspect_ratio: is not a known key; did you mean aspect?"),
        ("first_frame: a.png", "first_frame: is not a known key; did you mean image?"),
        ("cast: [Mara]", "cast: is not a known key; did you mean characters?"),
        ("name: s01", "name: is not a known key; did you mean id?"),
        ("seconds: 4s", "seconds: must be a whole number; found '4s'; write for example seconds: 4"),
        ("seconds: 4.5", "seconds: must be a whole number; found '4.5'; write for example seconds: 4"),
        ("seconds: 0", "seconds: must be 1 or more; found '0'"),
        ("take: 0", "take: must be 1 or more; found '0'"),
        ("take:", "take: is empty; write a value, or leave the line out"),
        ("characters: Mara", "characters: must be a list; write characters: [Mara]"),
        ("resolution: ''", "resolution: is empty; write a value, or leave the line out"),
        ("characters: ['']", "characters[0]: is empty; write a value, or leave the line out"),
        ("characters: [[Mara]]", "characters[0]: must be text; found ['Mara']"),
    ],
)
def test_a_mistake_in_a_scene_names_file_line_and_field(line: str, rest: str) -> None:
    assert reported(scene(line)) == [f"board.yaml:5: scenes[0].{rest}"]


def test_an_aspect_that_nobody_sells_is_reported_with_those_that_are() -> None:
    (problem,) = reported(scene("aspect: 16x9"))
    assert "scenes[0].aspect: must be one of '16:9', '9:16'" in problem
    assert problem.endswith("found '16x9'")


def test_a_key_that_nobody_could_mean_is_reported_with_all_that_there_are() -> None:
    (problem,) = reported("title: T\nscenes: [{id: s, prompt: p}]\nzzz: 1\n")
    assert problem == (
        "board.yaml:3: zzz: is not a known key; the keys are title, model, stills, aspect, seconds, resolution, fit, audio, seed, negative, prefer, quality, on_bad, reel, burn, cards, matrix, loudness, music, transition, transition_seconds, style, cast, scenes"
    )


@pytest.mark.parametrize("key", ["characters", "character"])
def test_the_cast_is_called_cast(key: str) -> None:
    assert reported(f"title: T\nscenes: [{{id: s, prompt: p}}]\n{key}: []") == [
        f"board.yaml:3: {key}: is not a known key; did you mean cast?"
    ]


def test_several_mistakes_are_reported_at_once_each_at_its_line() -> None:
    text = "titel: T\ncast:\n  - name: Mara\nscenes:\n  - id: s 01\n    prompt: p\n    seconds: many\n  - id: s02\n    prompt:\n"
    assert reported(text) == [
        "board.yaml: title: is missing: Title of the reel and name of its folder in the library",
        "board.yaml:3: cast[0].clip: Mara needs a clip or images; add clip: path/to/mara.mp4",
        "board.yaml:5: scenes[0].id: 's 01' is not safe as a file name; use letters, digits, - and _, for example s01",
        "board.yaml:7: scenes[0].seconds: must be a whole number; found 'many'; write for example seconds: 4",
        "board.yaml:9: scenes[1].prompt: is empty; write a value",
        "board.yaml:1: titel: is not a known key; did you mean title?",
    ]


@pytest.mark.parametrize("text", ["", " \n\n", "\ufeff", "\t"])
@pytest.mark.parametrize("name", ["board.yaml", "board.json"])
def test_an_empty_file_says_so(text: str, name: str) -> None:
    assert reported(text, name) == [f"{name}: is empty; a storyboard begins with lines like title: and scenes:"]


@pytest.mark.parametrize(
    ("text", "name"),
    [("# nothing yet", "b.yaml"), ("- a\n- b", "b.yaml"), ("a text", "b.yaml"), ("[1]", "b.json"), ("7", "b.json")],
)
def test_a_file_of_something_else_is_no_storyboard(text: str, name: str) -> None:
    assert reported(text, name) == [
        f"{name}:1: is not a storyboard; a storyboard begins with lines like title: and scenes:"
    ]


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        (
            "style: Mara says: go",
            "mapping values are not allowed here; put a text with a colon and a space in quotes",
        ),
        ("\tstyle: x", "found character '\\t' that cannot start any token; indent with spaces, not with tabs"),
        (
            "style: @mara",
            "found character '@' that cannot start any token; put a text that begins with such a character in quotes",
        ),
        ("style: '", "found unexpected end of stream; check indentation, quotes and colons"),
    ],
)
def test_broken_yaml_says_what_to_look_for(line: str, rest: str) -> None:
    (problem,) = reported(f"title: T\n{line}")
    assert problem.startswith("board.yaml:2: is not valid YAML: ")
    assert problem.endswith(rest)


def test_yaml_tags_and_several_documents_are_refused_in_words() -> None:
    (tagged,) = reported("title: !include title.txt\nscenes: []")
    assert tagged.startswith(
        "board.yaml:1: is not valid YAML: could not determine a constructor for the tag '!include'"
    )
    (second,) = reported("title: T\n---\ntitle: U")
    assert second == "board.yaml:2: is not valid YAML: but found another document; write one storyboard per file"
    assert "special characters are not allowed" in reported("title: \x00")[0]
    assert "it cannot be read" in reported('title: "\\U99999999"')[0]


def test_a_template_that_was_never_filled_in_is_reported_at_its_line() -> None:
    text = "style: x\ntitle: {{ title }}\nscenes: []"
    assert reported(text) == [
        "board.yaml:2: a key is missing here; put a text with braces or brackets in quotes",
    ]


def test_every_key_that_stands_twice_is_reported() -> None:
    text = "title: T\nscenes:\n  - id: s01\n    prompt: a\n    prompt: b\ntitle: U\n"
    assert reported(text) == [
        "board.yaml:5: 'prompt' occurs here a second time; keep one of the two",
        "board.yaml:6: 'title' occurs here a second time; keep one of the two",
    ]
    assert reported('{"title": "T",\n"scenes": [],\n"title": "U"}', "b.json") == [
        "b.json:3: 'title' occurs here a second time; keep one of the two",
    ]


def test_broken_json_names_its_line() -> None:
    assert reported('{"title": "T",\n "scenes": [}', "b.json") == ["b.json:2: is not valid JSON: Expecting value"]
    (trailing_comma,) = reported('{"title": "T",\n}', "b.json")
    assert trailing_comma in {
        "b.json:2: is not valid JSON: Expecting property name enclosed in double quotes",
        "b.json:1: is not valid JSON: Illegal trailing comma before end of object",  # from Python 3.13 on
    }


def test_a_mistake_in_json_has_its_line_behind_tabs_too() -> None:
    board = {"title": "T", "scenes": [{"id": "s01", "promt": "p"}]}
    assert reported(json.dumps(board, indent="\t"), "b.json")[-1] == (
        "b.json:6: scenes[0].promt: is not a known key; did you mean prompt?"
    )


def test_json_that_yaml_cannot_read_is_reported_without_lines() -> None:
    assert reported('{"title": "T", "style": "\x7f", "scenes": []}', "b.json") == [
        "b.json: scenes: is empty; a storyboard needs at least one scene"
    ]


@pytest.mark.parametrize("broken", ["a\nb", "a\r\nb", "a\tb", "a\u2028b", "a\x85b", "a\x00b", "\x1b[31ma"], ids=ascii)
def test_a_name_and_a_title_are_of_one_line(broken: str) -> None:
    rule = "must be one line of text; take out line breaks and control characters"
    assert reported_of(cast=[{"name": broken, "clip": "a"}]) == [f"cast[0].name: {rule}"]
    assert reported_of(title=broken) == [f"title: {rule}"]
    assert reported_of(scenes=[{"id": "s", "prompt": "p", "characters": [broken]}]) == [
        f"scenes[0].characters[0]: {rule}"
    ]


def test_anchors_that_contain_themselves_are_no_storyboard() -> None:
    assert reported("title: &a [*a]\nscenes: [{id: s, prompt: p}]") == [
        "board.yaml:1: has an anchor that contains itself; write it out"
    ]
    assert reported("[" * 1_500) == ["board.yaml:1: nests more than 32 levels deep; write it flat"]


def test_a_bomb_of_anchors_does_no_harm() -> None:
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9))]
    (said,) = reported("\n".join([*lines, "title: T", "scenes: [{id: s, prompt: p}]"]))
    assert said == "board.yaml: expands to more than 200000 texts and lists, because its anchors repeat each other"


def test_what_was_found_is_reported_in_short() -> None:
    (problem,) = reported_of(title={"a very long": "x" * 1000})
    assert len(problem) < 120
    assert reported_of(scenes=["Mara walks"]) == [
        "scenes[0]: must be an entry with keys such as id, prompt; found 'Mara walks'"
    ]
    assert reported_of(cast=[None]) == ["cast[0]: is empty; write a value, or leave the line out"]
    assert reported_of(scenes=None) == ["scenes: is empty; write a value"]
    assert reported_of(scenes="s01") == ["scenes: must be a list; write scenes: [s01]"]
    assert reported_of(scenes={"s01": "p"}) == ["scenes: must be a list; begin each entry with a hyphen"]
    assert reported_of(cast=[{"name": "M", "clip": "c", "end": 0}]) == [
        "cast[0].end: Input should be greater than 0; found 0"
    ]


def test_a_number_where_a_text_belongs_goes_in_quotes() -> None:
    assert reported_of(title=2001) == ["title: must be text; put it in quotes: '2001'"]
    assert reported_of(scenes=[{"id": 1, "prompt": "p"}]) == ["scenes[0].id: must be text; put it in quotes: '1'"]


@pytest.mark.parametrize("number", [float("inf"), float("nan"), "soon"])
def test_the_range_of_a_clip_is_in_seconds(number: Any) -> None:
    (problem,) = reported_of(cast=[{"name": "Mara", "clip": "a.mp4", "end": number}])
    assert problem == f"cast[0].end: must be a number; found {number!r}; write for example end: 2.5"


def test_half_a_character_is_no_text() -> None:
    for field in ("title", "style"):
        (problem,) = reported_of(**{field: "\ud800"})
        assert problem == f"{field}: must be text; found '\\ud800'"


def test_a_list_is_no_storyboard_either() -> None:
    with pytest.raises(StoryboardError, match="storyboard: must be an entry with keys such as title, scenes"):
        validate([])  # type: ignore[arg-type]


def test_a_problem_without_a_line_of_its_own_is_reported_at_the_nearest_one() -> None:
    source = Source("b.yaml", {("scenes",): 3, ("scenes", 0): 4})
    assert str(source.problem(("scenes", 0, "characters"), "no")) == "b.yaml:4: scenes[0].characters: no"
    assert str(source.problem(("scenes", 7, "id"), "no")) == "b.yaml:3: scenes[7].id: no"
    assert str(source.problem(("title",), "no")) == "b.yaml: title: no"


@pytest.mark.parametrize(
    ("line", "read", "comment"),
    [
        ("Take #3 of the boat", "Take", "#3 of the boat"),
        ("Mara says a\n      lot #nowhere", "Mara says a lot", "#nowhere"),
        ("p   # second try", "p", "# second try"),
    ],
)
def test_a_prompt_that_a_comment_has_cut_is_warned_of_at_its_line(line: str, read: str, comment: str) -> None:
    board, source = parse(f"title: T\nscenes:\n  - id: s01\n    prompt: {line}\n", "board.yaml")
    assert board.scenes[0].prompt == read
    (warning,) = source.warnings
    assert str(warning) == (
        f'board.yaml:4: scenes[0].prompt: is read as {read!r}, for " #" begins a comment; '
        f"put the text in quotes if {comment!r} belongs to it"
    )


@pytest.mark.parametrize(
    "text", ["'Take #3'", '"Take #3"', "Take#3", "|\n      Take #3", ">\n      Take #3", "p\n    # on"]
)
def test_a_hash_that_cuts_nothing_off_is_no_matter(text: str) -> None:
    assert parse(f"title: T\nscenes:\n  - id: s01\n    prompt: {text}\n", "b.yaml")[1].warnings == ()


def test_a_comment_behind_anything_but_a_text_is_a_comment() -> None:
    text = 'title: Fog #2\nfit: nearest # as it is\nscenes: [{id: s01, prompt: "p"}] # all\n'
    assert [warning.field for warning in parse(text, "b.yaml")[1].warnings] == ["title"]
    assert parse('{"title": "Fog #2", "scenes": [{"id": "a", "prompt": "p #1"}]}', "b.json")[1].warnings == ()
