"""A gateway that answers as no page says: nothing is bought twice, and no paid job is lost or called failed for it."""

import gzip
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from cases import Case, every_case

from prefect_storyboard.jobs.buy import buy_once
from prefect_storyboard.jobs.paid import PaidJob
from prefect_storyboard.jobs.wait import await_result
from prefect_storyboard.ledger import Ledger
from prefect_storyboard.providers import errors
from tests.unit.fakes import KEY, FakeClock, intent, ledger_in, session_with, wording
from tests.unit.purchases import want

CASES = {case.name: case for case in every_case()}
MP4 = "https://cdn.example/out.mp4"
gateways = pytest.mark.parametrize("gateway", CASES)

PAGE = b"<!DOCTYPE html><html><body><h1>One moment</h1></body></html>"
BODIES: dict[str, bytes] = {
    "a page": PAGE,
    "nothing": b"",
    "blanks": b" \r\n ",
    "torn JSON": b'{"code": 200, "request_id": "req_1", "data": {"taskId": "tas',
    "a list": b"[]",
    "null": b"null",
    "a number": b"200",
    "a text": b'"accepted"',
    "an object of nothing": b"{}",
    "an object of others": b'{"hello": "world", "data": {"hello": "world"}}',
    "bytes": bytes(range(256)),
    "a bomb of brackets": b"[" * 100_000,
    "UTF-16": '{"hello": 1}'.encode("utf-16"),
    "more than is read": b"x" * 9_000_000,
}
SUCCESSES = [200, 201, 202, 203, 204, 206]
REDIRECTS = [301, 302, 307, 308]
OTHER_REDIRECTS = [300, 303, 304]
DEFINITE = [400, 401, 402, 403, 404, 405, 406, 407, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 423, 424]
DEFINITE += [426, 428, 431, 451, 499]
VAGUE = [408, 409, 425, 500, 501, 502, 503, 504, 507, 520, 522, 524, 529, 599]


