"""A key is what the user decided: all of it, and nothing else. Keys are money: a key that changes buys again."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from prefect_storyboard.providers.table import model
from prefect_storyboard.storyboards import Character, Plan, Source, plan, shots, validate
from prefect_storyboard.storyboards.keys import character_key, digest, fingerprint, scene_content, scene_key

EXAMPLES = settings(max_examples=200, deadline=None, derandomize=True, database=None)
FILES = {"mara.mp4": "a" * 64, "otto.mp4": "b" * 64, "dawn.png": "c" * 64}
MARA = Character(name="Mara", clip="mara.mp4", start=0.5, end=2.5, images=("dawn.png",))
DECIDED: dict[str, Any] = {
    "provider": "fal",
    "account": "default",
    "model": "sora-2",
    "prompt": "Mara climbs.",
    "seconds": 4,
    "aspect": "16:9",
    "resolution": "720p",
    "characters": ["a" * 64, "b" * 64],
    "image": None,
    "continues": None,
    "remixes": None,
    "take": 1,
}
BOARD: dict[str, Any] = {
    "title": "The Lighthouse",
    "model": "sora-2",
    "cast": [{"name": "Mara", "clip": "mara.mp4"}, {"name": "Otto", "clip": "otto.mp4"}],
    "scenes": [
        {"id": "s01", "prompt": "Mara climbs."},
        {"id": "s02", "prompt": "Otto winds the clock."},
        {"id": "s03", "prompt": "Rain.", "image": "dawn.png"},
    ],
}


def planned(board: dict[str, Any], *, account: str = "default", files: dict[str, str] = FILES) -> Plan:
    made = validate(board)
    return plan(
        made, shots(made, lambda name: model("fal", name), Source()), provider="fal", account=account, content=files
    )


def keys(board: dict[str, Any], **facts: Any) -> list[str]:
    return [scene.key for scene in planned(board, **facts).scenes]


def changed(scene: int, **facts: Any) -> dict[str, Any]:
    scenes = [{**each, **(facts if at == scene else {})} for at, each in enumerate(BOARD["scenes"])]
    return {**BOARD, "scenes": scenes}


def test_these_keys_stay_what_they_are() -> None:
    """A release that changes one of these buys everybody's clips and characters again."""
    assert scene_key(scene_content(**DECIDED), 0) == "01bc15059dbbf03c7b84e517b847f30071e66ea99894d9bf8599219c0c7db09a"
    mara = fingerprint(MARA, FILES)
    assert mara == "09b2711aa2ad47ea6fa0d389243b11d4aff7bd8930d1b28521e589f3488870d2"
    created = character_key(provider="fal", account="default", casting="sora-2", fingerprint=mara)
    assert created == "41c7ff19ca9161b329f333391e0fd58657dbe59239719c4600a4da48e9a39886"


@EXAMPLES
@given(
    field=st.sampled_from(sorted(DECIDED)),
    value=st.none() | st.text(max_size=8) | st.integers(0, 99) | st.lists(st.text(min_size=1, max_size=3), max_size=3),
)
def test_every_single_decision_changes_the_key(field: str, value: Any) -> None:
    if field == "characters":
        value = value if isinstance(value, list) else [str(value)]
        assume(sorted(value) != sorted(DECIDED[field]))
    assume(value != DECIDED[field])
    assert scene_key(scene_content(**{**DECIDED, field: value}), 0) != scene_key(scene_content(**DECIDED), 0)


@EXAMPLES
@given(order=st.permutations(sorted(scene_content(**DECIDED))), cast=st.permutations(DECIDED["characters"]))
def test_no_order_changes_the_key(order: list[str], cast: list[str]) -> None:
    content = scene_content(**{**DECIDED, "characters": cast})
    assert scene_key({field: content[field] for field in order}, 0) == scene_key(scene_content(**DECIDED), 0)


def test_every_decision_is_in_the_content_and_nothing_else() -> None:
    assert scene_content(**DECIDED) == {"schema": 1, "operation": "scene", **DECIDED}


@EXAMPLES
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=6,
    )
)
def test_a_digest_is_of_the_value_and_not_of_its_spelling(value: Any) -> None:
    spelled_otherwise = json.loads(json.dumps(value, indent=3, ensure_ascii=True))
    assert digest(value) == digest(spelled_otherwise)
    assert digest([value]) != digest(value)


def test_a_number_that_no_json_knows_has_no_digest() -> None:
    with pytest.raises(ValueError, match="JSON"):
        digest(float("nan"))


