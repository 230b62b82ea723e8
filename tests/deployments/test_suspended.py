"""How long a series of a hundred scenes of ten minutes keeps a worker busy: `pytest -rP tests/deployments/test_suspended.py`."""

import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest

from prefect_storyboard.blocks import FalCredentials
from prefect_storyboard.flows import collect_jobs
from prefect_storyboard.jobs.settle import jobs
from prefect_storyboard.ledger import Ledger, open_storage
from prefect_storyboard.media.probe import probe
from prefect_storyboard.sandbox.exchange import Pace
from prefect_storyboard.sandbox.server import environment, running

from .studio_server import KEY, until

SCENES, MINUTES = 100, 10
PATIENT = "fal-credentials/patient"


@pytest.fixture
async def patient(studio, clock, tmp_path):
    """The studio with an account that renders a hundred jobs at once, slowly."""
    pace = Pace(queue_seconds=0, render_seconds=60 * MINUTES, clip_scale=0.1)
    with running(tmp_path / "sandbox", pace=pace, clock=clock) as base:
        account = FalCredentials.from_environment({**environment(base), "FAL_KEY": KEY})
        account = account.model_copy(update={"account": "patient", "in_flight": SCENES})
        await account.asave("patient", overwrite=True)
        yield replace(studio, sandbox=base)


class Occupied:
    """The seconds in which there was a process of the run, by looking ten times a second."""

    def __init__(self, studio, run):
        self.seconds = 0.0
        self._studio, self._run, self._over = studio, run, threading.Event()

    def watch(self):
        last = time.monotonic()
        while not self._over.wait(0.1):
            here, now = self._studio.processes(self._run), time.monotonic()
            self.seconds += now - last if here else 0.0
            last = now

    @contextmanager
    def watched(self):
        thread = threading.Thread(target=self.watch)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()


async def left(studio, run):
    """Wait until the run has no process any more."""

    async def gone():
        return not studio.processes(run)

    await until(gone, 60, "the end of the run's process")


async def test_a_hundred_scenes_of_ten_minutes_hold_no_worker_while_they_render(patient, clock, tmp_path):
    library = patient.library("Century")
    board = patient.board("Century", *(f"year {n}" for n in range(SCENES)))
    run = await patient.start("Century", board, provider=PATIENT, wait="suspend")
    with Occupied(patient, run).watched() as worker:
        await patient.reaches(run, "Suspended", seconds=300)
        await left(patient, run)
        submitting = worker.seconds
        assert [line.state for line in jobs(Ledger(open_storage(library)))] == ["rendering"] * SCENES
        clock.ahead += 30 * MINUTES
        early = await collect_jobs([PATIENT], library)
        assert (len(early.waiting), early.clips, early.resumed) == (SCENES, (), ())
        assert (patient.processes(run), worker.seconds) == ([], submitting)
        clock.ahead += 30 * MINUTES
        collected = await collect_jobs([PATIENT], library)
        assert (len(collected.clips), collected.resumed) == (SCENES, (str(run),))
        await patient.reaches(run, "Completed", seconds=300)
        await left(patient, run)
    meter = patient.meter("Century")
    assert (meter["jobs"], meter["orders"], len(meter["billed"]), meter["leaks"]) == (SCENES, SCENES, SCENES, 0)
    reel = open_storage(library).fetch(tmp_path / "reel.mp4", "reels", "century", "reel.mp4")
    assert probe(reel).seconds == pytest.approx(4 * SCENES, abs=2)
    assert worker.seconds < 60 * MINUTES  # of one render; the hundred take a hundred times as much
    print(
        f"{SCENES} renders of {MINUTES} minutes, {SCENES * MINUTES * 60} s in all: a worker was busy for "
        f"{submitting:.1f} s to submit them and {worker.seconds - submitting:.1f} s to assemble the reel"
    )
