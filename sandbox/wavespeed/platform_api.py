"""WaveSpeed's catalogue, prices, balance, bills and list of predictions."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from prefect_storyboard.sandbox.documents import Job
from prefect_storyboard.sandbox.exchange import Handler, Router, Sandbox, base_url, fault_inside
from prefect_storyboard.sandbox.meter import is_billed
from prefect_storyboard.sandbox.wavespeed import jobs
from prefect_storyboard.sandbox.wavespeed.envelope import problem, success, with_key
from prefect_storyboard.sandbox.wavespeed.models import MODELS, Strict, formula, input_schema, quote
from prefect_storyboard.sandbox.wavespeed.webhooks import SECRET


class Page(Strict):
    """What all lists are asked with."""

    page: int = Field(ge=1)
    page_size: int = Field(ge=1, le=100)


class Listing(Page):
    """The body of `POST /predictions`."""

    model: str | None = None
    status: str | None = None
    created_after: str | None = None
    created_before: str | None = None
    include_inputs: bool = False


class Bills(Page):
    """The body of `POST /billings/search`; its times are milliseconds, as strings."""

    billing_type: str = "deduct"
    prediction_uuids: list[str] | None = None
    start_time: str = Field(default="0", pattern=r"^\d+$")
    end_time: str = Field(default="9" * 15, pattern=r"^\d+$")


class Deletion(Strict):
    """The body of `POST /predictions/delete`."""

    ids: list[str]


class PriceQuestion(Strict):
    """The body of both price calls."""

    model_id: str
    inputs: dict[str, Any] = Field(default_factory=dict)


def routes(router: Router) -> list[BaseRoute]:
    """Every call that buys nothing."""
    box, prefix = router.sandbox, "/wavespeed/api/v3"

    def on(path: str, handle: Handler, method: str = "POST") -> BaseRoute:
        return router.route(f"{prefix}/{path}", "platform", with_key(_checked(handle)), method=method)

    return [
        on("predictions", partial(_list, box)),
        on("predictions/delete", partial(_delete, box)),
        on("model/price", partial(_price, _current)),
        on("model/pricing", partial(_price, _legacy)),
        on("billings/search", partial(_bills, box)),
        on("models", _models, "GET"),
        on("balance", _balance, "GET"),
        on("webhook/secret", _secret, "GET"),
    ]


def _checked(handle: Handler) -> Handler:
    """The handler, whose refusals of a body become WaveSpeed's."""

    async def checked(request: Request) -> Response:
        try:
            return await handle(request)
        except (TypeError, ValueError):  # pydantic's errors are ValueErrors too
            return problem(400, "invalid parameter")

    return checked


async def _jobs(sandbox: Sandbox, request: Request) -> list[Job]:
    """The account's predictions that are still kept, the newest first; each one run that is due."""
    oldest = sandbox.clock() - jobs.KEPT_SECONDS
    found = [job for job in sandbox.state.jobs() if job.gateway == "wavespeed" and job.key_id == request.state.key_id]
    kept = [job for job in found if job.submitted_at > oldest and "deleted" not in job.options]
    return [await jobs.due(sandbox, job) for job in reversed(kept)]


def _cut(items: list[Job], page: Page) -> list[Job]:
    first = (page.page - 1) * page.page_size
    return items[first : first + page.page_size]


async def _list(sandbox: Sandbox, request: Request) -> Response:
    asked = Listing.model_validate_json(await request.body())
    after, before = _time(asked.created_after, 0.0), _time(asked.created_before, float("inf"))
    fault = fault_inside(request, "list_lags")
    latest = sandbox.clock() - (fault.seconds if fault else 0.0)
    found = [
        job
        for job in await _jobs(sandbox, request)
        if asked.model in {None, job.endpoint}
        and asked.status in {None, jobs.status(sandbox, job)}
        and after <= job.submitted_at <= before
        and job.submitted_at <= latest
    ]
    items = [_item(sandbox, job, base_url(request), asked) for job in _cut(found, asked)]
    return success({"page": asked.page, "total": len(found), "items": items})


def _time(text: str | None, default: float) -> float:
    if text is None:
        return default
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"a time zone is missing: {text}")
    return moment.timestamp()


