"""The fault rules work on pictures as they do on clips, at every gateway."""

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
import pytest_asyncio

from tests.sandbox.in_process import GATEWAYS, WIRES, Box, sandbox
from tests.sandbox.picture_orders import SHEET

PLAIN: dict[str, tuple[str, dict[str, Any]]] = {
    "fal": ("/fal/queue/google/nano-banana-2.1", {"prompt": SHEET}),
    "kie": ("/kie/api/api/v1/jobs/createTask", {"model": "nano-banana-2-1", "input": {"prompt": SHEET}}),
    "toapis": ("/toapis/v1/images/generations", {"model": "gpt-image-2.5-flare", "prompt": SHEET}),
    "wavespeed": ("/wavespeed/api/v3/google/nano-banana-2.1/text-to-image", {"prompt": SHEET}),
}
FAILS = {
    "fal": ["policy_refusal", "output_refused", "file_download_error", "no_media", "downstream_error", "infra_error"],
    "kie": ["policy_refusal", "output_refused", "file_download_error", "task_failed", "failed_envelope"],
    "toapis": ["policy_refusal", "output_refused", "file_download_error", "task_failed"],
    "wavespeed": ["policy_refusal", "output_refused", "file_download_error", "task_failed", "task_timeout"],
}
REFUSES = ["rate_limited", "unauthorized", "internal_error", "drop_before", "nginx_502", "wall_403"]
LOSES = ["drop_after", "empty_200", "html_200", "malformed_json", "torn", "error_names_task"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def box(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Box]:
    async with sandbox(tmp_path_factory.mktemp("faults")) as box:
        yield box


async def jobs_after(box: Box, gateway: str, fault: str) -> list[Any]:
    """The jobs that an order made under a fault, once their time has come."""
    before = len(await box.control("jobs"))
    await box.rule(gateway, fault, "submit", times=1)
    with suppress(ConnectionResetError):
        await box.call(gateway, *PLAIN[gateway])
    box.clock.advance(60)
    return list((await box.control("jobs"))[before:])


@pytest.mark.parametrize(("gateway", "fault"), [(each, fault) for each in GATEWAYS for fault in FAILS[each]])
async def test_a_picture_that_fails_costs_nothing(box: Box, gateway: str, fault: str) -> None:
    (job,) = await jobs_after(box, gateway, fault)
    assert (job["phase"], job["billed"]) == ("COMPLETED", None)


@pytest.mark.parametrize("gateway", GATEWAYS)
@pytest.mark.parametrize("fault", REFUSES)
async def test_a_refused_order_of_a_picture_makes_no_job(box: Box, gateway: str, fault: str) -> None:
    assert await jobs_after(box, gateway, fault) == []


@pytest.mark.parametrize("gateway", GATEWAYS)
@pytest.mark.parametrize("fault", LOSES)
async def test_an_order_whose_reply_is_lost_is_drawn_and_billed(box: Box, gateway: str, fault: str) -> None:
    (job,) = await jobs_after(box, gateway, fault)
    assert (job["phase"], job["billed"]["kind"]) == ("COMPLETED", "picture")


@pytest.mark.parametrize("gateway", GATEWAYS)
async def test_a_picture_may_hang_or_be_late(box: Box, gateway: str) -> None:
    (stuck,) = await jobs_after(box, gateway, "stuck")
    await box.rule(gateway, "slow_render", "submit", times=1, seconds=600)
    reply = (await box.call(gateway, *PLAIN[gateway])).json()
    late = reply["id"] if gateway == "toapis" else WIRES[gateway].job_id(reply)
    box.clock.advance(60)
    phases = [{each["id"]: each["phase"] for each in await box.control("jobs")}[late]]
    box.clock.advance(600)
    phases.append({each["id"]: each["phase"] for each in await box.control("jobs")}[late])
    assert (stuck["phase"], phases) == ("IN_PROGRESS", ["IN_PROGRESS", "COMPLETED"])


@pytest.mark.parametrize("gateway", GATEWAYS)
async def test_a_rule_finds_a_picture_by_its_model_and_its_prompt(box: Box, gateway: str) -> None:
    model = "flare" if gateway == "toapis" else "nano-banana"
    rule = {"fault": "rate_limited", "times": 1, "match": {"gateway": gateway, "endpoint": model, "prompt": "oilskin"}}
    assert (await box.http.post("/sandbox/faults", json=rule)).status_code == 200
    before = await box.accepted()
    await box.call(gateway, *PLAIN[gateway])
    assert await box.accepted() == before


@pytest.mark.parametrize(("fault", "status"), [("output_missing", 404), ("truncated", 200)])
async def test_a_download_may_fail(box: Box, fault: str, status: int) -> None:
    reply = await box.call("fal", *PLAIN["fal"])
    box.clock.advance(60)
    url = (await box.get("fal", reply.json()["response_url"])).json()["images"][0]["url"]
    whole = (await box.http.get(url)).content
    await box.rule("fal", fault, "download", times=1)
    try:
        broken = await box.http.get(url)
        assert (broken.status_code, broken.content != whole) == (status, True)
    except ConnectionResetError:
        assert fault == "truncated"
    assert (await box.http.get(url)).content == whole
