"""Stills: who is drawn from what, with which words, under which key, and which clips begin with them."""

from collections import defaultdict
from typing import Any

import pytest

from prefect_storyboard.providers.table import model
from prefect_storyboard.storyboards import Plan, Source, StoryboardError, plan, shots, validate
from prefect_storyboard.storyboards.image_model import ImageModel, ReferencePictures
from prefect_storyboard.storyboards.keyframes import image_model_of
from prefect_storyboard.storyboards.planned_stills import PlannedStill

PAINTER = ImageModel(
    name="painter",
    provider="fal",
    endpoints={"text": "paint", "edit": "paint/edit"},
    aspects=("16:9", "9:16"),
    resolutions=("1K",),
    references=ReferencePictures(most=3),
    usd={"1K": 0.04},
)
CAST: list[dict[str, Any]] = [
    {"name": "Harbour", "kind": "place", "description": "a stone harbour"},
    {"name": "Lantern", "kind": "prop", "description": "a brass lantern"},
    {
        "name": "Mara",
        "description": "a lighthouse keeper in a yellow coat",
        "looks": {"storm": "in dark oilskins, hood up"},
    },
    {"name": "Otto", "images": ["otto.png", "side.png"], "description": "a fisherman in a blue jumper"},
]
SCENES: list[dict[str, Any]] = [
    {"id": "s01", "prompt": "Mara lights the Lantern in the Harbour."},
    {"id": "s02", "prompt": "Mara runs to Otto.", "looks": {"Mara": "storm"}, "motion": "They run."},
]


def planned(scenes: list[dict[str, Any]] = SCENES, cast: list[dict[str, Any]] = CAST, **facts: Any) -> Plan:
    said = {"title": "T", "model": "kling-o3", "stills": "painter", "cast": cast, "scenes": scenes} | facts
    board = validate(said)
    resolved = shots(board, lambda name: model("fal", name), Source())
    drawn = image_model_of(board, resolved, {"painter": PAINTER}.__getitem__, Source())
    files: dict[str, str] = defaultdict(lambda: "c" * 64)
    return plan(board, resolved, provider="fal", account="default", content=files, image_model=drawn)


def still(made: Plan, scene: str = "s01") -> PlannedStill:
    return next(each for each in made.stills if each.scene.id == scene)


def changed(before: Plan, after: Plan) -> set[str]:
    """The names of the jobs that are other ones."""
    keys = {job.key for job in before.jobs}
    return {job.name for job in after.jobs if job.key not in keys and hasattr(job, "name")}


def with_storm(text: str) -> list[dict[str, Any]]:
    return [each | ({"looks": {"storm": text}} if each["name"] == "Mara" else {}) for each in CAST]


def test_people_get_the_slots_first_then_props_then_the_place() -> None:
    assert still(planned()).shown == (("Mara", ""), ("Lantern", ""), ("Harbour", ""))


def test_who_gets_no_slot_is_described_and_the_plan_says_so() -> None:
    four = [{"id": "s01", "prompt": "Mara gives Otto the Lantern in the Harbour."}]
    made = planned(four)
    assert still(made).described == (("Harbour", ""),)
    assert "Harbour: a stone harbour." in still(made).drawing.prompt
    assert "s01: painter at fal takes 3 references, so Harbour is only described" in made.warnings


def test_a_look_of_somebody_who_is_not_in_the_scene_is_said() -> None:
    made = planned([{"id": "s01", "prompt": "The Lantern.", "looks": {"Mara": "storm"}}])
    assert "s01: Mara is not in this scene, so no look of Mara is shown" in made.warnings


def test_each_look_that_is_shown_has_one_sheet_and_a_further_look_is_drawn_from_the_first() -> None:
    sheets = {sheet.name: sheet for sheet in planned().sheets}
    assert [*sheets] == ["Mara", "Lantern", "Harbour", "Mara (storm)", "Otto"]
    assert sheets["Mara (storm)"].base == sheets["Mara"].key
    assert "in dark oilskins, hood up" in sheets["Mara (storm)"].drawing.prompt


def test_a_look_is_told_by_itself_since_what_the_first_one_wears_would_be_drawn_as_well() -> None:
    storm = next(sheet for sheet in planned().sheets if sheet.look)
    assert "yellow" not in storm.drawing.prompt
    assert [each.role for each in storm.drawing.references] == ["keep the face, hair and build"]


