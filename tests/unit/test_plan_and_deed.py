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
from .library_states import BEFORE, EARLIER, LAST, REEL, LibraryState, a_library, agree, ended, film, lost, torn
from .purchases import dead


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("takes")


@pytest.fixture
def state(folder: Path) -> Iterator[LibraryState]:
    with a_library(folder) as found:
        yield found


# ---------------------------------------------------------------------------------------------------- one scene

SEA: dict[str, Any] = {"prompt": "The sea.", "characters": []}
DAMAGES: dict[str, Callable[..., None]] = {"torn": torn, "lost": lost}
RECORDS = ["intent", "job", "outcome", "late", "take number", "sidecar", "clip", "all records"]


def spoil(state: LibraryState, key: str, damage: str, record: str, number: int = 1) -> None:
    """Damage one thing that is stored of a job, if it is there."""
    places = {
        "take number": ("ledger", "takes", REEL, "s01", "001.json"),
        "sidecar": ("reels", REEL, "scenes", "s01", "take-001.json"),
        "clip": ("reels", REEL, "scenes", "s01", "take-001.mp4"),
    }
    if record == "all records":
        for attempt, name in state.ledger.records(key):
            lost(state, "ledger", key[:2], key, attempt, name)
        return
    place = places.get(record, ("ledger", key[:2], key, f"{number:03d}", f"{record}.json"))
    if state.ledger.storage.exists(*place):
        DAMAGES[damage](state, *place)


STEADY: dict[str, Any] = {"deadline": None, "derandomize": True, "database": None}
ONE_SCENE = given(
    before=st.lists(st.sampled_from(sorted(BEFORE)), max_size=6),
    last=st.sampled_from(LAST),
    attempts=st.integers(1, 3),
    damage=st.none() | st.tuples(st.sampled_from(sorted(DAMAGES)), st.sampled_from(RECORDS), st.integers(1, 3)),
    others_take=st.booleans(),
)


def agree_on_a_scene(
    folder: Path,
    before: list[str],
    last: str,
    attempts: int,
    damage: tuple[str, str, int] | None,
    others_take: bool,  # noqa: FBT001 - drawn
) -> None:
    async def compare() -> None:
        state.attempts = attempts
        (scene,) = state.plan(SEA).scenes
        if others_take:  # the number is another job's, as after an edit
            state.past("e" * 64, "done")
        state.past(scene.key, *before, last)
        if damage:
            spoil(state, scene.key, *damage)
        try:
            said = await state.planned(SEA)
        except LedgerLost:
            said = ["unreadable"]
        assert said == await state.run(SEA)

    with a_library(folder) as state:
        asyncio.run(compare())


@settings(max_examples=50, **STEADY)
@ONE_SCENE
def test_the_run_does_what_the_plan_says(folder: Path, **drawn: Any) -> None:
    agree_on_a_scene(folder, **drawn)


@pytest.mark.slow
@settings(max_examples=500, **STEADY)
@ONE_SCENE
def test_the_run_does_what_the_plan_says_500_times(folder: Path, **drawn: Any) -> None:
    agree_on_a_scene(folder, **drawn)


# ---------------------------------------------------------------------------------------------------- several jobs

MARA: dict[str, Any] = {"prompt": "Mara wakes."}
CHILD: dict[str, Any] = {"prompt": "She goes on.", "characters": [], "continues": "s01"}
GRANDCHILD: dict[str, Any] = {"prompt": "And on.", "characters": [], "continues": "s02"}
WORDS = ["nothing", "paid", "free", "input", "done", "open", "refused"]


def created(state: LibraryState, key: str, word: str) -> None:
    """What earlier runs have left of the creation of a character."""
    if word != "done":
        state.past(key, word)
        return
    state.ledger.intend(1, intent(key, owner=dead(), at=EARLIER, character="Mara"))
    state.ledger.submitted(key, 1, job("mara", submitted_at=EARLIER))
    state.ledger.close(key, 1, ended("done", casting=Casting(character="Mara", id="char_1")))


FOUR_JOBS = given(
    words=st.lists(st.sampled_from(WORDS), min_size=4, max_size=4), torn_job=st.none() | st.integers(0, 3)
)


