"""Kie: createTask and recordInfo under `/kie/api`; what else it offers is beside it."""

import uuid
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from prefect_storyboard.sandbox.documents import Job, prompt_of
from prefect_storyboard.sandbox.exchange import Gateway, Router, Sandbox, accept, base_url, fault_inside, json_or_none
from prefect_storyboard.sandbox.kie import omni, platform_api, uploads
from prefect_storyboard.sandbox.kie.auth import answer, says, success, with_key
from prefect_storyboard.sandbox.kie.faults import (
    FAULTS,
    NULL_RECORD,
    OUT_OF_CREDIT,
    SWITCHES,
    TOO_MANY,
    UPLOAD_FAULTS,
    with_fault,
)
from prefect_storyboard.sandbox.kie.jobs import OMNI, settle
from prefect_storyboard.sandbox.kie.models import Invalid
from prefect_storyboard.sandbox.kie.records import record
from prefect_storyboard.sandbox.kie.table import CHARACTERS, check, makes, price
from prefect_storyboard.sandbox.kie.webhooks import send_callbacks

_NEW_TASKS, _WINDOW_SECONDS = 20, 10


def gateway(sandbox: Sandbox) -> Gateway:
    """Kie on the sandbox."""
    about = partial(_about, sandbox)
    router = Router(name="kie", sandbox=sandbox, fault_table=FAULTS, about=about)
    upload_router = Router(name="kie", sandbox=sandbox, fault_table=UPLOAD_FAULTS, about=about)
    routes = [*_tasks(router), *omni.routes(router), *platform_api.routes(router), *uploads.routes(upload_router)]
    return Gateway(routes=routes, fault_table=FAULTS, settle=partial(settle, sandbox))


def _tasks(router: Router) -> list[BaseRoute]:
    box, jobs = router.sandbox, "/kie/api/api/v1/jobs"
    return [
        router.route(f"{jobs}/createTask", "submit", with_key(_create, box), method="POST"),
        router.route(f"{jobs}/recordInfo", "status", with_key(_record_info, box)),
    ]


async def _about(sandbox: Sandbox, request: Request) -> tuple[str, str]:
    """Model and prompt of the task that a call is about."""
    if request.url.path.endswith("/createTask"):
        body = request.state.body = json_or_none(await request.body())
        model = body.get("model") if isinstance(body, dict) else None
        return str(model or ""), prompt_of(body)
    if request.url.path in omni.PATHS:
        body = request.state.body = json_or_none(await request.body())
        return OMNI, prompt_of(body)
    task_id = request.query_params.get("taskId") or str(request.path_params.get("path", "")).split("/")[0]
    job = sandbox.state.job(task_id)
    return (job.endpoint, job.prompt) if job else ("", "")


async def _create(sandbox: Sandbox, request: Request) -> Response:
    body = request.state.body
    if not isinstance(body, dict):
        return says(request, 400, "Invalid request body")
    if request.state.account.limited and _recent_tasks(sandbox, request) >= _NEW_TASKS:
        return answer(request, TOO_MANY)
    try:
        check(body)
    except Invalid as error:
        return says(request, error.code, str(error))
    credit = platform_api.free_credits(sandbox, request)
    if credit <= 0 or credit < price(body):
        return answer(request, OUT_OF_CREDIT)
    job = _accept(sandbox, request)
    accept(sandbox, request, job)
    sandbox.start(settle(sandbox, job))
    sandbox.start(send_callbacks(sandbox, job))
    return success(request, {"taskId": job.id})


def _recent_tasks(sandbox: Sandbox, request: Request) -> int:
    """How many tasks the key has created within the window of the limit."""
    sql = "select count(*) from jobs where gateway = 'kie' and submitted_at > ? and document ->> 'key_id' = ?"
    return int(sandbox.state.sql(sql, sandbox.clock() - _WINDOW_SECONDS, request.state.key_id)[0][0])


def _accept(sandbox: Sandbox, request: Request) -> Job:
    body, now = request.state.body, sandbox.clock()
    started = now + sandbox.pace.queue_seconds
    job = Job(
        id=uuid.uuid4().hex,
        gateway="kie",
        endpoint=body["model"],
        key_id=request.state.key_id,
        body=body,
        base=base_url(request),
        options={"output_seconds": str(platform_api.KEPT_SECONDS)},
        submitted_at=now,
        started_at=started,
        done_at=started + _seconds(sandbox, body["model"]),
    )
    rule = fault_inside(request, *SWITCHES)
    return job if rule is None else with_fault(job, rule)


def _seconds(sandbox: Sandbox, model: str) -> float:
    """How long a task runs."""
    pace = sandbox.pace
    if model in CHARACTERS:
        return pace.character_seconds
    return {"picture": pace.picture_seconds, "video": pace.render_seconds}[makes(model)]


async def _record_info(sandbox: Sandbox, request: Request) -> Response:
    task_id, now = request.query_params.get("taskId"), sandbox.clock()
    if not task_id:
        return says(request, 400, "taskId parameter is required")
    job = sandbox.state.job(task_id)
    if job is None or job.gateway != "kie" or job.endpoint == OMNI:
        return answer(request, NULL_RECORD)
    if job.phase(now) == "COMPLETED":
        job = await settle(sandbox, job)
        if job.outcome and job.options.get("switch") == "failed_envelope":
            return says(request, int(job.outcome.error_type or 501), str(job.outcome.detail))
    return success(request, record(job, now, base_url(request)))
