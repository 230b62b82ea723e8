"""A ToAPIs task from submit to result: what it makes, and the status document of each stage.

No page has prices. A video is billed at $0.10 a second so that the meter counts money, a character at 0; neither figure
says anything about ToAPIs. Nor does a page say where `metadata.character_create` returns its character, so it does
nothing here.
"""

import hashlib
import re
from typing import Any, Literal, cast

from prefect_storyboard.sandbox.catalogue import BadFile, draw
from prefect_storyboard.sandbox.cdn import picture_name, picture_of
from prefect_storyboard.sandbox.documents import File, Job, Outcome
from prefect_storyboard.sandbox.exchange import Sandbox
from prefect_storyboard.sandbox.meter import is_billed
from prefect_storyboard.sandbox.toapis import clips
from prefect_storyboard.sandbox.toapis import inputs as files
from prefect_storyboard.sandbox.toapis.errors import Failed, Refused
from prefect_storyboard.sandbox.toapis.faults import failure
from prefect_storyboard.sandbox.toapis.models import (
    MODELS,
    OFFICIAL,
    Character,
    Drawing,
    Living,
    Order,
    Remix,
    Sora,
    Task,
    living,
    parse,
    span,
)

LIFETIME = 86_400
_USD_PER_SECOND = 0.10


def task(job: Job) -> Task:
    """What kind of task it is: the end of its endpoint, or what its model makes."""
    model, _, kind = job.endpoint.partition("/")
    return cast("Task", kind or ("picture" if MODELS[model].draws else "video"))


async def settle(sandbox: Sandbox, job: Job) -> Job:
    """The job with its outcome: run now unless it has been. Whether anyone may see it yet is the clock's business."""
    if job.outcome is not None:
        return job
    return sandbox.state.save_job(job.copy_with(outcome=await _run(sandbox, job)))


async def _run(sandbox: Sandbox, job: Job) -> Outcome:
    kind = {"remix": "video"}.get(task(job), task(job))
    if job.ending is not None:
        return Outcome.model_validate({"kind": kind, **job.ending})
    try:
        given = parse(job.body, task(job))
        found = await sources(sandbox, given, job.submitted_at)
        if isinstance(given, Character):
            return await _character(sandbox, job, given, found)
        if isinstance(given, Drawing):
            return await _picture(sandbox, job)
        clip = await clips.clip(sandbox, job, given, found)
    except (Failed, Refused) as error:
        return Outcome.model_validate({"kind": kind, **failure(str(error))})
    usd = round(_USD_PER_SECOND * clip.seconds * _takes(given), 4)
    return Outcome(status=200, kind="video", clip=clip, usd=usd, known_as=(job.id,))


async def _picture(sandbox: Sandbox, job: Job) -> Outcome:
    try:
        drawn = await draw(sandbox, job, living(job.body), clips.HOUSE)
    except BadFile as bad:
        raise Failed(files.words(bad)) from None
    usd = None if drawn.cost is None else round(drawn.cost, 4)
    return Outcome(status=200, kind="picture", picture=drawn.picture, known_as=(job.id,), usd=usd)


def _takes(given: Order) -> int:
    return given.metadata.n if isinstance(given, Sora) else 1


async def sources(sandbox: Sandbox, given: Order, at: float) -> dict[str, Job]:
    """The finished tasks that an order names; raises `Refused` unless all of them had succeeded at the time `at`."""
    wanted: list[tuple[str | None, Literal["video", "character"]]] = []
    if isinstance(given, Character):
        wanted = [(given.from_task, "video")]
    elif isinstance(given, Remix):
        wanted = [(given.video_id, "video")]
    elif isinstance(given, Sora):
        wanted = [(given.character_url, "character"), (given.metadata.character_from_task, "video")]
    return {task_id: await _source(sandbox, task_id, kind, at) for task_id, kind in wanted if task_id is not None}


async def _source(sandbox: Sandbox, task_id: str, kind: str, at: float) -> Job:
    job = sandbox.state.job(task_id)
    if job is None or job.gateway != "toapis":
        raise Refused(404)
    job = await settle(sandbox, job) if job.phase(at) == "COMPLETED" else job
    if job.phase(at) != "COMPLETED" or not is_billed(job) or job.outcome is None or job.outcome.kind != kind:
        raise Refused(400, f"{task_id} is no finished {kind} task")
    options = job.body.get("metadata") if isinstance(job.body, dict) else None
    if isinstance(options, dict) and options.get("private"):
        raise Refused(400, f"{task_id} is private")
    return job


async def _character(sandbox: Sandbox, job: Job, given: Character, found: dict[str, Job]) -> Outcome:
    if given.url is not None:
        data, measured = await files.video(sandbox, job, given.url)
        name, seconds, sound = files.name_of(given.url), measured.seconds, measured.sound
    else:
        (made,) = found.values()
        data = await clips.file_of(sandbox, made)
        name, seconds, sound = clips.lead(made), float(clips.made(made).seconds), True
    if not sound:
        raise Failed("The clip has no audio track")
    if span(given.timestamps)[1] > seconds + 0.25:  # a clip may end a little before its nominal length
        raise Failed("timestamps lie beyond the end of the clip")
    portrait = await files.of_clip(sandbox, data)
    _publish(sandbox, job, portrait)
    known = (job.id, _character_id(job), _username(job, name))
    return Outcome(status=200, kind="character", name=name, portrait=portrait, known_as=known)


