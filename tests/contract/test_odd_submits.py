"""A gateway that answers a submit as no page says: only a definite refusal is sent again, and no id is overlooked."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cases import Case, every_case
from odd import BODIES, DEFINITE, OTHER_REDIRECTS, REDIRECTS, SUCCESSES, VAGUE, Stream, asked_by, reply

from prefect_storyboard.jobs.buy import buy_once
from prefect_storyboard.ledger import Ledger
from prefect_storyboard.providers import errors
from tests.unit.fakes import KEY, ledger_in, wording
from tests.unit.purchases import want

CASES = {case.name: case for case in every_case()}
gateways = pytest.mark.parametrize("gateway", CASES)


async def bought(case: Case, ledger: Ledger, first: httpx.Response) -> tuple[errors.ProviderError | None, int]:
    """Buy twice at a gateway that gives its odd answer to every submit: the first error, and how many POSTs came."""
    posts = 0
    raised: list[errors.ProviderError | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal posts
        if request.method == "POST" and request.url.path.rstrip("/").endswith(_submit_path(case)):
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
@pytest.mark.parametrize(
    "packed",
    [b"no gzip", gzip.compress(b"{}" * 999, mtime=0)[:20], gzip.compress(b"[" * 50_000_000, mtime=0)],
    ids=["not packed", "torn", "too large"],
)
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
        if request.method == "POST" and request.url.path.rstrip("/").endswith(_submit_path(case)):
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
