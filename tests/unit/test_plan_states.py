"""A plan with what the ledger knows: what is new, what it costs at least and at most, and the part for one scene."""

from typing import Any

import pytest

from prefect_storyboard.flows.plan import cost_of, row
from prefect_storyboard.providers.table import model
from prefect_storyboard.storyboards import Plan, Source, plan, shots, validate
from prefect_storyboard.storyboards.plan import State

CAST = [{"name": "Mara", "clip": "mara.mp4"}, {"name": "Otto", "clip": "otto.mp4"}]
FILES = {"mara.mp4": "a" * 64, "otto.mp4": "b" * 64}


def planned(*scenes: dict[str, Any], provider: str = "wavespeed", **facts: Any) -> Plan:
    """WaveSpeed says what a character costs; a scene of 4 s is $0.40 there."""
    written = [{"id": f"s{number:02d}", "prompt": "p", **scene} for number, scene in enumerate(scenes, 1)]
    board = validate({"title": "T", "model": "sora-2", "cast": CAST, "scenes": written, **facts})
    made = shots(board, lambda name: model(provider, name), Source())
    return plan(board, made, provider=provider, account="default", content=FILES)


def known(made: Plan, *states: State | None) -> Plan:
    """The plan with these states of its scenes."""
    pairs = zip(made.scenes, states, strict=True)
    return made.model_copy(update={"scenes": tuple(job.model_copy(update={"state": state}) for job, state in pairs)})


@pytest.mark.parametrize(
    ("states", "low", "high", "said"),
    [
        ((None, None), 0.8, 0.8, "$0.80"),
        (("new", "new"), 0.8, 0.8, "$0.80"),
        (("new", "cached"), 0.4, 0.4, "$0.40"),
        (("cached", "reattached"), 0.0, 0.0, "$0.00"),
        (("failed", "cached"), 0.0, 0.0, "$0.00"),
        (("unknown", "cached"), 0.0, 0.4, "$0.00 to $0.40"),
        (("unknown", "new"), 0.4, 0.8, "$0.40 to $0.80"),
    ],
    ids=str,
)
def test_what_may_turn_out_to_be_new_is_in_the_most_and_not_in_the_least(
    states: tuple[State, State], low: float, high: float, said: str
) -> None:
    made = known(planned({}, {}), *states)
    assert (made.low_usd, made.high_usd, cost_of(made)) == (low, high, said)


@pytest.mark.parametrize("state", [None, "new", "unknown"])
def test_an_unknown_price_is_never_nothing(state: State | None) -> None:
    made = known(planned({}, {"model": "sora-2-pro", "resolution": "1080p"}), "new", state)
    assert (made.low_usd, made.high_usd) == (0.4, None)
    assert cost_of(made) == "$0.40 and 1 job of unknown price"
    assert [row(scene)["price"] for scene in made.scenes] == ["$0.40", "unknown"]


@pytest.mark.parametrize("state", ["cached", "reattached", "failed"])
def test_an_unknown_price_of_what_is_bought_already_does_not_matter(state: State) -> None:
    made = known(planned({}, {"model": "sora-2-pro", "resolution": "1080p"}), "new", state)
    assert (made.low_usd, made.high_usd) == (0.4, 0.4)


def test_sums_are_rounded_as_money() -> None:
    made = planned(*({"seconds": 4} for _ in range(7)))
    assert (made.low_usd, made.high_usd) == (2.8, 2.8)


def test_characters_are_paid_for_too() -> None:
    made = planned({"prompt": "Mara wakes."}, {"prompt": "Mara and Otto climb."})
    assert made.low_usd == made.high_usd == 0.802


def test_of_the_states_only_what_is_to_be_bought_is_in_the_hash() -> None:
    made = planned({"prompt": "Mara wakes."}, {})
    assert known(made, "new", "unknown").hash == made.hash
    assert known(made, "cached", "new").hash == known(made, "reattached", "new").hash != made.hash


def test_a_row_says_what_a_person_wants_to_know() -> None:
    made = known(planned({"prompt": "Mara and Otto climb."}), "new")
    assert row(made.scenes[0]) == {
        "scene": "s01",
        "state": "new",
        "model": "sora-2",
        "seconds": "4",
        "size": "16:9 720p",
        "characters": "Mara, Otto",
        "price": "$0.40",
    }


# --- one scene


def family() -> Plan:
    """s04 continues s02, which continues s01; s03 stands alone; s05 remixes s03."""
    return planned(
        {"prompt": "Mara wakes."},
        {"prompt": "p", "continues": "s01"},
        {"prompt": "Otto waits."},
        {"prompt": "p", "continues": "s02"},
        {"prompt": "Otto at night", "remixes": "s03"},
        provider="fal",
    )


@pytest.mark.parametrize(
    ("scene", "scenes", "cast"),
    [
        ("s01", ["s01"], ["Mara"]),
        ("s02", ["s01", "s02"], ["Mara"]),
        ("s03", ["s03"], ["Otto"]),
        ("s04", ["s01", "s02", "s04"], ["Mara"]),
        ("s05", ["s03", "s05"], ["Otto"]),
    ],
)
def test_one_scene_needs_its_ancestors_and_their_characters_and_nothing_else(
    scene: str, scenes: list[str], cast: list[str]
) -> None:
    part = family().only(scene)
    assert [each.scene.id for each in part.scenes] == scenes
    assert [each.character.name for each in part.characters] == cast
    keys = {each.scene.id: each.key for each in family().scenes}
    assert [each.key for each in part.scenes] == [keys[name] for name in scenes], "it is the very same job"


def test_a_parent_may_stand_behind_its_child() -> None:
    made = planned({"continues": "s02"}, {"prompt": "Otto waits."})
    assert [each.scene.id for each in made.only("s01").scenes] == ["s02", "s01"]


def test_a_character_is_made_for_the_family_of_models_that_shows_it() -> None:
    made = planned({"prompt": "Mara.", "model": "seedance-2"}, {"prompt": "Mara!"}, provider="fal")
    assert [len(made.only(scene).characters) for scene in ("s01", "s02")] == [0, 1]


def test_a_scene_that_there_is_not_is_named_with_one_that_there_is() -> None:
    with pytest.raises(ValueError, match=r"^no scene has the id s1; did you mean s01\?$"):
        family().only("s1")
