"""A fal job from submit to result: what it makes, and the status document of each stage."""

import uuid
from datetime import UTC, datetime
from typing import Any

from starlette.responses import JSONResponse

from prefect_storyboard.sandbox.catalogue import BadFile, House, Order, make
from prefect_storyboard.sandbox.documents import Clip, Job, Outcome
from prefect_storyboard.sandbox.exchange import Sandbox
from prefect_storyboard.sandbox.fal import inputs, pictures
from prefect_storyboard.sandbox.fal.models import ENDPOINTS, Character, Generation, Remix, frame, known_property
from prefect_storyboard.sandbox.fal.schema import Unprocessable, app, parse, refusal
from prefect_storyboard.sandbox.meter import is_billed

CANCELLED = "client_cancelled"
HOUSE = House(frame_by="area", megabyte=1_000_000)  # fal publishes no sizes


async def settle(sandbox: Sandbox, job: Job) -> Job:
    """The job with its outcome: run now unless it has been. Whether anyone may see it yet is the clock's business."""
    if job.outcome is not None or job.cancelled_at is not None:
        return job
    outcome = await _run(sandbox, job)
    current = sandbox.state.job(job.id) or job  # it may have been cancelled while its files were fetched
    return sandbox.state.save_job(current.copy_with(outcome=outcome))


async def _run(sandbox: Sandbox, job: Job) -> Outcome:
    endpoint = ENDPOINTS[job.endpoint]
    kind = "character" if endpoint.accepts is Character else endpoint.makes
    if job.ending is not None:
        return Outcome.model_validate({"kind": kind, **job.ending})
    try:
        given = parse(endpoint, job.body)
        if isinstance(given, Character):
            portrait = await inputs.video(sandbox, job, given.video_url, "video_url")
            known = (made_id(job, "char"),)
            return Outcome(status=200, kind="character", name=given.name, portrait=portrait, known_as=known)
        if isinstance(given, Remix):
            return await _remix(sandbox, job, given)
        if isinstance(given, Order):
            return await _living(sandbox, job, given)
        assert isinstance(given, Generation)  # noqa: S101 - the fourth and last family
        return await _generate(sandbox, job, given)
    except Unprocessable as error:
        return Outcome.model_validate({"status": 422, "kind": kind, "detail": error.detail})


async def _living(sandbox: Sandbox, job: Job, given: Order) -> Outcome:
    if given.model.makes == "picture":
        return await pictures.drawn(sandbox, job, given, HOUSE)
    try:
        made = await make(sandbox, job, given, HOUSE)
    except BadFile as bad:
        raise inputs.refused(bad) from None
    return Outcome(status=200, kind="video", clip=made.clip, usd=None if made.cost is None else round(made.cost, 4))


async def _generate(sandbox: Sandbox, job: Job, given: Generation) -> Outcome:
    if given.detect_and_block_ip and known_property(given.prompt):
        raise refusal("content_policy_violation", ("prompt",), "The prompt names a known intellectual property.")
    cast = [await _character(sandbox, job, place, each) for place, each in enumerate(given.character_ids or [])]
    url = getattr(given, "image_url", None)
    kept, size = await inputs.image(sandbox, job, url, "image_url") if url else (None, None)
    resolution, width, height = frame(given, size)
    endpoint = ENDPOINTS[job.endpoint]
    clip = Clip(
        width=_scaled(sandbox, width),
        height=_scaled(sandbox, height),
        seconds=given.duration,
        prompt=given.prompt,
        cast=tuple(each.name or "" for each in cast),
        label=endpoint.label.replace("sora-2 ", f"{getattr(given, 'model', 'sora-2')} "),
        stamp=job.id[:8],
        image=kept,
        portraits=tuple(each.portrait for each in cast),
    )
    return Outcome(status=200, kind="video", clip=clip, usd=round(endpoint.usd[resolution] * given.duration, 4))


