"""ToAPIs: submit and status of generations, characters and remixes, under `/toapis`.

Characters are no endpoint of their own: a body with `timestamps` and no `prompt` creates one, and another address
serves its status. There is no cancel, no list and no idempotency key.
"""

import secrets
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from prefect_storyboard.sandbox import cdn
from prefect_storyboard.sandbox.documents import NEVER, Job, prompt_of
from prefect_storyboard.sandbox.exchange import Gateway, Router, Sandbox, accept, base_url, fault_inside, json_or_none
from prefect_storyboard.sandbox.toapis import account, jobs, uploads, webhooks
from prefect_storyboard.sandbox.toapis.auth import with_key
from prefect_storyboard.sandbox.toapis.clips import shape
from prefect_storyboard.sandbox.toapis.errors import Refused, no_channel
from prefect_storyboard.sandbox.toapis.faults import ENDINGS, FAULTS, TWO_IDS, WEBHOOKS, ending
from prefect_storyboard.sandbox.toapis.models import MODELS, Character, Order, Task, parse, task_of

_VIDEOS, _IMAGES = "/toapis/v1/videos", "/toapis/v1/images"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def gateway(sandbox: Sandbox) -> Gateway:
    """ToAPIs on the sandbox."""
    router = Router(name="toapis", sandbox=sandbox, fault_table=FAULTS, about=partial(_about, sandbox))
    routes = [*_tasks(router), *uploads.routes(router), *account.routes(router)]
    return Gateway(routes=routes, fault_table=FAULTS, settle=partial(jobs.settle, sandbox))


def _tasks(router: Router) -> list[BaseRoute]:
    box = router.sandbox
    submit = with_key(box, partial(_submit, box), "async_submit")
    asked = (_video, _character, _picture)
    videos, characters, pictures = (with_key(box, partial(each, box), "async_query") for each in asked)
    return [
        router.route(f"{_VIDEOS}/generations", "submit", submit, method="POST"),
        router.route(f"{_IMAGES}/generations", "submit", submit, method="POST"),
        router.route(f"{_IMAGES}/generations/{{task_id}}", "status", pictures),
        router.route(f"{_VIDEOS}/{{video_id}}/remix", "submit", submit, method="POST"),
        router.route(f"{_VIDEOS}/generations/{{task_id}}", "status", videos),
        router.route("/toapis/v1/characters_tasks/{task_id}", "status", characters),
        router.route("/toapis/cdn/files/b/{path:path}", "download", partial(cdn.download, box)),
    ]


async def _about(sandbox: Sandbox, request: Request) -> tuple[str, str]:
    """Endpoint (the model, and what is asked of it) and prompt of the job that a call is about."""
    given = request.path_params
    if request.state.route == "submit":
        body = request.state.body = json_or_none(await request.body())
        model = body.get("model") if isinstance(body, dict) else None
        return _endpoint(str(model), _task(request)), prompt_of(body)
    job_id = given.get("task_id") or str(given.get("path", "")).split("/")[0].removesuffix("_face")
    job = sandbox.state.job(job_id) if job_id else None
    if job is not None:
        return job.endpoint, job.prompt
    # The list of models is about all of them.
    return " ".join(MODELS) if request.url.path.endswith("/models") else request.url.path, ""


def _task(request: Request) -> Task:
    if request.url.path.startswith(_IMAGES):
        return "picture"
    return "remix" if "video_id" in request.path_params else task_of(request.state.body)


def _endpoint(model: str, task: Task) -> str:
    return model if task in {"video", "picture"} else f"{model}/{task}"


async def _submit(sandbox: Sandbox, request: Request) -> Response:
    if request.state.empty:
        raise Refused(402)
    given = parse(_body(request), _task(request))
    if fault_inside(request, "retired"):
        raise no_channel(given.model)
    callback: str | None = getattr(given, "callback_url", None)
    if callback and fault_inside(request, "webhook_not_configured"):
        raise Refused(400, "Webhook is not configured for this API key", "webhook_not_configured")
    found = await jobs.sources(sandbox, given, sandbox.clock())
    shaped = {} if isinstance(given, Character) else shape(given, found)
    job = _accept(sandbox, request, given, shaped)
    accept(sandbox, request, job)
    if fault_inside(request, "completed_at_once"):
        return JSONResponse(jobs.document(await jobs.settle(sandbox, job), job.done_at, job.base))
    sandbox.start(jobs.settle(sandbox, job))
    if callback:
        sandbox.start(webhooks.deliver(sandbox, job, callback))
    return JSONResponse(jobs.submitted(job, given))


