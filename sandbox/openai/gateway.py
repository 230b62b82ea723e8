"""An OpenAI-compatible server under `/openai/v1`: videos, their content behind the key, and characters.

Create takes JSON or a form for OpenAI's models, a form only for the self-hosted one. A server of one's own aborts a
running job when it is deleted, OpenAI refuses to.
"""

import uuid
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute

from prefect_storyboard.sandbox import cdn
from prefect_storyboard.sandbox.documents import Job, prompt_of
from prefect_storyboard.sandbox.exchange import Gateway, Router, Sandbox, accept, base_url, fault_inside
from prefect_storyboard.sandbox.openai import bodies, characters, frames, jobs
from prefect_storyboard.sandbox.openai.errors import QUOTA, Refused, gone, with_key
from prefect_storyboard.sandbox.openai.faults import ENDINGS, FAULTS, with_fault
from prefect_storyboard.sandbox.openai.jobs import MODELS

_VIDEOS = "/openai/v1/videos"
_ONE = f"{_VIDEOS}/{{id}}"
_VARIANTS = {"video": "out.mp4", "thumbnail": "thumb.webp", "spritesheet": "sheet.jpg"}


def gateway(sandbox: Sandbox) -> Gateway:
    """The server on the sandbox."""
    router = Router(name="openai", sandbox=sandbox, fault_table=FAULTS, about=partial(_about, sandbox))

    def on(path: str, kind: Any, handle: Any, method: str = "GET") -> BaseRoute:
        return router.route(path, kind, with_key(partial(handle, sandbox)), method=method)

    routes = [
        on("/openai/v1/models", "platform", _models),
        on(f"{_VIDEOS}/characters", "submit", characters.create, "POST"),
        on(f"{_VIDEOS}/characters/{{id}}", "status", characters.show),
        on(_VIDEOS, "submit", _create, "POST"),
        on(_VIDEOS, "platform", _list),
        on(f"{_ONE}/content", "result", _content),
        on(_ONE, "status", _show),
        on(_ONE, "cancel", _delete, "DELETE"),
        router.route("/openai/cdn/files/b/{path:path}", "download", partial(cdn.download, sandbox)),
    ]
    return Gateway(routes=routes, fault_table=FAULTS, settle=partial(jobs.settle, sandbox))


async def _about(sandbox: Sandbox, request: Request) -> tuple[str, str]:
    """Model and prompt of the job that a call is about."""
    if request.method == "POST":
        body = request.state.body = await bodies.read(sandbox, request)
        if request.url.path.endswith("/characters"):
            return jobs.CHARACTER, prompt_of(body)
        return str((body or {}).get("model") or "sora-2"), prompt_of(body)
    given = request.path_params
    job = sandbox.state.job(given.get("id") or str(given.get("path", "")).split("/")[0])
    return (job.endpoint, job.prompt) if job else ("", "")


async def _models(_: Sandbox, __: Request) -> Response:
    data = [
        {"id": name, "object": "model", "created": 0, "owned_by": row.provider or "openai"}
        for name, row in MODELS.items()
    ]
    return JSONResponse({"object": "list", "data": data})


async def _create(sandbox: Sandbox, request: Request) -> Response:
    body = request.state.body
    if body is None:
        raise Refused(400, "We could not parse the body of your request.")
    if request.state.empty:
        raise Refused(429, QUOTA, code="insufficient_quota")
    model = body.get("model", "sora-2")
    if model not in MODELS:
        raise gone(str(model))
    row, is_form = MODELS[model], bodies.is_form(request)
    if jobs.is_self_hosted(row) and not is_form:
        raise Refused(415, "Unsupported content type: this server takes multipart/form-data only.")
    request.state.body = body = bodies.typed(row, body, form=is_form)
    given = jobs.check(row, body)
    if not jobs.is_self_hosted(row):
        characters.check(sandbox, body.get("characters"))
    image = await frames.first_frame(sandbox, base_url(request), body, given)
    job = _job(sandbox, request, model, {"image": image} if image else {})
    accept(sandbox, request, job)
    sandbox.start(jobs.settle(sandbox, job))
    return JSONResponse(jobs.created(job))