async def _remix(sandbox: Sandbox, job: Job, given: Remix) -> Outcome:
    source = await _by_own_id(sandbox, job, "video", given.video_id)
    kept = source is not None and isinstance(source.body, dict) and source.body.get("delete_video") is False
    clip = source.outcome.clip if kept and source is not None and source.outcome else None
    if clip is None:
        raise refusal("value_error", ("video_id",), f"Video '{given.video_id}' was not found or has been deleted.")
    endpoint = ENDPOINTS[job.endpoint]
    changed = clip.copy_with(prompt=given.prompt, label=endpoint.label, stamp=job.id[:8])
    return Outcome(status=200, kind="video", clip=changed, usd=round(endpoint.usd["base"] * clip.seconds, 4))


async def _character(sandbox: Sandbox, job: Job, place: int, character_id: str) -> Outcome:
    source = await _by_own_id(sandbox, job, "char", character_id)
    if source is None or source.outcome is None or source.outcome.name is None:
        raise refusal("value_error", ("character_ids", place), f"Character '{character_id}' was not found.")
    return source.outcome


async def _by_own_id(sandbox: Sandbox, job: Job, kind: str, made_id: str) -> Job | None:
    """The successful job that had made the character or video with this id when `job` started."""
    prefix, _, digits = made_id.partition("_")
    try:
        source = sandbox.state.job(str(uuid.UUID(hex=digits)))
    except ValueError:
        return None
    if prefix != kind or source is None or source.phase(job.started_at) != "COMPLETED":
        return None
    source = await settle(sandbox, source)
    return source if is_billed(source) else None


def _scaled(sandbox: Sandbox, length: int) -> int:
    return max(2, round(length * sandbox.pace.clip_scale / 2) * 2)


def made_id(job: Job, kind: str) -> str:
    """The id of the job's result, which is the job's own id, so that no look-up is needed."""
    return f"{kind}_{job.id.replace('-', '')}"


def urls(base: str, job: Job) -> dict[str, str]:
    """The three addresses of a job: under owner and app only, whatever the endpoint."""
    address = f"{base}/fal/queue/{app(job.endpoint)}/requests/{job.id}"
    return {"response_url": address, "status_url": f"{address}/status", "cancel_url": f"{address}/cancel"}


def status(sandbox: Sandbox, job: Job, base: str, *, logs: bool) -> dict[str, Any]:
    """The status document; `logs` and `queue_position` are keys that fal's own client insists on."""
    now = sandbox.clock()
    phase = job.phase(now)
    document: dict[str, Any] = {"status": phase, "request_id": job.id, **urls(base, job)}
    if phase == "IN_QUEUE":
        return {**document, "queue_position": sandbox.state.queued_before(job, now)}
    document["logs"] = log(job, now) if logs else None
    if phase == "IN_PROGRESS":
        return document
    error, kind = _infrastructure_error(job)
    if kind:
        return {**document, "metrics": {}, "error": error, "error_type": kind}
    return {**document, "metrics": {"inference_time": round(job.done_at - job.started_at, 2)}}


def log(job: Job, now: float) -> list[dict[str, str]]:
    """What the runner has printed by now."""
    steps = (
        [(0.0, "Generating")] + [(share, f"Rendering: {share:.0%}") for share in (0.25, 0.5, 0.75)] + [(1.0, "Done")]
    )
    due = [(job.started_at + share * (job.done_at - job.started_at), text) for share, text in steps]
    return [{"message": text, "timestamp": iso(at), "level": "INFO", "source": "USER"} for at, text in due if at <= now]


