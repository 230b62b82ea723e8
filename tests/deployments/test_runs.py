"""Runs of the series under a worker: to the end, suspended, killed and cancelled."""

import asyncio
import os
import signal
import time

import pytest
import yaml
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey, DeploymentFilter, DeploymentFilterId
from prefect.events import Event, get_events_client
from prefect.states import Cancelling

from prefect_storyboard.flows import collect_jobs, storyboard_series
from prefect_storyboard.jobs.settle import jobs
from prefect_storyboard.ledger import Ledger, open_storage

from .studio_server import ACCOUNT


def open_jobs(library):
    return [line.state for line in jobs(Ledger(open_storage(library)))]


async def collected(studio, title, run, seconds=120):
    """Look at the open jobs, as the schedule does, until the run has been resumed."""
    deadline = time.monotonic() + seconds
    while str(run) not in (await collect_jobs([ACCOUNT], studio.library(title))).resumed:
        assert time.monotonic() < deadline, f"nobody has resumed {title}"
        await asyncio.sleep(0.3)


async def bought(studio, run, title, number, seconds=120):
    """Wait until a run has submitted so many jobs."""
    deadline = time.monotonic() + seconds
    while len(studio.submits(title)) < number:
        seen = await studio.state(run)
        assert not seen.state.is_final(), seen.state
        assert time.monotonic() < deadline, (seen.state_name, studio.processes(run))
        await asyncio.sleep(0.1)


async def pages(studio, slug, *kinds, runs=None):
    """The newest artifact of each kind, and everything that any artifact says."""
    async with get_client() as client:
        every = await client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(like_=f"{slug}-%")), limit=200
        )
    mine = [one for one in every if runs is None or one.flow_run_id in runs]
    return {kind: [one for one in mine if one.key == f"{slug}-{kind}"] for kind in kinds}


async def test_a_storyboard_that_lands_is_rendered_for_its_event(studio):
    path = studio.folder / "landed.yaml"
    path.write_text(yaml.safe_dump(studio.board("Driftwood", "on the beach")))
    facts = {"resource": {"prefect.resource.id": "storyboard.driftwood"}, "payload": {"url": str(path)}}
    async with get_client() as client, get_events_client() as events:
        await events.emit(Event(event="storyboard.landed", **facts))
        landed = await client.read_deployment_by_name("storyboard-series/landed")
        chosen = DeploymentFilter(id=DeploymentFilterId(any_=[landed.id]))
        deadline = time.monotonic() + 120
        while not (runs := await client.read_flow_runs(deployment_filter=chosen)):
            assert time.monotonic() < deadline, "the event has started nothing"
            await asyncio.sleep(0.3)
    (run,) = runs
    assert run.parameters["storyboard"] == str(path)
    seen = await studio.reaches(run.id, "Completed", "Failed", "Crashed")
    assert (seen.name, seen.state_name) == ("Driftwood", "Completed")  # after its title, and not after its file
    assert studio.meter("Driftwood")["jobs"] == 1


async def test_a_run_ends_completed_and_shows_what_became_of_every_scene(studio):
    board = studio.board("Harbour", "Mara at dawn", "noon", cast=("Mara",))
    run = await studio.start("Harbour", board)
    seen = await studio.reaches(run, "Completed", "Failed", "Crashed")
    assert (seen.name, seen.state_name) == ("Harbour", "Completed")
    states = await studio.task_states(run, 9)
    assert set(states.values()) == {"Completed"}
    found = await pages(studio, "harbour", "progress", "scenes", "cost", "reel", runs={run})
    (progress,), (scenes,), (cost,), (reel,) = found.values()
    assert progress.data == 100.0
    assert '"stored"' in scenes.data
    assert all(word in scenes.data for word in ("s01", "s02", "Mara"))
    assert '"estimate": "$0.40", "charged": "$0.40"' in cost.data
    assert "](data:image/jpeg;base64," in reel.data
    assert "2 scenes, 8 s" in reel.data
    told = str([vars(one) for kind in found.values() for one in kind]) + str(seen.parameters)
    assert "s3cr3t" not in told

    # Run again, here: nothing is bought, and every state says so.
    state = await storyboard_series(board, ACCOUNT, studio.library("Harbour"), return_state=True)
    again = state.state_details.flow_run_id
    assert set((await studio.task_states(again, 6)).values()) == {"Cached"}
    (progress,) = (await pages(studio, "harbour", "progress", runs={again}))["progress"]
    assert progress.data == 100.0
    meter = studio.meter("Harbour")
    assert (meter["jobs"], meter["leaks"]) == (2, 0)


