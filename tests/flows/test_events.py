"""What Prefect's server is told: read back from its API after a flow of tasks, and after a series."""

import asyncio
import json
from collections import Counter
from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.events.filters import EventFilter, EventNameFilter, EventRelatedFilter
from prefect.events.schemas.events import Event
from prefect.runtime import flow_run

from prefect_storyboard.blocks import KieCredentials, Library
from prefect_storyboard.flows import storyboard_series
from prefect_storyboard.sandbox.server import environment
from prefect_storyboard.tasks import assemble, create_character, generate, poll, render, store
from prefect_storyboard.tasks._event_resources import library_id

from .conftest import KEY, Studio

SECRETS = (KEY, "s3cr3t", "sig=", "signature", "Bearer", "Key ")
BOUGHT = Counter(
    {"job.submitted": 3, "character.created": 1, "scene.stored": 2, "reel.ready": 1},
)


async def events_of(run: str, at_least: int) -> list[Event]:
    """Our events of one flow run, oldest first. They arrive with some lag: the last one comes after the others."""
    chosen = EventFilter(
        event=EventNameFilter(prefix=["storyboard."]), related=EventRelatedFilter(id=[f"prefect.flow-run.{run}"])
    )
    async with get_client() as client:
        for _ in range(1200):
            found = (await client.read_events(chosen, limit=50)).events
            if len(found) >= at_least:
                return sorted(found, key=lambda each: each.occurred)
            await asyncio.sleep(0.1)
    pytest.fail(f"Prefect shows {[each.event for each in found]}")


def names(found: list[Event]) -> Counter[str]:
    return Counter(each.event.removeprefix("storyboard.") for each in found)


def one(found: list[Event], name: str) -> Event:
    return next(each for each in found if each.event == f"storyboard.{name}")


def related(event: Event) -> dict[str, str]:
    return {each.role: each.id for each in event.related if each.role != "tag"}


@flow
async def teaser(studio: Studio, library: str, title: str) -> str:
    on = {"credentials": studio.credentials(), "library": library}
    about: dict[str, Any] = {"model": "sora-2", "reel": title, **on}
    mara = await create_character("Mara", studio.clips / "mara.mp4", **about)
    job = await generate("Mara wakes.", characters=[mara], scene="s01", **about)
    first = await store(job, await poll(job, **on), **on)
    second = await render("The sea.", scene="s02", **about)
    await assemble([first, second], title=title, library=library)
    return str(flow_run.get_id())


async def test_a_flow_of_tasks_emits_each_thing_once_and_its_second_run_nothing(studio: Studio) -> None:
    await Library(url=studio.library).asave("events-main", overwrite=True)
    saved = "storyboard-library/events-main"
    first = await teaser(studio, saved, "The Pilot")
    found = await events_of(first, BOUGHT.total())
    assert names(found) == BOUGHT

    reel = "storyboard.reel.events-main.the-pilot"
    assert one(found, "reel.ready").resource.id == reel
    assert one(found, "character.created").resource.id == "storyboard.character.events-main.mara"
    stored = {each.resource.id for each in found if each.event == "storyboard.scene.stored"}
    assert stored == {f"storyboard.scene.events-main.the-pilot.{scene}" for scene in ("s01", "s02")}
    for event in found:
        by_role = related(event)
        assert by_role["flow-run"] == f"prefect.flow-run.{first}"
        assert {"flow", "task-run"} <= set(by_role)
        assert by_role.get("reel", reel) == reel

    submitted, clip = one(found, "job.submitted"), one(found, "scene.stored")
    assert submitted.resource.id == f"storyboard.job.events-main.{submitted.payload['job_key']}"
    assert clip.payload["cost_usd"] == pytest.approx(0.4)
    assert clip.payload["url"] == f"{studio.library}/reels/the-pilot/scenes/s01/take-001.mp4"
    assert len({each.payload["job_key"] for each in found if "job_key" in each.payload}) == 3
    said = json.dumps([each.model_dump(mode="json") for each in found])
    assert [secret for secret in SECRETS if secret.lower() in said.lower()] == []

    # The last thing that a run emits: all that came before it has arrived as well.
    second = await teaser(studio, saved, "The Pilot")
    third = await teaser(studio, saved, "The Pilot, Again")
    again = await events_of(third, 3)
    assert names(again) == {"scene.stored": 2, "reel.ready": 1}, "copied from the other reel, and bought by nobody"
    assert await events_of(second, 0) == []