@pytest.mark.parametrize(
    "harmless",
    [
        {"title": "Another Title"},
        {"cast": [*BOARD["cast"][::-1]]},
        {"cast": [{**BOARD["cast"][0], "description": "in a yellow coat"}, BOARD["cast"][1]]},
        {"cast": [*BOARD["cast"], {"name": "Ines", "clip": "otto.mp4"}]},
        {"resolution": "720p"},
        {"model": "sora-2", "seconds": 4, "aspect": "16:9"},
        {"style": ""},
        changed(0, id="opening"),
        changed(0, characters=["Mara"]),
        changed(0, seconds=4, aspect="16:9", take=1),
    ],
    ids=lambda facts: json.dumps(facts)[:50],
)
def test_what_nobody_would_pay_for_again_keeps_all_keys(harmless: dict[str, Any]) -> None:
    assert keys({**BOARD, **harmless}) == keys(BOARD)


def test_the_order_of_the_scenes_does_not_count() -> None:
    assert keys({**BOARD, "scenes": BOARD["scenes"][::-1]}) == keys(BOARD)[::-1]


@pytest.mark.parametrize(
    "wish",
    [
        {"prompt": "Mara descends."},
        {"seconds": 8},
        {"aspect": "9:16"},
        {"model": "sora-2-pro"},
        {"model": "sora-2-pro", "resolution": "720p"},
        {"characters": []},
        {"characters": ["Mara", "Otto"]},
        {"image": "dawn.png"},
        {"continues": "s02"},
        {"remixes": "s02"},
        {"take": 2},
    ],
    ids=str,
)
def test_a_wish_for_one_scene_changes_its_key_alone(wish: dict[str, Any]) -> None:
    before, after = keys(BOARD), keys(changed(0, **wish))
    assert after[0] != before[0]
    assert after[1:] == before[1:]


@pytest.mark.parametrize(
    "wish", [{"style": "ink"}, {"seconds": 8}, {"aspect": "9:16"}, {"model": "sora-2-pro"}], ids=str
)
def test_a_wish_for_all_scenes_changes_all_keys(wish: dict[str, Any]) -> None:
    assert not set(keys({**BOARD, **wish})) & set(keys(BOARD))


def test_two_accounts_share_no_key() -> None:
    assert not set(keys(BOARD, account="other")) & set(keys(BOARD))


def test_the_content_of_a_file_counts_and_not_its_path() -> None:
    moved = json.loads(json.dumps(BOARD).replace("mara.mp4", "s3://bucket/new.mp4").replace("dawn.png", "./x/y.png"))
    files = {"s3://bucket/new.mp4": FILES["mara.mp4"], "otto.mp4": FILES["otto.mp4"], "./x/y.png": FILES["dawn.png"]}
    assert planned(moved, files=files).hash == planned(BOARD).hash
    assert [a == b for a, b in zip(keys(BOARD, files={**FILES, "mara.mp4": "d" * 64}), keys(BOARD), strict=True)] == [
        False,
        True,
        True,
    ]
    assert [a == b for a, b in zip(keys(BOARD, files={**FILES, "dawn.png": "d" * 64}), keys(BOARD), strict=True)] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    "wish", [{"start": 1.0}, {"end": 2.0}, {"name": "Maria"}, {"images": ("otto.mp4",)}, {"clip": None}], ids=str
)
def test_what_shows_a_character_is_its_identity(wish: dict[str, Any]) -> None:
    assert fingerprint(MARA.model_copy(update=wish), FILES) != fingerprint(MARA, FILES)


def test_a_description_is_for_people() -> None:
    assert fingerprint(MARA.model_copy(update={"description": "in a yellow coat"}), FILES) == fingerprint(MARA, FILES)