def agree_on_four_jobs(folder: Path, words: list[str], torn_job: int | None) -> None:
    async def compare() -> None:
        board = (MARA, CHILD, GRANDCHILD)
        mara, *scenes = state.plan(*board).jobs
        created(state, mara.key, words[0])
        parents = [None, *(scene.key for scene in scenes)]
        for number, (scene, word) in enumerate(zip(scenes, words[1:], strict=True), 1):
            state.past(scene.key, word, scene=f"s{number:02d}", parent=parents[number - 1])
        if torn_job is not None:
            spoil(state, [mara, *scenes][torn_job].key, "torn", "intent")
        said, done = await state.planned(*board), await state.run(*board)
        assert agree(said, done), (said, done)

    with a_library(folder) as state:
        asyncio.run(compare())


@settings(max_examples=25, **STEADY)
@FOUR_JOBS
def test_the_run_does_what_the_plan_says_where_scenes_need_others(folder: Path, **drawn: Any) -> None:
    agree_on_four_jobs(folder, **drawn)


@pytest.mark.slow
@settings(max_examples=250, **STEADY)
@FOUR_JOBS
def test_the_run_does_what_the_plan_says_where_scenes_need_others_250_times(folder: Path, **drawn: Any) -> None:
    agree_on_four_jobs(folder, **drawn)


async def test_what_cannot_be_ordered_costs_nothing(state: LibraryState) -> None:
    board = (MARA, CHILD, GRANDCHILD)
    state.past(state.plan(*board).scenes[0].key, "paid")
    created(state, state.plan(*board).characters[0].key, "done")
    asked = state.plan(*board)
    wanted = await estimate(asked, state.ledger, 1)
    known = with_states(asked, wanted)
    assert [each.state for each in known.scenes] == ["failed", "blocked", "blocked"]
    assert (known.low_usd, known.high_usd, wanted.usd, wanted.unpriced) == (0.0, 0.0, 0.0, ())
    assert [line for line in wanted.warnings if line.startswith("s0")] == [
        "s02: it needs s01, which has no clip and is not bought again",
        "s03: it needs s02, which has no clip and is not bought again",
    ]
    assert not any(map(wanted.buys, (scene.key for scene in asked.scenes)))


async def test_a_scene_whose_character_failed_is_blocked_and_says_so(state: LibraryState) -> None:
    created(state, state.plan(MARA).characters[0].key, "paid")
    wanted = await estimate(state.plan(MARA), state.ledger, 1)
    assert wanted.warnings == ("s01: it needs Mara, who could not be created",)
    state.attempts = 2
    assert await state.planned(MARA) == ["new", "new"], "another attempt is allowed"


async def test_a_character_that_a_take_shows_and_whose_records_are_lost_is_not_planned_as_new(
    state: LibraryState,
) -> None:
    (mara,) = state.plan(MARA).characters
    made = {"family": "sora-2", "provider": "fal", "account": "default", "fingerprint": mara.fingerprint}
    clip = film("e" * 64).model_copy(update={"characters": (Casting(character="Mara", id="char_1", **made),)})
    state.past("e" * 64, "open")
    state.publish(clip, 1)
    assert await state.planned(MARA) == ["unreadable", "blocked"]
    assert await state.run(MARA) == ["unreadable", "blocked"]
    assert state.gateway.billed == []


async def test_a_character_that_is_made_from_a_scene_that_failed_is_blocked_and_so_is_who_shows_it(
    state: LibraryState,
) -> None:
    cast = [{"name": "Mara", "from_scene": "s01"}]
    board = ({"prompt": "A keeper turns.", "characters": []}, {"prompt": "Mara rows."})
    asked = state.plan(*board, cast=cast)
    state.past(asked.scenes[0].key, "paid")
    wanted = await estimate(state.plan(*board, cast=cast), state.ledger, 1)
    known = with_states(asked, wanted)
    assert [each.state for each in known.jobs] == ["blocked", "failed", "blocked"]
    assert (known.low_usd, known.high_usd) == (0.0, 0.0)
    assert wanted.warnings[0] == "Mara: is made from s01, which has no clip and is not bought again"
