"""fal's list of requests, page by page: what a client searches for a request whose reply was lost."""

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from prefect_storyboard.sandbox.documents import Job
from prefect_storyboard.sandbox.exchange import Sandbox, base_url, fault_inside
from prefect_storyboard.sandbox.fal.auth import problem
from prefect_storyboard.sandbox.fal.jobs import brief_output, iso
from prefect_storyboard.sandbox.fal.pictures import in_history
from prefect_storyboard.sandbox.fal.queries import asked, settled, unknown
from prefect_storyboard.sandbox.meter import is_billed

_DAY = 86_400
_STATUS: dict[str, Callable[[int], bool]] = {
    "success": lambda code: code < 400,
    "user_error": lambda code: 400 <= code < 500,
    "error": lambda code: code >= 500,
}


class _Invalid(ValueError):
    """A query parameter that the API refuses."""


async def requests(sandbox: Sandbox, request: Request) -> Response:
    """GET /v1/models/requests/by-endpoint."""
    try:
        return await _by_endpoint(sandbox, request)
    except _Invalid as error:
        return problem(400, "validation_error", str(error))


async def _by_endpoint(sandbox: Sandbox, request: Request) -> Response:
    query = request.query_params
    names = asked(request)
    if not names:
        raise _Invalid("endpoint_id is required")
    missing = unknown(request, names)
    if missing is not None:
        return missing
    jobs = [job for job in await settled(sandbox, request.state.key_id) if job.endpoint in names]
    jobs = _filtered(sandbox, request, jobs)
    page, more = _page(jobs, query.get("limit", "50"), query.get("cursor"))
    now = sandbox.clock()
    payloads = "payloads" in query.getlist("expand")
    items = [_item(job, now, base_url(request) if payloads else None) for job in page]
    return JSONResponse({"items": items, "next_cursor": more, "has_more": more is not None})


def _filtered(sandbox: Sandbox, request: Request, jobs: list[Job]) -> list[Job]:
    query, now = request.query_params, sandbox.clock()
    wanted, status = query.get("request_id"), query.get("status")
    if status is not None and status not in _STATUS:
        raise _Invalid(f"status must be one of {', '.join(_STATUS)}")
    start = _time(query.get("start"), now - (90 * _DAY if wanted else _DAY))
    end = _time(query.get("end"), now + _DAY)
    fault = fault_inside(request, "list_hides_running", "list_lags")
    lag = fault.seconds if fault and fault.fault == "list_lags" else 0.0

    def matches(job: Job) -> bool:
        ended = job.phase(now) == "COMPLETED"
        return (
            wanted in {None, job.id}
            and start <= (job.done_at if ended else max(job.submitted_at, start)) <= end
            and (ended or not (fault and fault.fault == "list_hides_running"))
            and job.submitted_at + lag <= now
            and (status is None or (ended and _STATUS[status](_code(job))))
        )

    found = [job for job in jobs if matches(job)]
    if query.get("sort_by", "ended_at") == "duration":
        return sorted(found, key=lambda job: job.started_at - job.done_at)
    return sorted(found, key=lambda job: -job.done_at)


def _time(text: str | None, default: float) -> float:
    if text is None:
        return default
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _Invalid(f"not an ISO 8601 time: {text}") from None
    if moment.tzinfo is None:
        raise _Invalid(f"a time zone is missing: {text}")
    return moment.timestamp()


def _page(jobs: list[Job], limit: str, cursor: str | None) -> tuple[list[Job], str | None]:
    """One page and the cursor of the next; the cursor is opaque to clients."""
    if not limit.isdigit() or not 1 <= int(limit) <= 100:
        raise _Invalid("limit must be between 1 and 100")
    try:
        first = int(base64.urlsafe_b64decode(cursor)) if cursor else 0
    except (ValueError, binascii.Error):
        raise _Invalid("unknown cursor") from None
    last = first + int(limit)
    more = base64.urlsafe_b64encode(str(last).encode()).decode() if last < len(jobs) else None
    return jobs[first:last], more


def _code(job: Job) -> int:
    if job.cancelled_at is not None:
        return 499
    return job.outcome.status if job.outcome else 0


def _item(job: Job, now: float, base: str | None) -> dict[str, Any]:
    """One request; with a `base` its payloads too, unless the submit with_fault their storage off."""
    ended = job.phase(now) == "COMPLETED"
    item: dict[str, Any] = {
        "request_id": job.id,
        "endpoint_id": job.endpoint,
        "started_at": iso(job.started_at) if job.phase(now) != "IN_QUEUE" else None,
        "sent_at": iso(job.submitted_at),
        "ended_at": iso(job.done_at) if ended else None,
        "status_code": _code(job) if ended else None,
        "duration": round(job.done_at - job.started_at, 3) if ended else None,
    }
    if base is not None:
        stored = "store_io" not in job.options
        shown = stored and ended and in_history(job)
        item["json_input"] = job.body if stored else None
        item["json_output"] = brief_output(job, base) if shown and is_billed(job) else None
    return item
