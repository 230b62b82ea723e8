"""The example that an event starts: its automation on a real server, from the event to the clip."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName
from prefect.client.schemas.objects import FlowRun
from prefect.events import Event, Resource
from prefect.events.clients import get_events_client

from prefect_storyboard.examples.flows.on_event import TRIGGER

from .studio_server import StudioServer, stop, until, wait_for

PROMPT = "On event: a parcel stands on the pier."


@pytest.fixture
def waiting(studio: StudioServer) -> Iterator[None]:
    """The example's own process, which makes its deployment and automation and waits."""
    command = [sys.executable, "-m", "prefect_storyboard.examples.flows.on_event", "serve"]
    env = {**studio.env, "PREFECT_RUNNER_POLL_FREQUENCY": "1"}
    with (studio.folder / "on-event.log").open("a") as log:
        started = subprocess.Popen(command, env=env, cwd=studio.folder, stdout=log, stderr=log, start_new_session=True)
        try:
            wait_for(lambda: "on-brief" in (studio.folder / "on-event.log").read_text(), 120, "the deployment")
            yield
        finally:
            stop(started)


async def accept(brief: str) -> None:
    """What another system says."""
    resource = Resource({"prefect.resource.id": f"studio.brief.{brief}"})
    payload = {"id": brief, "prompt": PROMPT}
    async with get_events_client() as client:
        await client.emit(Event(event="studio.brief.accepted", resource=resource, payload=payload))


async def runs() -> list[FlowRun]:
    async with get_client() as client:
        chosen = DeploymentFilter(name=DeploymentFilterName(any_=["on-brief"]))
        return await client.read_flow_runs(deployment_filter=chosen)


async def test_an_accepted_brief_starts_the_flow_and_an_event_that_comes_twice_buys_nothing(
    studio: StudioServer, waiting: None
) -> None:
    assert TRIGGER.expect == {"studio.brief.accepted"}
    for _ in range(2):
        await accept("brief-7")
    started = await _two_runs()
    for run in started:
        assert (await studio.reaches(run.id, "Completed", "Failed", "Crashed")).state_name == "Completed"
        assert run.parameters == {"brief": "brief-7", "prompt": PROMPT}
    assert studio.meter("On event")["jobs"] == 1


async def _two_runs() -> list[FlowRun]:
    """The runs of both events. A server takes a moment to load a new automation: until then the event is repeated."""
    asked = 0

    async def both() -> list[FlowRun] | None:
        nonlocal asked
        asked += 1
        if asked % 75 == 0:
            await accept("brief-7")
        return found if len(found := await runs()) >= 2 else None

    started: list[FlowRun] = await until(both, 180, "the second run")
    return started
