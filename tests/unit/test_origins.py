"""A character from a scene: that scene comes first, a circle is refused, and who shows the character follows its take."""

from typing import Any

import pytest

from prefect_storyboard.providers.table import model
from prefect_storyboard.storyboards import Plan, Source, StoryboardError, plan, shots, validate
from prefect_storyboard.storyboards.bounds import Size
from prefect_storyboard.storyboards.variants import expanded

MARA: dict[str, Any] = {"name": "Mara", "from_scene": "s01"}
FILES = {"m.mp4": "d" * 64, "a.png": "a" * 64}
PORTRAIT: dict[str, Any] = {"id": "s01", "prompt": "Mara, a keeper in a yellow coat, turns around."}
SHOWS: dict[str, Any] = {"id": "s02", "prompt": "Mara rows a boat."}


def board(*scenes: dict[str, Any], cast: tuple[dict[str, Any], ...] = (MARA,), **facts: Any) -> Any:
    return validate({"title": "T", "model": "seedance-2", "cast": [*cast], "scenes": [*scenes], **facts})


def planned(*scenes: dict[str, Any], provider: str = "fal", clips: float = 4.0, **facts: Any) -> Plan:
    made = board(*scenes, **facts)
    found = shots(made, lambda name: model(provider, name), Source())
    lengths = {(shot.model.name, name): clips for shot in found for name in shot.cast}
    return plan(made, found, provider=provider, account="default", content=FILES, clip_seconds=lengths)


def refused(*scenes: dict[str, Any], **facts: Any) -> list[str]:
    with pytest.raises(StoryboardError) as error:
        planned(*scenes, **facts)
    return [f"{problem.field}: {problem.message}" for problem in error.value.problems]


def keys(made: Plan) -> dict[str, str]:
    return {job.scene.id: job.key for job in made.scenes} | {job.character.name: job.key for job in made.characters}


# --- who is where


def test_whoever_is_made_from_a_scene_is_not_in_it_although_its_prompt_names_them() -> None:
    made = planned(PORTRAIT, SHOWS)
    assert [scene.cast for scene in made.scenes] == [(), ("Mara",)]
    assert [scene.needs for scene in made.scenes] == [(), ("s01",)]
    assert "s01: Mara is made from this scene, so its prompt alone says how Mara looks" in made.warnings


def test_the_scene_may_stand_after_those_that_show_the_character() -> None:
    made = planned({**SHOWS, "id": "s00"}, PORTRAIT)
    assert [scene.needs for scene in made.scenes] == [("s01",), ()]
    assert [scene.scene.id for scene in made.only("s00").scenes] == ["s01", "s00"]


def test_one_scene_brings_along_all_that_it_needs_and_itself_last() -> None:
    later = {"id": "s03", "prompt": "She lands.", "continues": "s02"}
    made = planned(PORTRAIT, SHOWS, {"id": "other", "prompt": "A dog."}, later)
    assert [scene.scene.id for scene in made.only("s03").scenes] == ["s01", "s02", "s03"]
    assert [scene.scene.id for scene in made.only("s01").scenes] == ["s01"]


# --- what is refused, before anything is bought


def test_a_scene_that_nobody_wrote_is_named_with_the_nearest() -> None:
    assert refused(PORTRAIT, SHOWS, cast=({**MARA, "from_scene": "s001"},)) == [
        "cast[0].from_scene: no scene has the id s001; did you mean s01?"
    ]


def test_a_character_is_a_clip_or_a_scene() -> None:
    assert refused(PORTRAIT, cast=({**MARA, "clip": "m.mp4"},)) == [
        "cast[0].from_scene: Mara has a clip and from_scene; leave one of them out"
    ]


@pytest.mark.parametrize(
    ("scenes", "cast", "circle"),
    [
        (({**PORTRAIT, "characters": ["Mara"]}, SHOWS), (MARA,), "Mara is made from s01, which shows Mara itself"),
        (
            ({"id": "s02", "prompt": "Mara rows."}, {**PORTRAIT, "continues": "s02"}),
            (MARA,),
            "is circular: Mara -> s01 -> s02 -> Mara",
        ),
        (
            (PORTRAIT | {"prompt": "Otto looks at Mara."}, {"id": "s02", "prompt": "Mara looks at Otto."}),
            (MARA, {"name": "Otto", "from_scene": "s02"}),
            "is circular: Mara -> s01 -> s02 -> Mara",
        ),
    ],
    ids=["itself", "by a parent", "by another character"],
)
def test_a_circle_is_refused_with_the_way_out(scenes: Any, cast: Any, circle: str) -> None:
    (first, *_) = refused(*scenes, cast=cast)
    assert first.startswith(f"cast[0].from_scene: {circle}")
    assert "or make Mara from another scene" in first


