"""What hangs together in a storyboard: the cast, the ids, who continues and remixes whom."""

from typing import Any

import pytest

from prefect_storyboard.storyboards import Character, Scene, Storyboard, StoryboardError, validate

MARA, OTTO = {"name": "Mara", "clip": "mara.mp4"}, {"name": "Otto", "clip": "otto.mp4"}


def board(*scenes: dict[str, Any], cast: Any = (MARA, OTTO), **facts: Any) -> Storyboard:
    written = [{"id": f"s{number:02d}", "prompt": "p", **scene} for number, scene in enumerate(scenes, 1)]
    return validate({"title": "T", "cast": list(cast), "scenes": written or [{"id": "s01", "prompt": "p"}], **facts})


def problems(*scenes: dict[str, Any], **facts: Any) -> list[str]:
    with pytest.raises(StoryboardError) as error:
        board(*scenes, **facts)
    return [f"{problem.field}: {problem.message}" for problem in error.value.problems]


def test_a_name_has_at_most_eighty_characters() -> None:
    assert board(cast=[{"name": "M" * 80, "clip": "a"}]).cast[0].name == "M" * 80
    assert problems(cast=[{"name": "M" * 81, "clip": "a"}]) == [
        "cast[0].name: has 81 characters and may have 80; shorten it"
    ]
    assert problems(title="T" * 121) == ["title: has 121 characters and may have 120; shorten it"]


def test_white_space_around_a_text_does_not_count() -> None:
    made = board({"prompt": "  Mara climbs.\n"}, cast=[{"name": " Mara ", "clip": " mara.mp4 "}], style=" warm \n")
    assert (made.cast[0].name, made.cast[0].clip, made.scenes[0].prompt, made.style) == (
        *("Mara", "mara.mp4", "Mara climbs.", "warm"),
    )


@pytest.mark.parametrize(
    "bad", ["", "s 01", "../s01", "s/01", "s.01", "-s01", "_s", ".", "s01\n", "ä", "s" * 65, "s:1"]
)
def test_an_id_that_is_no_file_name_is_refused(bad: str) -> None:
    assert problems({"id": bad}) == [
        f"scenes[0].id: {bad!r} is not safe as a file name; use letters, digits, - and _, for example s01"
        if len(bad) < 58
        else f"scenes[0].id: {repr(bad)[:57]}... is not safe as a file name; use letters, digits, - and _, for example s01"
    ]


@pytest.mark.parametrize("good", ["s01", "1", "A-b_c", "s" * 64])
def test_an_id_that_is_a_file_name_is_taken(good: str) -> None:
    assert board({"id": good}).scenes[0].id == good


def test_ids_that_differ_by_case_alone_share_a_folder_on_many_disks() -> None:
    assert problems({"id": "s01"}, {"id": "S01"}, {"id": "s01"}) == [
        "scenes[1].id: S01 is already the id of scenes[0] (case is ignored); use another one",
        "scenes[2].id: s01 is already the id of scenes[0] (case is ignored); use another one",
    ]


@pytest.mark.parametrize("twin", ["Mara", "mara", " MARA "])
def test_two_of_the_cast_with_one_name_are_refused(twin: str) -> None:
    assert problems(cast=[OTTO, MARA, {"name": twin, "clip": "b"}]) == [
        f"cast[2].name: {twin.strip()} is already a name or alias of cast[1] (Mara); use another one"
    ]


def test_two_of_the_cast_who_would_share_a_folder_are_refused() -> None:
    cast = [{"name": name, "clip": "a"} for name in ("Mary Jane", "Mary-Jane")]
    assert problems(cast=cast) == [
        "cast[1].name: Mary-Jane would share the folder of cast[0] (Mary Jane); rename one of the two"
    ]


def test_no_alias_is_anybody_elses() -> None:
    keeper = {**MARA, "aliases": ["the keeper", "Mary  Jane", "Mara"]}
    robot = {**OTTO, "aliases": ["THE KEEPER", "mary jane", "mara", "robot"]}
    taken = "is already a name or alias of cast[0] (Mara); use another one"
    assert problems(cast=[keeper, robot]) == [
        f"cast[1].aliases[0]: THE KEEPER {taken}",
        f"cast[1].aliases[1]: mary jane {taken}",
        f"cast[1].aliases[2]: mara {taken}",
    ]


def test_a_scene_may_name_somebody_by_an_alias() -> None:
    made = board({"characters": ["the keeper", "Mara"]}, cast=[{**MARA, "aliases": ["the keeper"]}])
    assert made.characters_of(made.scenes[0]) == ("Mara",)


