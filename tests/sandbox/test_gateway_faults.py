"""What a gateway tells in a form of its own: states nobody knows, two ids, refused outputs, errors under 200."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.sandbox.in_process import GATEWAYS, Box, sandbox

EVERYWHERE = pytest.mark.parametrize("gateway", GATEWAYS)


@pytest_asyncio.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    async with sandbox(tmp_path) as box:
        yield box


def state(gateway: str, body: dict[str, Any]) -> str:
    told = body.get("data", body)
    return str(told["state"] if gateway == "kie" else told["status"])


def failure(gateway: str, body: dict[str, Any]) -> Any:
    """The code and the message with which a job has failed."""
    if gateway == "fal":
        return body["detail"][0]["type"], body["detail"][0]["msg"]
    if gateway == "kie":
        return body["data"]["failCode"], body["data"]["failMsg"]
    if gateway == "toapis":
        return body["error"]["code"], body["error"]["message"]
    return body["data"]["code"], body["data"]["error"]


# --- words for an end


@pytest.mark.parametrize(
    ("gateway", "word"),
    [
        *[("fal", word) for word in ("FAILED", "ERROR", "CANCELLED", "completed")],
        *[("kie", word) for word in ("SUCCESS", "Succeeded", "failed")],
        *[("toapis", word) for word in ("SUCCESS", "FAILURE", "error", "cancelled", "expired", "Completed")],
        *[("wavespeed", word) for word in ("succeeded", "COMPLETED", "canceled")],
    ],
)
async def test_an_ended_job_is_told_with_another_word_and_a_running_one_is_not(
    box: Box, gateway: str, word: str
) -> None:
    await box.rule(gateway, "end_word", "status", word=word)
    job = await box.submit(gateway)
    before = state(gateway, (await box.status(gateway, job)).json())
    box.clock.advance(60)
    assert state(gateway, (await box.status(gateway, job)).json()) == word
    assert before in {"IN_QUEUE", "waiting", "queued", "created"}


async def test_a_rule_about_a_word_needs_the_word(box: Box) -> None:
    rule = {"match": {"gateway": "fal", "route": "status"}, "fault": "end_word"}
    assert (await box.http.post("/sandbox/faults", json=rule)).status_code == 422


async def test_fals_video_is_there_whatever_the_status_says(box: Box) -> None:
    await box.rule("fal", "end_word", "status", word="FAILED")
    job = await box.ended("fal")
    assert (await box.result("fal", job)).json()["video"]["url"]


# --- verdicts of the output, the input and the files


@EVERYWHERE
async def test_the_output_may_be_refused_by_chance(box: Box, gateway: str) -> None:
    await box.rule(gateway, "output_refused", "submit", times=1)
    refused, passed = await box.submit(gateway), await box.submit(gateway)
    box.clock.advance(60)
    code, message = failure(gateway, (await box.result(gateway, refused)).json())
    assert "sensitive" in message
    assert gateway != "toapis" or code == "OutputVideoSensitiveContentDetected"
    assert "out.mp4" in (await box.result(gateway, passed)).text
    assert len((await box.control("meter"))["billed"]) == 1


async def test_fal_names_the_generated_video_as_what_was_refused(box: Box) -> None:
    await box.rule("fal", "output_refused", "submit")
    reply = await box.result("fal", await box.ended("fal"))
    assert reply.status_code == 422
    assert reply.json()["detail"][0]["loc"] == ["body", "generated_video"]


async def test_fal_may_name_the_picture_that_was_refused(box: Box) -> None:
    await box.rule("fal", "policy_refusal", "submit", field="image_urls.1")
    reply = await box.result("fal", await box.ended("fal"))
    assert reply.json()["detail"][0]["loc"] == ["body", "image_urls", 1]


@EVERYWHERE
async def test_a_refusal_may_be_told_in_other_words(box: Box, gateway: str) -> None:
    await box.rule(gateway, "policy_refusal", "submit", message="Blocked: likenesses of real people")
    _, message = failure(gateway, (await box.result(gateway, await box.ended(gateway))).json())
    assert message == "Blocked: likenesses of real people"


@EVERYWHERE
async def test_a_file_may_not_be_there_for_the_gateway(box: Box, gateway: str) -> None:
    await box.rule(gateway, "file_download_error", "submit")
    reply = await box.result(gateway, await box.ended(gateway))
    code, message = failure(gateway, reply.json())
    assert "download" in message
    assert (
        code == {"fal": "file_download_error", "kie": "422", "toapis": "generation_failed", "wavespeed": 1402}[gateway]
    )
    assert "x-fal-billable-units" not in reply.headers


# --- fal


@pytest.mark.parametrize(
    ("fault", "body"),
    [
        ("error_in_200", {"error": "Something went wrong"}),
        ("detail_in_200", {"detail": "Something went wrong"}),
        ("empty_video", {"video": {}}),
    ],
)
async def test_fal_may_tell_an_error_under_200(box: Box, fault: str, body: dict[str, Any]) -> None:
    job = await box.ended("fal")
    await box.rule("fal", fault, "result", times=1, message="Something went wrong")
    reply = await box.result("fal", job)
    assert (reply.status_code, reply.json()) == (200, body)
    assert (await box.result("fal", job)).json()["video"]["url"]


@pytest.mark.parametrize(
    ("fault", "words"), [("blocked", "User has been blocked"), ("no_access", "Cannot access application")]
)
async def test_fal_says_why_an_account_may_not_buy(box: Box, fault: str, words: str) -> None:
    await box.rule("fal", fault, "submit")
    reply = await box.post("fal")
    assert reply.status_code == 403
    assert reply.json()["detail"].startswith(words)
    assert await box.accepted() == 0


# --- Kie


@pytest.mark.parametrize("code", [505, 0, 422, "200", None])
async def test_kie_may_tell_a_success_under_an_odd_code(box: Box, code: Any) -> None:
    await box.rule("kie", "odd_success_code", "status", code=code)
    body = (await box.result("kie", await box.ended("kie"))).json()
    assert body.get("code") == code
    assert ("code" in body) is (code is not None)
    assert json.loads(body["data"]["resultJson"])["resultUrls"]


@pytest.mark.parametrize(("gateway", "code"), [("kie", 410), ("kie", 451), ("wavespeed", 1200), ("wavespeed", 4006)])
async def test_an_envelope_alone_may_refuse_under_200(box: Box, gateway: str, code: int) -> None:
    await box.rule(gateway, "envelope_refused", "submit", status=code)
    reply = await box.post(gateway)
    assert (reply.status_code, reply.json()["code"], reply.json().get("data")) == (200, code, None)
    assert await box.accepted() == 0


# --- ToAPIs


@pytest.mark.parametrize(("fault", "good", "bad"), [("two_ids", "task_id", "id"), ("two_ids_swapped", "id", "task_id")])
async def test_a_toapis_task_with_two_ids_is_known_by_one(box: Box, fault: str, good: str, bad: str) -> None:
    await box.rule("toapis", fault, "submit")
    answer = (await box.post("toapis")).json()
    assert answer["id"].startswith("video_resource_")
    assert answer["task_id"].startswith("video_task_")
    box.clock.advance(60)
    found, missing = await box.status("toapis", answer[good]), await box.status("toapis", answer[bad])
    assert (found.status_code, missing.status_code) == (200, 404)
    (job,) = await box.control("jobs")
    assert (job["id"], job["ids"]) == (answer[good], [answer["id"], answer["task_id"]])
    assert {name: found.json()[name] for name in ("id", "task_id")} == {
        name: answer[name] for name in ("id", "task_id")
    }


@pytest.mark.parametrize("fault", ["policy_422", "invalid_field", "real_person"])
async def test_toapis_may_name_the_field_that_it_refuses(box: Box, fault: str) -> None:
    await box.rule("toapis", fault, "submit", times=1, field="image_urls")
    await box.rule("toapis", fault, "submit", times=1)
    named, unnamed = [(await box.post("toapis")).json()["error"] for _ in range(2)]
    assert named["param"] == "image_urls"
    assert "param" not in unnamed
    assert await box.accepted() == 0


# --- WaveSpeed


async def test_wavespeed_may_put_its_outputs_into_objects(box: Box) -> None:
    await box.rule("wavespeed", "outputs_as_objects", "status")
    (output,) = (await box.result("wavespeed", await box.ended("wavespeed"))).json()["data"]["outputs"]
    assert output["url"].endswith("/out.mp4")


@EVERYWHERE
async def test_a_clip_looks_as_a_rule_says(box: Box, gateway: str) -> None:
    await box.rule(gateway, "render_as", "submit", word="black")
    await box.result(gateway, await box.ended(gateway))
    (job,) = box.app.state.sandbox.state.jobs()
    assert job.outcome.clip.look == "black"


async def test_a_look_that_is_not_known_is_refused(box: Box) -> None:
    reply = await box.http.post("/sandbox/faults", json={"fault": "render_as", "word": "ugly"})
    assert (reply.status_code, "render_as needs a word" in reply.text) == (422, True)