def child_of(parent: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """A board of two scenes: a parent, and a child that says what every child says."""
    child = {"id": "s02", "prompt": "She goes on.", "continues": "s01", **facts}
    return {**BOARD, "scenes": [{"id": "s01", **parent}, child]}


def test_a_child_belongs_to_its_own_parent() -> None:
    one, other = child_of({"prompt": "Mara wakes."}), child_of({"prompt": "Otto sleeps."})
    assert keys(one)[1] != keys(other)[1]


def test_a_child_of_the_same_parent_is_the_same_job_in_another_board() -> None:
    one = child_of({"prompt": "Mara wakes."})
    assert keys({**one, "title": "Another Episode"})[1] == keys(one)[1]


def test_a_renamed_parent_and_a_new_take_of_it_leave_the_child_alone() -> None:
    one = child_of({"prompt": "Mara wakes."})
    renamed = child_of({"prompt": "Mara wakes.", "id": "x"}, continues="x")
    assert keys(renamed)[1] == keys(one)[1] == keys(child_of({"prompt": "Mara wakes.", "take": 2}))[1]


def test_a_grandparent_is_part_of_the_chain() -> None:
    def chain(first: str) -> list[str]:
        return keys(
            {
                **BOARD,
                "scenes": [
                    {"id": "s01", "prompt": first},
                    {"id": "s02", "prompt": "She goes on.", "continues": "s01"},
                    {"id": "s03", "prompt": "And on.", "continues": "s02"},
                ],
            }
        )

    assert chain("Mara wakes.")[2] != chain("Otto sleeps.")[2]


def test_a_child_may_stand_before_its_parent() -> None:
    one = child_of({"prompt": "Mara wakes."})
    assert keys({**one, "scenes": one["scenes"][::-1]}) == keys(one)[::-1]


def test_continuing_and_remixing_the_same_parent_are_two_jobs() -> None:
    one = child_of({"prompt": "Mara wakes."})
    remix = {**BOARD, "scenes": [one["scenes"][0], {"id": "s02", "prompt": "She goes on.", "remixes": "s01"}]}
    assert keys(remix)[1] != keys(one)[1]


def test_fields_of_the_gateway_are_part_of_the_key_and_absent_ones_are_not() -> None:
    (_, scene), (_, other) = (planned(child_of({"prompt": "M."}, fields=f)).scenes for f in ({}, {"seed": 7}))
    assert scene.key != other.key
    assert "fields" not in scene.content


def test_the_keys_of_version_0_1_0_have_not_moved() -> None:
    """A library of 0.1.0 holds clips under these keys. Those of scenes with a parent are found by their legacy key."""
    fixture = json.loads((Path(__file__).parents[1] / "fixtures" / "keys-0.1.0.json").read_text())
    for expected in fixture["plans"]:
        board = next(board for board in fixture["boards"] if board["title"] == expected["board"])
        found = planned_at(board, expected["provider"], expected["model"])
        assert {scene.scene.id: scene.key for scene in found.scenes if not scene.scene.parent} == expected["scenes"]
        assert {scene.scene.id: scene.legacy for scene in found.scenes if scene.scene.parent} == expected["children"]
        assert {each.character.name: each.key for each in found.characters} == expected["characters"]


def planned_at(board: dict[str, Any], provider: str, name: str) -> Plan:
    """The plan of a board; the content of each file is taken to be its name."""
    storyboard = validate({**board, "model": name, "fit": "nearest"})
    resolved = shots(storyboard, lambda wanted: model(provider, wanted), Source())
    named = [file for who in storyboard.cast for file in (who.clip, *who.images) if file]
    named += [scene.image for scene in storyboard.scenes if scene.image]
    lengths = {(shot.model.name, sending.character): 2.0 for shot in resolved for sending in shot.sends if sending.clip}
    content = {file: hashlib.sha256(file.encode()).hexdigest() for file in named}
    return plan(storyboard, resolved, provider=provider, account="default", content=content, clip_seconds=lengths)


def test_what_is_changed_by_a_remix_counts() -> None:
    one, other = changed(2, remixes="s01", image=None), changed(2, remixes="s02", image=None)
    assert keys(one)[:2] == keys(other)[:2]
    assert keys(one)[2] != keys(other)[2]


def test_the_key_holds_the_prompt_in_the_users_words_and_not_what_a_model_needs_besides() -> None:
    (scene, *_) = planned(changed(0, prompt="She climbs.", characters=["Mara"])).scenes
    assert scene.prompt == "With Mara. She climbs."
    content = {
        **DECIDED,
        "prompt": "She climbs.",
        "characters": [fingerprint(Character.model_validate(BOARD["cast"][0]), FILES)],
    }
    assert scene.key == scene_key(scene_content(**content), 0)


def test_a_scene_that_is_written_twice_is_two_clips() -> None:
    twice = {**BOARD, "scenes": [*BOARD["scenes"], {**BOARD["scenes"][0], "id": "again"}]}
    assert len(set(keys(twice))) == 4
    assert keys(twice)[:3] == keys(BOARD)
    without_the_first = {**twice, "scenes": twice["scenes"][1:]}
    assert set(keys(without_the_first)) == set(keys(BOARD))