def _body(request: Request) -> Any:
    """The order; a remix with the id of its path, as two remixes in the same words may be of two clips."""
    body, video_id = request.state.body, request.path_params.get("video_id")
    if video_id is None or not isinstance(body, dict):
        return body
    if "video_id" in body:
        raise Refused(400, "video_id")
    return {**body, "video_id": video_id}


def _accept(sandbox: Sandbox, request: Request, given: Order, options: dict[str, str]) -> Job:
    now, pace = sandbox.clock(), sandbox.pace
    started = now + pace.queue_seconds
    by_kind = {"character": pace.character_seconds, "picture": pace.picture_seconds}
    seconds = by_kind.get(_task(request), pace.render_seconds)
    rule = fault_inside(request, *ENDINGS, *WEBHOOKS, *TWO_IDS, "unknown_username", "completed_at_once")
    job = Job(
        id=f"{given.prefix}_{_ulid(now)}",
        gateway="toapis",
        endpoint=_endpoint(given.model, _task(request)),
        key_id=request.state.key_id,
        body=_body(request),
        base=base_url(request),
        options={**options, "output_seconds": str(jobs.LIFETIME)},
        submitted_at=now,
        started_at=started,
        done_at=started + seconds,
    )
    if rule is None:
        return job
    if rule.fault == "completed_at_once":
        return job.copy_with(started_at=now, done_at=now)
    if rule.fault in TWO_IDS:
        return _with_two_ids(job, rule.fault)
    if rule.fault not in ENDINGS:
        name = "webhook" if rule.fault in WEBHOOKS else rule.fault
        return job.copy_with(options={**job.options, name: rule.fault})
    late = {"stuck": NEVER, "slow_render": job.done_at + rule.seconds}.get(rule.fault, job.done_at)
    return job.copy_with(ending=ending(rule), done_at=late)


def _with_two_ids(job: Job, fault: str) -> Job:
    """The job under a second id, `task_id`. It is polled by that one, or, swapped, by `id` only."""
    number = job.id.rpartition("_")[2]
    resource, task = f"video_resource_{number}", f"video_task_{number}"
    return job.copy_with(
        id=resource if fault == "two_ids_swapped" else task, options={**job.options, "ids": f"{resource} {task}"}
    )


def _ulid(now: float) -> str:
    """48 bits of milliseconds and 80 of chance in 26 letters."""
    number = int(now * 1000) << 80 | secrets.randbits(80)
    return "".join(_CROCKFORD[number >> 5 * place & 31] for place in reversed(range(26)))


async def _video(sandbox: Sandbox, request: Request) -> Response:
    """The status of a video. According to one page this address serves characters too, and no other does."""
    characters = fault_inside(request, "videos_serve_characters", "no_characters_tasks") is not None
    return await _status(sandbox, request, {"video", "remix"} | ({"character"} if characters else set()))


async def _character(sandbox: Sandbox, request: Request) -> Response:
    """The status of a character; videos are unknown here."""
    return await _status(sandbox, request, set() if fault_inside(request, "no_characters_tasks") else {"character"})


async def _picture(sandbox: Sandbox, request: Request) -> Response:
    """The status of a picture; nothing else is known here."""
    return await _status(sandbox, request, {"picture"})


async def _status(sandbox: Sandbox, request: Request, served: set[str]) -> Response:
    job = sandbox.state.job(request.path_params["task_id"])
    if job is None or job.gateway != "toapis" or jobs.task(job) not in served:
        raise Refused(404)
    now = sandbox.clock()
    if job.phase(now) == "COMPLETED":
        job = await jobs.settle(sandbox, job)
    return JSONResponse(jobs.document(job, now, base_url(request)))
