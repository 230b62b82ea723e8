"""ToAPIs' two addresses of a task, its uploads and its list of models: what goes where, and how often."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cases import canonical
from cases.toapis import API, CHARACTER, MP4, VIDEO, VIDEOS

from prefect_storyboard.providers.errors import (
    Busy,
    Expired,
    InvalidRequest,
    OutcomeUnknown,
    Unauthorized,
)
from prefect_storyboard.providers.protocol import Order, Sought
from prefect_storyboard.providers.toapis.adapter import ToApis

NOBODY = (404, "error-404.response")
MADE = (200, "character-completed.response")
VIDEO_ORDER = Order(endpoint=VIDEOS, body=canonical("toapis", "generate-t2v.request"))
CHARACTER_ORDER = Order(endpoint=VIDEOS, body=canonical("toapis", "create-character-url.request"))
REMIX_ORDER = Order(endpoint="v1/videos/video_1/remix", body=canonical("toapis", "remix.request"))


def toapis(*replies: Any, api_key: str = "sk-key") -> tuple[ToApis, list[httpx.Request]]:
    """An adapter whose ToAPIs gives these replies, the last one for ever, and the requests that it has seen."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        status, body = replies[min(len(seen), len(replies)) - 1]
        return httpx.Response(status, json=canonical("toapis", body) if isinstance(body, str) else body)

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return ToApis(http, api_key=api_key, api_url=f"{API}/"), seen


def asked(seen: list[httpx.Request]) -> list[str]:
    return [f"{request.method} {request.url}" for request in seen]


# --- submit


async def test_a_submit_is_the_order_as_json_and_the_key(tmp_path: Path) -> None:
    adapter, seen = toapis((200, "generate.response"))
    job = await adapter.submit(VIDEO_ORDER)
    (post,) = seen
    assert asked(seen) == ["POST https://toapis.com/v1/videos/generations"]
    assert post.headers["authorization"] == "Bearer sk-key"
    assert json.loads(post.content) == VIDEO_ORDER.body
    assert (job.provider, job.endpoint) == ("toapis", VIDEOS)
    assert datetime.now(UTC) - job.submitted_at < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("order", "reply", "address"),
    [
        (VIDEO_ORDER, "generate.response", "videos/generations/video_01K8SGYNNNVBQTXNR4MM964S7K"),
        (REMIX_ORDER, "remix.response", "videos/generations/video_01K8SGYNNNVBQTXNR4MM964S7K"),
        (CHARACTER_ORDER, "create-character.response", "characters_tasks/task_01KBYT59JDHB4A3KDDR9N9JVWP"),
    ],
    ids=["video", "remix", "character"],
)
async def test_a_task_is_asked_for_at_the_address_of_its_kind(order: Order, reply: str, address: str) -> None:
    adapter, seen = toapis((200, reply))
    job = await adapter.submit(order)
    await adapter.status(job)
    assert asked(seen) == [f"POST {API}/{order.endpoint}", f"GET {API}/v1/{address}"]


async def test_an_id_is_one_part_of_an_address_whatever_it_holds() -> None:
    adapter, seen = toapis((200, {"id": "../user?x#y"}))
    await adapter.status(await adapter.submit(VIDEO_ORDER))
    assert str(seen[1].url) == f"{API}/v1/videos/generations/..%2Fuser%3Fx%23y"


async def test_a_success_that_names_no_task_may_have_been_bought_and_holds_no_key() -> None:
    adapter, seen = toapis((200, {"data": "sk-key"}))
    with pytest.raises(OutcomeUnknown, match="names no task") as error:
        await adapter.submit(VIDEO_ORDER)
    assert "sk-key" not in repr(error.value.raw)
    assert len(seen) == 1


# --- status and result


async def test_a_characters_task_that_its_own_address_does_not_know_is_looked_for_among_the_videos_once() -> None:
    adapter, seen = toapis(NOBODY, MADE)
    assert (await adapter.result(CHARACTER)).mention == "@duksvfkf.turbo_whis"
    adapter, seen = toapis(NOBODY)
    with pytest.raises(Expired, match=f"does not know the job {CHARACTER.request_id}"):
        await adapter.status(CHARACTER)
    assert asked(seen) == [
        f"GET {API}/v1/characters_tasks/{CHARACTER.request_id}",
        f"GET {API}/v1/videos/generations/{CHARACTER.request_id}",
    ]


async def test_a_videos_task_is_looked_for_at_one_address() -> None:
    adapter, seen = toapis(NOBODY)
    with pytest.raises(Expired):
        await adapter.status(VIDEO)
    assert len(seen) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_a_passing_fault_is_no_reason_to_look_elsewhere(status: int) -> None:
    adapter, seen = toapis((status, {}))
    with pytest.raises(Busy):
        await adapter.status(CHARACTER)
    assert len(seen) == 1


async def test_a_task_whose_address_was_not_kept_may_be_of_either_kind() -> None:
    adapter, seen = toapis(NOBODY, (200, "video-completed.response"))
    assert (await adapter.result(VIDEO.model_copy(update={"urls": {}}))).url == MP4
    adapter, _ = toapis(MADE)
    assert (await adapter.result(CHARACTER.model_copy(update={"urls": {}}))).character_id
    assert [request.url.path.rpartition("/")[0] for request in seen] == [
        "/v1/characters_tasks",
        "/v1/videos/generations",
    ]


