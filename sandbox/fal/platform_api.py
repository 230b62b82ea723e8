"""fal's Platform API under `/fal/v1`: models, prices, the list of requests that reconciling needs, and the balance."""

from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from prefect_storyboard.sandbox.documents import Job
from prefect_storyboard.sandbox.exchange import Router, Sandbox, fault_inside, json_or_none
from prefect_storyboard.sandbox.fal.auth import admin, problem, with_platform_key
from prefect_storyboard.sandbox.fal.jobs import iso, units
from prefect_storyboard.sandbox.fal.models import ENDPOINTS
from prefect_storyboard.sandbox.fal.queries import asked, listed, settled, unknown
from prefect_storyboard.sandbox.fal.request_list import requests
from prefect_storyboard.sandbox.fal.schema import input_schema
from prefect_storyboard.sandbox.faults import Rule
from prefect_storyboard.sandbox.meter import is_billed

_LAST_PAGE = {"next_cursor": None, "has_more": False}


def routes(router: Router) -> list[BaseRoute]:
    """The part of the Platform API that a client of its models has a use for."""
    box, prefix = router.sandbox, "/fal/v1"
    return [
        router.route(f"{prefix}/models", "platform", _models),
        router.route(f"{prefix}/models/pricing", "platform", with_platform_key(_pricing)),
        router.route(f"{prefix}/models/pricing/estimate", "platform", with_platform_key(_estimate), method="POST"),
        router.route(f"{prefix}/models/requests/by-endpoint", "platform", with_platform_key(partial(requests, box))),
        router.route(f"{prefix}/models/billing-events", "platform", admin(partial(_billing_events, box))),
        router.route(f"{prefix}/account/billing", "platform", admin(_balance)),
    ]


async def _models(request: Request) -> Response:
    names = asked(request)
    rule = fault_inside(request, "deprecated")
    expand = request.query_params.getlist("expand")
    refused = unknown(request, names)
    models = [] if refused else [_model(name, rule, expand) for name in names or listed(request)]
    return refused or JSONResponse({"models": models, **_LAST_PAGE})


def _model(name: str, rule: Rule | None, expand: list[str]) -> dict[str, Any]:
    """One model; of several requested ones, only those that the rule matches are deprecated."""
    status = "deprecated" if rule and rule.match.endpoint.lower() in name.lower() else "active"
    model: dict[str, Any] = {"endpoint_id": name, "metadata": {"status": status}}
    if "openapi-3.0" in expand:
        schema = input_schema(ENDPOINTS[name])
        model["openapi"] = {"openapi": "3.0.4", "components": {"schemas": {"Input": schema}}}
    return model


async def _pricing(request: Request) -> Response:
    names = asked(request)
    # An unknown price (characters) is left out; 0 would be a promise.
    prices = [
        {"endpoint_id": name, "unit_price": ENDPOINTS[name].usd["base"], "unit": _unit(name), "currency": "USD"}
        for name in names
        if name in ENDPOINTS and ENDPOINTS[name].usd
    ]
    return unknown(request, names) or JSONResponse({"prices": prices, **_LAST_PAGE})


def _unit(name: str) -> str:
    return "image" if ENDPOINTS[name].makes == "picture" else "second"


async def _estimate(request: Request) -> Response:
    quantities = _quantities(json_or_none(await request.body()))
    if quantities is None:
        return problem(
            400, "validation_error", "estimate_type unit_price and a unit_quantity per endpoint are required"
        )
    missing = unknown(request, list(quantities))
    if missing is not None:
        return missing
    total = sum(ENDPOINTS[name].usd.get("base", 0) * each for name, each in quantities.items())
    return JSONResponse({"estimate_type": "unit_price", "total_cost": round(total, 4), "currency": "USD"})


def _quantities(document: Any) -> dict[str, float] | None:
    """The units per endpoint of an estimate."""
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
    jobs = [job for job in await settled(sandbox, request.state.key_id) if wanted in {None, job.id} and is_billed(job)]
    return JSONResponse({"billing_events": [_event(job) for job in jobs], **_LAST_PAGE})


def _event(job: Job) -> dict[str, Any]:
    usd = (job.outcome and job.outcome.usd) or 0.0  # an unknown price is billed as nothing
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
