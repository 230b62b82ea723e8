"""The result of a Kie task: made once, as soon as it is accepted; the clock decides when it is visible."""

import hashlib
import re
from itertools import takewhile
from typing import Literal

from prefect_storyboard.sandbox.catalogue import BadFile, House, Order, draw, make
from prefect_storyboard.sandbox.documents import Clip, Job, Outcome
from prefect_storyboard.sandbox.exchange import Sandbox
from prefect_storyboard.sandbox.kie import inputs
from prefect_storyboard.sandbox.kie.inputs import Failed, scaled
from prefect_storyboard.sandbox.kie.models import FromClip, FromTask, Input, Sora, WatermarkRemover
from prefect_storyboard.sandbox.kie.table import CHARACTERS, MODELS, USD, check, makes, price
from prefect_storyboard.sandbox.meter import is_billed
from prefect_storyboard.sandbox.portraits import still

_MENTION = re.compile(r"@([\w.-]+)")
_ID = "character_"
OMNI = "omni/character"  # the endpoint of a character of Gemini Omni, which is made at once
HOUSE = House(calls=lambda member, _: member.replace(" ", ""), cast_as="cited", smallest=128)


async def settle(sandbox: Sandbox, job: Job) -> Job:
    """The job with its outcome: run now unless it has been."""
    if job.outcome is not None:
        return job
    return sandbox.state.save_job(job.copy_with(outcome=await _run(sandbox, job)))


async def _run(sandbox: Sandbox, job: Job) -> Outcome:
    kind: Literal["video", "character", "picture"] = "character" if job.endpoint in CHARACTERS else makes(job.endpoint)
    if job.ending is not None:
        return Outcome.model_validate({"kind": kind, **job.ending})
    _, given = check(job.body)
    try:
        if isinstance(given, FromClip):
            data = await inputs.character_clip(sandbox, job, given.character_file_url[0])
            return await _character(sandbox, job, data, None)
        if isinstance(given, FromTask):
            return await _character(sandbox, job, await _origin(sandbox, job, given), given.character_user_name)
        if isinstance(given, Order):
            return await _living(sandbox, job, given)
        clip, usd = await _clip(sandbox, job, given), round(price(job.body) * USD, 6)
        return Outcome(status=200, kind="video", clip=clip, known_as=(job.id,), usd=usd)
    except BadFile as bad:
        return Outcome(status=422, kind=kind, detail=inputs.words(bad), error_type="422")
    except Failed as error:
        return Outcome.model_validate({"status": 422, "kind": kind, "detail": str(error), "error_type": error.code})


async def _living(sandbox: Sandbox, job: Job, given: Order) -> Outcome:
    if given.model.makes == "picture":
        drawn = await draw(sandbox, job, given, HOUSE)
        usd = None if drawn.cost is None else round(drawn.cost * USD, 6)
        return Outcome(status=200, kind="picture", picture=drawn.picture, known_as=(job.id,), usd=usd)
    cast = [_omni(sandbox, each) for each in given.values.get("character_ids") or ()]
    made = await make(sandbox, job, given, HOUSE, cast)
    usd = None if made.cost is None else round(made.cost * USD, 6)
    return Outcome(status=200, kind="video", clip=made.clip, known_as=(job.id,), usd=usd)


def _omni(sandbox: Sandbox, character_id: str) -> tuple[str, str | None]:
    """Name and portrait of a character of Gemini Omni."""
    source = sandbox.state.job(character_id.removeprefix("char_"))
    if source is None or source.endpoint != OMNI or source.outcome is None or source.outcome.name is None:
        raise Failed("422", f"character_ids: character '{character_id}' was not found")
    return source.outcome.name, source.outcome.portrait


