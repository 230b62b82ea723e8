"""A video from create to content: what it shows, and the Video object of each stage."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from prefect_storyboard.sandbox.catalogue import Broken, Model, Order, order, read
from prefect_storyboard.sandbox.catalogue.prices import cost
from prefect_storyboard.sandbox.documents import Clip, Job, Outcome
from prefect_storyboard.sandbox.exchange import Sandbox
from prefect_storyboard.sandbox.meter import is_billed
from prefect_storyboard.sandbox.openai.errors import Refused, complaint

LIFETIME = 3600
CHARACTER = "characters"
MODELS = read(Path(__file__).parent / "rows")
_SMALLEST = 96
_HELD_BY_LIST = ("id", "object", "model", "status", "progress", "created_at", "completed_at", "expires_at", "error")


def is_self_hosted(row: Model) -> bool:
    """Whether a self-hosted server serves it, which has its own dialect."""
    return bool(row.provider)


def check(row: Model, body: dict[str, Any]) -> Order:
    """The typed order; raises `Refused`."""
    known = {name: each for name, each in body.items() if name not in {"input_reference", "characters"}}
    given = body if is_self_hosted(row) else known
    try:
        return order(row, given)
    except ValidationError as error:
        raise complaint(error) from None
    except Broken as broken:
        raise Refused(400, str(broken), str(broken.where[0]) if broken.where else None, "invalid_value") from None


async def settle(sandbox: Sandbox, job: Job) -> Job:
    """The job with its outcome: run now unless it has been."""
    if job.outcome is not None:
        return job
    current = sandbox.state.job(job.id) or job
    return sandbox.state.save_job(current.copy_with(outcome=_run(sandbox, job)))


def _run(sandbox: Sandbox, job: Job) -> Outcome:
    if job.ending is not None:
        return Outcome.model_validate({"kind": "video", **job.ending})
    row = MODELS[job.endpoint]
    body: dict[str, Any] = job.body if isinstance(job.body, dict) else {}
    given = check(row, body)
    wide, high = size(given)
    scale = max(sandbox.pace.clip_scale, _SMALLEST / min(wide, high))
    cast = [] if is_self_hosted(row) else _cast(sandbox, job, body)
    clip = Clip(
        width=round(wide * scale / 2) * 2,
        height=round(high * scale / 2) * 2,
        seconds=given.seconds or 1,
        prompt=given.prompt,
        cast=tuple(name for name, _ in cast),
        label=row.label,
        stamp=job.id[-8:],
        image=job.options.get("image"),
        portraits=tuple(portrait for _, portrait in cast),
    )
    usd = cost(given, clip.seconds)
    return Outcome(status=200, kind="video", clip=clip, usd=None if usd is None else round(usd, 4), known_as=(job.id,))


def _cast(sandbox: Sandbox, job: Job, body: dict[str, Any]) -> list[tuple[str, str | None]]:
    """The characters that were listed, as far as the prompt names them: a name has to be in it as it was given."""
    cast = []
    for each in body.get("characters") or ():
        source = character(sandbox, each["id"])
        assert source is not None  # noqa: S101 - it was looked up when the job was accepted
        assert source.outcome is not None  # noqa: S101 - a character is made at once
        if source.outcome.name and source.outcome.name in job.prompt:
            cast.append((source.outcome.name, source.outcome.portrait))
    return cast


def character(sandbox: Sandbox, character_id: str) -> Job | None:
    """The job that made a character."""
    job = sandbox.state.job(character_id)
    return job if job is not None and job.endpoint == CHARACTER else None


def size(given: Order) -> tuple[int, int]:
    """Width and height of the video; two fields of a self-hosted server may say it too."""
    wide, high = (int(each) for each in str(given.values["size"]).split("x"))
    return given.values.get("width") or wide, given.values.get("height") or high


def created(job: Job) -> dict[str, Any]:
    """The answer to a create; a server of one's own says less."""
    if is_self_hosted(MODELS[job.endpoint]):
        return {"id": job.id, "status": "queued", "created_at": int(job.submitted_at)}
    return document(job, job.submitted_at)


def document(job: Job, now: float) -> dict[str, Any]:
    """The Video object; its outcome must be there when the job has ended."""
    given = check(MODELS[job.endpoint], job.body if isinstance(job.body, dict) else {})
    phase, ended = job.phase(now), job.phase(now) == "COMPLETED"
    done = ended and is_billed(job)
    word = "completed" if done else "failed" if ended else "queued" if phase == "IN_QUEUE" else "in_progress"
    share = (now - job.started_at) / (job.done_at - job.started_at) if word == "in_progress" else 0
    wide, high = size(given)
    return {
        "id": job.id,
        "object": "video",
        "model": job.endpoint,
        "status": word,
        "progress": 100 if done else int(share * 100),
        "created_at": int(job.submitted_at),
        "completed_at": int(job.done_at) if ended else None,
        "expires_at": int(job.done_at) + LIFETIME if done else None,
        "prompt": given.values["prompt"],
        "size": f"{wide}x{high}",
        "seconds": str(given.seconds),
        "remixed_from_video_id": None,
        "error": job.outcome.detail if ended and not done and job.outcome else None,
    }


def listed(job: Job, now: float, *, sparse: bool) -> dict[str, Any]:
    """The video as an entry of a list: OpenAI's in full, a self-hosted server's without the request."""
    whole = document(job, now)
    if sparse:
        return {name: whole[name] for name in ("id", "object", "model", "status")}
    if is_self_hosted(MODELS[job.endpoint]):
        return {name: whole[name] for name in _HELD_BY_LIST}
    return whole
