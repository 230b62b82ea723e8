"""A WaveSpeed job from submit to result: what it makes, and the prediction document."""

import base64
from datetime import UTC, datetime
from typing import Any

from prefect_storyboard.sandbox.catalogue import BadFile, House, Order, draw, make
from prefect_storyboard.sandbox.cdn import picture_name, picture_of
from prefect_storyboard.sandbox.documents import Clip, Job, Outcome
from prefect_storyboard.sandbox.exchange import Sandbox
from prefect_storyboard.sandbox.meter import is_billed
from prefect_storyboard.sandbox.pictures import draw as draw_file
from prefect_storyboard.sandbox.wavespeed import inputs as files
from prefect_storyboard.sandbox.wavespeed.models import (
    MODELS,
    Character,
    Element,
    Input,
    frame,
    parse,
    price,
)

KEPT_SECONDS = 7 * 86_400
HOUSE = House(calls=lambda member, _: member.replace(" ", ""), cast_as="cited")
Player = tuple[str, str | None]  # whom a clip shows: name and portrait


async def settle(sandbox: Sandbox, job: Job) -> Job:
    """The job with its outcome: run now unless it has been. Whether anyone may see it yet is the clock's business."""
    if job.outcome is not None:
        return job
    outcome = await _run(sandbox, job)
    current = sandbox.state.job(job.id) or job  # it may have been deleted while its files were fetched
    return sandbox.state.save_job(current.copy_with(outcome=outcome))


async def due(sandbox: Sandbox, job: Job) -> Job:
    """The job as it is now: run if its time has come."""
    return await settle(sandbox, job) if job.phase(sandbox.clock()) == "COMPLETED" else job


async def _run(sandbox: Sandbox, job: Job) -> Outcome:
    model = MODELS[job.endpoint]
    if job.ending is not None:
        return Outcome.model_validate({"kind": model.kind, **job.ending})
    given = parse(model, job.body)
    usd = price(model, given) or 0.0
    try:
        if isinstance(given, Order):
            return await _living(sandbox, job, given)
        if isinstance(given, Character | Element):
            portrait = await _portrait(sandbox, job, given)
            known = (str(made(job)),)
            return Outcome(status=200, kind="character", name=given.name, portrait=portrait, known_as=known, usd=usd)
        return Outcome(status=200, kind="video", clip=await _clip(sandbox, job, given), usd=usd)
    except BadFile as bad:
        code = 1402 if bad.problem == "download" else 1401
        return Outcome(status=code, kind=model.kind, error_type="failed", detail=files.words(bad))
    except files.Failed as error:
        return Outcome(status=error.code, kind=model.kind, error_type="failed", detail=str(error))


async def _living(sandbox: Sandbox, job: Job, given: Order) -> Outcome:
    if given.model.makes == "picture":
        return await _picture(sandbox, job, given)
    elements = [await _maker(sandbox, job, each["element_id"]) for each in given.values.get("element_list") or ()]
    made = await make(sandbox, job, given, HOUSE, elements)
    clip = made.clip
    if "fallback" in job.options:
        clip = clip.copy_with(cast=(), portraits=(), label="another model")
    usd = None if made.cost is None else round(made.cost, 4)
    return Outcome(status=200, kind="video", clip=clip, usd=usd)


async def _picture(sandbox: Sandbox, job: Job, given: Order) -> Outcome:
    drawn = await draw(sandbox, job, given, HOUSE)
    picture = drawn.picture
    if "fallback" in job.options:
        picture = picture.copy_with(references=(), label="another model")
    usd = None if drawn.cost is None else round(drawn.cost, 4)
    return Outcome(status=200, kind="picture", picture=picture, known_as=(job.id,), usd=usd)


async def _portrait(sandbox: Sandbox, job: Job, given: Character | Element) -> str | None:
    """The portrait of the first reference; all references must be readable."""
    if isinstance(given, Character):
        return await files.character(sandbox, job, given.video)
    if given.reference_type == "video_refer":
        return (await files.clips(sandbox, job, given.element_video_list))[0]
    pictures = [given.frontal_image or "", *given.refer_images]
    portraits = [await files.picture(sandbox, job, url) for url in pictures]
    return portraits[0]


async def _clip(sandbox: Sandbox, job: Job, given: Any) -> Clip:
    players = [] if "fallback" in job.options else await _players(sandbox, job, given)
    url = getattr(given, "image", None)
    kept, size = await files.first_frame(sandbox, job, url) if url else (None, None)
    width, height = frame(given, size)
    return Clip(
        width=_scaled(sandbox, width),
        height=_scaled(sandbox, height),
        seconds=given.duration,
        prompt=given.prompt,
        cast=tuple(name for name, _ in players),
        label="another model" if "fallback" in job.options else MODELS[job.endpoint].label,
        stamp=job.id[:8],
        image=kept,
        portraits=tuple(portrait for _, portrait in players),
    )