async def _clip(sandbox: Sandbox, job: Job, given: Input) -> Clip:
    label = MODELS[job.endpoint].label
    if isinstance(given, WatermarkRemover):  # the length and size of a shared video are unknown
        given = Sora()
    assert isinstance(given, Sora)  # noqa: S101 - the last family
    cast = await _cast(sandbox, job, given)
    width, height = scaled(sandbox, *given.frame)
    return Clip(
        width=width,
        height=height,
        seconds=int(given.n_frames),
        prompt=given.text or label,
        cast=tuple(each.name or "" for each in cast),
        label=label,
        stamp=job.id[:8],
        image=await inputs.first_frame(sandbox, job, given.picture) if given.picture else None,
        portraits=tuple(each.portrait for each in cast),
    )


async def _cast(sandbox: Sandbox, job: Job, given: Sora) -> list[Outcome]:
    """The cast: the listed characters, then those that the text mentions by `@handle`. An unknown handle is a cameo."""
    cast: dict[str, Outcome] = {}
    for character_id in getattr(given, "character_id_list", []):
        source = await made(sandbox, job, character_id.removeprefix(_ID)) if character_id.startswith(_ID) else None
        if source is None or source.outcome is None or source.outcome.kind != "character":
            raise Failed("422", f"character_id_list: character '{character_id}' was not found")
        cast[source.id] = source.outcome
    handles = [handle.rstrip(".-").lower() for handle in _MENTION.findall(given.text)]
    known = await _handles(sandbox, job) if handles else {}
    for source in (known[handle] for handle in handles if handle in known):
        assert source.outcome is not None  # noqa: S101 - handles are those of made characters
        cast.setdefault(source.id, source.outcome)
    return list(cast.values())


async def made(sandbox: Sandbox, job: Job, task_id: str) -> Job | None:
    """The task with this id, if it had succeeded when `job` started."""
    source = sandbox.state.job(task_id)
    if source is None or source.gateway != "kie" or source.phase(job.started_at) != "COMPLETED":
        return None
    source = await settle(sandbox, source)
    return source if is_billed(source) else None


async def _handles(sandbox: Sandbox, job: Job) -> dict[str, Job]:
    """The characters that there were when `job` started, by handle."""
    known = {}
    for earlier in takewhile(lambda each: each.id != job.id, sandbox.state.jobs()):
        source = await made(sandbox, job, earlier.id) if earlier.endpoint in CHARACTERS else None
        if source is not None and source.outcome is not None and source.outcome.name:
            known[source.outcome.name.lower()] = source
    return known


async def _origin(sandbox: Sandbox, job: Job, given: FromTask) -> bytes:
    """The finished Sora video that a character is cut out of."""
    source = await made(sandbox, job, given.origin_task_id)
    clip = source.outcome.clip if source is not None and source.outcome else None
    if source is None or clip is None or not source.endpoint.startswith("sora-2-"):
        raise Failed("422", f"origin_task_id: no finished Sora video '{given.origin_task_id}'")
    if given.span[1] > clip.seconds:
        raise Failed("422", f"timestamps: the video lasts {clip.seconds} seconds")
    return (await sandbox.clip(clip)).read_bytes()


async def _character(sandbox: Sandbox, job: Job, data: bytes, user_name: str | None) -> Outcome:
    handle = user_name or _handle(job)
    if handle.lower() in await _handles(sandbox, job):
        raise Failed("422", f"character_user_name '{handle}' is taken")
    face = await sandbox.in_pool(still, data)
    return Outcome(
        status=200,
        kind="character",
        name=handle,
        portrait=sandbox.state.keep(face) if face else None,
        known_as=(character_id(job), f"@{handle}"),
    )


def character_id(job: Job) -> str:
    """The id of the job's character; it contains the job's own id, so that no look-up is needed."""
    return f"{_ID}{job.id}"


def _handle(job: Job) -> str:
    """A handle as Kie invents them: letters that mean nothing, a dot, two more."""
    letters = "".join(chr(97 + byte % 26) for byte in hashlib.sha256(job.id.encode()).digest())
    return f"{letters[:7]}.{letters[7:9]}"
