"""Cancelling, finding a job whose reply was lost, and what the platform says about models and money."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from prefect_storyboard.providers.errors import Busy, Expired, ProtocolError, ProviderError, Unauthorized
from prefect_storyboard.providers.protocol import Order, Sought
from prefect_storyboard.storyboards import Job

Connect = Callable[..., Any]
T2V = "fal-ai/sora-2/text-to-video"
SINCE = datetime(2026, 2, 17, 10, 30, tzinfo=UTC)
BODY = {"prompt": "p"}
DIGEST = Order(endpoint=T2V, body=BODY).digest


@pytest.mark.parametrize(
    ("reply", "asked_for"),
    [
        ((200, "cancel-ok.response"), True),
        ((202, "cancel-requested.response"), True),
        ((200, {"success": True}), True),
        ((202, b""), True),
        ((400, "cancel-too-late.response"), False),
    ],
    ids=str,
)
async def test_a_cancel_says_whether_it_was_in_time(fal: Connect, job: Job, reply: Any, asked_for: Any) -> None:
    adapter, seen = fal(reply)
    assert await adapter.cancel(job) is asked_for
    (put,) = seen
    assert (put.method, str(put.url), put.content) == ("PUT", job.urls["cancel_url"], b"")
    assert put.headers["content-length"] == "0"
    assert put.headers["authorization"] == "Key kid:ksec"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ((404, "not-found.response"), Expired),
        ((400, {"detail": "bad request"}), ProtocolError),
        ((500, b""), Busy),
        ((401, "unauthorized.response"), Unauthorized),
    ],
    ids=str,
)
async def test_a_cancel_that_fails_is_not_taken_for_too_late(
    fal: Connect, job: Job, reply: Any, kind: type[ProviderError]
) -> None:
    adapter, _ = fal(reply)
    with pytest.raises(kind):
        await adapter.cancel(job)


def listed(request_id: str, body: Any = None, sent_at: Any = "2026-02-17T10:30:01Z") -> dict[str, Any]:
    item = {"request_id": request_id, "endpoint_id": T2V, "sent_at": sent_at, "ended_at": None, "status_code": None}
    return {**item, "json_input": BODY if body is None else body, "json_output": None}


def page(*items: Any, cursor: Any = None) -> tuple[int, dict[str, Any]]:
    return 200, {"items": list(items), "next_cursor": cursor, "has_more": cursor is not None}


async def ids(adapter: Any, since: datetime = SINCE) -> list[str]:
    return [job.request_id for job in await adapter.find(Sought(endpoint=T2V, digest=DIGEST, since=since))]


async def test_a_lost_job_is_looked_for_by_endpoint_and_time_with_its_payload(fal: Connect) -> None:
    adapter, seen = fal("requests-by-endpoint.response")
    await adapter.find(Sought(endpoint=T2V, digest=DIGEST, since=SINCE))
    (get,) = seen
    assert str(get.url.copy_with(query=None)) == "https://api.fal.ai/v1/models/requests/by-endpoint"
    assert dict(get.url.params) == {
        "endpoint_id": T2V,
        "start": "2026-02-17T09:30:00Z",  # an hour of leeway for two clocks
        "expand": "payloads",
        "limit": "100",
    }
    assert get.headers["authorization"] == "Key kid:ksec"


async def test_the_canonical_list_names_the_job_and_its_links(fal: Connect, canonical: Any, job: Job) -> None:
    adapter, _ = fal("requests-by-endpoint.response")
    (found,) = await adapter.find(Sought(endpoint=T2V, digest=DIGEST, since=SINCE))
    assert found.urls == job.urls
    assert found.request_id == canonical("requests-by-endpoint.response")["items"][0]["request_id"]
    assert found.submitted_at == datetime(2026, 2, 17, 10, 30, 1, tzinfo=UTC)


async def test_all_pages_are_read_and_the_oldest_job_comes_first(fal: Connect) -> None:
    late, early = listed("late", sent_at="2026-02-17T10:31:00Z"), listed("early", sent_at="2026-02-17T10:30:00+00:00")
    adapter, seen = fal(page(late, cursor="c1"), page(cursor="c2"), page(early))
    assert await ids(adapter) == ["early", "late"]
    assert [request.url.params.get("cursor") for request in seen] == [None, "c1", "c2"]


async def test_a_list_that_turns_in_a_circle_ends(fal: Connect) -> None:
    adapter, seen = fal(page(listed("a"), cursor="c1"))
    assert await ids(adapter) == ["a"]
    assert len(seen) == 2


async def test_only_the_very_same_body_is_ours(fal: Connect) -> None:
    adapter, _ = fal(
        page(listed("other", {"prompt": "q"}), listed("more", {"prompt": "p", "duration": 4}), listed("ours"))
    )
    assert await ids(adapter) == ["ours"]


async def test_the_same_order_of_yesterday_is_another_job_however_late_it_ended(fal: Connect) -> None:
    adapter, _ = fal(page(listed("yesterday", sent_at="2026-02-16T10:30:00Z"), listed("ours")))
    assert await ids(adapter) == ["ours"]


async def test_a_clock_that_is_a_little_behind_hides_nothing(fal: Connect) -> None:
    adapter, _ = fal(page(listed("ours", sent_at="2026-02-17T10:26:00Z")))
    assert await ids(adapter) == ["ours"]


@pytest.fixture
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose own time is not UTC: a time without a zone is fal's, not the machine's."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize("sent_at", [None, "", "soon", 7, "2026-02-17T10:30:01", "2026-02-17T11:30:01+01:00"], ids=str)
async def test_a_time_in_any_form_or_none_crashes_no_comparison(fal: Connect, tokyo: None, sent_at: Any) -> None:
    adapter, _ = fal(page(listed("b", sent_at=sent_at), listed("a", sent_at="2026-02-17T10:29:00Z")))
    for since in (SINCE, SINCE.replace(tzinfo=None), SINCE.astimezone()):
        found = await adapter.find(Sought(endpoint=T2V, digest=DIGEST, since=since))
        assert [job.request_id for job in found] == ["a", "b"]
        assert all(job.submitted_at.utcoffset() is not None for job in found)
        assert all(abs(job.submitted_at - SINCE) < timedelta(minutes=2) for job in found)


@pytest.mark.parametrize(
    "item", [None, 7, {}, {"request_id": 7, "json_input": BODY}, {"request_id": "r", "json_input": "p"}], ids=str
)
async def test_an_entry_that_says_nothing_is_passed_over(fal: Connect, item: Any) -> None:
    adapter, _ = fal(page(item, listed("ours")))
    assert await ids(adapter) == ["ours"]


@pytest.mark.parametrize(
    "reply", [(500, b""), (200, b"<html>"), (429, {"error": {"type": "rate_limited", "message": "wait"}})], ids=str
)
async def test_a_list_that_cannot_be_read_does_not_say_that_there_is_nothing(fal: Connect, reply: Any) -> None:
    adapter, _ = fal(reply)
    with pytest.raises(Busy):
        await ids(adapter)


@pytest.mark.parametrize(
    ("reply", "offered"),
    [
        ("models-deprecated.response", False),
        ((404, "platform-not-found.response"), False),
        ((200, {"models": [{"endpoint_id": T2V, "metadata": {"status": "active"}}]}), True),
        ((200, {"models": [{"endpoint_id": T2V, "metadata": {"status": "archived"}}]}), None),
        ((200, {"models": [{"endpoint_id": T2V, "metadata": {}}]}), None),
        ((200, {"models": [{"endpoint_id": T2V, "metadata": None}]}), None),
        ((200, {"models": [{"endpoint_id": f"{T2V}/pro", "metadata": {"status": "active"}}]}), None),
        ((200, {"models": []}), None),
        ((200, b"<html>"), None),
        ((404, b"<html>"), None),
        ((503, b""), None),
    ],
    ids=str,
)
async def test_a_model_is_offered_only_if_the_platform_says_so(fal: Connect, reply: Any, offered: Any) -> None:
    adapter, seen = fal(reply)
    assert await adapter.offered(T2V) is offered
    assert str(seen[0].url) == f"https://api.fal.ai/v1/models?endpoint_id={T2V.replace('/', '%2F')}"


@pytest.mark.parametrize(
    ("reply", "left"),
    [
        ("account-billing.response", 24.5),
        ((200, {"credits": {"current_balance": 0}}), 0.0),
        ((200, {"credits": {"current_balance": "24.5"}}), 24.5),
        ((200, {"credits": None}), None),
        ((200, {"username": "my-team"}), None),
        ((403, {"error": {"type": "authorization_error", "message": "This endpoint needs an admin key"}}), None),
    ],
    ids=str,
)
async def test_the_balance_is_dollars_or_unknown_and_never_a_guess(fal: Connect, reply: Any, left: float) -> None:
    adapter, seen = fal(reply)
    assert await adapter.balance() == left
    assert str(seen[0].url) == "https://api.fal.ai/v1/account/billing?expand=credits"


async def test_a_wrong_key_is_an_error_and_no_empty_answer(fal: Connect) -> None:
    adapter, _ = fal(
        (401, {"error": {"type": "authorization_error", "message": "No user found for Key ID and Secret"}})
    )
    for call in (
        adapter.balance(),
        adapter.offered(T2V),
        adapter.find(Sought(endpoint=T2V, digest=DIGEST, since=SINCE)),
    ):
        with pytest.raises(Unauthorized, match="No user found"):
            await call
