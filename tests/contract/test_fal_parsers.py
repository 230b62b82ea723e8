"""Whatever fal answers, it is read as what it is, or it is one of our errors. Nothing else comes out."""

import copy
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefect_storyboard.providers.errors import OutcomeUnknown, ProviderError
from prefect_storyboard.providers.protocol import Order, Sought
from prefect_storyboard.storyboards import Job

Connect = Callable[..., Any]
T2V = "fal-ai/sora-2/text-to-video"
ORDER = Order(endpoint=T2V, body={"prompt": "p"})
JOB = Job(provider="fal", endpoint=T2V, request_id="405a114e", submitted_at=datetime(2026, 2, 17, tzinfo=UTC))
EXAMPLES = settings(max_examples=100, deadline=None, derandomize=True, database=None)

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.just(10**400),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["COMPLETED", "completed", "\ud800", "https://a.b/c?d", "2026-02-17T10:30:01", "true", " "]),
)
JUNK = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KNOWN = st.sampled_from(
    [
        "status",
        "request_id",
        "queue_position",
        "video",
        "url",
        "id",
        "video_id",
        "detail",
        "error_type",
        "error",
        "loc",
        "msg",
        "type",
        "items",
        "json_input",
        "sent_at",
        "next_cursor",
        "has_more",
        "models",
        "metadata",
        "credits",
    ]
)
BODIES = st.one_of(
    st.binary(max_size=40),
    JUNK.map(json.dumps).map(str.encode),
    st.dictionaries(KNOWN, JUNK, max_size=6).map(json.dumps).map(str.encode),
    st.just(b"[" * 5_000),
    st.just(b'{"video": {"url": "https://a.b/c", "x": 1e999}, "metrics": NaN}'),
)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["retry-after", "x-fal-request-id", "x-fal-billable-units", "x-fal-error-type", "x-fal-needs-retry"]
    ),
    st.sampled_from(["", "1", "-1", "nan", "inf", "1e400", "true", "FALSE", "tomorrow", "content_policy_violation"]),
)
STATUSES = st.sampled_from([200, 200, 200, 202, 204, 301, 400, 401, 403, 404, 409, 418, 422, 429, 499, 500, 503, 520])


@pytest.mark.parametrize("call", ["submit", "status", "result", "cancel", "find", "offered", "balance"])
@EXAMPLES
@given(reply=st.tuples(STATUSES, BODIES, HEADERS))
async def test_no_answer_crashes_a_call_with_anything_but_our_own_error(fal: Connect, call: str, reply: Any) -> None:
    sought = Sought(endpoint=T2V, digest="0" * 64, since=datetime.now(UTC))
    arguments = {"find": (sought,), "offered": (T2V,), "balance": (), "submit": (ORDER,)}
    adapter, seen = fal(reply)
    with suppress(ProviderError):
        await getattr(adapter, call)(*arguments.get(call, (JOB,)))
    assert len(seen) <= 2


def mutilated(body: Any, drawn: Any) -> Any:
    """The body with some of its values replaced, some keys gone, and some new ones."""
    changed = copy.deepcopy(body)
    for key in list(changed):
        fate = drawn.draw(st.sampled_from(["keep", "keep", "null", "drop", "junk", "text", "inside"]), label=key)
        if fate == "null":
            changed[key] = None
        elif fate == "drop":
            del changed[key]
        elif fate == "junk":
            changed[key] = drawn.draw(JUNK)
        elif fate == "text":
            changed[key] = str(changed[key])
        elif fate == "inside" and isinstance(changed[key], dict):
            changed[key] = mutilated(changed[key], drawn)
    return {**drawn.draw(st.dictionaries(st.text(min_size=12, max_size=14), JUNK, max_size=2)), **changed}


@pytest.mark.parametrize("shape", ["video-result-minimal.response", "video-result-full.response"])
@EXAMPLES
@given(drawn=st.data())
async def test_a_video_is_read_only_where_its_link_is_one(fal: Connect, canonical: Any, shape: str, drawn: Any) -> None:
    body = mutilated(canonical(shape), drawn)
    video = body.get("video")
    link = video.get("url") if isinstance(video, dict) else None
    adapter, _ = fal((200, json.dumps(body).encode()))
    try:
        result = await adapter.result(JOB)
    except ProviderError:
        assert not (isinstance(link, str) and link.startswith("https://"))
    else:
        assert result.url == link or (result.url is None and result.character_id)


@pytest.mark.parametrize("shape", ["status-in-queue.response", "status-in-progress.response"])
@EXAMPLES
@given(drawn=st.data())
async def test_a_job_has_ended_only_where_its_status_is_completed(
    fal: Connect, canonical: Any, shape: str, drawn: Any
) -> None:
    body = mutilated(canonical(shape), drawn)
    adapter, _ = fal((202, json.dumps(body).encode()))
    status = await adapter.status(JOB)
    assert (status.state == "ended") == (body.get("status") == "COMPLETED")


@EXAMPLES
@given(drawn=st.data())
async def test_a_submit_is_bought_or_unknown_whatever_its_reply(fal: Connect, canonical: Any, drawn: Any) -> None:
    body = mutilated(canonical("queue-submit.response"), drawn)
    adapter, seen = fal((200, json.dumps(body).encode()))
    try:
        bought = await adapter.submit(ORDER)
    except OutcomeUnknown:
        assert not isinstance(body.get("request_id"), str) or not body["request_id"].strip()
    else:
        assert bought.request_id == body["request_id"].encode(errors="replace").decode()
        assert set(bought.urls) == {"status_url", "response_url", "cancel_url"}
    assert len(seen) == 1


@pytest.mark.parametrize("shape", ["model-error.response", "infra-error.response", "not-found.response"])
@EXAMPLES
@given(drawn=st.data())
async def test_a_mutilated_error_stays_an_error(fal: Connect, canonical: Any, shape: str, drawn: Any) -> None:
    body = mutilated(canonical(shape), drawn)
    status = drawn.draw(st.sampled_from([400, 404, 422, 499, 500, 504]))
    adapter, _ = fal((status, json.dumps(body).encode()))
    with pytest.raises(ProviderError) as error:
        await adapter.result(JOB)
    assert error.value.charged in {True, False, None}