def _scaled(sandbox: Sandbox, length: int) -> int:
    return max(2, round(length * sandbox.pace.clip_scale / 2) * 2)


async def _players(sandbox: Sandbox, job: Job, given: Input) -> list[Player]:
    return [await _maker(sandbox, job, each) for each in getattr(given, "characters", [])]


async def _maker(sandbox: Sandbox, job: Job, cited: str) -> Player:
    """Name and portrait of the character or element that had been made under this id when `job` started."""
    kind = Character if cited.startswith("char_") else Element
    for source in sandbox.state.jobs():
        ours = source.gateway == "wavespeed" and MODELS[source.endpoint].accepts is kind
        if ours and str(made(source)) == cited and source.phase(job.started_at) == "COMPLETED":
            source = await settle(sandbox, source)  # noqa: PLW2901 - the same job, run
            if is_billed(source) and source.outcome:
                return source.outcome.name or "", source.outcome.portrait
    raise files.Failed(1401, f"'{cited}' was not found.")


def made(job: Job) -> str | int:
    """The id of what the job made: a string for characters, 15 digits for elements. It follows from the job's own."""
    if MODELS[job.endpoint].accepts is Character:
        return f"char_{job.id}"
    return 10**14 + int(job.id, 16) % (9 * 10**14)


def common(job: Job, base: str, status: str) -> dict[str, Any]:
    """What every answer about a prediction has."""
    return {
        "id": job.id,
        "model": job.endpoint,
        "outputs": [],
        "urls": {"get": f"{base}/wavespeed/api/v3/predictions/{job.id}/result"},
        "status": status,
        "created_at": nanoseconds(job.submitted_at),
        "error": "",
        "timings": {"inference": 0},
    }


def prediction(sandbox: Sandbox, job: Job, base: str) -> dict[str, Any]:
    """The prediction as a poll returns it; an ended job must have been settled."""
    word = status(sandbox, job)
    document = common(job, base, word)
    if word in {"created", "processing"}:
        return {**document, "executionTime": 0}
    outcome = job.outcome
    assert outcome is not None  # noqa: S101 - the caller has settled the job
    if word != "completed":
        return {**document, "error": outcome.detail, **({"code": outcome.status} if outcome.status else {})}
    document |= {
        "outputs": _outputs(sandbox, job, base),
        "timings": {"inference": _milliseconds(job.done_at - job.started_at)},
    }
    if outcome.kind == "character":
        return document
    return {**document, "has_nsfw_contents": [False], "executionTime": execution(job)}


def status(sandbox: Sandbox, job: Job) -> str:
    """WaveSpeed's word for the job's state."""
    phase = job.phase(sandbox.clock())
    if phase != "COMPLETED" or job.outcome is None:  # its time may come between its settling and this look
        return "created" if phase == "IN_QUEUE" else "processing"
    return "completed" if is_billed(job) else str(job.outcome and job.outcome.error_type)


def _outputs(sandbox: Sandbox, job: Job, base: str) -> list[Any]:
    if MODELS[job.endpoint].kind == "picture":
        return [_picture_output(sandbox, job, base)]
    if MODELS[job.endpoint].kind == "video":
        return [f"{base}/wavespeed/cdn/files/b/{job.id}/out.mp4"]
    given = parse(MODELS[job.endpoint], job.body)
    if not isinstance(given, Element):
        return [{"id": made(job), "name": job.prompt}]
    return [
        {
            "element_id": made(job),
            "element_name": given.name,
            "element_type": given.reference_type,
            "element_description": given.description,
        }
    ]


def _picture_output(sandbox: Sandbox, job: Job, base: str) -> str:
    """The picture's address; with `enable_base64_output`, or the fault `inline_picture`, the picture itself."""
    picture = picture_of(job)
    inline = isinstance(job.body, dict) and job.body.get("enable_base64_output")
    if inline or "inline" in job.options:
        data = draw_file(picture, sandbox.state.clips, sandbox.state.files).read_bytes()
        return f"data:image/{picture.format};base64,{base64.b64encode(data).decode()}"
    return f"{base}/wavespeed/cdn/files/b/{job.id}/{picture_name(picture)}"


def execution(job: Job) -> int:
    """Milliseconds from submit to the end."""
    return _milliseconds(job.done_at - job.submitted_at)


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def nanoseconds(at: float) -> str:
    """A time as WaveSpeed writes it: nine digits after the point."""
    whole = int(at)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{int((at - whole) * 1e9):09d}Z"
