"""What a ToAPIs clip shows: its size, its length, and who plays in it.

`sources` are the finished tasks that the order names, by id.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from prefect_storyboard.sandbox import catalogue
from prefect_storyboard.sandbox.catalogue import BadFile, House, make
from prefect_storyboard.sandbox.documents import Clip, Job, Outcome
from prefect_storyboard.sandbox.exchange import Sandbox
from prefect_storyboard.sandbox.toapis import inputs as files
from prefect_storyboard.sandbox.toapis.errors import Failed
from prefect_storyboard.sandbox.toapis.models import MODELS, OFFICIAL, Drawing, Living, Order, Remix, Sora, living

Sources = Mapping[str, Job]
_SMALLEST = 160  # the card's progress bar vanishes on anything smaller, which 480p at a quarter is
_USERNAME = re.compile(r"@(\w+(?:\.\w+)?)")
HOUSE = House(calls=lambda _, wanted: files.name_of(wanted.url), cast_as="cited", smallest=_SMALLEST)


@dataclass(frozen=True)
class _Member:
    name: str
    portrait: str | None


def shape(given: Order, sources: Sources) -> dict[str, str]:
    """Width, height and seconds of the clip that is ordered, as the job's options keep them."""
    if isinstance(given, Remix):
        return _remix_shape(given, sources[given.video_id].options)
    if isinstance(given, Drawing):
        return {}
    if isinstance(given, Living):
        return _living_shape(living(given.model_dump(exclude_unset=True)))
    assert isinstance(given, Sora)  # noqa: S101 - a character has no clip
    width, height = given.frame
    # The page: with a reference clip the output is a second shorter.
    shorter = given.metadata.character_url is not None
    return {"width": str(width), "height": str(height), "seconds": str(given.seconds - shorter)}


def _living_shape(given: catalogue.Order) -> dict[str, str]:
    """Before its files are seen, an adaptive clip counts as 16:9."""
    width, height = catalogue.frame(given, (), HOUSE, 1.0)
    return {"width": str(width), "height": str(height), "seconds": str(given.seconds)}


def _remix_shape(given: Remix, source: Mapping[str, str]) -> dict[str, str]:
    """Size and length are the source's unless others are requested; the length only if the model sells it."""
    accepted = MODELS[given.model].seconds
    kept = int(source["seconds"]) if int(source["seconds"]) in accepted else accepted[0]
    size = {"16:9": ("1280", "720"), "9:16": ("720", "1280"), "1:1": ("720", "720")}
    width, height = size[given.aspect_ratio] if given.aspect_ratio else (source["width"], source["height"])
    return {"width": width, "height": height, "seconds": str(given.duration or kept)}


async def clip(sandbox: Sandbox, job: Job, given: Order, sources: Sources) -> Clip:
    """The clip of an order; raises `Failed` for files that do not serve."""
    width, height = int(job.options["width"]), int(job.options["height"])
    scale = max(sandbox.pace.clip_scale, _SMALLEST / min(width, height))
    blank = Clip(
        width=_even(width * scale),
        height=_even(height * scale),
        seconds=int(job.options["seconds"]),
        prompt="",
        label=given.model,
        stamp=job.id[-8:],
    )
    if isinstance(given, Remix):
        old = made(sources[given.video_id])
        return blank.copy_with(prompt=given.prompt, cast=old.cast, portraits=old.portraits, image=old.image)
    if isinstance(given, Living):
        return await _living(sandbox, job)
    assert isinstance(given, Sora)  # noqa: S101 - the last family
    return await _sora(sandbox, job, given, blank, sources)


def made(source: Job) -> Clip:
    """The clip of a finished video task."""
    assert source.outcome is not None  # noqa: S101 - it has succeeded
    assert source.outcome.clip is not None  # noqa: S101 - it is a video
    return source.outcome.clip


async def file_of(sandbox: Sandbox, source: Job) -> bytes:
    """The bytes of that clip."""
    return (await sandbox.clip(made(source))).read_bytes()


def lead(source: Job) -> str:
    """The name of the character in that clip."""
    return next(iter(made(source).cast), "Guest")


def _even(length: float) -> int:
    return max(2, round(length / 2) * 2)


def _played(blank: Clip, members: Mapping[str, _Member], prompt: str, image: str | None) -> Clip:
    cast, portraits = [each.name for each in members.values()], [each.portrait for each in members.values()]
    return blank.copy_with(cast=tuple(cast), portraits=tuple(portraits), prompt=prompt, image=image)


async def _sora(sandbox: Sandbox, job: Job, given: Sora, blank: Clip, sources: Sources) -> Clip:
    members, prompt = _called(sandbox, job, given.prompt)
    members |= await _referred(sandbox, job, given, sources)
    image = None
    if given.image_urls:
        data, size = await files.picture(sandbox, job, given.image_urls[0])
        if given.model == OFFICIAL and size not in {(1280, 720), (720, 1280)}:
            raise Failed("image must be exactly 1280x720 or 720x1280")
        image = sandbox.state.keep(data)
    return _played(blank, members, prompt, image)


def _called(sandbox: Sandbox, job: Job, prompt: str) -> tuple[dict[str, _Member], str]:
    """Who is called by handle, each one once, and the prompt with names in place of handles."""
    members = {}
    for handle in dict.fromkeys(_USERNAME.findall(prompt)):
        found = _by_username(sandbox, job, handle)
        if found is not None:
            source, outcome = found
            members[source] = _Member(outcome.name or "", outcome.portrait)
            prompt = prompt.replace(f"@{handle}", outcome.name or "")
        elif "unknown_username" in job.options:
            raise Failed(f"unknown character @{handle}")
    return members, prompt


def _by_username(sandbox: Sandbox, job: Job, handle: str) -> tuple[str, Outcome] | None:
    """Id and outcome of the task that had made this character when `job` was submitted."""
    sql = "select jobs.id from jobs, json_each(document, '$.outcome.known_as') where gateway = 'toapis' and value = ?"
    rows = sandbox.state.sql(sql, handle)
    source = sandbox.state.job(rows[0][0]) if rows else None
    if source is None or source.outcome is None or source.phase(job.submitted_at) != "COMPLETED":
        return None
    return (source.id, source.outcome) if source.outcome.kind == "character" else None


async def _referred(sandbox: Sandbox, job: Job, given: Sora, sources: Sources) -> dict[str, _Member]:
    """Who is named by the two `character_url` and by `character_from_task`."""
    members, options = {}, given.metadata
    if given.character_url is not None:
        outcome = sources[given.character_url].outcome
        assert outcome is not None  # noqa: S101 - it has succeeded
        members[given.character_url] = _Member(outcome.name or "", outcome.portrait)
    if options.character_url is not None:
        data, _ = await files.video(sandbox, job, options.character_url)
        name = files.name_of(options.character_url)
        members[options.character_url] = _Member(name, await files.of_clip(sandbox, data))
    if options.character_from_task is not None:
        source = sources[options.character_from_task]
        data = await file_of(sandbox, source)
        members[source.id] = _Member(lead(source), await files.of_clip(sandbox, data))
    return members


async def _living(sandbox: Sandbox, job: Job) -> Clip:
    try:
        return (await make(sandbox, job, living(job.body), HOUSE)).clip
    except BadFile as bad:
        raise Failed(files.words(bad)) from None
