"""WaveSpeedAI on the sandbox: submit and result of predictions under `/wavespeed/api/v3`, and the CDN."""

import uuid
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from prefect_storyboard.sandbox import cdn
from prefect_storyboard.sandbox.documents import Job, prompt_of
from prefect_storyboard.sandbox.exchange import Gateway, Router, Sandbox, accept, base_url, fault_inside, json_or_none
from prefect_storyboard.sandbox.wavespeed import limits, platform_api, storage, webhooks
from prefect_storyboard.sandbox.wavespeed.envelope import problem, success, with_key
from prefect_storyboard.sandbox.wavespeed.faults import ENDINGS, FAULTS, with_fault
from prefect_storyboard.sandbox.wavespeed.jobs import KEPT_SECONDS, common, due, prediction, settle
from prefect_storyboard.sandbox.wavespeed.models import MODELS, Refused, parse

_API = "/wavespeed/api/v3"
_SYNC_ERROR = "Sync mode timed out after 90 seconds. The prediction is still processing asynchronously."


def gateway(sandbox: Sandbox) -> Gateway:
    """WaveSpeedAI on the sandbox."""
    router = Router(name="wavespeed", sandbox=sandbox, fault_table=FAULTS, about=partial(_about, sandbox))
    routes: list[BaseRoute] = [
        router.route(f"{_API}/predictions/{{id}}/result", "status", with_key(partial(_result, sandbox))),
        *storage.routes(router),
        *platform_api.routes(router),
        # Last, as it takes every other POST.
        router.route(f"{_API}/{{model:path}}", "submit", with_key(partial(_submit, sandbox)), method="POST"),
        router.route("/wavespeed/cdn/files/b/{path:path}", "download", partial(cdn.download, sandbox)),
    ]
    return Gateway(routes=routes, fault_table=FAULTS, settle=partial(settle, sandbox))


async def _about(sandbox: Sandbox, request: Request) -> tuple[str, str]:
    """Model and prompt of the job that a call is about."""
    given = request.path_params
    if "model" in given:
        request.state.body = json_or_none(await request.body())
        return given["model"], prompt_of(request.state.body)
    job_id = given.get("id") or str(given.get("path", "")).split("/")[0]
    job = sandbox.state.job(job_id) if job_id else None
    if job is not None:
        return job.endpoint, job.prompt
    if request.url.path == f"{_API}/models":
        return " ".join(MODELS), ""
    asked = json_or_none(await request.body()) if request.method == "POST" else None
    asked = asked if isinstance(asked, dict) else {}
    named = asked.get("model") or asked.get("model_id") or ""
    return str(named), str(asked.get("filename") or given.get("name", ""))


async def _submit(sandbox: Sandbox, request: Request) -> Response:
    model_id = request.path_params["model"]
    if request.state.account == "empty":
        return problem(400, "insufficient credits", code=1407)
    if model_id not in MODELS or fault_inside(request, "retired"):
        return problem(404, "Model not found")
    if not isinstance(request.state.body, dict):
        return problem(400, "invalid parameter")
    try:
        parse(MODELS[model_id], request.state.body)
    except Refused as error:
        return problem(400, str(error), code=error.code)
    at_once = request.state.body.get("enable_sync_mode") is True
    refused = _bad_webhook(request, at_once=at_once) or limits.refusal(sandbox, request, model_id)
    if refused is not None:
        return refused
    return _accept(sandbox, request, at_once=at_once)


def _bad_webhook(request: Request, *, at_once: bool) -> Response | None:
    target = request.query_params.get("webhook")
    if target is None or (webhooks.is_target(target) and not at_once):
        return None
    return problem(400, "invalid parameter")


def _accept(sandbox: Sandbox, request: Request, *, at_once: bool) -> Response:
    job = _job(sandbox, request)
    accept(sandbox, request, job)
    sandbox.start(settle(sandbox, job))
    if "webhook" in job.options:
        sandbox.start(webhooks.deliver(sandbox, job))
    document = common(job, base_url(request), "created")
    if at_once:
        # Nobody is kept waiting: this is what the documents say when the server gives up.
        gave_up = {"status": "processing", "code": 5004, "error": _SYNC_ERROR}
        return success({"id": job.id, **gave_up, "outputs": [], "urls": document["urls"]})
    return success({**document, "has_nsfw_contents": []})


def _job(sandbox: Sandbox, request: Request) -> Job:
    model_id, webhook, pace = request.path_params["model"], request.query_params.get("webhook"), sandbox.pace
    started = limits.start(sandbox, request)
    by_kind = {"character": pace.character_seconds, "picture": pace.picture_seconds, "video": pace.render_seconds}
    seconds = by_kind[MODELS[model_id].kind]
    job = Job(
        id=uuid.uuid4().hex,
        gateway="wavespeed",
        endpoint=model_id,
        key_id=request.state.key_id,
        body=request.state.body,
        base=base_url(request),
        options={"output_seconds": str(KEPT_SECONDS), **({"webhook": webhook} if webhook else {})},
        submitted_at=sandbox.clock(),
        started_at=started,
        done_at=started + seconds,
    )
    rule = fault_inside(request, *ENDINGS)
    return job if rule is None else with_fault(job, rule)


async def _result(sandbox: Sandbox, request: Request) -> Response:
    job = sandbox.state.job(request.path_params["id"])
    now = sandbox.clock()
    if job is None or job.gateway != "wavespeed" or "deleted" in job.options or now > job.submitted_at + KEPT_SECONDS:
        return problem(404, "Prediction not found")
    return success(prediction(sandbox, await due(sandbox, job), base_url(request)))