async def test_a_series_emits_what_it_bought_and_the_scene_that_has_no_clip(studio: Studio) -> None:
    board = studio.board("Mara wakes.", "A knife.", model="sora-2")
    studio.fault("policy_refusal", match={"prompt": "knife"})
    state = await storyboard_series(board, studio.credentials(), studio.library, return_state=True)
    run = str(state.state_details.flow_run_id)
    found = await events_of(run, 7)
    assert names(found) == {
        "job.submitted": 3,
        "character.created": 1,
        "scene.stored": 1,
        "scene.failed": 1,
        "reel.ready": 1,
    }
    library = library_id(Library(url=studio.library))
    failed = one(found, "scene.failed")
    assert failed.resource.id == f"storyboard.scene.{library}.the-lighthouse.s02"
    assert related(failed)["reel"] == f"storyboard.reel.{library}.the-lighthouse"
    assert failed.payload["remedy"]
    assert one(found, "reel.ready").payload["failed"] == 1
    said = json.dumps([each.model_dump(mode="json") for each in found])
    assert [secret for secret in SECRETS if secret.lower() in said.lower()] == []


@flow
async def troubles(studio: Studio) -> str:
    """A job without an answer, one that costs too much, and one that moderation refuses."""
    studio.fault("drop_before", match={"route": "submit", "prompt": "fog"})
    studio.fault("policy_refusal", match={"prompt": "knife"})
    kie = KieCredentials.from_environment({**environment(studio.base), "KIE_API_KEY": "n0b0dy-may-s3cr3t"})
    on: dict[str, Any] = {"model": "sora-2", "library": studio.library, "reel": "Troubles", "return_state": True}
    for state in (
        await generate("The fog.", credentials=kie, scene="fog", **on),
        await generate("The sea.", credentials=studio.credentials(), scene="sea", max_cost_usd=0.1, **on),
        await render("A knife.", credentials=studio.credentials(), scene="knife", **on),
    ):
        assert state.is_failed()
    return str(flow_run.get_id())


async def test_what_was_not_bought_is_unknown_or_refused_is_emitted_for_what_it_is(studio: Studio) -> None:
    found = await events_of(await troubles(studio), 4)
    assert names(found) == {"job.unknown": 1, "budget.reached": 1, "job.submitted": 1, "scene.failed": 1}
    library = library_id(Library(url=studio.library))
    unknown, budget, failed = (one(found, name) for name in ("job.unknown", "budget.reached", "scene.failed"))
    assert unknown.resource.id == f"storyboard.job.{library}.{unknown.payload['job_key']}"
    assert f"storyboard abandon {unknown.payload['job_key'][:12]}" in str(unknown.payload["remedy"])
    assert (budget.payload["label"], budget.payload["max_cost_usd"]) == ("scene sea take 1", 0.1)
    assert failed.resource.id == f"storyboard.scene.{library}.troubles.knife"
    assert {related(each)["reel"] for each in found} == {f"storyboard.reel.{library}.troubles"}
    said = json.dumps([each.model_dump(mode="json") for each in found])
    assert [secret for secret in SECRETS if secret.lower() in said.lower()] == []


async def test_a_series_over_its_budget_emits_that_of_its_reel_and_buys_nothing(studio: Studio) -> None:
    board = studio.board("The sea.", model="sora-2")
    state = await storyboard_series(board, studio.credentials(), studio.library, max_cost_usd=0.1, return_state=True)
    (only,) = await events_of(str(state.state_details.flow_run_id), 1)
    library = library_id(Library(url=studio.library))
    assert (only.event, only.resource.id) == ("storyboard.budget.reached", f"storyboard.reel.{library}.the-lighthouse")
    assert studio.bought() == (0, 0)
