"""A storyboard is read in time proportional to its text; what would take for ever is refused in one sentence."""

import json
import time

import pytest

from prefect_storyboard.storyboards import Storyboard, StoryboardError, parse, validate
from prefect_storyboard.storyboards.bounds import Size
from prefect_storyboard.storyboards.text import check_scenes

SCENES = "title: T\nscenes: [{id: s, prompt: p}]\n"


def board(scenes: int, words: int = 1, *, chained: bool = False) -> str:
    def scene(at: int) -> str:
        link = f"\n    continues: s{at - 1}" if chained and at else ""
        return f"  - id: s{at}\n    prompt: Mara walks {'on and on ' * words}{link}"

    return "\n".join(["title: T", "cast: [{name: Mara, clip: m.mp4}]", "scenes:", *map(scene, range(scenes))])


def bomb(seed: str, form: str) -> str:
    """Anchors that repeat each other nine times each: 600 bytes that unfold to more than a machine holds."""
    rows = (f"a{n}: &a{n} {form.format(f'*a{n - 1}, ' * 9)}" for n in range(1, 20))
    return "\n".join([f"a0: &a0 {seed}", *rows])


def refused(text: str, name: str = "board.yaml", **size: int) -> str:
    with pytest.raises(StoryboardError) as caught:
        parse(text, name, Size(**size))
    (problem,) = caught.value.problems
    return str(problem)


@pytest.mark.parametrize("chained", [False, True])
def test_a_megabyte_of_a_thousand_scenes_is_read_in_seconds(chained):
    text = board(1000, 96, chained=chained)
    begun = time.process_time()
    assert len(parse(text, "board.yaml")[0].scenes) == 1000
    assert time.process_time() - begun < 20  # one or two; quadratic, it would be minutes
    assert len(text) > 950_000


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x" * 4_000_001, "larger than 4 MB"),
        ("é" * 2_000_001, "larger than 4 MB"),
        ("a: " + "[" * 100_000, "nests more than 32 levels"),
        ("a: " + "{b: " * 100_000, "nests more than 32 levels"),
        ("\n".join("  " * n + "- " for n in range(500)), "nests more than 32 levels"),
        ("a: &a [x]\nb: [" + "*a, " * 2_000 + "]", "repeats anchors more than 1000 times"),
        ("a: &a {<<: *a}", "contains itself"),
        ("a: [" + "x, " * 250_000 + "]", "holds more than 200000"),
        (bomb("[x, x]", "[{}]"), "expands"),
        (bomb("{x: y}", "{{<<: [{}]}}"), "expands"),
    ],
)  # fmt: skip
def test_a_text_without_end_is_refused(text, why):
    assert why in refused(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[" * 200_000, "nests too deeply"),
        ('{"a":' * 50 + "1" + "}" * 50, "nests more than 32"),
        ('{"a": ' + "1" * 5_000 + "}", "number that is too long"),
        (json.dumps({"title": ["x"] * 250_000}), "holds more than 200000"),
    ],
)
def test_json_has_the_same_bounds(text, why):
    assert why in refused(text, "board.json")


def test_more_scenes_than_allowed_name_the_setting():
    assert "PREFECT_INTEGRATIONS_STORYBOARD_MAX_SCENES" in refused(board(4), max_scenes=3)
    assert len(parse(board(4), "board.yaml", Size(max_scenes=4))[0].scenes) == 4
    with pytest.raises(StoryboardError, match="2 scenes are more than 1"):
        validate(
            {"title": "T", "scenes": [{"id": "a", "prompt": "p"}, {"id": "b", "prompt": "p"}]}, size=Size(max_scenes=1)
        )
    with pytest.raises(StoryboardError, match="2 scenes are more than 1"):
        check_scenes(
            Storyboard.model_validate({"title": "T", "scenes": [{"id": x, "prompt": "p"} for x in "ab"]}),
            Size(max_scenes=1),
        )


def test_a_mapping_that_nests_without_end_is_refused():
    deep: dict[str, object] = {}
    for _ in range(5_000):
        deep = {"fields": deep}
    with pytest.raises(StoryboardError, match="nests more than 32 levels"):
        validate({"title": "T", "scenes": [{"id": "s", "prompt": "p", "fields": deep}]})


@pytest.mark.parametrize("field", ["prompt", "style", "name", "image", "aliases", "cast"])
def test_texts_and_lists_have_a_longest_length(field):
    long = "x" * 20_001
    changed = {
        "prompt": {"scenes": [{"id": "s", "prompt": long}]},
        "style": {"style": long},
        "name": {"cast": [{"name": long, "clip": "c"}]},
        "image": {"scenes": [{"id": "s", "prompt": "p", "image": long}]},
        "aliases": {"cast": [{"name": "M", "clip": "c", "aliases": [f"a{n}" for n in range(51)]}]},
        "cast": {"cast": [{"name": f"n{n}", "clip": "c"} for n in range(201)]},
    }
    with pytest.raises(StoryboardError, match=r"may have|at most|items"):
        validate({"title": "T", "scenes": [{"id": "s", "prompt": "p"}], **changed[field]})


def test_anchors_and_merge_keys_within_the_bounds_are_a_convenience():
    text = "title: T\nscenes:\n  - &one {id: a, prompt: p, seconds: 8}\n  - {<<: *one, id: b}\n"
    assert [(scene.id, scene.seconds) for scene in parse(text, "board.yaml")[0].scenes] == [("a", 8), ("b", 8)]


def test_a_thousand_mistakes_are_reported_in_fifty_lines():
    text = "title: T\nscenes:\n" + "\n".join("  - {idd: s}" for _ in range(600))
    with pytest.raises(StoryboardError) as caught:
        parse(text, "board.yaml")
    lines = str(caught.value).splitlines()
    assert len(lines) == 51
    assert lines[-1].startswith("and ")
