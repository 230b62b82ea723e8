"""The sandbox's network fails as the rules say, at every gateway alike."""

import asyncio
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.sandbox.in_process import GATEWAYS, WIRES, Box, sandbox

EVERYWHERE = pytest.mark.parametrize("gateway", GATEWAYS)


@pytest_asyncio.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    async with sandbox(tmp_path) as box:
        yield box


# --- status and result


@EVERYWHERE
@pytest.mark.parametrize("status", [500, 502, 503])
async def test_an_untyped_5xx_on_a_result_is_followed_by_the_video(box: Box, gateway: str, status: int) -> None:
    job = await box.ended(gateway)
    await box.rule(gateway, "untyped_5xx", "result" if gateway == "fal" else "status", times=1, status=status)
    first, second = await box.result(gateway, job), await box.result(gateway, job)
    assert (first.status_code, first.json()) == (status, {"detail": "Internal Server Error"})
    assert second.status_code == 200
    assert "out.mp4" in second.text


async def test_fals_untyped_5xx_names_the_request_and_no_type(box: Box) -> None:
    job = await box.ended("fal")
    await box.rule("fal", "untyped_5xx", "result")
    headers = (await box.result("fal", job)).headers
    assert headers["x-fal-request-id"] == job
    assert "x-fal-error-type" not in headers


@EVERYWHERE
@pytest.mark.parametrize(
    ("fault", "is_what_it_should_be"),
    [
        ("html_200", lambda reply: reply.text.startswith("<html>")),
        ("empty_200", lambda reply: reply.content == b""),
        ("malformed_json", lambda reply: reply.text.startswith("{") and not reply.text.endswith("}")),
    ],
)
async def test_an_answer_that_is_no_json_comes_under_200(
    box: Box, gateway: str, fault: str, is_what_it_should_be: Any
) -> None:
    job = await box.ended(gateway)
    await box.rule(gateway, fault, "status", times=1)
    reply = await box.status(gateway, job)
    assert reply.status_code == 200
    assert is_what_it_should_be(reply)
    assert (await box.status(gateway, job)).json()


@EVERYWHERE
@pytest.mark.parametrize("fault", ["torn", "drop_after", "drop_before"])
async def test_a_connection_ends_in_the_middle(box: Box, gateway: str, fault: str) -> None:
    job = await box.ended(gateway)
    await box.rule(gateway, fault, "status", times=1)
    with pytest.raises(ConnectionResetError):
        await box.status(gateway, job)
    assert (await box.status(gateway, job)).json()


# --- submits


@EVERYWHERE
@pytest.mark.parametrize("status", [405, 406, 410, 411, 414, 415, 421, 422, 423, 424, 426, 428, 431, 451])
async def test_a_definite_4xx_is_told_in_the_gateways_form_and_buys_nothing(
    box: Box, gateway: str, status: int
) -> None:
    await box.rule(gateway, "refused_4xx", "submit", status=status)
    reply = await box.post(gateway)
    key = {"fal": "detail", "kie": "msg", "toapis": "error", "wavespeed": "message"}[gateway]
    assert (reply.status_code, key in reply.json()) == (status, True)
    assert await box.accepted() == 0


@EVERYWHERE
async def test_a_wall_in_front_refuses_in_its_own_words(box: Box, gateway: str) -> None:
    await box.rule(gateway, "wall_403", "submit")
    reply = await box.post(gateway)
    assert (reply.status_code, reply.text, reply.headers["server"]) == (403, "error code: 1010", "cloudflare")
    assert await box.accepted() == 0


@EVERYWHERE
async def test_an_ingress_refuses_with_a_page(box: Box, gateway: str) -> None:
    await box.rule(gateway, "nginx_4xx", "submit", status=414)
    reply = await box.post(gateway)
    assert reply.status_code == 414
    assert "414 " in reply.text
    assert "nginx" in reply.text
    assert await box.accepted() == 0


@EVERYWHERE
async def test_a_server_error_may_name_the_task_that_it_has_accepted(box: Box, gateway: str) -> None:
    await box.rule(gateway, "error_names_task", "submit", times=1, status=502)
    reply = await box.post(gateway)
    (job,) = await box.control("jobs")
    assert reply.status_code == 502
    assert WIRES[gateway].job_id(reply.json()) == job["id"]


@EVERYWHERE
async def test_a_4xx_rule_needs_its_status(box: Box, gateway: str) -> None:
    rule = {"match": {"gateway": gateway}, "fault": "refused_4xx"}
    reply = await box.http.post("/sandbox/faults", json=rule)
    assert reply.status_code == 422
    assert "status from 400 to 499" in reply.json()["error"]


@EVERYWHERE
@pytest.mark.parametrize(("fault", "accepted"), [("stalled", 1), ("stalled_before", 0), ("stalled_body", 1)])
async def test_a_stalled_submit_says_nothing_until_the_end(box: Box, gateway: str, fault: str, accepted: int) -> None:
    await box.rule(gateway, fault, "submit", times=1)
    call = asyncio.create_task(box.post(gateway))
    while not (await box.control("faults"))[0]["fired"]:  # noqa: ASYNC110 - nothing announces that a rule fired
        await asyncio.sleep(0)
    assert not call.done()
    box.app.state.stopping.set()
    with pytest.raises(ConnectionResetError):
        await call
    assert await box.accepted() == accepted


# --- time


@EVERYWHERE
async def test_every_reply_is_dated_by_the_sandboxs_clock(box: Box, gateway: str) -> None:
    box.clock.advance(3600)
    assert _date(await box.post(gateway)) == box.clock()


@EVERYWHERE
@pytest.mark.parametrize("seconds", [-600, 600])
async def test_a_servers_clock_may_be_minutes_off(box: Box, gateway: str, seconds: int) -> None:
    await box.rule(gateway, "wrong_date", seconds=seconds)
    assert _date(await box.post(gateway)) == box.clock() + seconds


async def test_a_gateway_whose_clock_is_slow_dates_its_lists_by_it(tmp_path: Path) -> None:
    async with sandbox(tmp_path, clock=lambda: 1_795_000_000.0 - 600) as box:
        job = await box.submit("wavespeed")
        listed = await box.call("wavespeed", "/wavespeed/api/v3/predictions", {"page": 1, "page_size": 10})
    (item,) = listed.json()["data"]["items"]
    assert (item["id"], _date(listed)) == (job, 1_795_000_000.0 - 600)
    assert item["created_at"].startswith("2026-11-18T10:56:40")


@EVERYWHERE
async def test_a_reply_may_have_no_date(box: Box, gateway: str) -> None:
    await box.rule(gateway, "no_date")
    assert "date" not in (await box.post(gateway)).headers


@EVERYWHERE
async def test_retry_after_is_told_in_seconds_or_as_a_date(box: Box, gateway: str) -> None:
    await box.rule(gateway, "rate_limited", "submit", times=1, retry_after=30)
    await box.rule(gateway, "rate_limited", "submit", times=1, retry_after=30, retry_after_as="date")
    seconds, date = [(await box.post(gateway)).headers["retry-after"] for _ in range(2)]
    assert seconds == "30"
    assert parsedate_to_datetime(date).timestamp() == box.clock() + 30


def _date(reply: httpx.Response) -> float:
    return parsedate_to_datetime(reply.headers["date"]).timestamp()