def test_a_sheet_is_drawn_from_words_alone_or_from_the_members_own_pictures() -> None:
    sheets = {sheet.name: sheet.drawing for sheet in planned().sheets}
    assert (sheets["Mara"].mode, sheets["Mara"].pictures) == ("text", 0)
    assert (sheets["Otto"].mode, sheets["Otto"].pictures) == ("edit", 2)


def test_a_still_is_drawn_from_what_still_says_else_from_the_prompt_and_the_clip_moves_as_motion_says() -> None:
    said = [{"id": "s01", "prompt": "Mara climbs.", "still": "Mara on the stairs.", "motion": "She climbs."}]
    made = planned(said)
    assert "Mara on the stairs." in still(made).drawing.prompt
    assert made.scenes[0].words == "She climbs."
    assert "Mara climbs." in still(planned([{"id": "s01", "prompt": "Mara climbs."}])).drawing.prompt


def test_a_name_in_the_still_alone_is_in_the_scene() -> None:
    said = [{"id": "s01", "prompt": "Night.", "still": "Mara asleep.", "motion": "The curtain moves."}]
    assert still(planned(said)).shown == (("Mara", ""),)


def test_the_words_forbid_nothing_since_models_draw_what_a_prompt_forbids() -> None:
    made = planned()
    words = " ".join(picture.drawing.prompt for picture in made.pictures).lower()
    roles = " ".join(each.role for picture in made.pictures for each in picture.drawing.references).lower()
    assert not {"no", "not", "without", "never", "avoid", "don't"} & {*f"{words} {roles}".replace(",", " ").split()}


def test_every_clip_begins_with_its_still_and_names_it_in_its_key() -> None:
    made = planned()
    for scene in made.scenes:
        assert scene.operation == "image"
        assert scene.content["still"] == still(made, scene.scene.id).identity
        assert scene.needs == (f"{scene.scene.id} still",)


def test_an_edited_look_is_another_sheet_and_another_still_of_just_the_scenes_that_show_it() -> None:
    after = planned(cast=with_storm("in a red cape"))
    assert changed(planned(), after) == {"Mara (storm)", "s02 still", "s02"}
    assert [s.own_identity for s in after.scenes] == [s.own_identity for s in planned().scenes]


def test_an_edited_motion_is_another_clip_of_the_same_still() -> None:
    assert changed(planned(), planned([SCENES[0], SCENES[1] | {"motion": "They walk."}])) == {"s02"}


def test_a_still_of_a_scene_that_continues_another_is_drawn_from_its_last_frame_as_well_as_from_the_sheets() -> None:
    said = [SCENES[0], {"id": "s02", "prompt": "Mara sleeps.", "continues": "s01"}]
    made = planned(said)
    references = still(made, "s02").drawing.references
    assert [each.name for each in references] == ["Mara", ""]
    assert references[1].fingerprint == made.scenes[0].identity
    assert (still(made, "s02").needs, made.scenes[1].needs) == (("s01",), ("s02 still",))


def test_another_take_of_what_a_still_follows_leaves_what_it_asks_for_itself() -> None:
    said = [SCENES[0], {"id": "s02", "prompt": "Mara sleeps.", "continues": "s01"}]
    edited = [SCENES[0] | {"motion": "She lights it."}, said[1]]
    before, after = still(planned(said), "s02"), still(planned(edited), "s02")
    assert (before.key == after.key, before.own_identity) == (False, after.own_identity)


def test_equal_scenes_have_a_still_each() -> None:
    twice = [{"id": name, "prompt": "Mara sleeps."} for name in ("s01", "s02")]
    assert len({each.key for each in planned(twice).stills}) == 2


def test_the_plan_has_two_sums() -> None:
    made = planned()
    assert made.usd_of_pictures == pytest.approx(7 * 0.04)
    assert made.usd_of_pictures + made.usd_of_motion == pytest.approx(made.low_usd)


def test_a_member_in_another_look_or_without_media_is_shown_by_the_still_alone() -> None:
    made = planned()
    assert (made.scenes[0].cast, made.scenes[1].cast) == ((), ("Otto",))


def test_a_member_with_fewer_pictures_than_the_model_asks_for_is_shown_by_the_still_alone() -> None:
    one = [*CAST[:3], CAST[3] | {"images": ["otto.png"]}]
    assert planned(cast=one).scenes[1].cast == ()


