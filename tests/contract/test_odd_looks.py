"""A gateway that answers a look at a paid job as no page says: the job is neither lost nor called failed for it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from cases import Case, every_case
from odd import BODIES, OTHER_REDIRECTS, PAGE, REDIRECTS, SUCCESSES, VAGUE, Answer, asked_by, reply

from prefect_storyboard.jobs.paid import PaidJob
from prefect_storyboard.jobs.wait import await_result
from prefect_storyboard.ledger import Ledger
from prefect_storyboard.providers import errors
from prefect_storyboard.providers.table import models
from prefect_storyboard.storyboards import Model
from tests.unit.fakes import KEY, intent, ledger_in

# A server of one's own serves the clip itself: its results hold no link.
CASES = {case.name: case for case in every_case() if case.name != "openai"}
gateways = pytest.mark.parametrize("gateway", CASES)
MP4 = "https://cdn.example/out.mp4"


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


LIVING = [model for name in CASES for model in models()[name].values() if not model.retires_on]


@pytest.mark.parametrize("model", LIVING, ids=lambda model: f"{model.provider} {model.name}")
async def test_so_does_one_of_every_living_model_and_a_typed_verdict_ends_it(model: Model, tmp_path: Path) -> None:
    case, ledger = CASES[model.provider], ledger_in(tmp_path)
    for number, endpoint in enumerate(sorted(set(model.endpoints.values())), 1):
        session, job = await paid(case, ledger, number, endpoint)
        odd = [reply(500, PAGE), reply(200, b""), reply(200, b'{"status": "COMPL'), reply(503, b"{}"), reply(302, b"")]
        session.answer = lambda request, odd=odd: odd.pop() if odd else good(model.provider)
        assert (await await_result(session.opened, ledger, job)).url == MP4
        session.answer = lambda request: refused(model.provider, request)
        with pytest.raises(errors.Refused) as verdict:
            await await_result(session.opened, ledger, job)
        assert (verdict.value.what, verdict.value.resubmittable) == ("image 2", False)
        assert (end := ledger.history(KEY)[number - 1].outcome)
        assert (end.kind, end.error) == ("failed", "Refused")


def refused(gateway: str, request: httpx.Request) -> httpx.Response:
    """A job that moderation has refused, in the gateway's own words for it."""
    why = "Image 2 may contain likenesses of real people"
    if gateway == "fal":
        if request.url.path.endswith("/status"):
            return httpx.Response(200, json={"status": "COMPLETED"})
        detail = [{"loc": ["body", "image_urls", 1], "msg": why, "type": "content_policy_violation"}]
        return httpx.Response(422, json={"detail": detail})
    task = {"id": "t", "taskId": "t", "status": "failed", "state": "fail", "failCode": "422", "failMsg": why}
    error = {"code": "generation_failed", "message": why} if gateway == "toapis" else why
    task |= {"error": error}
    return httpx.Response(200, json=task if gateway == "toapis" else {"code": 200, "message": "success", "data": task})


def good(gateway: str) -> httpx.Response:
    return httpx.Response(200, json=finished(gateway))


class Answering:
    """A session whose gateway answers what `answer` says."""

    def __init__(self, case: Case) -> None:
        self.answer: Answer = lambda _: reply(503)
        self.opened, self.seen = asked_by(case, self._current)

    def _current(self, request: httpx.Request) -> httpx.Response:
        return self.answer(request)


async def paid(case: Case, ledger: Ledger, number: int = 1, endpoint: str | None = None) -> tuple[Answering, PaidJob]:
    """A job that was submitted just now."""
    ledger.intend(number, intent())
    made = {"submitted_at": datetime.now(UTC), "endpoint": endpoint or case.job.endpoint}
    job = case.job.model_copy(update={**made, "request_id": f"{case.job.request_id}{number}", "urls": {}})
    ledger.submitted(KEY, number, job)
    return Answering(case), PaidJob(key=KEY, attempt=number, job=job, state="Submitted")
