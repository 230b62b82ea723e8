"""Status and result: which state a job is in, and what it has made, in every shape that fal is known to send."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from prefect_storyboard.providers.errors import (
    Busy,
    Expired,
    GenerationFailed,
    NotSent,
    OutOfCredit,
    ProtocolError,
    ProviderError,
    Unauthorized,
)
from prefect_storyboard.providers.protocol import Status
from prefect_storyboard.storyboards import Job

Connect = Callable[..., Any]
NGINX = b"<html><body><center>nginx</center></body></html>"
MP4 = "https://v3b.fal.media/files/b/fixture/out.mp4"


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        ((202, "status-in-queue.response"), Status(state="queued")),
        ((202, "status-in-progress.response"), Status(state="running")),
        ((200, "status-completed.response"), Status(state="ended")),
        ((200, "status-completed-error.response"), Status(state="ended")),
        ((200, "status-in-progress.response"), Status(state="running")),
        ((200, {"status": "COMPLETED", "queue_position": None, "new": {"field": [1]}}), Status(state="ended")),
        ((202, {"status": "IN_QUEUE", "queue_position": "2"}), Status(state="queued")),
    ],
    ids=str,
)
async def test_each_documented_status_has_its_state(fal: Connect, job: Job, reply: Any, status: Status) -> None:
    adapter, _ = fal(reply)
    assert await adapter.status(job) == status


@pytest.mark.parametrize("status", ["PAUSED", "", None, 7, ["COMPLETED"]])
async def test_an_undocumented_state_is_still_running_and_named(fal: Connect, job: Job, status: Any) -> None:
    adapter, _ = fal((200, {"status": status}))
    found = await adapter.status(job)
    assert (found.state, found.unknown_word) == ("running", repr(status))


async def test_a_status_is_asked_at_the_link_as_returned_with_the_key_and_without_logs(fal: Connect, job: Job) -> None:
    adapter, seen = fal((200, "status-completed.response"))
    await adapter.status(job)
    (get,) = seen
    assert (get.method, str(get.url)) == ("GET", job.urls["status_url"] + "?logs=0")
    assert get.headers["authorization"] == "Key kid:ksec"
    assert get.content == b""


async def test_a_query_that_fal_puts_into_a_link_is_kept(fal: Connect, job: Job) -> None:
    links = {name: f"{url}?token=t%2F1" for name, url in job.urls.items()}
    adapter, seen = fal((202, "status-in-queue.response"), "video-result-minimal.response", (202, {}))
    tokened = job.model_copy(update={"urls": links})
    await adapter.status(tokened)
    await adapter.result(tokened)
    await adapter.cancel(tokened)
    assert [str(request.url) for request in seen] == [
        links["status_url"] + "&logs=0",
        links["response_url"],
        links["cancel_url"],
    ]


async def test_a_job_whose_links_were_not_kept_is_asked_for_by_its_id(fal: Connect, job: Job) -> None:
    adapter, seen = fal("video-result-minimal.response")
    await adapter.result(job.model_copy(update={"urls": {}}))
    assert str(seen[0].url) == job.urls["response_url"]


@pytest.mark.parametrize(
    "link",
    [
        "https://queue.fal.run.evil.example/requests/1",
        "https://evil.example/fal-ai/sora-2/requests/1?token=s3cr3t",
        "https://queue.fal.run@evil.example/",
        "http://queue.fal.run/fal-ai/sora-2/requests/1",
        "https://queue.fal.run:8443/fal-ai/sora-2/requests/1",
        "ftp://queue.fal.run/",
        "/fal-ai/sora-2/requests/1",
        "https://queue.fal.run:port/",
        "http://[broken",
    ],
)
async def test_a_link_to_a_stranger_gets_no_key_and_the_id_is_asked_for(fal: Connect, job: Job, link: str) -> None:
    adapter, seen = fal("video-result-minimal.response")
    strange = job.model_copy(update={"urls": dict.fromkeys(job.urls, link)})
    await adapter.status(strange)
    await adapter.result(strange)
    await adapter.cancel(strange)
    assert [str(request.url).partition("?")[0] for request in seen] == [
        job.urls["status_url"],
        job.urls["response_url"],
        job.urls["cancel_url"],
    ]


@pytest.mark.parametrize(
    "error",
    [
        (400, {"detail": "Bad Request"}),
        (413, b""),
        (
            422,
            {"detail": [{"loc": ["query", "logs"], "msg": "Input should be a valid boolean", "type": "bool_parsing"}]},
        ),
        (301, b""),
        (418, {"detail": "I'm a teapot"}),
    ],
    ids=str,
)
async def test_a_status_call_that_fal_does_not_take_is_no_verdict_on_the_job(
    fal: Connect, job: Job, error: Any
) -> None:
    adapter, _ = fal(error)
    with pytest.raises(ProtocolError) as refused:
        await adapter.status(job)
    assert refused.value.charged is None
    assert refused.value.request_id == job.request_id


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ((200, NGINX), Busy),
        ((200, b'{"status": "COMPL'), Busy),
        ((200, ["COMPLETED"]), Busy),
        ((408, b""), Busy),
        ((409, b""), Busy),
        ((425, b""), Busy),
        ((429, b""), Busy),
        ((500, {"detail": "Internal Server Error"}), Busy),
        ((502, NGINX), Busy),
        ((504, NGINX), Busy),
        ((520, b"cloud"), Busy),
        (httpx.ReadTimeout("slow"), Busy),
        (httpx.RemoteProtocolError("hung up"), Busy),
        (httpx.ConnectError("no route"), NotSent),
        ((401, "unauthorized.response"), Unauthorized),
        ((403, {"detail": "Forbidden"}), Unauthorized),
        ((403, "locked.response"), OutOfCredit),
    ],
    ids=str,
)
async def test_what_goes_wrong_on_the_way_leaves_the_job_open(
    fal: Connect, job: Job, reply: Any, kind: type[ProviderError]
) -> None:
    unreadable = isinstance(reply, tuple) and reply[0] == 200
    for ask in ("status", "result") if unreadable else ("status", "result", "cancel"):
        adapter, _ = fal(reply)
        with pytest.raises(kind) as error:
            await getattr(adapter, ask)(job)
        assert type(error.value) is kind
        assert (error.value.charged, error.value.request_id) == (None, job.request_id)
        assert "Nothing was bought" not in error.value.remedy


@pytest.mark.parametrize("reply", [(404, "not-found.response"), (404, {"detail": "Not Found"}), (404, NGINX)], ids=str)
async def test_a_job_that_fal_does_not_know_has_expired(fal: Connect, job: Job, reply: Any) -> None:
    for ask in ("status", "result", "cancel"):
        adapter, _ = fal(reply)
        with pytest.raises(Expired, match=f"does not know the job {job.request_id}") as error:
            await getattr(adapter, ask)(job)
        assert error.value.charged is None


async def test_a_result_is_asked_at_the_link_as_returned(fal: Connect, job: Job) -> None:
    adapter, seen = fal("video-result-minimal.response")
    await adapter.result(job)
    assert (seen[0].method, str(seen[0].url)) == ("GET", job.urls["response_url"])
    assert seen[0].headers["authorization"] == "Key kid:ksec"


@pytest.mark.parametrize("shape", ["video-result-minimal.response", "video-result-full.response"])
async def test_a_video_is_its_link_and_its_handle(fal: Connect, canonical: Any, job: Job, shape: str) -> None:
    adapter, _ = fal((200, shape, {"x-fal-billable-units": "8"}))
    result = await adapter.result(job)
    assert (result.url, result.handle, result.character_id) == (MP4, "video_123", None)
    assert result.raw == canonical(shape)


async def test_a_character_is_its_id(fal: Connect, job: Job) -> None:
    adapter, _ = fal("characters-result.response")
    result = await adapter.result(job)
    assert (result.character_id, result.url, result.handle) == ("char_123", None, None)


async def test_another_familys_video_has_no_handle(fal: Connect, job: Job) -> None:
    adapter, _ = fal("seedance-2-result.response")
    result = await adapter.result(job)
    assert (result.url, result.handle, result.raw["seed"]) == (MP4, None, 42)


@pytest.mark.parametrize(
    "body",
    [
        {"video": None},
        {"video": {}},
        {"video": {"url": None}},
        {"video": {"url": ""}},
        {"video": {"url": "file:///etc/passwd"}},
        {"id": ""},
        {"id": 7},
        {"images": []},
    ],
    ids=str,
)
async def test_a_success_without_a_video_or_a_character_is_none(fal: Connect, job: Job, body: Any) -> None:
    adapter, _ = fal((200, body))
    with pytest.raises(GenerationFailed, match="without a video, a picture or a character") as error:
        await adapter.result(job)
    assert error.value.raw == body
    assert error.value.charged is None


@pytest.mark.parametrize("word", ["FAILED", "ERROR", "CANCELLED"])
@pytest.mark.parametrize("reply", [(500, {"detail": "Internal Server Error"}), (502, NGINX), (503, b"")], ids=str)
async def test_a_word_for_failure_without_a_reason_is_no_verdict(fal: Connect, job: Job, word: str, reply: Any) -> None:
    adapter, _ = fal(reply, (200, {"status": word}))
    with pytest.raises((Busy, ProtocolError)):
        await adapter.result(job)


async def test_a_word_for_failure_with_a_reason_is_one(fal: Connect, job: Job) -> None:
    adapter, _ = fal((500, {"detail": "Internal Server Error"}), (200, {"status": "FAILED", "error": "out of memory"}))
    with pytest.raises(GenerationFailed, match="out of memory"):
        await adapter.result(job)
