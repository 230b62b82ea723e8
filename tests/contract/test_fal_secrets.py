"""Keys and signed links are in no error, however it is shown, and whatever fal says."""

import asyncio
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from prefect_storyboard.providers.download import download
from prefect_storyboard.providers.errors import ProviderError
from prefect_storyboard.providers.protocol import Order, Sought
from prefect_storyboard.storyboards import Job

Connect = Callable[..., Any]
SIGNED = "https://storage.example.com/a.mp4?X-Amz-Signature=s1gned&X-Amz-Expires=60"
SECRETS = ("ksec", "s1gned", "X-Amz")
TALKATIVE = {
    "detail": f"Key kid:ksec may not GET {SIGNED}, nor '{SIGNED}'; Bearer ksec-ksec-ksec neither.",
    "request_id": None,
    "upload_url": SIGNED,
    "items": {"url": SIGNED},
}
REJECTED = {"detail": [{"loc": ["body", "video_url"], "msg": f"cannot fetch {SIGNED}", "type": "file_download_error"}]}


def shown(error: ProviderError) -> str:
    """Everything of an error that may reach a log, a table, an artifact or a database."""
    lines = traceback.format_exception(error)
    return " ".join([str(error), repr(error), error.remedy, repr(error.raw), repr(error.__dict__), *lines])


REPLIES: list[Any] = [(status, TALKATIVE) for status in (200, 400, 401, 403, 404, 418, 429, 500, 503)]
REPLIES += [(422, REJECTED), (500, TALKATIVE, {"x-fal-request-id": "r"}), (200, f"<html>{SIGNED}</html>".encode())]
REPLIES += [httpx.ReadTimeout(SIGNED), httpx.ConnectError(f"Key kid:ksec {SIGNED}"), httpx.InvalidURL(SIGNED)]


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: str(reply)[:30])
async def test_no_error_of_any_call_holds_a_secret(
    fal: Connect, job: Job, order: Order, tmp_path: Path, reply: Any
) -> None:
    path = tmp_path / "a.mp4"
    path.touch()
    adapter, _ = fal(reply)
    calls = (
        adapter.upload(path, "video/mp4"),
        adapter.submit(order),
        adapter.status(job),
        adapter.result(job),
        adapter.cancel(job),
        adapter.find(Sought(endpoint=order.endpoint, digest=order.digest, since=datetime.now(UTC))),
        adapter.offered(order.endpoint),
        adapter.balance(),
    )
    errors = [end for end in await asyncio.gather(*calls, return_exceptions=True) if isinstance(end, Exception)]
    assert errors
    for error in errors:
        assert isinstance(error, ProviderError)
        assert not [secret for secret in SECRETS if secret in shown(error)]


@pytest.mark.parametrize("reply", [403, 404, 500, httpx.ReadError(SIGNED), httpx.ConnectError(SIGNED)], ids=str)
async def test_no_error_of_a_download_holds_its_link(tmp_path: Path, reply: Any) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if isinstance(reply, Exception):
            raise reply
        return httpx.Response(reply)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        with pytest.raises(ProviderError) as error:
            await download(http, SIGNED, tmp_path / "take.mp4")
    assert not [secret for secret in SECRETS if secret in shown(error.value)]


async def test_a_stored_link_of_another_host_is_not_asked_and_not_shown(fal: Connect, job: Job) -> None:
    adapter, seen = fal("video-result-minimal.response")
    result = await adapter.result(job.model_copy(update={"urls": {"response_url": SIGNED}}))
    assert [str(request.url) for request in seen] == [job.urls["response_url"]]
    assert not [secret for secret in SECRETS if secret in repr(result)]


async def test_a_link_with_a_signature_is_not_kept_with_the_job(fal: Connect) -> None:
    root = "https://queue.fal.run/fal-ai/sora-2/requests/r1"
    adapter, _ = fal((200, {"request_id": "r1", "status_url": f"{root}/status?sig=s1gned", "response_url": root}))
    kept = await adapter.submit(Order(endpoint="fal-ai/sora-2/text-to-video", body={}))
    assert kept.urls == {"status_url": f"{root}/status", "response_url": root, "cancel_url": f"{root}/cancel"}


async def test_a_result_does_not_show_its_link_in_a_log(fal: Connect, job: Job) -> None:
    adapter, _ = fal((200, {"video": {"url": SIGNED}, "video_id": "video_123"}))
    result = await adapter.result(job)
    assert result.url == SIGNED
    assert "s1gned" not in repr(result) + str(result)


def test_an_adapter_does_not_show_its_key(fal: Connect) -> None:
    adapter, _ = fal("not-found.response")
    assert "ksec" not in repr(adapter) + str(adapter)