def _publish(sandbox: Sandbox, job: Job, portrait: str) -> None:
    """Put the profile picture on the CDN; not with `add_file`, which counts an upload."""
    file = File(
        id=f"{job.id}_face",
        name="face.jpg",
        content_type="image/jpeg",
        sha256=portrait,
        created_at=job.done_at,
        expires_at=job.done_at + LIFETIME,
    )
    sandbox.state.publish(file)


def _character_id(job: Job) -> str:
    return f"ch_{hashlib.sha256(job.id.encode()).hexdigest()[:32]}"


def _username(job: Job, name: str) -> str:
    """Eight letters and the beginning of the name, as `duksvfkf.turbo_whis`."""
    letters = "".join(chr(ord("a") + byte % 26) for byte in hashlib.sha256(job.id.encode()).digest()[:8])
    return f"{letters}.{re.sub(r'[^a-z0-9]+', '_', name.lower())[:10].strip('_') or 'guest'}"


def submitted(job: Job, given: Order) -> dict[str, Any]:
    """The answer to an accepted submit."""
    document = {**_head(job), "status": "queued", "progress": 0, "created_at": int(job.submitted_at)}
    if isinstance(given, Character):
        return {**document, "metadata": {}}
    if isinstance(given, Drawing):
        return {**document, "status": "pending", "metadata": {}}
    size = f"{job.options['width']}x{job.options['height']}"
    if isinstance(given, Living):
        return document
    if given.model != OFFICIAL:
        return {**document, "metadata": {"size": size}}
    more = {"seconds": job.options["seconds"], "size": size}
    if not isinstance(given, Remix):
        return {**document, "metadata": more}
    return {**document, "object": "video", "remixed_from_video_id": given.video_id, **more}


def _head(job: Job) -> dict[str, Any]:
    body = job.body if isinstance(job.body, dict) else {}
    named = {"client_business_id": given} if (given := body.get("client_business_id")) else {}
    ids = dict(zip(("id", "task_id"), job.options.get("ids", job.id).split(), strict=False))
    return {**ids, **named, "object": "generation.task", "model": job.endpoint.partition("/")[0]}


def document(job: Job, now: float, base: str) -> dict[str, Any]:
    """The status document; its outcome must be there when the job has ended."""
    document = {**_head(job), **_progress(job, now), "created_at": int(job.submitted_at)}
    drawn = task(job) == "picture"
    if drawn and document["status"] == "queued":
        document["status"] = "pending"
    if document["status"] == "completed":
        document["completed_at"] = int(job.done_at)
        if task(job) != "character":
            document["expires_at"] = int(job.done_at) + LIFETIME
        if drawn:
            document["url"] = _addresses(job, base)[0]
        document["result"] = result(job, base)
    elif document["status"] == "failed":
        document["error"] = fault(job)
    return {**document, "metadata": {}} if task(job) in {"character", "picture"} else document


def _progress(job: Job, now: float) -> dict[str, Any]:
    phase = job.phase(now)
    if phase == "COMPLETED":
        return {"status": "completed", "progress": 100} if is_billed(job) else {"status": "failed", "progress": 0}
    if phase == "IN_QUEUE":
        return {"status": "queued", "progress": 0}
    done = (now - job.started_at) / (job.done_at - job.started_at)
    return {"status": "in_progress", "progress": min(99, max(1, int(done * 100)))}


def fault(job: Job) -> Any:
    """Why a task failed; None if it did not."""
    return None if job.outcome is None else job.outcome.detail


def result(job: Job, base: str) -> dict[str, Any] | None:
    """What a task has made; None if it failed. `data` is an object for a character and a list for videos."""
    if job.outcome is None or not is_billed(job):
        return None
    if job.outcome.picture is not None:
        return {"type": "image", "data": [{"url": each} for each in _addresses(job, base)]}
    folder = f"{base}/toapis/cdn/files/b/{job.id}"
    if job.outcome.clip is None:
        _, made_id, username = job.outcome.known_as
        names = {"display_name": job.outcome.name, "username": username}
        character = {"id": made_id, **names, "profile_picture_url": f"{folder}_face/face.jpg"}
        return {"type": "character", "data": {"characters": [character]}}
    given = parse(job.body, task(job))
    item = {"url": f"{folder}/out.mp4", "format": "mp4"}
    if isinstance(given, Sora) and given.thumbnail:
        item["thumbnail_url"] = f"{folder}/thumb.webp"
    # Takes of one order look alike; only their addresses differ.
    more = [{**item, "url": f"{item['url']}?take={take}"} for take in range(2, _takes(given) + 1)]
    return {"type": "video", "data": [item, *more]}


def _addresses(job: Job, base: str) -> list[str]:
    """Where the pictures of a task lie; pictures of one order look alike."""
    url = f"{base}/toapis/cdn/files/b/{job.id}/{picture_name(picture_of(job))}"
    return [url, *(f"{url}?take={take}" for take in range(2, living(job.body).count + 1))]