def _item(sandbox: Sandbox, job: Job, base: str, asked: Listing) -> dict[str, Any]:
    document = {"has_nsfw_contents": [], "executionTime": 0, **jobs.prediction(sandbox, job, base)}
    if document["status"] == "completed":
        document["executionTime"] = jobs.execution(job)
    return {**document, "input": job.body} if asked.include_inputs else document


async def _delete(sandbox: Sandbox, request: Request) -> Response:
    ids = set(Deletion.model_validate_json(await request.body()).ids)
    found = [job for job in await _jobs(sandbox, request) if job.id in ids]
    for job in found:
        # A negative lifetime: the CDN has no output of it any more. Whether it runs on is not documented; it is billed.
        sandbox.state.save_job(job.copy_with(options={**job.options, "deleted": "1", "output_seconds": "-1"}))
    return success({"deleted_count": len(found)})


async def _balance(request: Request) -> Response:
    return success({"balance": 0.0 if request.state.account == "empty" else 156.78})


async def _secret(_: Request) -> Response:
    return success({"secret": f"whsec_{SECRET}"})


async def _price(describe: Callable[[float], dict[str, Any]], request: Request) -> Response:
    """The price of a run. Inputs may be incomplete: what is missing has its default."""
    asked = PriceQuestion.model_validate_json(await request.body())
    model = MODELS.get(asked.model_id)
    usd = quote(model, asked.inputs) if model else None
    if usd is None:
        return problem(404, "Price not found")  # 0 would be a promise
    return success({"model_id": asked.model_id, **describe(usd), "currency": "USD"})


def _current(usd: float) -> dict[str, Any]:
    return {"price": usd, "discounted_price": usd, "discount_rate": 1}


def _legacy(usd: float) -> dict[str, Any]:
    return {"unit_price": usd}


async def _models(request: Request) -> Response:
    rule = fault_inside(request, "retired")
    gone = rule.match.endpoint.lower() if rule else None
    names = [name for name in MODELS if gone is None or gone not in name]
    return success([_model(name, place, base_url(request)) for place, name in enumerate(names, 1)])


def _model(name: str, place: int, base: str) -> Any:
    model = MODELS[name]
    usd, said = quote(model, {}), formula(model)
    known: dict[str, Any] = {} if usd is None else {"base_price": usd, **({"formula": said} if said else {})}
    return {
        "model_id": name,
        "name": model.label,
        "description": model.label,
        "type": model.type,
        **known,
        "sort_order": place,
        "api_schema": {"api_schemas": [_run_schema(name, input_schema(model), f"{base}/wavespeed")]},
    }


def _run_schema(name: str, schema: dict[str, Any], server: str) -> Any:
    order = ["prompt", *(each for each in schema["properties"] if each not in {"prompt", "enable_sync_mode"})]
    request = {
        "type": "object",
        "required": schema.get("required", []),
        "additionalProperties": False,
        "properties": schema["properties"],
        **({"$defs": schema["$defs"]} if "$defs" in schema else {}),
        "x-order-properties": [each for each in order if each in schema["properties"]],
    }
    path = f"/api/v3/{name}"
    return {"type": "model_run", "method": "POST", "server": server, "api_path": path, "request_schema": request}


async def _bills(sandbox: Sandbox, request: Request) -> Response:
    asked = Bills.model_validate_json(await request.body())
    found = [
        job
        for job in await _jobs(sandbox, request)
        if asked.billing_type == "deduct"
        and job.phase(sandbox.clock()) == "COMPLETED"
        and is_billed(job)
        and (asked.prediction_uuids is None or job.id in asked.prediction_uuids)
        and int(asked.start_time) <= job.done_at * 1000 <= int(asked.end_time)
    ]
    return success({"items": [_bill(job) for job in _cut(found, asked)]})


def _bill(job: Job) -> Any:
    usd = (job.outcome and job.outcome.usd) or 0.0  # an unknown price is billed as nothing
    at = f"{datetime.fromtimestamp(job.done_at, UTC):%Y-%m-%dT%H:%M:%SZ}"
    return {
        "uuid": f"bill-{job.id}",
        "billing_type": "deduct",
        "price": usd,
        "created_at": at,
        "updated_at": at,
        "order": {"uuid": f"order-{job.id}", "state": "completed", "price": usd, "origin_price": usd},
        "prediction": {"uuid": job.id, "model_uuid": job.endpoint, "status": "completed"},
        "access_key_name": "default",
    }
