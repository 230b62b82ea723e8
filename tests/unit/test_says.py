"""What a scene may say beside its prompt: taken, refused at its own field, or with fit: nearest left out and told."""

from typing import Any

import pytest

from prefect_storyboard.storyboards import Model, Plan, References, Shot, Source, StoryboardError, plan, shots, validate
from prefect_storyboard.storyboards.single import single_shot

PLAIN = Model(
    name="plain",
    provider="nowhere",
    endpoints={"text": "t", "image": "i", "remix": "r"},
    seconds=(4, 8),
    aspects=("16:9",),
    resolutions=("720p",),
    usd_per_second={"720p": 0.4},
    usd_per_second_silent={"720p": 0.2},
)
RICH = PLAIN.model_copy(
    update={
        "name": "rich",
        "sound": "switch",
        "takes_seed": ("text", "frames"),
        "takes_negative": ("text",),
        "takes_last_frame": ("frames",),
        "max_characters": 1,
        "references": References(images=2),
    }
)
MUTE = PLAIN.model_copy(update={"name": "mute", "sound": "never"})
TABLE = {model.name: model for model in (PLAIN, RICH, MUTE)}
FILES = {"a.png": "a" * 64, "b.png": "b" * 64, "c.png": "c" * 64, "m.mp4": "d" * 64}


def board(*scenes: dict[str, Any], **facts: Any) -> Any:
    written = [{"id": f"s{number:02d}", "prompt": "The sea.", **scene} for number, scene in enumerate(scenes, 1)]
    cast = [{"name": "Mara", "clip": "m.mp4"}]
    return validate({"title": "T", "model": "rich", "cast": cast, "scenes": written, **facts})


def taken(*scenes: dict[str, Any], **facts: Any) -> tuple[Shot, ...]:
    return shots(board(*scenes, **facts), TABLE.__getitem__, Source())


def refused(*scenes: dict[str, Any], **facts: Any) -> list[str]:
    with pytest.raises(StoryboardError) as error:
        taken(*scenes, **facts)
    return [f"{problem.field}: {problem.message}" for problem in error.value.problems]


def planned(*scenes: dict[str, Any], **facts: Any) -> Plan:
    made = board(*scenes, **facts)
    return plan(made, taken(*scenes, **facts), provider="nowhere", account="default", content=FILES)


def keys(*scenes: dict[str, Any], **facts: Any) -> list[str]:
    return [scene.key for scene in planned(*scenes, **facts).scenes]


def test_what_the_model_takes_is_in_the_shot_and_in_its_price() -> None:
    (shot,) = taken({"audio": False, "seed": 0, "negative": "rain"})
    assert (shot.silent, shot.seed, shot.negative, shot.usd) == (True, 0, "rain", 0.8)
    (shot,) = taken({"image": "a.png", "ends": "b.png", "audio": True})
    assert (shot.ends, shot.silent, shot.usd) == ("b.png", False, 1.6)


def test_the_storyboard_says_it_for_all_and_a_scene_for_itself() -> None:
    first, second = taken({}, {"audio": True, "seed": 8, "negative": ""}, audio=False, seed=7, negative="rain")
    assert (first.silent, first.seed, first.negative) == (True, 7, "rain")
    assert (second.silent, second.seed, second.negative) == (False, 8, "")


@pytest.mark.parametrize(
    ("scene", "says"),
    [
        ({"model": "plain", "audio": False}, "audio: plain at nowhere always has sound; leave audio out, or write fit: nearest"),
        ({"model": "mute", "audio": True}, "audio: mute at nowhere has no sound; leave audio out, or write fit: nearest"),
        ({"model": "plain", "seed": 7}, "seed: plain at nowhere takes no seed; leave seed out, or write fit: nearest"),
        ({"model": "plain", "negative": "rain"}, "negative: plain at nowhere takes no negative; leave negative out"),
        ({"seed": 7, "image": "a.png"}, "seed: rich at nowhere takes no seed in a scene that starts from a picture; "),
        ({"seed": 7, "prompt": "Mara."}, "seed: rich at nowhere takes no seed in a scene that shows its characters; "),
        ({"model": "plain", "image": "a.png", "ends": "b.png"}, "ends: plain at nowhere takes no ends; leave ends out"),
        ({"ends": "b.png"}, "ends: a scene with a last frame also needs a first one; give it an image, or continues"),
    ],
)  # fmt: skip
def test_what_a_model_does_not_take_is_refused_or_left_out_and_told(scene: dict[str, Any], says: str) -> None:
    (problem,) = refused(scene)
    assert problem.startswith(f"scenes[0].{says}")
    (shot,) = taken(scene, fit="nearest")
    field, _, fact = says.partition(": ")
    assert f"{field} is left out: {fact.partition(';')[0]}" in shot.remarks
    assert (shot.silent, shot.seed, shot.negative, shot.ends) == (False, None, "", None)


def test_what_the_storyboard_says_for_all_is_refused_at_its_own_line() -> None:
    assert refused({"model": "plain"}, seed=7)[0].startswith("seed: plain at nowhere takes no seed")


def test_a_remix_takes_nothing_of_the_storyboards_and_nothing_of_its_own() -> None:
    assert taken({}, {"remixes": "s01"}, seed=7)[1].seed is None
    assert refused({}, {"remixes": "s01", "seed": 7}) == [
        "scenes[1].seed: a remix takes no seed; leave seed out, or write fit: nearest"
    ]


def test_what_is_not_said_or_not_taken_moves_no_key_and_everything_else_does() -> None:
    (plain,) = keys({})
    assert keys({"audio": True}) == keys({"negative": ""}) == [plain]
    assert keys({"model": "plain", "seed": 7}, fit="nearest") == keys({"model": "plain"})
    moved = [keys(scene)[0] for scene in ({"audio": False}, {"seed": 0}, {"seed": 7}, {"negative": "rain"})]
    assert len({plain, *moved}) == 5


def test_a_last_frame_counts_by_its_content() -> None:
    once, again = (keys({"image": "a.png", "ends": name})[0] for name in ("b.png", "c.png"))
    assert len({once, again, keys({"image": "a.png"})[0]}) == 3


def test_a_scene_of_a_task_says_the_same() -> None:
    shot = single_shot("The sea.", RICH, TABLE.__getitem__, audio=False, seed=7, negative="rain")
    assert (shot.silent, shot.seed, shot.negative) == (True, 7, "rain")
    with pytest.raises(
        ValueError, match=r'^seed: plain at nowhere takes no seed; leave seed out, or write fit="nearest"'
    ):
        single_shot("The sea.", PLAIN, TABLE.__getitem__, seed=7)
