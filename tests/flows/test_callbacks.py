"""Callbacks buy nothing and store once, whoever sends them: the meter and the library judge."""

import json
import time
from dataclasses import replace

import pytest

from prefect_storyboard.flows import collect_jobs
from prefect_storyboard.jobs.callbacks import token
from prefect_storyboard.ledger import prove
from prefect_storyboard.sandbox.fal.webhooks import signature
from tests.flows.called import QUICK, called

# Without the engine around a flow its artifact belongs to nobody, which Prefect does not like.
pytestmark = pytest.mark.filterwarnings("ignore:Artifact creation outside of a flow:FutureWarning")
SEA = ("The sea.", "The shore.", "Far out a boat turns.")
GATEWAYS = ("fal", "kie", "toapis", "wavespeed")
SIGNED_BADLY = {"fal": "webhook", "kie": "callback", "toapis": "webhook", "wavespeed": "webhook"}


@pytest.fixture(params=GATEWAYS)
def branch(request, engine, tmp_path):
    with called(request.param, "sora-2", tmp_path) as here:
        yield here


@pytest.fixture(params=GATEWAYS)
def quick(request, engine, tmp_path):
    """Renders take no time worth to leave for."""
    with called(request.param, "sora-2", tmp_path, QUICK) as here:
        yield here


@pytest.fixture
def fal(engine, tmp_path):
    with called("fal", "sora-2", tmp_path) as here:
        yield here


@pytest.fixture
def kie(engine, tmp_path):
    with called("kie", "sora-2", tmp_path) as here:
        yield here


async def leave(branch, *prompts):
    """Submit the scenes, look once, and go: nobody waits, nobody collects."""
    reel, bought = await branch.counted(branch.board(*prompts), poll_minutes=0)
    assert (reel.clips, bought) == ((), len(prompts))


def judged(branch, scenes):
    """Billed = clips = scenes, each stored once."""
    meter = branch.meter()
    assert (meter["jobs_accepted"], len(branch.takes()), branch.states()) == (scenes, scenes, ["done"] * scenes)


async def test_what_was_left_is_stored_by_its_callbacks_and_the_provider_is_asked_once_a_job(branch):
    with branch.listening():
        await leave(branch, *SEA)
        before = branch.asked()
        branch.rendered()
        await branch.until(lambda: branch.states() == ["done"] * 3)
        assert branch.asked() - before == 3
    judged(branch, 3)
    assert branch.leaks() == []
    reel, bought = await branch.counted(branch.board(*SEA))
    assert (len(reel.clips), bought) == (3, 0)


async def test_forged_doubled_and_replayed_callbacks_ask_nobody_and_store_nothing(branch):
    branch.fault(f"{SIGNED_BADLY[branch.gateway]}_duplicate", match={"route": "submit"})
    with branch.listening():
        await leave(branch, "The sea.")
        branch.rendered()
        await branch.until(lambda: branch.states() == ["done"] and len(branch.heard) >= 2)
        (token, headers, body, _), asked = branch.heard[0], branch.asked()
        stored = {path: path.stat().st_mtime_ns for path in branch.takes()}
        for _ in range(20):
            assert await branch.post(token, headers, body) == 200
        forged = {name: "0" * len(value) if "signature" in name else value for name, value in headers.items()}
        assert await branch.post(token, forged, body) == 401
        assert await branch.post("t" * 32, headers, body) == 404
        assert branch.asked() == asked
    assert {path: path.stat().st_mtime_ns for path in branch.takes()} == stored
    judged(branch, 1)


@pytest.mark.parametrize("how", ["unsigned", "badly_signed"])
async def test_a_callback_that_the_gateway_has_not_signed_leaves_the_job_to_whoever_collects(branch, how):
    branch.fault(f"{SIGNED_BADLY[branch.gateway]}_{how}", match={"route": "submit"})
    with branch.listening():
        await leave(branch, "The sea.")
        branch.rendered()
        await branch.until(lambda: bool(branch.heard))
        assert {status for *_, status in branch.heard} == {401}
        assert branch.states() == ["rendering"]
    collected = await collect_jobs.fn([branch.credentials()], branch.library)
    assert len(collected.clips) == 1
    judged(branch, 1)


async def test_lost_callbacks_cost_nothing_but_the_polls(quick):
    reel, bought = await quick.counted(quick.board("The sea."))  # nobody listens
    assert (len(reel.clips), bought) == (1, 1)
    judged(quick, 1)


@pytest.mark.parametrize("quick", ["fal", "wavespeed"], indirect=True)
async def test_a_late_callback_finds_everything_done(quick):
    quick.fault("webhook_late", match={"route": "submit"}, seconds=2.0)
    with quick.listening():
        reel, _ = await quick.counted(quick.board("The sea."))
        assert len(reel.clips) == 1
        await quick.until(lambda: bool(quick.heard))
        assert quick.heard[0][3] in {200, 404}
    judged(quick, 1)


async def test_a_callback_claims_that_a_job_has_ended_and_the_provider_is_believed_instead(fal):
    fal.fault("slow_render", match={"route": "submit"}, seconds=3600)
    with fal.listening():
        await leave(fal, "The sea.")
        (job,) = fal.lines()
        at = str(int(time.time()))
        body = json.dumps({"request_id": job.request_id, "status": "OK", "payload": {"video": {"url": "https://x"}}})
        names = ("request-id", "user-id", "timestamp", "signature")
        values = (job.request_id, "user_sandbox", at, signature(job.request_id, at, body.encode()))
        headers = {f"x-fal-webhook-{name}": value for name, value in zip(names, values, strict=True)}
        given = token(prove(fal.ledger.storage), job.key, 1)
        assert await fal.post(given, headers, body.encode()) == 200
        asked = fal.asked()
        await fal.until(lambda: fal.asked() > asked)
    assert (fal.states(), fal.takes()) == (["rendering"], [])


async def test_a_failed_job_is_closed_with_the_providers_reason(fal):
    fal.fault("policy_refusal", match={"prompt": "knife"})
    with fal.listening():
        await leave(fal, "A knife.", "The sea.")
        fal.rendered()
        await fal.until(lambda: sorted(fal.states()) == ["done", "failed"])
    (failed,) = (line for line in fal.lines() if line.state == "failed")
    assert "moderation" in failed.note


async def test_a_reply_that_was_lost_is_found_again_by_its_callback_where_there_is_no_list(kie):
    kie.fault("drop_after", match={"route": "submit"})
    with kie.listening():
        reel, bought = await kie.counted(kie.board("The sea."))
        assert (len(reel.failed), bought) == (1, 1)
        kie.rendered()
        await kie.until(lambda: kie.states() == ["done"])
    kie.behave()
    judged(kie, 1)
    again, bought = await kie.counted(kie.board("The sea."))
    assert (len(again.clips), bought) == (1, 0)


@pytest.mark.parametrize("quick", ["fal"], indirect=True)
async def test_a_run_that_waits_beside_the_server_buys_its_character_and_its_scene_once(quick):
    with quick.listening():
        reel, bought = await quick.counted(quick.board("Mara wakes."))
        assert (len(reel.clips), bought) == (1, 2)
    assert quick.states() == ["done", "done"]


async def test_after_a_restart_the_server_goes_on_with_what_had_arrived(fal):
    fal.fault("nginx_503", match={"route": "result"})
    with fal.listening():
        await leave(fal, "The sea.")
        fal.rendered()
        await fal.until(lambda: bool(fal.heard))
    assert fal.states() == ["rendering"]
    fal.behave()
    with replace(fal).listening():
        await fal.until(lambda: fal.states() == ["done"])
    judged(fal, 1)
