"""What is paid for is paid for once, and a second run buys nothing."""

import asyncio
import json
import os
import shutil
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest
from prefect import flow
from prefect.server.api.server import SubprocessASGIServer

from prefect_storyboard.flows import storyboard_series
from prefect_storyboard.sandbox.server import environment

RACER = """
import asyncio, json, sys
from prefect_storyboard.blocks import FalCredentials
from prefect_storyboard.flows import storyboard_series

board, environment, library = json.loads(sys.stdin.readline())
print("ready", flush=True)
sys.stdin.readline()
reel = asyncio.run(storyboard_series(board, FalCredentials.from_environment(environment), library))
print(json.dumps([reel.bought, [clip.sha256 for clip in reel.clips]]))
"""


async def test_a_character_is_created_once_for_all_its_scenes(studio):
    reel = await studio.render(studio.board("Mara wakes.", "Mara and Otto climb.", "Otto waits.", "Nobody is here."))
    assert studio.bought() == (2, 4)
    named = {casting.character: casting.id for clip in reel.clips for casting in clip.characters}
    ids = [body.get("character_ids", []) for body in studio.submitted() if "prompt" in body]
    assert sorted(ids) == sorted([[named["Mara"]], [named["Mara"], named["Otto"]], [named["Otto"]], []])


async def test_a_second_run_asks_the_provider_nothing_at_all(studio):
    board = studio.board("Mara wakes.", "Otto waits.", "She goes on.")
    board["scenes"][2]["continues"] = "s01"
    reel = await studio.render(board)
    calls = len(studio.requests())
    again = await studio.render(board)
    assert len(studio.requests()) == calls
    assert (again.bought, again.bought_usd, again.cost_usd) == (0, 0.0, reel.cost_usd)
    assert (again.clips, again.url, again.seconds) == (reel.clips, reel.url, reel.seconds)


async def test_a_changed_scene_buys_one_clip_and_keeps_the_old_one(studio):
    board = studio.board("Mara wakes.", "Otto waits.", "She goes on.")
    board["scenes"][2]["continues"] = "s01"
    before = await studio.render(board)
    board["scenes"][0]["prompt"] = "Mara wakes late."
    after = await studio.render(board)
    assert (after.bought, studio.bought()) == (1, (2, 4))
    assert [clip.take for clip in after.clips] == [2, 1, 1]
    assert Path(before.clips[0].url).exists()
    assert any("s03" in warning for warning in after.warnings), "s03 continues a take that the reel does not use"


async def test_a_new_title_or_order_or_scene_id_buys_nothing(studio):
    board = studio.board("Mara wakes.", "Otto waits.")
    await studio.render(board)
    calls = len(studio.requests())
    reel = await studio.render({**board, "title": "The Lamp"})
    assert Path(reel.url) == Path(studio.library) / "reels/the-lamp/reel.mp4"
    board["scenes"].reverse()
    board["scenes"][0]["id"] = "opening"
    reel = await studio.render({**board, "title": "The Lamp"})
    assert [clip.scene for clip in reel.clips] == ["opening", "s01"]
    assert len(studio.requests()) == calls


async def test_clips_outlive_the_folder_of_the_title_under_which_they_were_bought(studio):
    board = studio.board("The sea.")
    await studio.render(board)
    await studio.render({**board, "title": "The Lamp"})
    shutil.rmtree(Path(studio.library) / "reels/the-lighthouse")
    studio.fault("output_missing")  # by then the provider has forgotten
    studio.fault("expired")
    reel = await studio.render({**board, "title": "The Lamp"})
    assert (reel.bought, len(reel.clips)) == (0, 1)


async def test_a_clip_that_was_deleted_is_fetched_again_and_not_bought(studio):
    board = studio.board("The sea.")
    clip = (await studio.render(board)).clips[0]
    Path(clip.url).unlink()
    again = (await studio.render(board)).clips[0]
    assert (again.sha256, Path(again.url).exists()) == (clip.sha256, True)
    assert studio.bought() == (0, 1)


