"""Prefect's UI shows at a glance what was bought, what was picked up, and which scene a task worked on."""

import asyncio
from collections import Counter
from uuid import UUID

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.runtime import flow_run

from prefect_storyboard.flows import storyboard_series


@flow
async def watched(board, provider, library, *, fails=False):
    """A series as a subflow, which tells the ids of both runs; a studio's own flow may well do this."""
    state = await storyboard_series(board, provider, library, return_state=True)
    assert state.is_failed() == fails
    return flow_run.get_id(), state.state_details.flow_run_id


async def task_runs(run_id: UUID, at_least: int):
    """Task runs arrive with some lag."""
    chosen = FlowRunFilter(id=FlowRunFilterId(any_=[run_id]))
    async with get_client() as client:
        for _ in range(1200):
            found = {run.name: run.state_name for run in await client.read_task_runs(flow_run_filter=chosen)}
            if len(found) >= at_least and not {"Pending", "Running"} & set(found.values()):
                return found
            await asyncio.sleep(0.1)
    pytest.fail(f"Prefect shows {found}")


async def test_every_task_run_is_named_for_its_scene_and_cached_where_nothing_was_bought(studio):
    board = studio.board("Mara wakes.", "The {sea}.")
    board["scenes"][1]["id"] = "sea"
    _, first = await watched(board, studio.credentials(), studio.library)
    _, second = await watched(board, studio.credentials(), studio.library)
    assert await task_runs(first, 9) == dict.fromkeys(
        (
            "create character Mara",
            "upload Mara, clip",
            *(f"{verb} {scene}" for scene in ("s01", "sea") for verb in ("generate", "poll", "store")),
            "assemble The Lighthouse",
        ),
        "Completed",
    )
    assert await task_runs(second, 6) == dict.fromkeys(
        (
            "create character Mara",
            *(f"{verb} {scene}" for scene in ("s01", "sea") for verb in ("generate", "store")),
            "assemble The Lighthouse",
        ),
        "Cached",
    )


async def test_a_job_that_is_paid_for_is_picked_up_as_reattached(studio):
    studio.fault("slow_render", seconds=1)
    board = studio.board("The sea.")
    await studio.fails(board, poll_minutes=0.2 / 60)
    _, run = await watched(board, studio.credentials(), studio.library)
    states = await task_runs(run, 4)
    assert states["generate s01"] == "Reattached"
    assert states["poll s01"] == states["store s01"] == "Completed"


async def test_the_upload_of_a_picture_is_named_after_whom_it_shows(studio):
    board = studio.board("Mara waits.", model="seedance-2")
    _, run = await watched(board, studio.credentials(), studio.library)
    assert {"upload Mara, picture 1", "upload Mara, picture 2"} < set(await task_runs(run, 6))


async def test_another_take_is_named_so(studio):
    board = studio.board("The sea.")
    board["scenes"][0]["take"] = 2
    _, run = await watched(board, studio.credentials(), studio.library)
    assert {"generate s01 take 2", "store s01 take 2"} < set(await task_runs(run, 4))


async def test_a_run_is_named_for_its_title_and_a_failed_one_says_why(studio):
    studio.fault("policy_refusal", match={"prompt": "knife"})
    board = studio.board("A knife.", "The sea.", title="Kníže {and} 'friends'")
    _, run = await watched(board, studio.credentials(), studio.library, fails=True)
    async with get_client() as client:
        seen = await client.read_flow_run(run)
    assert (seen.name, seen.state_name) == ("Kníže {and} 'friends'", "Failed")
    assert seen.state.message.startswith("1 of 2 scenes failed; the other one is in the library.\n  s01: ")
    states = await task_runs(run, 6)
    assert states["poll s01"] == "Failed"
    assert Counter(states.values()) == {"Completed": 5, "Failed": 1}
