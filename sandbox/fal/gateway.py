"""fal's queue: submit, status (also as a stream), result and cancel, under `/fal/queue`."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute

from prefect_storyboard.sandbox import cdn
from prefect_storyboard.sandbox.documents import NEVER, Job, prompt_of
from prefect_storyboard.sandbox.exchange import Gateway, Router, Sandbox, accept, base_url, fault_inside, json_or_none
from prefect_storyboard.sandbox.fal import jobs, platform_api, storage, webhooks
from prefect_storyboard.sandbox.fal.auth import LOCKED, with_key
from prefect_storyboard.sandbox.fal.faults import CANCELS, ENDINGS, FAULTS, WEBHOOKS, deadline, ending
from prefect_storyboard.sandbox.fal.models import ENDPOINTS
from prefect_storyboard.sandbox.fal.schema import app
from prefect_storyboard.sandbox.faults import Rule

_NOT_FOUND = {"status": "NOT_FOUND"}
_ONE_JOB = "/fal/queue/{owner}/{app}/requests/{request_id}"


def gateway(sandbox: Sandbox) -> Gateway:
    """fal on the sandbox."""
    router = Router(name="fal", sandbox=sandbox, fault_table=FAULTS, about=partial(_about, sandbox))
    routes = [*_queue(router), *storage.routes(router), *platform_api.routes(router), *webhooks.routes(router)]
    return Gateway(routes=routes, fault_table=FAULTS, settle=partial(jobs.settle, sandbox))


def _queue(router: Router) -> list[BaseRoute]:
    box = router.sandbox

    return [
        router.route(f"{_ONE_JOB}/status/stream", "status", with_key(partial(_stream, box))),
        router.route(f"{_ONE_JOB}/status", "status", with_key(partial(_status, box))),
        router.route(f"{_ONE_JOB}/cancel", "cancel", with_key(partial(_cancel, box)), method="PUT"),
        router.route(f"{_ONE_JOB}/response", "result", with_key(partial(_result, box))),
        router.route(_ONE_JOB, "result", with_key(partial(_result, box))),
        router.route("/fal/queue/{endpoint:path}", "submit", with_key(partial(_submit, box)), method="POST"),
        router.route("/fal/cdn/files/b/{path:path}", "download", partial(cdn.download, box)),
    ]


async def _about(sandbox: Sandbox, request: Request) -> tuple[str, str]:
    """Endpoint and prompt of the job that a call is about."""
    given = request.path_params
    if "endpoint" in given:
        request.state.body = json_or_none(await request.body())
        return given["endpoint"], prompt_of(request.state.body)
    job_id = given.get("request_id") or str(given.get("path", "")).split("/")[0]
    job = sandbox.state.job(job_id) if job_id else None
    if job is not None:
        return job.endpoint, job.prompt
    asked = request.query_params.get("endpoint_id")
    if request.url.path == "/fal/v1/models" and not asked:
        return " ".join(ENDPOINTS), ""  # the list is about all of them
    return asked or "", request.headers.get("x-fal-file-name", "")


async def _submit(sandbox: Sandbox, request: Request) -> Response:
    endpoint = request.path_params["endpoint"]
    if request.state.key_id == "empty":
        return JSONResponse({"detail": LOCKED}, 403)
    if endpoint not in ENDPOINTS:
        return JSONResponse({"detail": f"Path /{endpoint} not found"}, 404)
    refused = _bad_headers(request) or _full(sandbox, request)
    if refused is not None:
        return refused
    job = _accept(sandbox, request, endpoint)
    accept(sandbox, request, job)
    sandbox.start(jobs.settle(sandbox, job))
    if "webhook" in job.options:
        sandbox.start(webhooks.deliver(sandbox, job))
    answer: dict[str, Any] = {"status": "IN_QUEUE", "request_id": job.id, **jobs.urls(base_url(request), job)}
    position = sandbox.state.queued_before(job, job.submitted_at)
    answer |= {"logs": None, "metrics": {}, "queue_position": position}
    return JSONResponse(answer, headers={"x-fal-request-id": job.id})


def _accept(sandbox: Sandbox, request: Request, endpoint: str) -> Job:
    now, pace = sandbox.clock(), sandbox.pace
    started = now + pace.queue_seconds
    by_kind = {"picture": pace.picture_seconds, "video": pace.render_seconds}
    seconds = pace.character_seconds if endpoint.endswith("/characters") else by_kind[ENDPOINTS[endpoint].makes]
    job = Job(
        id=str(uuid.uuid4()),
        gateway="fal",
        endpoint=endpoint,
        key_id=request.state.key_id,
        body=request.state.body,
        base=base_url(request),
        options=_options(request),
        submitted_at=now,
        started_at=started,
        done_at=started + seconds,
    )
    patience = float(request.headers.get("x-fal-request-timeout", NEVER))
    if job.body is None:
        return job.copy_with(ending={"status": 422, "detail": [_NOT_JSON]})
    if patience < pace.queue_seconds:
        return job.copy_with(ending=deadline(), started_at=now + patience, done_at=now + patience)
    rule = fault_inside(request, *ENDINGS, *WEBHOOKS)
    return job if rule is None else _with_fault(job, rule)


def _with_fault(job: Job, rule: Rule) -> Job:
    """The job under a fault that was drawn for it at submit."""
    if rule.fault in WEBHOOKS:
        return job.copy_with(options={**job.options, "webhook_fault": rule.fault, "webhook_late": f"{rule.seconds}"})
    if rule.fault in {"black_picture", "inline_picture"}:
        return job.copy_with(options={**job.options, rule.fault: "1"})
    late = {"stuck": NEVER, "slow_render": job.done_at + rule.seconds}.get(rule.fault, job.done_at)
    return job.copy_with(ending=ending(rule, job.body), done_at=late)


_NOT_JSON: dict[str, Any] = {"type": "json_invalid", "loc": ["body", 0], "msg": "JSON decode error", "input": {}}


def _options(request: Request) -> dict[str, str]:
    options = {}
    if request.headers.get("x-fal-store-io") == "0":
        options["store_io"] = "0"
    lifecycle = json_or_none(request.headers.get("x-fal-object-lifecycle-preference", "null").encode())
    if webhook := request.query_params.get("fal_webhook"):
        options["webhook"] = webhook
    seconds = lifecycle.get("expiration_duration_seconds") if isinstance(lifecycle, dict) else None
    if seconds:
        options["output_seconds"] = str(seconds)
    return options


def _bad_headers(request: Request) -> Response | None:
    """Submit's own headers are checked at once, unlike its body."""
    try:
        fits = float(request.headers.get("x-fal-request-timeout", 1)) > 0.1
    except ValueError:
        fits = False
    if fits and request.headers.get("x-fal-queue-priority", "normal") in {"normal", "low"}:
        return None
    return JSONResponse({"detail": "Invalid request header", "error_type": "bad_request"}, 400)


