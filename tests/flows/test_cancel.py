"""A cancelled run leaves what it has bought to the ledger; the provider is asked to stop it only on the user's word."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE

import pytest
import yaml
from prefect.server.api.server import SubprocessASGIServer

from prefect_storyboard.flows import storyboard_series
from prefect_storyboard.sandbox.server import environment
from tests.flows.later import opened_later

pytestmark = pytest.mark.filterwarnings("ignore:Artifact creation outside of a flow:FutureWarning")
WAVES = [f"Wave {number}." for number in range(5)]


@pytest.fixture
def fal(engine, tmp_path):
    with opened_later("fal", "sora-2", tmp_path) as branch:
        yield branch


async def until(seen, run):
    """Wait until the sandbox has seen something; it has no event to wait for."""
    while not seen():
        assert not run.done(), run
        await asyncio.sleep(0.05)


async def cancelled(branch, board, when, **options):
    """Start a run, and cancel it when the time has come."""
    run = asyncio.ensure_future(storyboard_series(board, branch.credentials(), branch.library, **options))
    await until(when, run)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run


async def test_a_cancelled_run_leaves_its_jobs_open_and_the_next_one_fetches_them(fal):
    board = fal.board(*WAVES)
    await cancelled(fal, board, lambda: len(fal.open_jobs()) == 5)
    assert {line.state for line in fal.open_jobs()} == {"rendering"}
    assert fal.requests("cancel") == [], "nobody asked the provider to stop"
    fal.morning()
    reel, bought = await fal.counted(board)
    assert (bought, len(reel.clips), fal.meter()["cancelled"]) == (0, 5, 0)


async def test_on_the_users_word_the_provider_is_asked_to_stop_every_job(fal):
    board = fal.board(*WAVES)
    everything = lambda: [line.state for line in fal.open_jobs()] == ["rendering"] * 5  # noqa: E731
    await cancelled(fal, board, everything, cancel_provider_jobs=True)
    stopped = {request["path"].split("/")[-2] for request in fal.requests("cancel")}
    assert stopped == {line.request_id for line in fal.open_jobs()}
    meter = fal.meter()
    assert (meter["cancelled"], meter["usd"]) == (5, 0)


async def test_a_job_whose_submit_was_on_its_way_is_stopped_too(fal):
    fal.fault("slow", match={"route": "submit"}, seconds=0.5)
    board = fal.board(*WAVES)
    await cancelled(fal, board, fal.submitted, cancel_provider_jobs=True)
    meter = fal.meter()
    assert meter["jobs_accepted"] > 0
    assert meter["cancelled"] == meter["jobs_accepted"] == len(fal.open_jobs())


async def test_a_job_that_cannot_be_stopped_any_more_is_fetched(fal):
    board = fal.board("The sea.")
    fal.fault("cancel_race")
    await cancelled(
        fal, board, lambda: "rendering" in {line.state for line in fal.open_jobs()}, cancel_provider_jobs=True
    )
    reel, bought = await fal.counted(board)
    assert (bought, len(reel.clips), fal.meter()["usd"]) == (0, 1, 0.4)


async def test_a_job_that_was_stopped_is_bought_again_by_the_run_after_the_one_that_says_so(fal):
    board = fal.board("The sea.")
    await cancelled(
        fal, board, lambda: "rendering" in {line.state for line in fal.open_jobs()}, cancel_provider_jobs=True
    )
    reel, bought = await fal.counted(board)
    (failed,) = reel.failed
    assert (bought, failed.scene, failed.charged) == (0, "s01", False)
    assert failed.error.startswith("the job failed at fal (client_cancelled): Request cancelled")
    assert failed.remedy == "It was not charged: run it again."
    assert fal.open_jobs() == []
    await fal.leave(board)
    fal.morning()
    reel, _ = await fal.counted(board)
    assert (len(reel.clips), fal.meter()["usd"]) == (1, 0.4)


async def test_a_provider_that_stops_nothing_leaves_the_jobs_open(engine, tmp_path):
    with opened_later("kie", "sora-2", tmp_path) as kie:
        board = kie.board("The sea.")
        await cancelled(
            kie,
            board,
            lambda: "rendering" in {line.state for line in kie.open_jobs()},
            allow_retired=True,
            cancel_provider_jobs=True,
        )
        kie.morning()
        reel, bought = await kie.counted(board)
        assert (bought, len(reel.clips)) == (0, 1)


async def stopped(branch, board, number, when):
    """Start the command, and send it a signal when the time has come; its exit code and what it says."""
    path = branch.folder / "board.yaml"
    path.write_text(yaml.safe_dump(board))
    options = ["--provider", branch.gateway, "--library", branch.library, "--allow-retired"]
    command = ["-m", "prefect_storyboard", "run", str(path), *options]
    key = {branch.credentials().key_variable: branch.credentials().api_key.get_secret_value()}
    facts = {**os.environ, **environment(branch.base), **key, "PREFECT_API_URL": SubprocessASGIServer().api_url}
    run = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=PIPE, stderr=PIPE, env=facts)
    while not when():
        assert run.returncode is None, await run.communicate()
        await asyncio.sleep(0.05)
    run.send_signal(number)
    _, said = await run.communicate()
    return run.returncode, said.decode()


SIGNALS = pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
STOPPED = "Stopped. Jobs that were paid for are in the ledger; run the command again to continue.\n"


@pytest.mark.slow
@SIGNALS
async def test_a_signal_ends_the_command_with_one_line_and_leaves_the_jobs_open(fal, number, code):
    board = fal.board("The sea.", "The shore.")
    rendering = lambda: [line.state for line in fal.open_jobs()] == ["rendering"] * 2  # noqa: E731
    assert await stopped(fal, board, number, rendering) == (code, STOPPED)
    assert (len(fal.open_jobs()), fal.requests("cancel")) == (2, [])


@pytest.mark.slow
@SIGNALS
async def test_a_signal_waits_for_the_reply_to_a_submit(engine, tmp_path, number, code):
    """Kie has no list: a job whose reply is not waited for would have to be looked for by hand."""
    with opened_later("kie", "sora-2", tmp_path) as kie:
        kie.fault("slow", match={"route": "submit"}, seconds=3)
        board = kie.board("The sea.", "The shore.")
        assert await stopped(kie, board, number, kie.submitted) == (code, STOPPED)
        open_jobs = kie.open_jobs()
        assert {line.state for line in open_jobs} == {"rendering"}
        assert len(open_jobs) == kie.meter()["jobs_accepted"] > 0
        kie.morning()
        reel, _ = await kie.counted(board, allow_retired=True)
        assert (len(reel.clips), kie.meter()["jobs_accepted"], kie.meter()["duplicates"]) == (2, 2, [])
