"""Stills at the four gateways: each canonical body byte for byte, each answer read, each refusal named."""

import base64
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from cases import FIXTURES, canonical
from PIL import Image
from stills import BUS, DRAWN, NOT_SENT, Drawn, asked

from prefect_storyboard.providers import errors
from prefect_storyboard.providers.fal.adapter import Fal
from prefect_storyboard.providers.images import image_models
from prefect_storyboard.providers.kie.adapter import Kie
from prefect_storyboard.providers.protocol import DrawsStills
from prefect_storyboard.providers.toapis.adapter import ToApis
from prefect_storyboard.providers.wavespeed.adapter import WaveSpeed
from prefect_storyboard.storyboards import Job

NOW = datetime(2026, 11, 29, tzinfo=UTC)
ENDPOINTS = {
    "fal": "google/nano-banana-2.1/edit",
    "kie": "nano-banana-2-1",
    "wavespeed": "google/nano-banana-2.1/edit",
    "toapis": "v1/images/generations",
}

ANSWERS = [
    ("fal", "still-nano.response", "https://v3b.fal.media/files/b/0a8e/x.png"),
    ("fal", "still-seedream.response", "https://v3b.fal.media/files/b/0a8e/y.png"),
    ("fal", "still-flux.response", "https://v3b.fal.media/files/b/0a8e/z.png"),
    ("kie", "still-record.response", "https://tempfile.aiquickdraw.com/i/abc.png"),
    ("wavespeed", "still-result.response", "https://d2p7pge43lyniu.cloudfront.net/output/xxxx.png"),
    ("toapis", "still-completed.response", "https://example.com/files/abc.png"),
]


