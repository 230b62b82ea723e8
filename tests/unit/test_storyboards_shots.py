"""From scenes to shots: defaults, names in the prompt, and what a model does not sell, reported before anything is sent."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from prefect_storyboard.providers.table import model
from prefect_storyboard.storyboards import Model, Shot, Source, StoryboardError, Table, parse, shots, validate

CAST = [{"name": name, "clip": f"{name}.mp4"} for name in ("Mara", "Otto", "Ines")]
PLAIN = Model(
    name="plain",
    provider="nowhere",
    endpoints={"text": "plain/text"},
    seconds=(5, 10),
    aspects=("1:1",),
    resolutions=("480p", "720p"),
    max_characters=0,
    retires_on=date(2030, 1, 1),
)
ANY = PLAIN.model_copy(update={"max_characters": 3, "endpoints": {"text": "t", "image": "i", "remix": "r"}})


def fal(name: str) -> Model:
    return model("fal", name)


def taken(*scenes: dict[str, Any], table: Table = fal, **facts: Any) -> tuple[Shot, ...]:
    written = [{"id": f"s{number:02d}", "prompt": "p", **scene} for number, scene in enumerate(scenes, 1)]
    board = {"title": "T", "model": "sora-2", "cast": CAST, "scenes": written, **facts}
    return shots(validate(board), table, Source())


def reported(*scenes: dict[str, Any], **facts: Any) -> list[str]:
    with pytest.raises(StoryboardError) as error:
        taken(*scenes, **facts)
    return [f"{problem.field}: {problem.message}" for problem in error.value.problems]


def test_a_scene_without_wishes_has_the_storyboards_and_the_models_defaults() -> None:
    (shot,) = taken({}, seconds=8, aspect="9:16", model="sora-2-pro")
    assert (shot.seconds, shot.aspect, shot.resolution, shot.model.name) == (8, "9:16", "1080p", "sora-2-pro")
    assert shot.operation == "text"
    assert shot.usd == 4.0


def test_a_scenes_own_wishes_come_first() -> None:
    wishes = {"seconds": 12, "aspect": "16:9", "resolution": "720p", "model": "sora-2-pro"}
    (shot,) = taken(wishes, seconds=8, aspect="9:16", resolution="1080p", model="sora-2")
    assert {field: getattr(shot, field) for field in ("seconds", "aspect", "resolution")} | {
        "model": shot.model.name
    } == wishes


def test_the_beginning_of_a_scene_decides_its_operation() -> None:
    made = taken({}, {"image": "a.png"}, {"continues": "s01"}, {"remixes": "s01"})
    assert [shot.operation for shot in made] == ["text", "image", "image", "remix"]


def test_the_style_stands_behind_every_prompt() -> None:
    (shot,) = taken({"prompt": "Rain."}, style="ink on paper")
    assert shot.words == shot.prompt == "Rain.\nStyle: ink on paper"


@pytest.mark.parametrize(
    ("prompt", "characters", "sent"),
    [
        ("Mara climbs.", None, "Mara climbs."),
        ("She climbs.", ["Mara"], "With Mara. She climbs."),
        ("They climb.", ["Mara", "Otto"], "With Mara and Otto. They climb."),
        ("Otto climbs with her.", ["Mara", "Otto"], "With Mara. Otto climbs with her."),
        ("Mara's lantern goes out.", ["Mara"], "Mara's lantern goes out."),
        ("MARA!", ["Mara"], "MARA!"),
        ("Maraschino cherries.", ["Mara"], "With Mara. Maraschino cherries."),
        ("An empty room.", [], "An empty room."),
        ("An empty room.", None, "An empty room."),
    ],
)
def test_sora_is_reported_the_names_that_the_prompt_leaves_out(prompt: str, characters: Any, sent: str) -> None:
    (shot,) = taken({"prompt": prompt, "characters": characters})
    assert shot.prompt == sent
    assert shot.words == prompt  # what the key is made of


def test_other_models_are_reported_the_prompt_as_it_is() -> None:
    (shot,) = taken(
        {"prompt": "She climbs.", "characters": ["Mara"], "seconds": 5, "aspect": "1:1"}, table=lambda _: ANY
    )
    assert shot.prompt == "She climbs."


def test_a_remix_is_as_long_and_as_large_as_what_it_changes() -> None:
    made = taken(
        {"seconds": 12, "aspect": "9:16", "resolution": "1080p", "model": "sora-2-pro"},
        {"remixes": "s01", "prompt": "Mara, at night."},
        {"remixes": "s02"},
    )
    for shot in made[1:]:
        assert (shot.seconds, shot.aspect, shot.resolution) == (12, "9:16", "1080p")
        assert (shot.characters, shot.usd) == ((), None)


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"seconds": 8}, "seconds: a remix keeps the seconds of s01; leave seconds out, or change it in s01"),
        ({"aspect": "9:16"}, "aspect: a remix keeps the aspect of s01; leave aspect out, or change it in s01"),
        (
            {"resolution": "1080p"},
            "resolution: a remix keeps the resolution of s01; leave resolution out, or change it in s01",
        ),
        ({"characters": ["Mara"]}, "characters: a remix keeps the characters of s01; leave characters out"),
    ],
)
def test_what_a_remix_cannot_choose_is_refused_and_not_ignored(wish: dict[str, Any], message: str) -> None:
    assert reported({}, {"remixes": "s01", **wish}) == [f"scenes[1].{message}"]


def test_a_remix_may_repeat_what_it_keeps() -> None:
    assert taken({"seconds": 8}, {"remixes": "s01", "seconds": 8, "aspect": "16:9", "characters": []})[1].seconds == 8


def test_an_unknown_model_is_reported_once_where_it_was_written() -> None:
    text = "title: T\nmodel: sora-3\nscenes:\n- {id: a, prompt: p}\n- {id: b, prompt: p}\n- {id: c, prompt: p, model: sora2}\n"
    board, source = parse(text, "board.yaml")
    with pytest.raises(StoryboardError) as error:
        shots(board, fal, source)
    assert str(error.value).split("\n") == [
        "board.yaml:2: model: sora-3 is not a known model of fal; did you mean sora-2?",
        "board.yaml:6: scenes[2].model: sora2 is not a known model of fal; did you mean sora-2?",
    ]


def test_an_unknown_model_of_the_run_has_no_line_in_the_file() -> None:
    board, source = parse(
        "title: T\nmodel: sora-2\nscenes:\n- {id: a, prompt: p}\n- {id: b, prompt: p, model: sora2}\n", "board.yaml"
    )
    with pytest.raises(StoryboardError) as error:
        shots(board.model_copy(update={"model": "sora-3"}), fal, replace(source, overridden=frozenset({"model"})))
    assert str(error.value).split("\n") == [
        "given to the run: model: sora-3 is not a known model of fal; did you mean sora-2?",
        "board.yaml:5: scenes[1].model: sora2 is not a known model of fal; did you mean sora-2?",
    ]


@pytest.mark.parametrize(("asked", "nearest"), [(1, 4), (5, 4), (6, 4), (7, 8), (10, 8), (25, 20), (3600, 20)])
def test_seconds_that_are_not_sold_are_reported_with_what_to_write(asked: int, nearest: int) -> None:
    sold = f"sora-2 at fal sells 4, 8, 12, 16, 20 seconds, not {asked}; write seconds: {nearest}, or fit: nearest"
    assert reported({"seconds": asked}) == [f"scenes[0].seconds: {sold}"]
    assert reported({}, {}, seconds=asked) == [f"seconds: {sold}"]


def test_a_shape_or_size_that_is_not_offered_is_reported_with_what_to_write() -> None:
    assert reported({"aspect": "1:1", "resolution": "4k"}) == [
        'scenes[0].aspect: sora-2 at fal offers 16:9, 9:16, not 1:1; write aspect: "16:9", or fit: nearest',
        'scenes[0].resolution: sora-2 at fal offers 720p, not 4k; write resolution: "720p", or fit: nearest',
    ]
    assert reported({}, resolution="1080p", aspect="4:3") == [
        'aspect: sora-2 at fal offers 16:9, 9:16, not 4:3; write aspect: "16:9", or fit: nearest',
        'resolution: sora-2 at fal offers 720p, not 1080p; write resolution: "720p", or fit: nearest',
    ]


def test_more_characters_than_the_model_takes_are_reported_with_what_to_write() -> None:
    assert reported({"prompt": "Mara, Otto and Ines climb."}) == [
        "scenes[0].characters: sora-2 at fal takes 2 characters a scene, not Mara, Otto, Ines; write characters: [Mara, Otto]"
    ]
    assert reported({"prompt": "Mara climbs.", "seconds": 5, "aspect": "1:1"}, table=lambda _: PLAIN) == [
        "scenes[0].characters: plain at nowhere takes 0 characters a scene, not Mara; write characters: []"
    ]


def test_a_character_without_a_clip_cannot_be_cast_for_sora() -> None:
    assert reported({"prompt": "Bo climbs."}, cast=[{"name": "Bo", "images": ["bo.png"]}]) == [
        "scenes[0].characters: sora-2 at fal makes characters from a clip, and Bo has none; give it a clip"
    ]


@pytest.mark.parametrize("beginning", [{"image": "a.png"}, {"continues": "s01"}, {"remixes": "s01"}], ids=str)
def test_a_beginning_that_the_model_does_not_sell_is_reported(beginning: dict[str, str]) -> None:
    (field,) = beginning
    fitting = {"seconds": 5, "aspect": "1:1"}
    assert reported({}, beginning, table=lambda _: PLAIN, **fitting) == [
        f"scenes[1].{field}: plain at nowhere cannot start a scene this way; leave {field} out or choose another model"
    ]


def test_all_that_the_models_do_not_take_is_reported_at_once() -> None:
    assert len(reported({"seconds": 5}, {"aspect": "1:1"}, {"model": "veo"})) == 3


def test_auto_is_taken_with_a_first_frame_only() -> None:
    wishes = {"aspect": "auto", "resolution": "auto"}
    (shot,) = taken({"image": "a.png", **wishes})
    assert (shot.aspect, shot.resolution) == ("auto", "auto")
    (aspect, resolution) = reported(wishes)
    assert aspect.endswith('sora-2 at fal offers 16:9, 9:16, not auto; write aspect: "16:9", or fit: nearest')
    assert resolution.endswith('offers 720p, not auto; write resolution: "720p", or fit: nearest')
