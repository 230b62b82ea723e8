"""Series on two machines share characters, scenes and the account's limit; the provider's meter is the judge."""

import asyncio
import time

import pytest
from prefect.client.orchestration import get_client

from prefect_storyboard.jobs.settle import jobs
from prefect_storyboard.ledger import Ledger
from prefect_storyboard.media.probe import probe
from tests.deployments.studio_server import BIN, LIMIT

MAIN = "storyboard-library/main"
OVER = ("Completed", "Failed", "Crashed", "Cancelled")


async def together(studio, *boards):
    """Start a series for each storyboard at once, and wait for all of them."""
    runs = await asyncio.gather(*(studio.start("", board, library=MAIN) for board in boards))
    ended = await asyncio.gather(*(studio.reaches(run, *OVER, seconds=300) for run in runs))
    assert [run.state_name for run in ended] == ["Completed"] * len(boards), [run.state for run in ended]
    return runs


async def verdicts(studio, runs, number):
    """What so many tasks of the runs say that they did: Completed, Reattached or Cached. They arrive with some lag."""
    deadline = time.monotonic() + 60
    while True:
        tasks = [task for run in runs for task in (await studio.task_states(run, 1)).items()]
        said = [state for name, state in tasks if name.startswith("generate ")]
        if len(said) == number:
            return said
        assert time.monotonic() < deadline, tasks
        await asyncio.sleep(0.2)


def buyers(library):
    """The machines that have announced jobs."""
    ledger = Ledger(library.storage())
    return {attempt.intent.owner.host.split("/")[0] for key in ledger.matching() for attempt in ledger.history(key)}


def open_jobs(library):
    return [line.state for line in jobs(Ledger(library.storage()))]


def assert_plays(library, slug, scenes, folder):
    """Each scene has one take, and they and the reel are what a player finds in the bucket."""
    storage = library.storage()
    for n in range(1, scenes + 1):
        place = ("reels", slug, "scenes", f"s{n:02d}")
        (take,) = [name for name in storage.names(*place) if name.endswith(".mp4")]
        assert probe(storage.fetch(folder / f"{slug}-{n}.mp4", *place, take)).seconds == pytest.approx(4, abs=0.2)
    reel = probe(storage.fetch(folder / f"{slug}.mp4", "reels", slug, "reel.mp4"))
    assert reel.seconds == pytest.approx(4 * scenes, abs=0.5)


def assert_reads_clean(studio, library):
    """Nothing is open, and every record that there is can be read."""
    assert studio.run(str(BIN / "storyboard"), "jobs", "--library", MAIN).split() == ["no", "job", "is", "open"]
    assert {line.state for line in jobs(Ledger(library.storage()), every=True)} == {"done"}


async def taken():
    async with get_client() as client:
        return (await client.read_global_concurrency_limit_by_name(LIMIT)).active_slots


async def test_four_series_at_once_on_two_machines_buy_each_character_and_each_scene_once(machines, library, tmp_path):
    """All four want the same two characters, and two of them are the same storyboard."""
    studio, cast = machines.studio, ("Islemara", "Isleotto")
    east = studio.board("Isle East", "{Islemara} lands", "{Isleotto} waits", "nobody", cast=cast)
    west = studio.board("Isle West", "{Isleotto} rows", "{Islemara} and {Isleotto} wave", cast=cast)
    moon = studio.board("Isle Moon", "{Islemara} looks up", "{Isleotto} sleeps", cast=cast)
    runs = await together(studio, east, west, moon, east)
    meter = studio.meter("Isle")
    assert (meter["jobs"], meter["orders"], len(meter["billed"]), meter["leaks"]) == (9, 9, 9, 0)
    said = await verdicts(studio, runs, 10)
    assert said.count("Completed") == 7, said
    assert set(said) - {"Completed"} <= {"Reattached", "Cached"}
    assert buyers(library) == {"north", "south"}
    for slug, scenes in (("isle-east", 3), ("isle-west", 2), ("isle-moon", 2)):
        assert_plays(library, slug, scenes, tmp_path)
    assert_reads_clean(studio, library)


@pytest.mark.usefixtures("three_at_once")
async def test_four_series_on_two_machines_have_no_more_jobs_open_than_the_account_may(machines, library):
    studio, cast = machines.studio, ("Reefmara", "Reefotto")
    studio.fault("slow_render", "Reef ", seconds=2)  # the scenes
    prompts = ("{Reefmara}", "{Reefotto}", "nobody", "both, {Reefmara} and {Reefotto}")
    boards = [studio.board(f"Reef {name}", *prompts, cast=cast) for name in "ABC"]
    runs = await together(studio, *boards, boards[0])
    meter = studio.meter("Reef")
    assert (meter["jobs"], meter["orders"], len(meter["billed"]), meter["leaks"]) == (14, 14, 14, 0)
    assert studio.most_at_once("Reef") == 3
    assert (await verdicts(studio, runs, 16)).count("Completed") == 12
    assert buyers(library) == {"north", "south"}
    assert await taken() == 0
    assert_reads_clean(studio, library)


@pytest.mark.usefixtures("three_at_once")
async def test_after_a_power_cut_the_next_run_pays_nothing_again_and_the_slots_come_back(machines, library, tmp_path):
    """The dead run's lease on its slots ends after a minute, the shortest that Prefect takes; then others may go on."""
    studio, cast = machines.studio, ("Galemara",)
    studio.fault("slow_render", "Gale:", seconds=10)  # its scenes
    board = studio.board("Gale", "{Galemara} runs", "rain", "hail", "sun", cast=cast)
    dead = await studio.start("", board, library=MAIN)
    deadline = time.monotonic() + 120
    while open_jobs(library) != ["rendering"] * 3:
        assert time.monotonic() < deadline, (await studio.state(dead), open_jobs(library))
        await asyncio.sleep(0.1)
    (where,) = buyers(library)
    machines.cut(where, dead)
    assert await taken() == 3
    machines.boot(where)
    lull = studio.board("Gale Lull", "{Galemara} sits", "wind", "calm", cast=cast)
    again, _ = await together(studio, board, lull)
    assert (await studio.state(dead)).state_name == "Running"  # nobody has told the server; its automation would
    meter = studio.meter("Gale")
    assert (meter["jobs"], meter["orders"], len(meter["billed"]), meter["leaks"]) == (8, 8, 8, 0)
    assert studio.most_at_once("Gale") == 3
    assert sorted(await verdicts(studio, [again], 4)) == ["Completed", "Reattached", "Reattached", "Reattached"]
    assert await taken() == 0
    assert_plays(library, "gale", 4, tmp_path)
    assert_plays(library, "gale-lull", 3, tmp_path)
    assert_reads_clean(studio, library)
