"""What moving to another model changes is said before anything is bought: no server, no gateway, only what is stored."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from prefect_storyboard.flows.recast import row, total
from prefect_storyboard.ledger import Storage, open_storage
from prefect_storyboard.providers.table import model
from prefect_storyboard.series.prepare import Overrides, Prepared
from prefect_storyboard.series.recast import compared_with, needed_of_cast
from prefect_storyboard.storyboards import (
    Asked,
    Casting,
    Clip,
    Problem,
    Source,
    StoryboardError,
    plan,
    shots,
    validate,
)
from prefect_storyboard.storyboards.recast import Recast, wanted_of_cast
from prefect_storyboard.tasks._arguments import check_castings

FILES = {"m.mp4": "d" * 64}
BOARD: dict[str, Any] = {
    "title": "T",
    "model": "sora-2",
    "seconds": 10,
    "seed": 7,
    "cast": [{"name": "Mara", "clip": "m.mp4"}],
    "scenes": [
        {"id": "s01", "prompt": "Mara rows."},
        {"id": "s02", "prompt": "A boat.", "model": "sora-2-pro", "continues": "s01", "characters": ["Mara"]},
    ],
}
MARA = Casting(character="Mara", id="char_1", mention="@mara.1", provider="kie", account="default", family="sora-2")


@pytest.fixture
def storage() -> Storage:
    return open_storage(f"memory://recast/{uuid4().hex}")


def moved(to: str = "seedance-2.5", provider: str = "kie", **facts: Any) -> Prepared:
    """What a run of the board prepares, all of it at another model."""
    board = validate({**BOARD, **facts})
    named = {scene.id: str(scene.model or board.model) for scene in board.scenes}
    board = Overrides(model=to, fit="nearest", every_scene=True).on(board)
    made = shots(board, lambda name: model(provider, name), Source())
    planned = plan(board, made, provider=provider, account="default", content=FILES)
    return Prepared(plan=planned, files={}, cast={}, models=named)


def store(storage: Storage, scene: str, take: int, key: str, **facts: Any) -> None:
    """A take of the old model in the library."""
    usual = {"url": "u", "sha256": key * 64, "bytes": 1, "seconds": 10.0, "width": 1280, "height": 720}
    asked = Asked(seconds=10, aspect="16:9", resolution="720p")
    clip = Clip(
        **{**usual, "job_key": key, "cost_usd": 0.15, "provider": "kie", "model": "sora-2", "request_id": "r", **facts},
        scene=scene, take=take, prompt="Mara rows.", characters=(MARA,), asked=asked, stored_at=datetime.now(UTC),
    )  # fmt: skip
    storage.write(clip.model_dump_json().encode(), "reels", "t", "scenes", scene, f"take-{take:03d}.json")


def changes(storage: Storage, **facts: Any) -> Recast:
    return compared_with(moved(**facts), storage)


def test_every_scene_moves_also_one_that_names_a_model_and_the_whole_is_priced(storage: Storage) -> None:
    found = changes(storage)
    assert {change.after.model for change in found.changes} == {"seedance-2.5"}
    assert [change.before.model if change.before else None for change in found.changes] == ["sora-2", "sora-2-pro"]
    assert total(found) == "$1.80 before, $6.30 at seedance-2.5 (kie)"


def test_the_price_of_a_recast_is_that_of_all_its_takes(storage: Storage) -> None:
    prepared = moved()
    first = prepared.plan.scenes[0]
    further = first.with_take(2).model_copy(update={"further": True})
    plan = prepared.plan.model_copy(update={"takes": (further,)})
    found = compared_with(prepared.model_copy(update={"plan": plan}), storage)
    assert total(found) == "$1.80 before, $9.45 at seedance-2.5 (kie) for 3 takes"


def test_what_stands_is_the_take_of_the_reel_that_was_assembled_last(storage: Storage) -> None:
    for take, key, usd in ((1, "a", 0.1), (2, "b", 0.2), (3, "c", 0.3)):
        store(storage, "s01", take, key, cost_usd=usd)
    storage.write(json.dumps({"scenes": [{"key": "b"}]}).encode(), "reels", "t", "plan.json")
    (change, _) = changes(storage).changes
    assert change.before is not None
    assert (change.before.usd, change.kept_take) == (0.2, 2)
    assert change.before.endpoint == "sora-2-text-to-video"
    assert change.before.characters == {"Mara": "@mara.1"}


def test_a_row_says_where_it_goes_how_long_it_is_what_it_costs_and_who_is_shown_how(storage: Storage) -> None:
    store(storage, "s01", 1, "a")
    assert row(changes(storage, to="veo-3.1", provider="fal").changes[0]) == {
        "scene": "s01",
        "was": "sora-2 at kie",
        "will be": "veo-3.1 at fal",
        "endpoint": "fal-ai/veo3.1/reference-to-video",
        "seconds": "10 to 8",
        "size": "16:9 720p",
        "price": "$0.15 to $3.20",
        "characters": "Mara: @mara.1, then shown",
        "stays": "take 1",
        "cannot be kept": "10 s was asked for, 8 s is rendered and billed; seed is left out: veo-3.1 at fal takes no seed in a scene that shows its characters",
    }


def test_a_torn_record_of_the_reel_and_a_torn_take_are_as_if_they_were_not_there(storage: Storage) -> None:
    storage.write(b"{", "reels", "t", "plan.json")
    storage.write(b"{", "reels", "t", "scenes", "s01", "take-001.json")
    (change, _) = changes(storage).changes
    assert change.before is not None
    assert (change.before.model, change.kept_take) == ("sora-2", None)


def test_a_model_that_no_gateway_sells_any_more_has_no_price_and_no_endpoint(storage: Storage) -> None:
    found = changes(storage, model="gone-1").changes[0]
    assert (found.before, found.after.model) == (None, "seedance-2.5")


def test_a_cast_that_exists_by_its_id_only_is_told_what_the_new_model_needs(storage: Storage) -> None:
    store(storage, "s01", 1, "a")
    missing = StoryboardError(Problem(source="b.yaml", line=3, field="cast[0].clip", message="is not there"))
    (line,) = needed_of_cast(missing, model("kie", "seedance-2.5"), storage)
    assert line.message == (
        "seedance-2.5 at kie is shown 1 to 3 pictures of a character of at least 300 pixels a side, or a clip of 2 to "
        "4.9 s; this library has Mara only as char_1 at kie, which no other model knows"
    )


def test_media_that_the_library_keeps_are_named_to_be_written_into_the_board(storage: Storage) -> None:
    store(storage, "s01", 1, "a")
    storage.write(b"film", "characters", "mara", "abc", "clip.mp4")
    storage.write(b'{"name": "Mara", "clip": "clip.mp4", "images": []}', "characters", "mara", "abc", "character.json")
    missing = StoryboardError(Problem(source="b.yaml", line=3, field="cast[0].clip", message="is not there"))
    (line,) = needed_of_cast(missing, model("kie", "seedance-2.5"), storage)
    assert f"this library has Mara as {storage.link('characters', 'mara', 'abc', 'clip.mp4')}" in line.message


def test_a_mistake_that_is_not_of_the_cast_says_nothing_of_it(storage: Storage) -> None:
    wrong = StoryboardError(Problem(source="b.yaml", line=3, field="scenes[0].seconds", message="is no number"))
    assert needed_of_cast(wrong, model("kie", "seedance-2.5"), storage) == []


def test_a_task_says_the_same_of_a_casting_that_is_only_an_id() -> None:
    board = validate({**BOARD, "model": "seedance-2.5", "fit": "nearest", "scenes": BOARD["scenes"][:1]})
    (shot,) = shots(board, lambda name: model("kie", name), Source())
    with pytest.raises(ValueError, match=r"only as char_1, to kie\): seedance-2.5 at kie is shown 1 to 3 pictures"):
        check_castings([MARA], shot, "default")


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (("kie", "sora-2"), "makes a character from a clip of 1 to 4 s"),
        (
            ("fal", "kling-o3"),
            "2 to 4 pictures of a character of at least 300 pixels a side, which may be taken from a",
        ),
        (("fal", "vidu-q3"), "is shown 1 picture of a character, which may be taken from a clip"),
        (("toapis", "sora-2-official"), "shows no characters"),
    ],
)
def test_what_a_model_needs_of_a_character(place: tuple[str, str], words: str) -> None:
    assert words in wanted_of_cast(model(*place))
