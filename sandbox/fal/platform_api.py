"""fal's Platform API under `/fal/v1`: models, prices, the list of requests that reconciling needs, and the balance."""

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from prefect_storyboard.sandbox.exchange import Router, Sandbox, base_url, fault_inside, json_or_none
from prefect_storyboard.sandbox.fal.auth import admin, problem, with_platform_key
from prefect_storyboard.sandbox.fal.jobs import brief_output, iso, settle, units
from prefect_storyboard.sandbox.fal.models import ENDPOINTS
from prefect_storyboard.sandbox.fal.schema import input_schema
from prefect_storyboard.sandbox.faults import Rule
from prefect_storyboard.sandbox.meter import is_billed
from prefect_storyboard.sandbox.state import Job

_DAY = 86_400
_LAST_PAGE = {"next_cursor": None, "has_more": False}
_STATUS: dict[str, Callable[[int], bool]] = {
    "success": lambda code: code < 400,
    "user_error": lambda code: 400 <= code < 500,
    "error": lambda code: code >= 500,
}


class _Invalid(ValueError):
    """A query parameter that the API refuses."""


def routes(router: Router) -> list[BaseRoute]:
    """The part of the Platform API that a client of its models has a use for."""
    box, prefix = router.sandbox, "/fal/v1"
    return [
        router.route(f"{prefix}/models", "platform", _models),
        router.route(f"{prefix}/models/pricing", "platform", with_platform_key(_pricing)),
        router.route(f"{prefix}/models/pricing/estimate", "platform", with_platform_key(_estimate), method="POST"),
        router.route(f"{prefix}/models/requests/by-endpoint", "platform", with_platform_key(partial(_requests, box))),
        router.route(f"{prefix}/models/billing-events", "platform", admin(partial(_billing_events, box))),
        router.route(f"{prefix}/account/billing", "platform", admin(_balance)),
    ]


def _asked(request: Request) -> list[str]:
    """The endpoint ids of a query: repeated, separated by commas, or both."""
    return [name for value in request.query_params.getlist("endpoint_id") for name in value.split(",") if name]


def _listed(request: Request) -> list[str]:
    """The endpoints that there are, without those that a rule takes out."""
    rule = fault_inside(request, "unlisted")
    gone = rule.match.endpoint.lower() if rule else None
    return [name for name in ENDPOINTS if gone is None or gone not in name.lower()]


def _unknown(request: Request, names: list[str]) -> Response | None:
    known = set(names) <= set(_listed(request))
    return None if known else problem(404, "not_found", "Endpoint not found")


async def _models(request: Request) -> Response:
    names = _asked(request)
    rule = fault_inside(request, "deprecated")
    expand = request.query_params.getlist("expand")
    refused = _unknown(request, names)
    models = [] if refused else [_model(name, rule, expand) for name in names or _listed(request)]
    return refused or JSONResponse({"models": models, **_LAST_PAGE})


def _model(name: str, rule: Rule | None, expand: list[str]) -> dict[str, Any]:
    """One model; of several that were asked for, only those that the rule means are deprecated."""
    status = "deprecated" if rule and rule.match.endpoint.lower() in name.lower() else "active"
    model: dict[str, Any] = {"endpoint_id": name, "metadata": {"status": status}}
    if "openapi-3.0" in expand:
        schema = input_schema(ENDPOINTS[name])
        model["openapi"] = {"openapi": "3.0.4", "components": {"schemas": {"Input": schema}}}
    return model


async def _pricing(request: Request) -> Response:
    names = _asked(request)
    # A price that nobody knows (characters) is left out; 0 would be a promise.
    prices = [
        {"endpoint_id": name, "unit_price": ENDPOINTS[name].usd["base"], "unit": "second", "currency": "USD"}
        for name in names
        if name in ENDPOINTS and ENDPOINTS[name].usd
    ]
    return _unknown(request, names) or JSONResponse({"prices": prices, **_LAST_PAGE})


async def _estimate(request: Request) -> Response:
    quantities = _quantities(json_or_none(await request.body()))
    if quantities is None:
        return problem(
            400, "validation_error", "estimate_type unit_price and a unit_quantity per endpoint are required"
        )
    missing = _unknown(request, list(quantities))
    if missing is not None:
        return missing
    total = sum(ENDPOINTS[name].usd.get("base", 0) * each for name, each in quantities.items())
    return JSONResponse({"estimate_type": "unit_price", "total_cost": round(total, 4), "currency": "USD"})


def _quantities(document: Any) -> dict[str, float] | None:
    """The units per endpoint that an estimate is asked for."""
    try:
        quantities = {name: float(each["unit_quantity"]) for name, each in document["endpoints"].items()}
        return quantities if document["estimate_type"] == "unit_price" else None
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


async def _balance(request: Request) -> Response:
    account: dict[str, Any] = {"username": "sandbox"}
    if request.query_params.get("expand") == "credits":
        left = 0.0 if request.state.key_id.startswith("empty") else 24.5
        account["credits"] = {"current_balance": left, "currency": "USD"}
    return JSONResponse(account)


async def _billing_events(sandbox: Sandbox, request: Request) -> Response:
    wanted = request.query_params.get("request_id")
    jobs = [job for job in await _settled(sandbox, request.state.key_id) if wanted in {None, job.id} and is_billed(job)]
    return JSONResponse({"billing_events": [_event(job) for job in jobs], **_LAST_PAGE})


def _event(job: Job) -> dict[str, Any]:
    usd = (job.outcome and job.outcome.usd) or 0.0  # a price that nobody knows is billed as nothing
    billed = units(job)
    return {
        "request_id": job.id,
        "endpoint_id": job.endpoint,
        "timestamp": iso(job.done_at),
        "output_units": billed,
        "unit_price": round(usd / billed, 4),
        "percent_discount": None,
        "cost_subtotal": usd,
        "cost_discount": 0,
        "cost_total": usd,
        "cost_estimate_nano_usd": round(usd * 1e9),
    }


async def _settled(sandbox: Sandbox, key_id: str) -> list[Job]:
    """The account's jobs of fal, each one run that is due."""
    now = sandbox.clock()
    jobs = [job for job in sandbox.state.jobs() if job.gateway == "fal" and job.key_id == key_id]
    return [await settle(sandbox, job) if job.phase(now) == "COMPLETED" else job for job in jobs]


async def _requests(sandbox: Sandbox, request: Request) -> Response:
    try:
        return await _by_endpoint(sandbox, request)
    except _Invalid as error:
        return problem(400, "validation_error", str(error))


async def _by_endpoint(sandbox: Sandbox, request: Request) -> Response:
    query = request.query_params
    names = _asked(request)
    if not names:
        raise _Invalid("endpoint_id is required")
    missing = _unknown(request, names)
    if missing is not None:
        return missing
    jobs = [job for job in await _settled(sandbox, request.state.key_id) if job.endpoint in names]
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

    def listed(job: Job) -> bool:
        ended = job.phase(now) == "COMPLETED"
        return (
            wanted in {None, job.id}
            and start <= (job.done_at if ended else max(job.submitted_at, start)) <= end
            and (ended or not (fault and fault.fault == "list_hides_running"))
            and job.submitted_at + lag <= now
            and (status is None or (ended and _STATUS[status](_code(job))))
        )

    found = [job for job in jobs if listed(job)]
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
        item["json_input"] = job.body if stored else None
        item["json_output"] = brief_output(job, base) if stored and ended and is_billed(job) else None
    return item