def test_a_remix_shows_nobody_and_so_makes_no_circle() -> None:
    assert planned(
        {"id": "s00", "prompt": "A coat."}, PORTRAIT | {"remixes": "s00"}, SHOWS, model="sora-2", cast=(MARA,)
    ).characters


@pytest.mark.parametrize(
    ("span", "words"),
    [
        ({"end": 9.0}, "cast[0].end: s01 has 4 s; choose a range inside it"),
        ({"start": 4.0}, "cast[0].start: s01 has 4 s; choose a range inside it"),
        ({"start": 1.0, "end": 2.0, "reference": "clip"}, "cast[0].end: seedance-2 needs 2 s of Mara, and this is 1 s"),
    ],
)
def test_a_range_is_held_to_the_length_of_the_scene(span: dict[str, Any], words: str) -> None:
    (first,) = refused(PORTRAIT, SHOWS, cast=({**MARA, **span},))
    assert first.startswith(words)


def test_a_scene_that_is_too_small_for_the_model_is_refused_before_it_is_rendered() -> None:
    small = {**PORTRAIT, "model": "seedance-2", "resolution": "480p"}
    (fault,) = refused(small, SHOWS, model="sora-2")
    assert fault == (
        "cast[0].from_scene: sora-2 needs 720 pixels on the shorter side of a clip of Mara, and s01 has 480; "
        "render s01 in a larger resolution"
    )


def test_variants_share_the_character_and_so_its_scene() -> None:
    matrix = {"aspect": ["16:9", "9:16"]}
    with pytest.raises(StoryboardError, match="s01 is another scene in every variant; give s01 an aspect and a model"):
        expanded(board(PORTRAIT, SHOWS, matrix=matrix), Source(), Size().max_scenes)
    own = {**PORTRAIT, "aspect": "16:9", "model": "seedance-2"}
    both = expanded(board(own, SHOWS, matrix=matrix), Source(), Size().max_scenes)
    assert [variant.scenes for variant in both.variants] == [("s01", "s02-16x9"), ("s01", "s02-9x16")]


# --- keys


def test_who_shows_the_character_holds_what_was_asked_of_its_scene_and_not_its_take() -> None:
    before, after = planned(PORTRAIT, SHOWS), planned({**PORTRAIT, "take": 2}, SHOWS)
    (first, shows), (_, again) = before.scenes, after.scenes
    assert [*shows.content["made_of"].values()] == [first.identity]  # type: ignore[union-attr]
    assert shows.key == again.key
    edited = planned({**PORTRAIT, "prompt": "Mara in red."}, SHOWS).scenes[1]
    assert edited.key != shows.key
    assert edited.own_identity == shows.own_identity


def test_the_creation_belongs_to_the_take_of_the_scene() -> None:
    cast = {"model": "sora-2", "cast": (MARA,)}
    one, two = planned(PORTRAIT, SHOWS, **cast), planned({**PORTRAIT, "take": 2}, SHOWS, **cast)
    assert keys(one)["s02"] == keys(two)["s02"]
    assert keys(one)["Mara"] != keys(two)["Mara"]
    assert keys(one)["Mara"] == keys(planned(PORTRAIT, SHOWS, title="Another", **cast))["Mara"]


def test_a_character_of_a_file_has_the_key_that_it_had() -> None:
    made = planned(SHOWS, cast=({"name": "Mara", "clip": "m.mp4"},))
    assert "made_of" not in made.scenes[0].content
    assert made.scenes[0].origins == ()


def test_the_clip_of_a_scene_is_priced_by_its_range() -> None:
    shown = {**MARA, "reference": "clip"}
    made = planned(PORTRAIT, SHOWS, provider="kie", cast=(shown,), clips=4.0)
    assert made.scenes[1].usd == pytest.approx(0.125 * 8)
    assert [sending.clip for sending in made.scenes[1].sends] == [True]