def _full(sandbox: Sandbox, request: Request) -> Response | None:
    limit = request.query_params.get("fal_max_queue_length")
    sql = "select count(*) from jobs where gateway = 'fal' and started_at > ?"
    if limit is None or not limit.isdigit() or sandbox.state.sql(sql, sandbox.clock())[0][0] <= int(limit):
        return None
    return JSONResponse({"detail": "The queue is longer than fal_max_queue_length"}, 429)


def _found(sandbox: Sandbox, request: Request) -> Job | None:
    """The job of the call; under another app than its own it is as unknown as any."""
    given = request.path_params
    job = sandbox.state.job(given["request_id"])
    known = job is not None and job.gateway == "fal" and app(job.endpoint) == f"{given['owner']}/{given['app']}"
    return job if known else None


async def _known(sandbox: Sandbox, request: Request) -> Job | None:
    """The job of the call, run if it is due; its id goes into the reply's headers."""
    job = _found(sandbox, request)
    if job is not None and job.phase(sandbox.clock()) == "COMPLETED":
        return await jobs.settle(sandbox, job)
    return job


async def _status(sandbox: Sandbox, request: Request) -> Response:
    job = await _known(sandbox, request)
    if job is None:
        return JSONResponse(_NOT_FOUND, 404)
    document = jobs.status(sandbox, job, base_url(request), logs=_wants_logs(request))
    code = 200 if document["status"] == "COMPLETED" else 202
    return JSONResponse(document, code, {"x-fal-request-id": job.id})


def _wants_logs(request: Request) -> bool:
    return request.query_params.get("logs", "0").lower() in {"1", "true"}


async def _stream(sandbox: Sandbox, request: Request) -> Response:
    if await _known(sandbox, request) is None:
        return JSONResponse(_NOT_FOUND, 404)

    async def events() -> AsyncIterator[str]:
        sent = 0
        last = ""
        while last != "COMPLETED" and not request.app.state.stopping.is_set():
            job = await _known(sandbox, request)
            if job is None:
                return
            document = jobs.status(sandbox, job, base_url(request), logs=_wants_logs(request))
            log = document.get("logs") or []
            if document["status"] != last or len(log) > sent:
                if log:
                    document["logs"] = log[
                        sent:
                    ]  # a stream sends each line once, polling returns all of them each time
                sent, last = len(log), document["status"]
                yield f"data: {json.dumps(document)}\n\n"
            await asyncio.sleep(0.05)

    return StreamingResponse(events(), media_type="text/event-stream", headers={"Cache-Control": "no-cache"})


async def _result(sandbox: Sandbox, request: Request) -> Response:
    job = await _known(sandbox, request)
    if job is None:
        return JSONResponse(_NOT_FOUND, 404)
    now = sandbox.clock()
    if job.phase(now) == "COMPLETED" and now > job.done_at + _kept_seconds(job):
        return JSONResponse(_NOT_FOUND, 404)
    if job.phase(now) != "COMPLETED":
        return JSONResponse({"detail": "Request is still in progress"}, 400, {"x-fal-request-id": job.id})
    return await jobs.result(sandbox, job, base_url(request))


def _kept_seconds(job: Job) -> float:
    """How long a result can be fetched: 30 days, or an hour if the caller with_fault payload storage off."""
    return 3600 if "store_io" in job.options else 30 * 86_400


async def _cancel(sandbox: Sandbox, request: Request) -> Response:
    job = _found(sandbox, request)
    now = sandbox.clock()
    if job is None:
        return JSONResponse(_NOT_FOUND, 404)
    rule = fault_inside(request, *CANCELS)
    if job.phase(now) == "COMPLETED" or (rule and rule.fault == "cancel_race"):
        if job.phase(now) != "COMPLETED":
            sandbox.state.save_job(job.copy_with(done_at=now, started_at=min(job.started_at, now)))
        return JSONResponse({"status": "ALREADY_COMPLETED"}, 400)
    running = job.phase(now) == "IN_PROGRESS"
    if rule is None:
        sandbox.state.save_job(job.copy_with(cancelled_at=now, done_at=now, started_at=min(job.started_at, now)))
    return (
        JSONResponse({"status": "CANCELLATION_REQUESTED"}, 202) if running or rule else JSONResponse({"status": "OK"})
    )
