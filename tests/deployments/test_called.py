"""How soon a callback ends a series that waits without a worker: `pytest -rP tests/deployments/test_called.py`."""

import time
from dataclasses import replace

import pytest
from prefect.client.orchestration import get_client
from prefect.events.filters import EventFilter, EventNameFilter

from prefect_storyboard.blocks import FalCredentials
from prefect_storyboard.callbacks import app
from prefect_storyboard.jobs.settle import jobs
from prefect_storyboard.ledger import Ledger, open_storage
from prefect_storyboard.sandbox.exchange import Pace
from prefect_storyboard.sandbox.server import environment, running
from tests.flows.called import serving
from tests.ports import unused_port

from .studio_server import KEY

SCENES, RENDER = 5, 200  # seconds; the gateway's clock may be five minutes ahead of ours, and no more
CALLED = "fal-credentials/called"


@pytest.fixture
async def called(studio, clock, tmp_path):
    """The studio with an account whose callbacks come to this process; nobody collects for it."""
    pace = Pace(queue_seconds=0, render_seconds=RENDER, clip_scale=0.1)
    address = f"http://127.0.0.1:{unused_port()}/callbacks"
    with running(tmp_path / "sandbox", pace=pace, clock=clock) as base:
        account = FalCredentials.from_environment({**environment(base), "FAL_KEY": KEY, "FAL_CALLBACK_URL": address})
        await account.model_copy(update={"account": "called"}).asave("called", overwrite=True)
        yield replace(studio, sandbox=base)


async def test_a_suspended_series_ends_within_seconds_of_its_last_render(called, clock):
    library = called.library("Called")
    account = await FalCredentials.aload("called")
    port = int(account.callback_url.split(":")[-1].split("/")[0])
    board = called.board("Called", *(f"wave {n}" for n in range(SCENES)))
    with serving(app([account], library), port):
        run = await called.start("Called", board, provider=CALLED, wait="suspend")
        await called.reaches(run, "Suspended", seconds=300)
        assert [line.state for line in jobs(Ledger(open_storage(library)))] == ["rendering"] * SCENES
        rendered = time.monotonic()
        clock.ahead += RENDER + 5
        await called.reaches(run, "AwaitingRetry", "Resuming", "Scheduled", "Late", "Pending", "Running", "Completed")
        woken = time.monotonic() - rendered
        await called.reaches(run, "Completed", seconds=120)
        ended = time.monotonic() - rendered
    meter = called.meter("Called")
    assert (meter["jobs"], len(meter["billed"])) == (SCENES, SCENES)
    assert woken < 30, "collect_jobs would come after up to five minutes"
    print(
        f"{SCENES} scenes: the run was woken {woken:.1f} s after the last render, and had its reel after {ended:.1f} s"
    )


async def test_the_server_emits_how_the_jobs_of_callbacks_ended(called):
    async with get_client() as client:
        filtered = EventFilter(event=EventNameFilter(name=["storyboard.job.ended"]))
        found = await client.request(
            "POST", "/events/filter", json={"filter": filtered.model_dump(mode="json"), "limit": 50}
        )
    outcomes = [event["payload"]["outcome"] for event in found.json()["events"]]
    assert outcomes.count("done") >= SCENES
