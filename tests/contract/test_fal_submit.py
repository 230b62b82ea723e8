"""A submit to fal: one POST, never two, and an error that says whether it was bought."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from prefect_storyboard.providers.errors import Busy, NotSent, OutcomeUnknown, Unauthorized
from prefect_storyboard.providers.protocol import Order

Connect = Callable[..., Any]
ACCEPTED = "queue-submit.response"
NGINX = b"<html><head><title>502 Bad Gateway</title></head><body><center>nginx</center></body></html>"


async def test_the_body_is_the_raw_input_and_goes_to_the_full_endpoint(
    fal: Connect, canonical: Any, order: Order
) -> None:
    adapter, seen = fal(ACCEPTED)
    await adapter.submit(order)
    (post,) = seen
    assert (post.method, str(post.url)) == ("POST", "https://queue.fal.run/fal-ai/sora-2/text-to-video")
    assert post.headers["authorization"] == "Key kid:ksec"
    assert post.headers["content-type"] == "application/json"
    assert json.loads(post.content) == canonical("text-to-video-minimal.request")


async def test_only_documented_headers_are_sent(fal: Connect, order: Order) -> None:
    adapter, seen = fal(ACCEPTED)
    await adapter.submit(order)
    assert not [name for name in seen[0].headers if name.startswith("x-")]


async def test_the_job_is_what_fal_answered_links_and_all(fal: Connect, canonical: Any, order: Order) -> None:
    reply = canonical(ACCEPTED)
    reply |= {"status_url": "https://queue.fal.run/elsewhere/status", "new_field": {"since": "tomorrow"}}
    adapter, _ = fal((200, reply))
    job = await adapter.submit(order)
    assert (job.provider, job.endpoint, job.request_id) == ("fal", order.endpoint, reply["request_id"])
    assert job.urls == {link: reply[link] for link in ("status_url", "response_url", "cancel_url")}
    assert datetime.now(UTC) - job.submitted_at < timedelta(minutes=1)


async def test_a_job_without_links_is_addressed_by_owner_and_app(fal: Connect, canonical: Any) -> None:
    reply = canonical(ACCEPTED)
    adapter, _ = fal((200, {"request_id": reply["request_id"]}))
    job = await adapter.submit(Order(endpoint="fal-ai/sora-2/image-to-video/pro", body={"prompt": "p"}))
    assert job.urls == {link: reply[link] for link in ("status_url", "response_url", "cancel_url")}


@pytest.mark.parametrize("api_key", ["kid:ksec\n", "  kid:ksec", "kid:ksec\r\n", "kid:\n ksec\t"])
async def test_white_space_around_a_pasted_key_does_not_matter(fal: Connect, order: Order, api_key: str) -> None:
    adapter, seen = fal(ACCEPTED, api_key=api_key)
    await adapter.submit(order)
    assert seen[0].headers["authorization"] == "Key kid:ksec"


@pytest.mark.parametrize("api_key", ["kid:ksec\u200b", "\ufeffkid:ksec", "kid\u2013one:ksec"])
def test_a_key_with_an_invisible_character_is_refused_before_anything_is_sent(fal: Connect, api_key: str) -> None:
    with pytest.raises(Unauthorized, match="copy the key again") as error:
        fal(ACCEPTED, api_key=api_key)
    assert "ksec" not in repr(error.value)


@pytest.mark.parametrize(
    "lost",
    [
        httpx.ReadTimeout("slow"),
        httpx.ReadError("reset"),
        httpx.WriteError("reset while writing"),
        httpx.WriteTimeout("slow"),
        httpx.RemoteProtocolError("hung up"),
        httpx.CloseError("gone"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_lost_reply_may_have_been_bought_and_is_not_asked_for_again(
    fal: Connect, order: Order, lost: Exception
) -> None:
    adapter, seen = fal(lost, ACCEPTED)
    with pytest.raises(OutcomeUnknown, match="may have been accepted") as error:
        await adapter.submit(order)
    assert (error.value.sent, error.value.charged) == (None, None)
    assert len(seen) == 1


@pytest.mark.parametrize(
    "reply",
    [
        (200, b""),
        (200, NGINX),
        (200, b'{"request_id": "405a114e-04bd'),
        (200, {}),
        (200, []),
        (200, {"request_id": None}),
        (200, {"request_id": 405}),
        (200, {"request_id": " "}),
        (500, {"detail": "Internal Server Error"}),
        (502, NGINX),
        (503, NGINX),
        (504, NGINX),
        (500, b"", {"x-fal-request-id": "r"}),
        (408, {"detail": "Request Timeout"}),
        (409, {"detail": "Conflict"}),
        (299, b"\xff\xfe"),
    ],
    ids=str,
)
async def test_a_reply_without_a_request_id_may_have_been_bought(fal: Connect, order: Order, reply: Any) -> None:
    adapter, seen = fal(reply, ACCEPTED)
    with pytest.raises(OutcomeUnknown):
        await adapter.submit(order)
    assert len(seen) == 1


@pytest.mark.parametrize(
    "refused", [httpx.ConnectError("no route"), httpx.ConnectTimeout("slow"), httpx.ProxyError("407")], ids=repr
)
async def test_a_connection_that_was_never_made_bought_nothing(fal: Connect, order: Order, refused: Exception) -> None:
    adapter, seen = fal(refused, ACCEPTED)
    with pytest.raises(NotSent) as error:
        await adapter.submit(order)
    assert (error.value.sent, error.value.charged) == (False, False)
    assert len(seen) == 1


@pytest.mark.parametrize(
    "reply",
    [
        (429, {"detail": "Too many concurrent requests", "error_type": "concurrent_requests_limit"}),
        (429, {"detail": "Too many requests"}, {"X-Fal-needs-retry": "1"}),
        (429, b"slow down"),
        (503, {"detail": "No runner available"}, {"x-fal-request-id": "r"}),
    ],
    ids=str,
)
async def test_a_definite_refusal_may_be_sent_again_by_the_caller(fal: Connect, order: Order, reply: Any) -> None:
    adapter, seen = fal(reply, ACCEPTED)
    with pytest.raises(Busy) as error:
        await adapter.submit(order)
    assert (error.value.charged, error.value.retry_after) == (False, None)
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("0.5", 0.5), ("-3", 0.0), ("nan", None), ("inf", None), ("tomorrow", None)]
)
async def test_the_seconds_that_fal_asks_for_are_kept(fal: Connect, order: Order, header: str, seconds: float) -> None:
    adapter, _ = fal((429, {"detail": "slow down"}, {"Retry-After": header}))
    with pytest.raises(Busy) as error:
        await adapter.submit(order)
    assert error.value.retry_after == seconds