def connected(provider: str, *replies: Any) -> tuple[Any, list[httpx.Request]]:
    """An adapter whose gateway gives these replies in turn, the last one for ever, and the requests that it has seen."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        status, body = replies[min(len(seen), len(replies)) - 1]
        return httpx.Response(status, json=body)

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    match provider:
        case "fal":
            hosts = {"queue_url": "https://queue.fal.run", "rest_url": "https://rest.fal.ai"}
            return Fal(http, api_key="kid:ksec", platform_url="https://api.fal.ai/v1", **hosts), seen
        case "kie":
            hosts = {"api_url": "https://api.kie.ai", "upload_url": "https://kieai.redpandaai.co"}
            return Kie(http, api_key="a-key-of-kie", **hosts), seen
        case "wavespeed":
            return WaveSpeed(http, api_key="a-key-of-wavespeed", api_url="https://api.wavespeed.ai"), seen
    return ToApis(http, api_key="sk-a-key-of-toapis", api_url="https://toapis.com"), seen


def job(provider: str, endpoint: str = "") -> Job:
    return Job(provider=provider, endpoint=endpoint or ENDPOINTS[provider], request_id="r1_still", submitted_at=NOW)


def png() -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (16, 9), "navy").save(target, "PNG")
    return target.getvalue()


@pytest.mark.parametrize("one", DRAWN, ids=lambda one: f"{one.provider}-{one.fixture}-{one.part}")
def test_every_drawing_is_its_canonical_body_byte_for_byte(one: Drawn) -> None:
    adapter, _ = connected(one.provider, (200, {}))
    order = adapter.still_order(one.request)
    body = canonical(one.provider, one.fixture)
    wanted = body if one.part is None else body[one.part]
    assert json.dumps(order.body) == json.dumps(wanted)
    assert order.endpoint == one.endpoint


@pytest.mark.parametrize("provider", NOT_SENT)
def test_every_printed_body_is_sent_or_left_out_on_purpose(provider: str) -> None:
    printed = canonical(provider, "still-bodies.requests")
    parts = set(printed) if isinstance(printed, dict) else set(range(len(printed)))
    sent = {one.part for one in DRAWN if one.provider == provider and one.part is not None}
    assert parts - sent == set(NOT_SENT[provider])


def test_every_canonical_body_of_stills_is_used() -> None:
    printed = {(file.parent.name, file.stem) for file in FIXTURES.glob("*/still-*.json")}
    answers = {(provider, fixture) for provider, fixture, _ in ANSWERS} | {
        ("fal", "still-refused.response"),
        ("toapis", "still-submit.response"),
        ("toapis", "still-failed.response"),
    }
    assert printed == {(one.provider, one.fixture) for one in DRAWN} | answers


@pytest.mark.parametrize("provider", ENDPOINTS)
def test_every_gateway_writes_every_model_that_it_sells_with_one_picture_and_all_its_choices(provider: str) -> None:
    adapter, _ = connected(provider, (200, {}))
    assert isinstance(adapter, DrawsStills)
    for name, model in image_models(provider).items():
        if model.refused:
            continue
        for pictures in {model.references.least, min(2, model.references.most)}:
            said = asked(provider, name, BUS, pictures, aspect=model.aspects[0])
            text = json.dumps(adapter.still_order(said).body)
            assert all(link in text for (link,) in said.pictures), name
            for choice in said.drawing.asked.model_dump(exclude={"aspect", "resolution"}).values():
                assert choice in text, (name, choice)


def test_a_field_of_the_gateway_that_is_known_is_sent() -> None:
    adapter, _ = connected("fal", (200, {}))
    order = adapter.still_order(asked("fal", "nano-banana-2.1", BUS, 1, fields={"thinking_level": "high"}))
    assert order.body["thinking_level"] == "high"


@pytest.mark.parametrize(("prompt", "length"), [("ab", 2), ("a" * 5001, "5,001")])
def test_a_prompt_that_the_model_does_not_take_is_refused_before_anything_is_sent(prompt: str, length: object) -> None:
    adapter, seen = connected("kie", (200, {}))
    with pytest.raises(errors.InvalidRequest, match=f"prompts of 3 to 5,000 characters, and this one has {length}"):
        adapter.still_order(asked("kie", "seedream-5-pro", prompt, 0))
    assert seen == []


@pytest.mark.parametrize(("provider", "fixture", "link"), ANSWERS)
async def test_every_canonical_answer_has_its_picture(provider: str, fixture: str, link: str) -> None:
    adapter, _ = connected(provider, (200, canonical(provider, fixture)))
    assert (await adapter.result(job(provider))).url == link


async def test_the_credits_of_a_still_are_what_it_cost() -> None:
    adapter, _ = connected("kie", (200, canonical("kie", "still-record.response")))
    assert (await adapter.result(job("kie"))).usd == 0.02


def _in_lines(url: str) -> str:
    return base64.encodebytes(base64.b64decode(url.partition(",")[2])).decode()


DATA = f"data:image/png;base64,{base64.b64encode(png()).decode()}"


@pytest.mark.parametrize(
    ("provider", "answer"),
    [
        ("fal", {"images": [{"url": DATA, "content_type": "image/png"}]}),
        ("wavespeed", {"code": 200, "data": {"id": "r1_still", "status": "completed", "outputs": [DATA]}}),
        (
            "wavespeed",
            {"code": 200, "data": {"id": "r1_still", "status": "completed", "outputs": [DATA.partition(",")[2]]}},
        ),
        (
            "toapis",
            {"id": "r1_still", "status": "completed", "result": {"data": [{"b64_json": DATA.partition(",")[2]}]}},
        ),
        ("fal", {"images": [{"url": DATA.replace("image/png", "application/octet-stream")}]}),
        ("fal", {"images": [{"url": DATA.replace("image/png", "image/png;charset=utf-8")}]}),
        (
            "toapis",
            {"id": "r1_still", "status": "completed", "result": {"data": [{"b64_json": _in_lines(DATA)}]}},
        ),
    ],
    ids=["fal", "wavespeed data", "wavespeed base64", "toapis b64_json", "another type", "a parameter", "in lines"],
)
async def test_a_picture_that_the_answer_holds_itself_is_written_without_a_request(
    provider: str, answer: dict[str, Any], tmp_path: Path
) -> None:
    adapter, seen = connected(provider, (200, answer))
    found = await adapter.result(job(provider))
    before = len(seen)
    await adapter.fetch(found.url, tmp_path / "still.png")
    assert (tmp_path / "still.png").read_bytes() == png()
    assert len(seen) == before


async def test_a_picture_that_was_blackened_is_named_as_one_and_says_nothing_of_sound() -> None:
    answer = {"images": [{"url": DATA}], "has_nsfw_concepts": [True]}
    adapter, _ = connected("fal", (200, answer))
    with pytest.raises(errors.Refused, match="flagged the picture and blacked it out") as refused:
        await adapter.result(job("fal"))
    assert "draw it again" in refused.value.remedy
    assert "audio" not in refused.value.remedy


async def test_a_torn_picture_in_an_answer_is_an_error_of_a_paid_job(tmp_path: Path) -> None:
    adapter, _ = connected("fal", (200, {}))
    with pytest.raises(errors.ProtocolError, match="damaged") as torn:
        await adapter.fetch("data:image/png;base64,iVBORw0K*", tmp_path / "still.png")
    assert torn.value.charged


async def test_a_picture_of_toapis_is_asked_where_pictures_are_and_its_end_may_come_with_the_submit() -> None:
    adapter, seen = connected("toapis", (200, canonical("toapis", "still-submit.response")))
    order = adapter.still_order(asked("toapis", "gpt-image-2.5", BUS, 1))
    bought = await adapter.submit(order)
    assert (await adapter.status(bought)).state == "queued"
    assert [str(each.url) for each in seen] == [
        "https://toapis.com/v1/images/generations",
        "https://toapis.com/v1/images/generations/tsk_img_example",
    ]
    adopted = job("toapis").model_copy(update={"urls": {}})
    await adapter.status(adopted)
    assert str(seen[-1].url) == "https://toapis.com/v1/images/generations/r1_still"


async def test_a_submit_that_says_completed_is_a_job_like_any_other() -> None:
    adapter, _ = connected("toapis", (200, canonical("toapis", "still-completed.response")))
    bought = await adapter.submit(adapter.still_order(asked("toapis", "gpt-image-2.5", BUS, 1)))
    assert (await adapter.result(bought)).url == "https://example.com/files/abc.png"


async def test_a_model_that_made_nothing_of_a_still_may_do_so_once_more_and_unbilled() -> None:
    refused = canonical("fal", "still-refused.response")
    adapter, _ = connected("fal", (422, refused))
    with pytest.raises(errors.GenerationFailed, match="produced no media") as still:
        await adapter.result(job("fal"))
    assert (still.value.by_chance, still.value.resubmittable, still.value.charged) == (True, True, False)
    with pytest.raises(errors.GenerationFailed) as clip:
        await adapter.result(job("fal", "fal-ai/veo3.1/reference-to-video"))
    assert (clip.value.by_chance, clip.value.resubmittable, clip.value.charged) == (False, False, None)


@pytest.mark.parametrize(
    ("provider", "status", "answer", "what"),
    [
        (
            "fal",
            422,
            {
                "detail": [
                    {"loc": ["body", "image_urls", 1], "msg": "Content flagged", "type": "content_policy_violation"}
                ]
            },
            "image 2",
        ),
        (
            "fal",
            200,
            {"images": [{"url": "https://v3b.fal.media/z.png"}], "has_nsfw_concepts": [True], "seed": 7},
            "output",
        ),
        (
            "kie",
            200,
            {
                "code": 200,
                "data": {
                    "taskId": "r1_still",
                    "state": "fail",
                    "failCode": "400",
                    "failMsg": "The input image 1 was flagged as sensitive content",
                },
            },
            "image 1",
        ),
        (
            "wavespeed",
            200,
            {
                "code": 200,
                "data": {
                    "id": "r1_still",
                    "status": "failed",
                    "outputs": [],
                    "error": "Content flagged as potentially sensitive: prompt",
                },
            },
            "prompt",
        ),
        (
            "wavespeed",
            200,
            {
                "code": 200,
                "data": {
                    "id": "r1_still",
                    "status": "completed",
                    "outputs": ["https://cdn.example/x.png"],
                    "has_nsfw_contents": [True],
                },
            },
            "output",
        ),
        (
            "toapis",
            200,
            {
                "id": "r1_still",
                "status": "failed",
                "error": {"code": "generation_failed", "message": "The prompt violates the content policy"},
            },
            "prompt",
        ),
    ],
)
async def test_a_refusal_names_the_input(provider: str, status: int, answer: dict[str, Any], what: str) -> None:
    adapter, _ = connected(provider, (status, answer))
    with pytest.raises(errors.Refused) as refused:
        await adapter.result(job(provider))
    assert refused.value.what == what


async def test_a_failed_picture_of_toapis_shows_its_text() -> None:
    adapter, _ = connected("toapis", (200, canonical("toapis", "still-failed.response")))
    with pytest.raises(errors.ProviderError, match="The request was rejected"):
        await adapter.result(job("toapis"))