async def test_an_address_of_a_stranger_gets_no_key_and_the_id_is_asked_for() -> None:
    adapter, seen = toapis(MADE)
    for link in ("https://toapis.com.evil.example/v1/characters_tasks/1", "http://toapis.com/v1/characters_tasks/1"):
        strange = CHARACTER.model_copy(update={"urls": {"status": link}})
        await adapter.status(strange)
        await adapter.result(strange)
    assert {str(request.url) for request in seen} == {f"https://toapis.com/v1/characters_tasks/{CHARACTER.request_id}"}


async def test_the_picture_of_a_character_may_have_either_name() -> None:
    task = canonical("toapis", "character-completed.response")
    (born,) = task["result"]["data"]["characters"]
    born["avatar_url"] = born.pop("profile_picture_url")
    adapter, _ = toapis((200, task))
    result = await adapter.result(CHARACTER)
    assert (result.character_id, result.url) == ("ch_6937998961208191a45ef08447a554df", None)
    assert result.raw == task


async def test_the_first_character_that_a_prompt_can_name_counts() -> None:
    people = [{"id": "ch_0"}, {"id": "ch_1", "username": "@mara.ab"}, {"id": "ch_2", "username": "otto.cd"}]
    adapter, _ = toapis((200, {"status": "completed", "result": {"data": {"characters": people}}}))
    result = await adapter.result(CHARACTER)
    assert (result.character_id, result.mention) == ("ch_1", "@mara.ab")


@pytest.mark.parametrize(
    ("billing", "usd"), [({"cost_usd": "0.6"}, 0.6), ({"cost_usd": "0"}, None), ({}, None), ("none", None)], ids=str
)
async def test_a_price_is_what_was_charged_and_never_nothing(billing: Any, usd: float | None) -> None:
    adapter, _ = toapis((200, {"status": "completed", "url": MP4, "billing": billing}))
    assert (await adapter.result(VIDEO)).usd == usd


# --- uploads


@pytest.mark.parametrize(
    ("name", "content_type", "place"),
    [
        ("dawn.png", "image/png", "images"),
        ("dawn.webp", "image/webp", "images"),
        ("mara.mp4", "video/mp4", "videos"),
        ("mara.mov", "video/quicktime", "videos"),
    ],
)
async def test_a_file_goes_where_its_kind_belongs(tmp_path: Path, name: str, content_type: str, place: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"light")
    adapter, seen = toapis((200, "upload-ok.response"))
    assert await adapter.upload(path, content_type) == canonical("toapis", "upload-ok.response")["data"]["url"]
    (post,) = seen
    assert asked(seen) == [f"POST {API}/v1/uploads/{place}"]
    assert post.headers["authorization"] == "Bearer sk-key"
    assert post.headers["content-type"].startswith("multipart/form-data; boundary=")
    purpose, file = (part.decode() for part in post.content.split(b"\r\n--")[:2])
    assert purpose.endswith('name="purpose"\r\n\r\ngeneration')
    assert f'name="file"; filename="{name}"\r\nContent-Type: {content_type}\r\n\r\nlight' in file


async def test_a_sound_is_not_sent(tmp_path: Path) -> None:
    adapter, seen = toapis((200, "upload-ok.response"))
    with pytest.raises(InvalidRequest, match="not audio/mpeg") as error:
        await adapter.upload(tmp_path / "voice.mp3", "audio/mpeg")
    assert (error.value.sent, error.value.field) == (False, "file")
    assert not seen


async def test_an_upload_that_failed_with_a_200_says_why(tmp_path: Path) -> None:
    (tmp_path / "mara.mp4").touch()
    adapter, _ = toapis((200, "upload-video-too-large.response"))
    with pytest.raises(InvalidRequest, match="Maximum size is 50MB"):
        await adapter.upload(tmp_path / "mara.mp4", "video/mp4")


# --- the account


async def test_the_list_of_models_is_read_once() -> None:
    adapter, seen = toapis((200, "models.response"))
    assert [await adapter.offered(name) for name in ("sora-2", "sora-2-vvip", "sora-2")] == [False, True, False]
    assert asked(seen) == [f"GET {API}/v1/models"]


async def test_a_list_of_models_that_could_not_be_read_is_read_again() -> None:
    adapter, seen = toapis((500, {}), (200, "models.response"))
    assert [await adapter.offered("sora-2"), await adapter.offered("sora-2")] == [None, False]
    assert len(seen) == 2


@pytest.mark.parametrize("rate", [0, -200, "many", None])
async def test_credits_without_a_rate_are_no_money(rate: Any) -> None:
    adapter, seen = toapis((200, {"success": True, "remain_credits": 2100, "credits_per_usd": rate}))
    assert await adapter.balance() is None
    assert asked(seen) == [f"GET {API}/v1/balance"]


async def test_what_toapis_cannot_do_is_not_asked_for() -> None:
    adapter, seen = toapis((200, {}))
    assert await adapter.cancel(VIDEO) is False
    assert await adapter.find(Sought(endpoint=VIDEOS, digest=VIDEO_ORDER.digest, since=VIDEO.submitted_at)) is None
    assert await adapter.price(VIDEO_ORDER) is None
    assert not seen


@pytest.mark.parametrize("api_key", ["sk-key\u200b", "\ufeffsk-key", "sk\u2013key"])
def test_a_key_with_an_invisible_character_is_refused_before_anything_is_sent(api_key: str) -> None:
    with pytest.raises(Unauthorized, match="copy the key again") as error:
        toapis((200, {}), api_key=api_key)
    assert "key\u200b" not in repr(error.value)