async def test_a_suspended_series_holds_no_process_and_is_woken_until_it_is_done(studio, limit):
    """Two suspensions: two jobs at once may be open, and s04 can be bought only when s01 is there."""
    await limit(2)
    studio.fault("slow_render", "Tide", seconds=2)
    board = studio.board("Tide", "it comes", "it goes", "it waits", "it comes again")
    board["scenes"][3]["continues"] = "s01"
    run = await studio.start("Tide", board, wait="suspend")
    for jobs_by_then in (2, 4):
        await studio.reaches(run, "Suspended")
        assert len(studio.submits("Tide")) == jobs_by_then
        deadline = time.monotonic() + 20
        while studio.processes(run):
            assert time.monotonic() < deadline, "a process waits with the run"
            await asyncio.sleep(0.1)
        await collected(studio, "Tide", run)
    await studio.reaches(run, "Completed")
    meter = studio.meter("Tide")
    assert (meter["jobs"], len(meter["billed"]), studio.most_at_once("Tide")) == (4, 4, 2)
    notes = open_storage(studio.library("Tide"))
    assert (await collect_jobs([ACCOUNT], studio.library("Tide"))).resumed == ()
    assert notes.names("ledger", "waiting") == []


async def test_a_series_that_cannot_be_woken_buys_nothing(studio):
    board = studio.board("Fog", "it is grey")
    state = await storyboard_series(board, ACCOUNT, studio.library("Fog"), wait="suspend", return_state=True)
    with pytest.raises(ValueError, match=r'^wait="suspend" needs a deployment: only that can be started again'):
        await state.aresult()
    assert studio.submits("Fog") == []
    assert not (studio.folder / "libraries" / "Fog").exists()


async def test_a_run_that_was_killed_is_finished_by_the_next_one_for_the_price_of_one(studio):
    studio.fault("slow_render", "Storm", seconds=3)
    board = studio.board("Storm", "Mara in the wind", "rain", "calm", cast=("Mara",))
    board["scenes"][2]["continues"] = "s01"
    run = await studio.start("Storm", board)
    await bought(studio, run, "Storm", 2)
    for process in studio.processes(run):
        os.kill(process, signal.SIGKILL)
    await studio.reaches(run, "Crashed", seconds=60)
    state = await storyboard_series(board, ACCOUNT, studio.library("Storm"), return_state=True)
    assert state.is_completed()
    states = await studio.task_states(state.state_details.flow_run_id, 11)
    assert states["create character Mara"] == "Cached"
    assert states["generate s01 take 1"] == states["generate s02 take 1"] == "Reattached"
    assert states["generate s03 take 1"] == "Completed"
    meter = studio.meter("Storm")
    assert (meter["jobs"], meter["orders"], len(meter["billed"])) == (3, 3, 3)


async def test_a_cancelled_run_stops_and_leaves_its_jobs_to_be_collected(studio):
    studio.fault("slow_render", "Ebb", seconds=6)
    board = studio.board("Ebb", "sand", "shells")
    run = await studio.start("Ebb", board)
    await bought(studio, run, "Ebb", 2)
    async with get_client() as client:
        await client.set_flow_run_state(run, Cancelling())
    deadline = time.monotonic() + 15
    while studio.processes(run):
        assert time.monotonic() < deadline, "it works on"
        await asyncio.sleep(0.1)
    await studio.reaches(run, "Cancelled", seconds=60)  # Prefect takes its time to say so: 9 s on a busy machine
    assert open_jobs(studio.library("Ebb")) == ["rendering", "rendering"]
    clips = set()
    deadline = time.monotonic() + 60
    while len(clips) < 2:
        assert time.monotonic() < deadline
        clips |= {clip.scene for clip in (await collect_jobs([ACCOUNT], studio.library("Ebb"))).clips}
    meter = studio.meter("Ebb")
    assert (meter["jobs"], len(meter["billed"]), meter["cancelled"]) == (2, 2, 0)
    assert open_jobs(studio.library("Ebb")) == []
