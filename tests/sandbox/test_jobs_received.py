"""`GET /sandbox/jobs` tells exactly what was received for each job, and what was billed for it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.sandbox.in_process import GATEWAYS, WIRES, Box, sandbox

EVERYWHERE = pytest.mark.parametrize("gateway", GATEWAYS)


@pytest_asyncio.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    async with sandbox(tmp_path) as box:
        yield box


@EVERYWHERE
async def test_a_job_has_the_body_that_was_sent(box: Box, gateway: str) -> None:
    await box.submit(gateway, 'Mara says: "Déjà vu?"\n#3')
    (job,) = await box.control("jobs")
    assert job["received"]["body"] == WIRES[gateway].body('Mara says: "Déjà vu?"\n#3')
    assert (job["received"]["method"], job["received"]["path"]) == ("POST", WIRES[gateway].submit)


@EVERYWHERE
async def test_a_job_has_the_headers_but_no_key(box: Box, gateway: str) -> None:
    wire = WIRES[gateway]
    await box.http.post(wire.submit, json=wire.body("p"), headers={**wire.headers, "User-Agent": "studio/1.0"})
    text = (await box.http.get("/sandbox/jobs")).text
    (job,) = await box.control("jobs")
    assert job["received"]["headers"]["user-agent"] == "studio/1.0"
    assert job["received"]["auth"] in {"Key", "Bearer"}
    assert "s3cret" not in text


@EVERYWHERE
async def test_a_job_has_its_bill_once_it_has_run(box: Box, gateway: str) -> None:
    job = await box.submit(gateway)
    (before,) = await box.control("jobs")
    box.clock.advance(60)
    (after,) = await box.control("jobs")
    (billed,) = (await box.control("meter"))["billed"]
    assert (before["phase"], before["billed"]) == ("IN_QUEUE", None)
    assert (after["phase"], after["id"], after["billed"]) == ("COMPLETED", job, billed)


@EVERYWHERE
async def test_a_job_that_failed_has_no_bill(box: Box, gateway: str) -> None:
    await box.rule(gateway, "policy_refusal", "submit")
    await box.ended(gateway)
    (job,) = await box.control("jobs")
    assert (job["phase"], job["billed"]) == ("COMPLETED", None)


@EVERYWHERE
async def test_a_job_whose_reply_was_lost_is_there_too(box: Box, gateway: str) -> None:
    await box.rule(gateway, "drop_after", "submit")
    with pytest.raises(ConnectionResetError):
        await box.post(gateway, "Lost.")
    (job,) = await box.control("jobs")
    assert job["received"]["body"] == WIRES[gateway].body("Lost.")


async def test_jobs_are_told_oldest_first_and_chosen_by_gateway_and_prompt(box: Box) -> None:
    ids = [await box.submit(gateway, f"{place} in the {place}.") for gateway in GATEWAYS for place in ("Storm", "Calm")]
    assert [job["id"] for job in await box.control("jobs")] == ids
    assert [job["gateway"] for job in await box.control("jobs?prompt=storm")] == GATEWAYS
    assert [job["id"] for job in await box.control("jobs?gateway=kie&prompt=calm")] == [ids[3]]


async def test_jobs_survive_a_restart(tmp_path: Path) -> None:
    async with sandbox(tmp_path) as box:
        await box.submit("fal")
        before = await box.control("jobs")
    async with sandbox(tmp_path) as box:
        assert await box.control("jobs") == before


async def test_a_remix_is_told_as_it_was_sent(box: Box) -> None:
    first = await box.ended("toapis", model="sora-2", duration=10)
    body = {"model": "sora-2", "prompt": "At night."}
    reply = await box.call("toapis", f"/toapis/v1/videos/{first}/remix", body)
    assert reply.status_code == 200
    assert (await box.control("jobs"))[1]["received"]["body"] == body
