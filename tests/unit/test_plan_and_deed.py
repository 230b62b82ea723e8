"""What the plan says of a job is what the run does with it, whatever its records are."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefect_storyboard.jobs.estimate import estimate
from prefect_storyboard.ledger import LedgerLost
from prefect_storyboard.series.known import with_states
from prefect_storyboard.storyboards import Casting

from .fakes import intent, job
from .nights import BEFORE, EARLIER, LAST, REEL, Night, a_night, agree, ended, film, lost, torn
from .purchases import dead


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("takes")


@pytest.fixture
def night(folder: Path) -> Iterator[Night]:
    with a_night(folder) as found:
        yield found


# ---------------------------------------------------------------------------------------------------- one scene

SEA: dict[str, Any] = {"prompt": "The sea.", "characters": []}
DAMAGES: dict[str, Callable[..., None]] = {"torn": torn, "lost": lost}
RECORDS = ["intent", "job", "outcome", "late", "take number", "sidecar", "clip", "all records"]


def spoil(night: Night, key: str, damage: str, record: str, number: int = 1) -> None:
    """Damage one thing that is stored of a job, if it is there."""
    places = {
        "take number": ("ledger", "takes", REEL, "s01", "001.json"),
        "sidecar": ("reels", REEL, "scenes", "s01", "take-001.json"),
        "clip": ("reels", REEL, "scenes", "s01", "take-001.mp4"),
    }
    if record == "all records":
        for attempt, name in night.ledger.records(key):
            lost(night, "ledger", key[:2], key, attempt, name)
        return
    place = places.get(record, ("ledger", key[:2], key, f"{number:03d}", f"{record}.json"))
    if night.ledger.storage.exists(*place):
        DAMAGES[damage](night, *place)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(
    before=st.lists(st.sampled_from(sorted(BEFORE)), max_size=6),
    last=st.sampled_from(LAST),
    attempts=st.integers(1, 3),
    damage=st.none() | st.tuples(st.sampled_from(sorted(DAMAGES)), st.sampled_from(RECORDS), st.integers(1, 3)),
    others_take=st.booleans(),
)
def test_the_run_does_what_the_plan_says(
    folder: Path,
    before: list[str],
    last: str,
    attempts: int,
    damage: tuple[str, str, int] | None,
    others_take: bool,  # noqa: FBT001 - drawn
) -> None:
    async def compare() -> None:
        night.attempts = attempts
        (scene,) = night.plan(SEA).scenes
        if others_take:  # the number is another job's, as after an edit
            night.past("e" * 64, "done")
        night.past(scene.key, *before, last)
        if damage:
            spoil(night, scene.key, *damage)
        try:
            said = await night.planned(SEA)
        except LedgerLost:
            said = ["unreadable"]
        assert said == await night.run(SEA)

    with a_night(folder) as night:
        asyncio.run(compare())


# ---------------------------------------------------------------------------------------------------- several jobs

MARA: dict[str, Any] = {"prompt": "Mara wakes."}
CHILD: dict[str, Any] = {"prompt": "She goes on.", "characters": [], "continues": "s01"}
GRANDCHILD: dict[str, Any] = {"prompt": "And on.", "characters": [], "continues": "s02"}
WORDS = ["nothing", "paid", "free", "input", "done", "open", "refused"]


def created(night: Night, key: str, word: str) -> None:
    """What earlier runs have left of the creation of a character."""
    if word != "done":
        night.past(key, word)
        return
    night.ledger.intend(1, intent(key, owner=dead(), at=EARLIER, character="Mara"))
    night.ledger.submitted(key, 1, job("mara", submitted_at=EARLIER))
    night.ledger.close(key, 1, ended("done", casting=Casting(character="Mara", id="char_1")))


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(words=st.lists(st.sampled_from(WORDS), min_size=4, max_size=4), torn_job=st.none() | st.integers(0, 3))
def test_the_run_does_what_the_plan_says_where_scenes_need_others(
    folder: Path, words: list[str], torn_job: int | None
) -> None:
    async def compare() -> None:
        board = (MARA, CHILD, GRANDCHILD)
        mara, *scenes = night.plan(*board).jobs
        created(night, mara.key, words[0])
        parents = [None, *(scene.key for scene in scenes)]
        for number, (scene, word) in enumerate(zip(scenes, words[1:], strict=True), 1):
            night.past(scene.key, word, scene=f"s{number:02d}", parent=parents[number - 1])
        if torn_job is not None:
            spoil(night, [mara, *scenes][torn_job].key, "torn", "intent")
        said, done = await night.planned(*board), await night.run(*board)
        assert agree(said, done), (said, done)

    with a_night(folder) as night:
        asyncio.run(compare())


async def test_what_cannot_be_ordered_costs_nothing(night: Night) -> None:
    board = (MARA, CHILD, GRANDCHILD)
    night.past(night.plan(*board).scenes[0].key, "paid")
    created(night, night.plan(*board).characters[0].key, "done")
    asked = night.plan(*board)
    wanted = await estimate(asked, night.ledger, 1)
    known = with_states(asked, wanted)
    assert [each.state for each in known.scenes] == ["failed", "blocked", "blocked"]
    assert (known.low_usd, known.high_usd, wanted.usd, wanted.unpriced) == (0.0, 0.0, 0.0, ())
    assert [line for line in wanted.warnings if line.startswith("s0")] == [
        "s02: it needs s01, which has no clip and is not bought again",
        "s03: it needs s02, which has no clip and is not bought again",
    ]
    assert not any(map(wanted.buys, (scene.key for scene in asked.scenes)))


async def test_a_scene_whose_character_failed_is_blocked_and_says_so(night: Night) -> None:
    created(night, night.plan(MARA).characters[0].key, "paid")
    wanted = await estimate(night.plan(MARA), night.ledger, 1)
    assert wanted.warnings == ("s01: it needs Mara, who could not be created",)
    night.attempts = 2
    assert await night.planned(MARA) == ["new", "new"], "another attempt is allowed"


async def test_a_character_that_a_take_shows_and_whose_records_are_lost_is_not_planned_as_new(night: Night) -> None:
    (mara,) = night.plan(MARA).characters
    made = {"family": "sora-2", "provider": "fal", "account": "default", "fingerprint": mara.fingerprint}
    clip = film("e" * 64).model_copy(update={"characters": (Casting(character="Mara", id="char_1", **made),)})
    night.past("e" * 64, "open")
    night.publish(clip, 1)
    assert await night.planned(MARA) == ["unreadable", "blocked"]
    assert await night.run(MARA) == ["unreadable", "blocked"]
    assert night.gateway.billed == []


async def test_a_character_that_is_made_from_a_scene_that_failed_is_blocked_and_so_is_who_shows_it(
    night: Night,
) -> None:
    cast = [{"name": "Mara", "from_scene": "s01"}]
    board = ({"prompt": "A keeper turns.", "characters": []}, {"prompt": "Mara rows."})
    asked = night.plan(*board, cast=cast)
    night.past(asked.scenes[0].key, "paid")
    wanted = await estimate(night.plan(*board, cast=cast), night.ledger, 1)
    known = with_states(asked, wanted)
    assert [each.state for each in known.jobs] == ["blocked", "failed", "blocked"]
    assert (known.low_usd, known.high_usd) == (0.0, 0.0)
    assert wanted.warnings[0] == "Mara: is made from s01, which has no clip and is not bought again"
