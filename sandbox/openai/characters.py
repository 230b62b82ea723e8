"""Characters: made at once from a clip in a form, named by id in a create, shown if the prompt has their name."""

import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from prefect_storyboard.sandbox import inputs
from prefect_storyboard.sandbox.documents import Job, Outcome
from prefect_storyboard.sandbox.exchange import Sandbox, accept, base_url
from prefect_storyboard.sandbox.openai import bodies, jobs
from prefect_storyboard.sandbox.openai.errors import Refused
from prefect_storyboard.sandbox.portraits import still


async def create(sandbox: Sandbox, request: Request) -> Response:
    """A form of `name` and the MP4 `video`; no JSON, no address."""
    body = request.state.body
    if not bodies.is_form(request) or body is None:
        raise Refused(415, "Unsupported content type: expected multipart/form-data.")
    name, data = _name(body), await _clip(sandbox, body)
    portrait: bytes | None = await sandbox.in_pool(still, data)
    now, character_id = sandbox.clock(), f"char_{uuid.uuid4().hex}"
    kept = sandbox.state.keep(portrait) if portrait else None
    job = Job(
        id=character_id,
        gateway="openai",
        endpoint=jobs.CHARACTER,
        key_id=request.state.key_id,
        body=body,
        base=base_url(request),
        submitted_at=now,
        started_at=now,
        done_at=now,
        outcome=Outcome(status=200, kind="character", name=name, portrait=kept, known_as=(character_id,)),
    )
    accept(sandbox, request, job)
    return JSONResponse(_document(job))


async def show(sandbox: Sandbox, request: Request) -> Response:
    """A character by id."""
    job = jobs.character(sandbox, request.path_params["id"])
    if job is None or job.key_id != request.state.key_id:
        raise Refused(404, "Character not found")
    return JSONResponse(_document(job))


def check(sandbox: Sandbox, given: Any) -> None:
    """Refuse a malformed list of characters, one with too many, or one with an unknown character."""
    if given is None:
        return
    if not (isinstance(given, list) and all(isinstance(each, dict) and set(each) == {"id"} for each in given)):
        raise Refused(400, "Invalid type for 'characters'.", "characters", "invalid_type")
    if len(given) > 2:
        raise Refused(400, "At most 2 characters are supported.", "characters", "invalid_value")
    for each in given:
        if jobs.character(sandbox, str(each["id"])) is None:
            raise Refused(400, f"Character '{each['id']}' not found.", "characters", "invalid_value")


def _name(body: dict[str, Any]) -> str:
    unknown = sorted(set(body) - {"name", "video"})
    if unknown:
        raise Refused(400, f"Unknown parameter: '{unknown[0]}'.", unknown[0], "unknown_parameter")
    name = body.get("name")
    if not (isinstance(name, str) and 1 <= len(name) <= 80):
        raise Refused(400, "Invalid value for 'name'.", "name", "invalid_value")
    return name


async def _clip(sandbox: Sandbox, body: dict[str, Any]) -> bytes:
    file = bodies.kept(body.get("video"))
    if file is None:
        raise Refused(400, "Missing required parameter: 'video'.", "video", "missing_required_parameter")
    data = (sandbox.state.files / file[0]).read_bytes()
    found = await inputs.video(sandbox, data)
    if found is None or "mp4" not in found.containers:
        raise Refused(400, "Invalid video file: expected an MP4.", "video", "invalid_value")
    return data


def _document(job: Job) -> dict[str, Any]:
    name = job.outcome.name if job.outcome else None
    return {"id": job.id, "name": name, "created_at": int(job.submitted_at)}