def _job(sandbox: Sandbox, request: Request, model: str, options: dict[str, str]) -> Job:
    now, pace = sandbox.clock(), sandbox.pace
    started = now + pace.queue_seconds
    self_hosted = jobs.is_self_hosted(MODELS[model])
    job = Job(
        id=f"video{'-' if self_hosted else '_'}{uuid.uuid4().hex}",
        gateway="openai",
        endpoint=model,
        key_id=request.state.key_id,
        body=request.state.body,
        base=base_url(request),
        options={"output_seconds": str(jobs.LIFETIME), **options},
        submitted_at=now,
        started_at=started,
        done_at=started + pace.render_seconds,
    )
    rule = fault_inside(request, *ENDINGS)
    return job if rule is None else with_fault(job, rule)


async def _found(sandbox: Sandbox, request: Request) -> Job:
    """The video of the call, run if it is due; of another key, or deleted, it is as unknown as any."""
    job = sandbox.state.job(request.path_params["id"])
    ours = job is not None and job.gateway == "openai" and job.endpoint in MODELS
    if job is None or not ours or job.key_id != request.state.key_id or "deleted" in job.options:
        raise Refused(404, "Video not found")
    return await jobs.settle(sandbox, job) if job.phase(sandbox.clock()) == "COMPLETED" else job


async def _show(sandbox: Sandbox, request: Request) -> Response:
    job = await _found(sandbox, request)
    return JSONResponse(jobs.document(job, sandbox.clock()), headers={"openai-poll-after-ms": "500"})


async def _content(sandbox: Sandbox, request: Request) -> Response:
    """The bytes themselves; under a rule the address of a file that needs no key."""
    job = await _found(sandbox, request)
    name = _VARIANTS.get(request.query_params.get("variant", "video"))
    if name is None:
        raise Refused(400, "Invalid value for 'variant'.", "variant", "invalid_value")
    found = await cdn.find(sandbox, f"{job.id}/{name}")
    if found is None:
        raise Refused(404, "Video content is not available: it is not ready, has failed or has expired.")
    if fault_inside(request, "content_redirect"):
        return RedirectResponse(f"{base_url(request)}/openai/cdn/files/b/{job.id}/{name}?sig=1", 302)
    return FileResponse(found.path, media_type=found.content_type)


async def _list(sandbox: Sandbox, request: Request) -> Response:
    query, now = request.query_params, sandbox.clock()
    limit, direction = query.get("limit", "20"), query.get("order", "desc")
    if not limit.isdigit() or int(limit) > 100 or direction not in {"asc", "desc"}:
        raise Refused(400, "Invalid value for 'limit' or 'order'.", "limit", "invalid_value")
    rule = fault_inside(request, "sparse_list", "list_lags")
    latest = now - (rule.seconds if rule and rule.fault == "list_lags" else 0)
    found = [job for job in sandbox.state.jobs() if _is_listed(job, request) and job.submitted_at <= latest]
    found = found if direction == "asc" else found[::-1]
    ids = [job.id for job in found]
    first = ids.index(query["after"]) + 1 if query.get("after") in ids else 0
    page = [await _due(sandbox, job) for job in found[first : first + int(limit)]]
    sparse = rule is not None and rule.fault == "sparse_list"
    data = [jobs.listed(job, now, sparse=sparse) for job in page]
    ends = {} if sparse else {"first_id": page[0].id if page else None, "last_id": page[-1].id if page else None}
    more = {} if sparse else {"has_more": first + int(limit) < len(found)}
    return JSONResponse({"object": "list", "data": data, **ends, **more})


def _is_listed(job: Job, request: Request) -> bool:
    ours = job.gateway == "openai" and job.endpoint in MODELS and job.key_id == request.state.key_id
    return ours and "deleted" not in job.options


async def _due(sandbox: Sandbox, job: Job) -> Job:
    return await jobs.settle(sandbox, job) if job.phase(sandbox.clock()) == "COMPLETED" else job


async def _delete(sandbox: Sandbox, request: Request) -> Response:
    job, now = await _found(sandbox, request), sandbox.clock()
    running = job.phase(now) != "COMPLETED"
    if running and not jobs.is_self_hosted(MODELS[job.endpoint]):
        raise Refused(409, "Only completed or failed videos can be deleted.")
    # A negative lifetime: the content is gone at once. What had been made stays billed.
    gone_at = {"cancelled_at": now, "done_at": now, "started_at": min(job.started_at, now)} if running else {}
    options = {**job.options, "deleted": "1", "output_seconds": "-1"}
    sandbox.state.save_job(job.copy_with(options=options, **gone_at))
    return JSONResponse({"id": job.id, "object": "video.deleted", "deleted": True})