async def test_a_raised_take_buys_one_more_and_the_earlier_take_comes_back_for_nothing(studio):
    board = studio.board("The sea.")
    first = (await studio.render(board)).clips[0]
    board["scenes"][0]["take"] = 2
    second = (await studio.render(board)).clips[0]
    assert (first.take, second.take, studio.bought()) == (1, 2, (0, 2))
    assert Path(first.url).exists()
    assert Path(second.url).name == "take-002.mp4"
    del board["scenes"][0]["take"]
    assert (await studio.render(board)).clips[0] == first
    assert studio.bought() == (0, 2)


async def test_a_scene_written_twice_is_bought_twice(studio):
    reel = await studio.render(studio.board("The sea.", "The sea."))
    assert studio.bought() == (0, 2)
    assert len({clip.request_id for clip in reel.clips}) == 2


async def test_another_series_uses_the_characters_of_the_library(studio):
    await studio.render(studio.board("Mara wakes."))
    await studio.render(studio.board("Mara sleeps.", title="Second Series"))
    assert studio.bought() == (1, 2)


async def test_flows_at_the_same_moment_buy_each_character_and_scene_once(studio):
    board = studio.board("Mara wakes.", "Mara and Otto climb.", "Otto waits.")
    reels = await asyncio.gather(studio.render(board), studio.render(board))
    assert studio.bought() == (2, 3)
    assert studio.meter()["duplicates"] == []
    assert sum(reel.bought for reel in reels) == 5
    assert [clip.sha256 for clip in reels[0].clips] == [clip.sha256 for clip in reels[1].clips]


async def test_three_flows_inside_one_run_buy_once(studio):
    """Without Prefect's queue in front of its database in between: here they really meet."""
    board = studio.board("Mara wakes.", "Otto waits.")

    @flow
    async def race():
        runs = [storyboard_series.fn(board, studio.credentials(), studio.library) for _ in range(3)]
        return await asyncio.gather(*runs)

    reels = await race()
    assert (studio.bought(), studio.meter()["duplicates"]) == ((2, 2), [])
    assert sum(reel.bought for reel in reels) == 4


@pytest.mark.slow
async def test_two_processes_at_the_same_moment_buy_each_character_and_scene_once(studio):
    board = studio.board("Mara wakes.", "Mara and Otto climb.")
    order = json.dumps([board, environment(studio.base), studio.library]) + "\n"
    server = {**os.environ, "PREFECT_API_URL": SubprocessASGIServer().api_url}
    racers = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", RACER, stdin=PIPE, stdout=PIPE, env=server)
        for _ in range(2)
    ]
    for racer in racers:
        racer.stdin.write(order.encode())
    for racer in racers:
        assert await racer.stdout.readline() == b"ready\n"
    ended = await asyncio.gather(*(racer.communicate(b"go\n") for racer in racers))
    (bought, clips), (bought_too, clips_too) = (json.loads(out) for out, _ in ended)
    assert (bought + bought_too, studio.bought(), studio.meter()["duplicates"]) == (4, (2, 2), [])
    assert clips == clips_too


async def test_a_run_that_is_cancelled_while_replies_are_on_their_way_loses_none_of_them(studio):
    studio.fault("slow", match={"route": "submit"}, seconds=0.5)
    board = studio.board(*(f"Wave {number}." for number in range(10)))
    run = asyncio.ensure_future(studio.render(board))
    while not studio.requests("submit") and not run.done():  # noqa: ASYNC110 - the sandbox has no event to wait for
        await asyncio.sleep(0.05)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert studio.meter()["jobs_accepted"] > 0
    studio.behave()
    assert len((await studio.render(board)).clips) == 10
    assert (studio.bought(), studio.meter()["duplicates"]) == ((0, 10), [])


@pytest.mark.parametrize("fault", ["drop_after", "malformed_json", "nginx_504"])
async def test_a_lost_reply_is_found_in_the_providers_list(studio, fault):
    studio.fault(fault, match={"route": "submit"}, times=2, **({"accept": True} if fault == "nginx_504" else {}))
    reel = await studio.render(studio.board("Mara wakes.", "The sea."))
    assert (studio.bought(), len(reel.clips)) == ((1, 2), 2)
    assert studio.meter()["duplicates"] == []