class Stream(httpx.AsyncByteStream):
    """A body as it comes from a socket."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.body


def reply(status: int, body: bytes = PAGE, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers=headers, stream=Stream(body))


Answer = Callable[[httpx.Request], httpx.Response]


def asked_by(case: Case, answer: Answer) -> tuple[Any, list[httpx.Request]]:
    """A session of the real adapter with a gateway that answers so; and what it was asked."""
    seen: list[httpx.Request] = []

    def gateway(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return answer(request)

    http = httpx.AsyncClient(transport=httpx.MockTransport(gateway))
    session: Any = session_with(case.connect(http), clock=FakeClock())  # type: ignore[arg-type]
    return session, seen


# ---------------------------------------------------------------------------------------------------- submits


async def bought(case: Case, ledger: Ledger, first: httpx.Response) -> tuple[errors.ProviderError | None, int]:
    """Buy twice at a gateway that gives its odd answer to every submit: the first error, and how many POSTs came."""
    posts = 0
    raised: list[errors.ProviderError | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal posts
        if request.url.path.rstrip("/").endswith(_submit_path(case)):
            posts += 1
            return httpx.Response(first.status_code, headers=first.headers, stream=Stream(first.stream.body))  # type: ignore[union-attr]
        return reply(503)  # no list can be read

    session, _ = asked_by(case, answer)
    for _ in range(2):
        try:
            await buy_once(session, ledger, want(), wording(case.order))
        except errors.ProviderError as error:
            raised.append(error)
        else:
            raised.append(None)
    return raised[0], posts


def _submit_path(case: Case) -> str:
    return {"kie": "createTask", "toapis": "v1/videos/generations"}.get(case.name, case.order.endpoint)


def odd_submits() -> Iterator[tuple[str, int, str]]:
    for status in (*SUCCESSES, *REDIRECTS, *OTHER_REDIRECTS, *DEFINITE, *VAGUE):
        yield str(status), status, "a page"
    for body in BODIES:
        for status in (200, 400, 500):
            yield f"{status} {body}", status, body


@gateways
@pytest.mark.parametrize(("status", "body"), [odd[1:] for odd in odd_submits()], ids=[odd[0] for odd in odd_submits()])
async def test_only_a_definite_refusal_is_sent_again(gateway: str, tmp_path: Path, status: int, body: str) -> None:
    ledger = ledger_in(tmp_path)
    error, posts = await bought(CASES[gateway], ledger, reply(status, BODIES[body]))
    # A 4xx is the refusal of whoever answered, but for one that was not read to its end. A redirect was not followed.
    refused = (status in DEFINITE and body != "more than is read") or status in REDIRECTS
    assert error is not None
    assert posts == (2 if refused else 1), error
    assert isinstance(error, errors.OutcomeUnknown) is not refused, error
    if refused:
        assert error.charged is False
        assert [attempt.outcome and attempt.outcome.kind for attempt in ledger.history(KEY)] == ["refused", "refused"]
    else:
        assert (error.sent, error.charged) == (None, None)
        assert [attempt.outcome for attempt in ledger.history(KEY)] == [None]


@gateways
@pytest.mark.parametrize("packed", [b"no gzip", gzip.compress(b"{}" * 999)[:20], gzip.compress(b"[" * 50_000_000)])
async def test_a_packed_answer_that_cannot_be_read_may_have_been_an_acceptance(
    gateway: str, tmp_path: Path, packed: bytes
) -> None:
    first = reply(200, packed, **{"Content-Encoding": "gzip", "Content-Type": "application/json"})
    error, posts = await bought(CASES[gateway], ledger_in(tmp_path), first)
    assert (type(error), posts) == (errors.OutcomeUnknown, 1)


NAMED: list[tuple[str, int, dict[str, Any]]] = [
    ("kie", 200, {"code": 200, "msg": "success", "data": {"task_id": "task_7"}}),
    ("kie", 200, {"code": 200, "msg": "success", "taskId": "task_7"}),
    ("kie", 200, {"code": 422, "msg": "The prompt is invalid", "data": {"recordId": "task_7"}}),
    ("kie", 200, {"code": 0, "msg": "ok", "data": {"taskId": "task_7"}}),
    ("kie", 500, {"code": 500, "msg": "Server Error", "data": {"taskId": "task_7"}}),
    ("wavespeed", 200, {"code": 200, "data": {"task_id": "task_7"}}),
    ("wavespeed", 200, {"code": 1200, "message": "NSFW", "id": "task_7"}),
    ("wavespeed", 400, {"code": 400, "message": "bad", "data": {"id": "task_7"}}),
    ("wavespeed", 200, {"code": 500, "message": "Oops", "data": [{"id": "task_7"}]}),
    ("toapis", 200, {"code": "success", "data": {"taskId": "task_7"}}),
    ("toapis", 500, {"error": {"message": "x"}, "data": {"task_id": "task_7"}}),
    ("toapis", 422, {"error": {"message": "x", "code": "content_policy_violation"}, "taskId": "task_7"}),
    ("fal", 200, {"requestId": "task_7"}),
    ("fal", 422, {"detail": "Oops", "requestId": "task_7"}),
    ("fal", 500, {"error": {"message": "Oops"}, "request_id": "task_7"}),
]


@pytest.mark.parametrize(("gateway", "status", "body"), NAMED, ids=str)
async def test_an_id_is_kept_wherever_it_stands_and_the_job_is_adopted_where_the_gateway_knows_it(
    gateway: str, status: int, body: dict[str, Any], tmp_path: Path
) -> None:
    case, posts = CASES[gateway], 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal posts
        if request.url.path.rstrip("/").endswith(_submit_path(case)):
            posts += 1
            return httpx.Response(status, json=body)
        if "task_7" in str(request.url):
            return httpx.Response(200, json=running(gateway))
        return reply(503)

    session, _ = asked_by(case, answer)
    for state in ("Submitted", "Reattached"):
        job = await buy_once(session, ledger_in(tmp_path), want(), wording(case.order))
        assert (job.state, job.job.request_id, posts) == (state, "task_7", 1)


def running(gateway: str) -> dict[str, Any]:
    task = {"id": "task_7", "taskId": "task_7", "status": "processing", "state": "generating"}
    if gateway == "fal":
        return {"status": "IN_PROGRESS", "request_id": "task_7"}
    return task if gateway == "toapis" else {"code": 200, "message": "success", "data": task}


# ---------------------------------------------------------------------------------------------------- paid jobs


def finished(gateway: str) -> dict[str, Any]:
    """A job that has a video; at fal its status and its result in one."""
    match gateway:
        case "fal":
            return {"status": "COMPLETED", "video": {"url": MP4}}
        case "toapis":
            return {"id": "t", "status": "completed", "result": {"type": "video", "data": [{"url": MP4}]}}
        case "kie":
            record = {"taskId": "t", "state": "success", "resultJson": f'{{"resultUrls": ["{MP4}"]}}'}
            return {"code": 200, "msg": "success", "data": record}
    return {"code": 200, "message": "success", "data": {"id": "t", "status": "completed", "outputs": [MP4]}}


def odd_looks() -> Iterator[tuple[str, int, bytes]]:
    for status in (*SUCCESSES, *REDIRECTS, *OTHER_REDIRECTS, *VAGUE, 400, 403, 404, 405, 407, 412, 418, 422, 429, 451):
        yield f"{status} a page", status, PAGE
    for name, body in BODIES.items():
        yield f"200 {name}", 200, body
        yield f"500 {name}", 500, body


@gateways
@pytest.mark.parametrize(("status", "body"), [odd[1:] for odd in odd_looks()], ids=[odd[0] for odd in odd_looks()])
async def test_a_paid_job_outlives_every_odd_answer(gateway: str, tmp_path: Path, status: int, body: bytes) -> None:
    case, ledger, left = CASES[gateway], ledger_in(tmp_path), 5
    session, bought_job = await paid(case, ledger)

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal left
        left -= 1
        asks_result = gateway != "fal" or not request.url.path.endswith("/status")
        return reply(status, body) if left >= 0 and (asks_result or left % 2) else good(gateway)

    session.answer = answer
    result = await await_result(session.opened, ledger, bought_job)
    assert result.url == MP4
    assert ledger.history(KEY)[0].outcome is None


def good(gateway: str) -> httpx.Response:
    return httpx.Response(200, json=finished(gateway))


class Answering:
    """A session whose gateway answers what `answer` says."""

    def __init__(self, case: Case) -> None:
        self.answer: Answer = lambda _: reply(503)
        self.opened, self.seen = asked_by(case, self._current)

    def _current(self, request: httpx.Request) -> httpx.Response:
        return self.answer(request)


async def paid(case: Case, ledger: Ledger) -> tuple[Answering, PaidJob]:
    """A job that was submitted just now."""
    ledger.intend(1, intent())
    job = case.job.model_copy(update={"submitted_at": datetime.now(UTC)})
    ledger.submitted(KEY, 1, job)
    return Answering(case), PaidJob(key=KEY, attempt=1, job=job, state="Submitted")
