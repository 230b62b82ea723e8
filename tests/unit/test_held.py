"""A plan that is held to: its hash, what differs field by field, and the file that keeps it."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from prefect_storyboard.ledger import open_storage
from prefect_storyboard.providers.table import model
from prefect_storyboard.series.held import keep_plan, kept_plan, plan_text, read_plan
from prefect_storyboard.storyboards import Plan, PlanDiffers, PlannedScene, Source, check_held, plan, shots, validate
from prefect_storyboard.storyboards.held import differences
from prefect_storyboard.storyboards.plan import State

CAST = [{"name": "Mara", "clip": "mara.mp4"}]
FILES = {"mara.mp4": "a" * 64}
NEW: tuple[State, ...] = ("new", "new")


def planned(*scenes: dict[str, Any], states: tuple[State, ...] = NEW, files: Any = None, **facts: Any) -> Plan:
    written = [{"id": f"s{number:02d}", "prompt": "Rain.", **scene} for number, scene in enumerate(scenes, 1)]
    board = validate({"title": "T", "model": "seedance-2", "cast": CAST, "scenes": written, **facts})
    resolved = shots(board, lambda name: model("fal", name), Source())
    made = plan(
        board,
        resolved,
        provider="fal",
        account="default",
        content=files or FILES,
        clip_seconds={("seedance-2", "Mara"): 2.0},
    )
    known = (job.model_copy(update={"state": state}) for job, state in zip(made.scenes, states, strict=True))
    return made.model_copy(update={"scenes": tuple(known)})


def with_scene(made: Plan, number: int, **update: Any) -> Plan:
    scenes: list[PlannedScene] = list(made.scenes)
    scenes[number] = scenes[number].model_copy(update=update)
    return made.model_copy(update={"scenes": tuple(scenes)})


HELD = planned({"prompt": "Mara waits."}, {"seconds": 4})
CHANGES: dict[str, tuple[Callable[[], Plan], str]] = {
    "length": (lambda: planned({"prompt": "Mara waits."}, {"seconds": 8}), "s02 seconds: 4 in the plan, 8 now"),
    "prompt": (lambda: planned({"prompt": "Mara runs."}, {}), "s01 prompt: Mara waits. in the plan, Mara runs. now"),
    "shape": (
        lambda: planned({"prompt": "Mara waits."}, {"aspect": "9:16"}),
        "s02 aspect: 16:9 in the plan, 9:16 now",
    ),
    "model": (
        lambda: planned({"prompt": "Mara waits."}, {"model": "kling-o3"}),
        "s02 model: seedance-2 in the plan, kling-o3 now",
    ),
    "media": (
        lambda: planned({"prompt": "Mara waits."}, {}, files={"mara.mp4": "b" * 64}),
        "s01 content: the media, the parent or the wording behind it are other ones",
    ),
    "price": (lambda: with_scene(HELD, 0, usd=9.0), "s01 price:"),
    "wording": (lambda: with_scene(HELD, 0, order="f" * 64), "s01 content:"),
    "attempts": (lambda: HELD.model_copy(update={"attempts": 2}), "attempts: 1 in the plan, 2 now"),
    "account": (lambda: HELD.model_copy(update={"account": "other"}), "account: default in the plan, other now"),
    "one more": (
        lambda: planned({"prompt": "Mara waits."}, {}, {"prompt": "Sun."}, states=("new",) * 3),
        "s03: is not in the plan;",
    ),
    "one less": (
        lambda: planned({"prompt": "Mara waits."}, states=("new",)),
        "s02: is in the plan, and not in the storyboard any more",
    ),
    "order": (
        lambda: HELD.model_copy(update={"scenes": HELD.scenes[::-1]}),
        "order of the scenes: is another one",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_decides_money_or_content_changes_the_hash_and_is_named_by_its_field(change: str) -> None:
    make, line = CHANGES[change]
    today = make()
    assert today.hash != HELD.hash
    with pytest.raises(PlanDiffers, match="nothing was bought") as raised:
        check_held(HELD, today)
    assert any(each.startswith(line) for each in raised.value.lines), raised.value.lines


def test_the_same_storyboard_under_another_title_is_the_same_plan() -> None:
    today = planned({"prompt": "Mara waits."}, {"seconds": 4}, title="Another")
    assert today.hash == HELD.hash
    check_held(HELD, today)


def test_a_run_that_goes_on_after_a_crash_is_the_plan_at_work() -> None:
    check_held(HELD, planned({"prompt": "Mara waits."}, {}, states=("cached", "new")))
    check_held(HELD, planned({"prompt": "Mara waits."}, {}, states=("cached", "reattached")))


def test_what_was_there_and_would_be_bought_now_is_a_difference() -> None:
    held = planned({"prompt": "Mara waits."}, {}, states=("cached", "new"))
    assert [*differences(held, HELD)] == [f"s01: is cached in the plan, and would be bought now for {_usd(HELD)}"]
    assert held.hash != HELD.hash, "what is to be bought decides money"


def test_a_new_price_of_what_is_bought_already_is_no_difference() -> None:
    held = planned({"prompt": "Mara waits."}, {}, states=("cached", "new"))
    check_held(held, with_scene(held, 0, usd=9.0))
    assert [*differences(held, with_scene(held, 1, usd=9.0))]


def test_a_plan_survives_its_file() -> None:
    again = read_plan(plan_text(HELD), "plan.json")
    assert again.hash == HELD.hash
    check_held(again, HELD)


def test_a_saved_plan_that_was_changed_by_hand_is_refused() -> None:
    facts = json.loads(plan_text(HELD))
    facts["scenes"][0]["usd"] = 0.01
    with pytest.raises(ValueError, match="was changed after it was saved; nothing was bought"):
        read_plan(json.dumps(facts), "plan.json")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"hash": "x"}', "no json"])
def test_what_is_no_plan_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueError, match="should be a plan that `storyboard plan --save` wrote"):
        read_plan(text, "plan.json")


def test_a_library_finds_a_plan_by_the_beginning_of_its_hash() -> None:
    storage = open_storage(f"memory://held/{uuid4().hex}")
    keep_plan(storage, HELD)
    keep_plan(storage, planned({"prompt": "Mara runs."}, {}))
    assert kept_plan(storage, HELD.hash) == kept_plan(storage, HELD.hash[:12].upper()) == HELD
    for word in ("", HELD.hash[:5], "f" * 64):
        with pytest.raises(ValueError, match="plan_hash: the library has no plan"):
            kept_plan(storage, word)


def test_no_signature_is_saved_with_a_plan() -> None:
    signed = "https://bucket.example/dawn.png?sig=s3cret"
    held = planned({"image": signed, "prompt": f"As in {signed}"}, {}, files={**FILES, signed: "c" * 64})
    assert "s3cret" not in plan_text(held)
    assert read_plan(plan_text(held), "plan.json").hash == held.hash


def _usd(made: Plan) -> str:
    return f"${made.scenes[0].usd:g}" if made.scenes[0].usd else "unknown"
