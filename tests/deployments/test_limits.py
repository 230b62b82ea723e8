"""The limit of an account holds for all runs of a server, and is given back."""

import asyncio

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate

from prefect_storyboard.flows import create_characters, generate_scene, storyboard_series

from .studio_server import ACCOUNT, LIMIT


async def taken():
    async with get_client() as client:
        return (await client.read_global_concurrency_limit_by_name(LIMIT)).active_slots


async def test_two_runs_at_the_same_time_have_no_more_jobs_open_than_the_account_may(studio, limit):
    await limit(2)
    cast = ("Ferrya", "Ferryb", "Ferryc")
    first = studio.board("Ferry A", "{Ferrya}, {Ferryb} and", "{Ferryc}", "nobody", cast=cast)
    second = studio.board("Ferry B", "one", "two", "three")
    library = studio.library("Ferry")
    await asyncio.gather(*(storyboard_series(board, ACCOUNT, library) for board in (first, second)))
    meter = studio.meter("Ferry")
    assert (meter["jobs"], len(meter["billed"])) == (9, 9)
    assert studio.most_at_once("Ferry") == 2
    assert await taken() == 0


async def test_single_scenes_and_casts_keep_to_the_limit_too(studio, limit):
    await limit(1)
    board = studio.board("Skiff", "{Skiffa}", "{Skiffb}", cast=("Skiffa", "Skiffb"))
    library = studio.library("Skiff")
    clip, cast = await asyncio.gather(
        generate_scene(board, "s01", ACCOUNT, library), create_characters(board, ACCOUNT, library)
    )
    assert (clip.scene, {casting.character for casting in cast}) == ("s01", {"Skiffa", "Skiffb"})
    assert (studio.meter("Skiff")["jobs"], studio.most_at_once("Skiff"), await taken()) == (3, 1, 0)


async def test_the_slots_come_back_after_a_run_that_failed(studio, limit):
    studio.fault("policy_refusal", "Wreck")
    state = await storyboard_series(studio.board("Wreck", "a"), ACCOUNT, studio.library("Wreck"), return_state=True)
    assert state.is_failed()
    assert await taken() == 0


async def test_an_account_without_a_limit_renders_all_the_same(studio):
    async with get_client() as client:
        await client.delete_global_concurrency_limit_by_name(LIMIT)
    try:
        reel = await storyboard_series(studio.board("Reef", "a", "b"), ACCOUNT, studio.library("Reef"))
    finally:
        async with get_client() as client:
            await client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=LIMIT, limit=40))
    assert [clip.scene for clip in reel.clips] == ["s01", "s02"]


async def test_a_limit_of_nothing_is_told_before_anything_is_bought(studio, limit):
    await limit(0)
    state = await storyboard_series(studio.board("Shoal", "a"), ACCOUNT, studio.library("Shoal"), return_state=True)
    with pytest.raises(ValueError, match=rf"^the limit {LIMIT} allows no job; raise it"):
        await state.aresult()
    assert studio.submits("Shoal") == []