def test_a_character_needs_a_clip_or_images() -> None:
    assert problems(cast=[{"name": "Mara Moon"}]) == [
        "cast[0].clip: Mara Moon needs a clip or images; add clip: path/to/mara-moon.mp4"
    ]
    assert board(cast=[{"name": "Mara", "images": ["a.png"]}]).cast[0].images == ("a.png",)


@pytest.mark.parametrize("end", [0.5, 1])
def test_a_range_ends_after_it_starts(end: float) -> None:
    assert problems(cast=[{**MARA, "start": 1, "end": end}]) == [
        f"cast[0].end: end ({end:g} s) must come after start (1 s)"
    ]
    assert board(cast=[{**MARA, "end": 0.5}]).cast[0].end == 0.5


def test_all_that_is_wrong_with_a_character_is_reported() -> None:
    assert len(problems(cast=[{"name": "Mara", "start": 2, "end": 1}])) == 2


def test_a_storyboard_needs_a_scene() -> None:
    with pytest.raises(StoryboardError, match="scenes: is empty; a storyboard needs at least one scene"):
        validate({"title": "T", "scenes": []})


def test_somebody_who_is_not_in_the_cast_is_reported_with_who_was_meant() -> None:
    assert problems({"characters": ["Mra", "mara", "Zed"]}) == [
        "scenes[0].characters: Mra is not in the cast; did you mean Mara?",
        "scenes[0].characters: mara is not in the cast; did you mean Mara?",
        "scenes[0].characters: Zed is not in the cast; choose from Mara, Otto",
    ]
    assert problems({"characters": ["Zed"]}, cast=[]) == [
        "scenes[0].characters: Zed is not in the cast; there is none yet"
    ]


def test_a_parent_that_does_not_exist_is_reported_with_those_that_do() -> None:
    assert problems({}, {"continues": "S01"}) == ["scenes[1].continues: no scene has the id S01; did you mean s01?"]
    assert problems({}, {"remixes": "x9"}) == ["scenes[1].remixes: no scene has the id x9; choose from s01, s02"]
    (problem,) = problems(*[{}] * 20, {"continues": "zz"})
    assert problem.endswith("choose from s01, s02, s03, s04, s05, s06, s07, s08, ...")


@pytest.mark.parametrize("link", ["continues", "remixes"])
def test_parents_do_not_go_round_in_a_circle(link: str) -> None:
    assert problems({link: "s01"}) == [f"scenes[0].{link}: is circular: s01 -> s01; remove one of these links"]
    assert problems({link: "s03"}, {link: "s01"}, {link: "s02"}) == [
        f"scenes[0].{link}: is circular: s01 -> s03 -> s02 -> s01; remove one of these links",
    ], "a circle is reported once"


def test_who_hangs_on_a_circle_is_not_blamed_for_it() -> None:
    found = problems({"continues": "s02"}, {"remixes": "s01"}, {"continues": "s01"})
    assert [problem.partition(":")[0] for problem in found] == ["scenes[0].continues"]


def test_a_parent_may_come_later_in_the_reel() -> None:
    assert board({"continues": "s02"}, {}).scenes[0].parent == "s02"


@pytest.mark.parametrize(
    ("scene", "field", "fields"),
    [
        ({"image": "a.png", "continues": "s01"}, "continues", "image or continues"),
        ({"image": "a.png", "remixes": "s01"}, "remixes", "image or remixes"),
        ({"continues": "s01", "remixes": "s01"}, "remixes", "continues or remixes"),
        ({"image": "a.png", "continues": "s01", "remixes": "s01"}, "continues", "image or continues or remixes"),
    ],
)
def test_a_scene_has_one_beginning(scene: dict[str, str], field: str, fields: str) -> None:
    assert problems({}, scene) == [f"scenes[1].{field}: a scene has one beginning: keep either {fields}"]


def test_many_mistakes_of_many_scenes_are_reported_at_once() -> None:
    assert len(problems({"characters": ["Zed"]}, {"continues": "nowhere"}, {"id": "s01"}, cast=[MARA, MARA])) == 4


def test_who_is_in_a_scene_is_who_is_named_unless_it_is_said() -> None:
    made = board(
        {"prompt": "Otto and MARA climb."},
        {"prompt": "She climbs."},
        {"prompt": "Otto climbs.", "characters": ["Mara", "Mara"]},
        {"prompt": "Otto climbs.", "characters": []},
    )
    assert [made.characters_of(scene) for scene in made.scenes] == [("Mara", "Otto"), (), ("Mara",), ()]


def test_scenes_and_characters_are_found_by_their_names() -> None:
    made = board({}, {})
    assert made.scene("s02") == Scene(id="s02", prompt="p")
    assert made.character("Otto") == Character(name="Otto", clip="otto.mp4")
    assert (made.slug, made.character("Otto").slug) == ("t", "otto")