def test_a_picture_of_ones_own_and_a_remix_have_no_still() -> None:
    made = planned([{"id": "s01", "prompt": "p", "image": "dawn.png"}])
    assert (made.stills, made.scenes[0].needs) == ((), ())


def test_one_scene_is_planned_with_its_own_pictures_only() -> None:
    part = planned().only("s01")
    assert {picture.name for picture in part.pictures} == {"s01 still", "Mara", "Lantern", "Harbour"}


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "words alone without stills": (
        {"cast": [CAST[0]], "stills": None, "scenes": [{"id": "s01", "prompt": "p"}]},
        "cast[0].clip: Harbour needs a clip or images; add clip: path/to/harbour.mp4, or stills: an image model that",
    ),
    "motion without stills": (
        {"cast": [], "stills": None, "scenes": [{"id": "s01", "prompt": "p", "motion": "m"}]},
        "scenes[0].motion: needs stills: name an image model, for example stills: nano-banana-2.1, or leave motion out",
    ),
    "a look that is none": (
        {"scenes": [{"id": "s01", "prompt": "Mara.", "looks": {"Mara": "strom"}}]},
        "scenes[0].looks.Mara: Mara has no look strom; did you mean storm?",
    ),
    "a look of nobody": (
        {"scenes": [{"id": "s01", "prompt": "Mara.", "looks": {"Mora": "storm"}}]},
        "scenes[0].looks.Mora: Mora is not in the cast; did you mean Mara?",
    ),
    "a still beside a picture": (
        {"scenes": [{"id": "s01", "prompt": "Mara.", "image": "a.png", "still": "x"}]},
        "scenes[0].still: s01 begins with image, so no still is drawn; leave still out",
    ),
    "an open shape": (
        {"scenes": [{"id": "s01", "prompt": "Mara.", "aspect": "auto"}]},
        'scenes[0].aspect: a still has a shape of its own; write for example aspect: "16:9"',
    ),
    "a shape that the image model does not draw": (
        {"aspect": "1:1"},
        "aspect: painter at fal does not make 1:1; choose one of 16:9, 9:16",
    ),
    "a member that is made from a scene": (
        {"cast": [{"name": "Mara", "from_scene": "s01"}], "scenes": [{"id": "s01", "prompt": "p"}]},
        "cast[0].from_scene: a sheet is drawn from words, pictures or a clip; give Mara one of these, or leave",
    ),
}


@pytest.mark.parametrize(("facts", "said"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_names_the_field_and_the_remedy(facts: dict[str, Any], said: str) -> None:
    with pytest.raises(StoryboardError) as refused:
        planned(**facts)
    assert said in str(refused.value)


def test_an_unknown_image_model_is_a_problem_at_its_own_field() -> None:
    board = validate({"title": "T", "model": "kling-o3", "stills": "crayon", "scenes": [{"id": "s01", "prompt": "p"}]})

    def table(name: str) -> ImageModel:
        raise KeyError(f"{name} is not a known image model")

    with pytest.raises(StoryboardError, match="stills: crayon is not a known image model"):
        image_model_of(board, shots(board, lambda name: model("fal", name), Source()), table, Source())


def test_a_storyboard_without_stills_has_the_keys_and_the_prices_that_it_had_before_there_were_any() -> None:
    cast = [{"name": "Mara", "clip": "mara.mp4", "description": "a keeper"}]
    scenes = [{"id": "s01", "prompt": "Mara waits."}, {"id": "s02", "prompt": "The sea.", "continues": "s01"}]
    board = validate({"title": "T", "model": "kling-o3", "cast": cast, "scenes": scenes})
    resolved = shots(board, lambda name: model("fal", name), Source())
    made = plan(board, resolved, provider="fal", account="default", content={"mara.mp4": "c" * 64}, image_model=None)
    assert (made.pictures, made.usd_of_pictures, made.usd_of_motion) == ((), 0.0, made.low_usd)
    assert [scene.usd for scene in made.scenes] == [0.56, 0.56]
    assert [scene.key[:16] for scene in made.scenes] == ["6ad73e9956412c3f", "193eb121167c47d6"]
    assert not any("still" in scene.content for scene in made.scenes)