def iso(at: float) -> str:
    """A time as fal writes it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _infrastructure_error(job: Job) -> tuple[str | None, str | None]:
    if job.cancelled_at is not None:
        return "Request cancelled", CANCELLED
    if job.outcome is None or job.outcome.error_type is None:
        return None, None
    return str(job.outcome.detail), job.outcome.error_type


async def result(sandbox: Sandbox, job: Job, base: str) -> JSONResponse:
    """What the model answered, with its status code: errors included."""
    headers = {"x-fal-request-id": job.id, "x-fal-billable-units": "0"}
    if job.cancelled_at is not None:
        body = {"detail": "Request cancelled", "error_type": CANCELLED}
        return JSONResponse(body, 499, {**headers, "X-Fal-Error-Type": CANCELLED})
    outcome = job.outcome
    assert outcome is not None  # noqa: S101 - the caller has settled the job
    headers |= outcome.headers
    if outcome.error_type is not None:
        headers["X-Fal-Error-Type"] = outcome.error_type
        return JSONResponse({"detail": outcome.detail, "error_type": outcome.error_type}, outcome.status, headers)
    if outcome.status != 200:
        sent = {name: value for name, value in headers.items() if value}  # an empty one is a header that is not sent
        return JSONResponse({"detail": outcome.detail}, outcome.status, sent)
    headers["x-fal-billable-units"] = f"{units(job):g}"
    return JSONResponse(await output(sandbox, job, base), 200, headers)


def units(job: Job) -> float:
    """The billable units of a successful job: its seconds, or of a living model how often its listed price is due."""
    outcome, endpoint = job.outcome, ENDPOINTS[job.endpoint]
    assert outcome is not None  # noqa: S101 - the caller has settled the job
    if endpoint.row is not None and endpoint.usd and outcome.usd is not None:
        return round(outcome.usd / endpoint.usd["base"], 4)
    return outcome.clip.seconds if outcome.clip else 1


def brief_output(job: Job, base: str) -> dict[str, Any]:
    """The output with its required fields only, for lists: nothing has to be rendered."""
    if job.outcome is not None and job.outcome.picture is not None:
        return pictures.brief(job, ENDPOINTS[job.endpoint], base)
    if job.outcome is None or job.outcome.clip is None:
        return {"id": made_id(job, "char"), "name": job.prompt}
    video = {"url": f"{base}/fal/cdn/files/b/{job.id}/out.mp4", "content_type": "video/mp4"}
    return {"video": video, **_labels(job)}


def _labels(job: Job) -> dict[str, Any]:
    """The fields of an output besides its files: the id for remixes (Sora), or the `outputs` of a living model."""
    row = ENDPOINTS[job.endpoint].row
    if row is None:
        return {"video_id": made_id(job, "video")}
    body: dict[str, Any] = job.body if isinstance(job.body, dict) else {}
    used = {
        "seed": body.get("seed") or int(job.id[:7], 16),
        "actual_prompt": f"{job.prompt} Cinematic, high detail.",
        "expanded_prompt": None if body.get("prompt_expansion_mode") == "disabled" else f"{job.prompt} In detail.",
        "timings": {"inference": round(job.done_at - job.started_at, 2)},
    }
    return {name: used[name] for name in row.outputs}


async def output(sandbox: Sandbox, job: Job, base: str) -> dict[str, Any]:
    """The raw model output of a successful job."""
    outcome = job.outcome
    assert outcome is not None  # noqa: S101 - the caller has settled the job
    if outcome.picture is not None:
        return await pictures.output(sandbox, job, ENDPOINTS[job.endpoint], base)
    if outcome.clip is None:
        return {"id": made_id(job, "char"), "name": outcome.name}
    clip = outcome.clip
    folder = f"{base}/fal/cdn/files/b/{job.id}"
    path = await sandbox.clip(clip)
    named = {"content_type": "video/mp4", "file_name": "out.mp4", "file_size": path.stat().st_size}
    if ENDPOINTS[job.endpoint].row is not None:
        return {"video": {"url": f"{folder}/out.mp4", **named}, **_labels(job)}
    measures = {"width": clip.width, "height": clip.height, "fps": 24.0, "duration": float(clip.seconds)}
    unknown = {"file_name": None, "file_size": None, "width": None, "height": None}
    return {
        "video": {"url": f"{folder}/out.mp4", **named, **measures, "num_frames": clip.seconds * 24},
        **_labels(job),
        "thumbnail": {"url": f"{folder}/thumb.webp", "content_type": "image/webp", **unknown},
        "spritesheet": {"url": f"{folder}/sheet.jpg"},
    }
