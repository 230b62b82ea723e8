"""What a run would do and cost, before anything is bought. A price that nobody has published is unknown, never 0."""

from cProfile import Profile
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from prefect_storyboard.providers.table import model
from prefect_storyboard.storyboards import Model, Plan, Source, parse, plan, shots, validate

EXAMPLE = Path(__file__).parents[2] / "examples" / "lighthouse.yaml"
CAST = [{"name": "Mara", "clip": "mara.mp4"}, {"name": "Otto", "clip": "otto.mp4"}]


def planned(*scenes: dict[str, Any], table: Any = lambda name: model("fal", name), **facts: Any) -> Plan:
    written = [{"id": f"s{number:02d}", "prompt": "p", **scene} for number, scene in enumerate(scenes, 1)]
    board = validate({"title": "T", "model": "sora-2", "cast": CAST, "scenes": written, **facts})
    files = {"mara.mp4": "a" * 64, "otto.mp4": "b" * 64, "dawn.png": "c" * 64}
    return plan(board, shots(board, table, Source()), provider="fal", account="default", content=files)


def test_the_example_is_six_scenes_with_two_characters_and_their_prices() -> None:
    board, source = parse(EXAMPLE.read_text(encoding="utf-8"), "lighthouse.yaml")
    files = {character.clip or "": character.name for character in board.cast}
    made = plan(
        board, shots(board, lambda name: model("fal", name), source), provider="fal", account="default", content=files
    )
    assert [scene.usd for scene in made.scenes] == [1.2096, 1.2096, 1.2096, 2.4192, 1.2096, 1.2096]
    assert {name for scene in made.scenes for name in scene.cast} == {"Mara", "Otto"}
    assert made.jobs == made.scenes, "the model is shown its characters: none of them is created"
    assert len({job.key for job in made.jobs}) == 6


@pytest.mark.parametrize(
    ("scene", "usd"),
    [
        ({"seconds": 4}, 0.4),
        ({"seconds": 20}, 2.0),
        ({"model": "sora-2-pro"}, 2.0),
        ({"model": "sora-2-pro", "resolution": "720p", "seconds": 12}, 3.6),
        ({"model": "sora-2-pro", "resolution": "true_1080p"}, None),
    ],
    ids=str,
)
def test_a_scene_costs_its_seconds_at_its_size(scene: dict[str, Any], usd: float | None) -> None:
    assert planned(scene).scenes[0].usd == usd


def test_what_has_no_published_price_is_unknown_and_never_nothing() -> None:
    made = planned({"prompt": "Mara climbs."}, {"remixes": "s01"})
    assert made.characters[0].usd is None
    assert made.scenes[1].usd is None
    free = Model(
        name="m", provider="fal", endpoints={"text": "t"}, seconds=(4,), aspects=("16:9",), resolutions=("720p",)
    )
    assert planned({}, table=lambda _: free).scenes[0].usd is None


def test_a_price_of_nothing_is_a_price() -> None:
    free = model("fal", "sora-2").model_copy(update={"usd_per_second": {"720p": 0.0}, "usd_per_character": 0.0})
    made = planned({"prompt": "Mara climbs."}, table=lambda _: free)
    assert (made.scenes[0].usd, made.characters[0].usd) == (0.0, 0.0)


def test_a_remix_is_as_long_as_what_it_changes() -> None:
    made = planned({"seconds": 12}, {"remixes": "s01"}, {"remixes": "s02"})
    assert [scene.seconds for scene in made.scenes] == [12, 12, 12]


def test_a_character_is_created_once_however_many_scenes_and_models_of_its_family_use_it() -> None:
    made = planned({"prompt": "Mara."}, {"prompt": "Mara!"}, {"prompt": "Mara?", "model": "sora-2-pro"})
    assert [character.character.name for character in made.characters] == ["Mara"]


def test_characters_come_in_the_order_of_the_cast() -> None:
    made = planned({"prompt": "Otto."}, {"prompt": "Mara."})
    assert [character.character.name for character in made.characters] == ["Mara", "Otto"]


def test_nobody_is_created_who_is_in_no_scene_or_in_a_remix_alone() -> None:
    made = planned({"prompt": "Otto."}, {"remixes": "s01", "prompt": "Mara takes over."})
    assert [character.character.name for character in made.characters] == ["Otto"]


def test_a_model_that_takes_the_reference_itself_creates_nobody() -> None:
    inline = model("fal", "sora-2").model_copy(update={"casting": None})
    assert planned({"prompt": "Mara climbs."}, table=lambda _: inline).characters == ()


def test_a_file_of_somebody_who_is_in_no_scene_is_not_needed() -> None:
    assert planned({}, cast=[*CAST, {"name": "Zed", "clip": "missing.mp4"}]).scenes


def test_a_retiring_model_is_warned_of_once() -> None:
    made = planned({}, {}, {"model": "sora-2-pro"}, cast=[])
    assert made.warnings == (
        "sora-2 is switched off by its maker on 2026-09-24; its successor is seedance-2",
        "sora-2-pro is switched off by its maker on 2026-09-24; its successor is seedance-2",
    )
    last = model("fal", "sora-2").model_copy(update={"successor": None, "retires_on": date(2030, 2, 1)})
    assert planned({}, table=lambda _: last, cast=[]).warnings == ("sora-2 is switched off by its maker on 2030-02-01",)
    living = last.model_copy(update={"retires_on": None})
    assert planned({}, table=lambda _: living, cast=[]).warnings == ()


def test_somebody_in_the_cast_who_is_in_no_scene_is_pointed_out() -> None:
    made = planned({"prompt": "Mara and Oto climb."})
    assert "Otto is in no scene; name Otto in a prompt or in a scene's characters" in made.warnings
    assert not [warning for warning in made.warnings if warning.startswith("Mara")]


def test_a_plan_has_the_same_hash_until_it_asks_for_something_else() -> None:
    made = planned({"prompt": "Mara."}, {"prompt": "Otto."})
    assert planned({"prompt": "Mara."}, {"prompt": "Otto."}, title="Another").hash == made.hash
    assert planned({"prompt": "Mara."}, {"prompt": "Otto!"}).hash != made.hash
    assert planned({"prompt": "Mara."}).hash != made.hash


def steps(scenes: int) -> int:
    """How many calls it takes to plan so many scenes, most of which continue the one ten before it."""
    profile = Profile()
    profile.runcall(planned, *({"continues": f"s{n - 9:02d}"} if n > 9 else {} for n in range(scenes)), model="sora-2")
    return sum(entry.callcount for entry in profile.getstats())


def test_twice_as_many_scenes_take_twice_as_many_steps() -> None:
    assert steps(200) < 2.5 * steps(100)
