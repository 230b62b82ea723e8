"""What fal's image models answer: `images`, and what each model says beside them."""

import base64
from pathlib import Path
from typing import Any

from prefect_storyboard.sandbox.catalogue import BadFile, House, Order, draw
from prefect_storyboard.sandbox.cdn import picture_name, picture_of
from prefect_storyboard.sandbox.documents import Job, Outcome
from prefect_storyboard.sandbox.exchange import Sandbox
from prefect_storyboard.sandbox.fal import inputs
from prefect_storyboard.sandbox.fal.schema import Endpoint, parse


async def drawn(sandbox: Sandbox, job: Job, given: Order, house: House) -> Outcome:
    """The picture of an order, with its bill."""
    try:
        made = await draw(sandbox, job, given, house)
    except BadFile as bad:
        raise inputs.refused(bad) from None
    usd = None if made.cost is None else round(made.cost, 4)
    picture = made.picture.copy_with(black="black_picture" in job.options)
    return Outcome(status=200, kind="picture", picture=picture, usd=usd, known_as=(job.id,))


async def output(sandbox: Sandbox, job: Job, endpoint: Endpoint, base: str) -> dict[str, Any]:
    """The raw output; under `sync_mode`, or the fault `inline_picture`, the pictures themselves, as data URIs."""
    picture = picture_of(job)
    path = await sandbox.picture(picture)
    given = _order(job, endpoint)
    known = {"file_size": path.stat().st_size, "width": picture.width, "height": picture.height}
    unknown = {"file_size": None, "width": None, "height": None}
    images = brief(job, endpoint, base)["images"]
    if given.values.get("sync_mode") or "inline_picture" in job.options:
        images = [{**each, "url": _inline(path, each["content_type"])} for each in images]
    facts = unknown if given.model.bare else known
    return {"images": [{**each, "file_name": picture_name(picture), **facts} for each in images], **_beside(job, given)}


def brief(job: Job, endpoint: Endpoint, base: str) -> dict[str, Any]:
    """The output without what only the file knows; of a request in `sync_mode` fal keeps none."""
    picture = picture_of(job)
    url = f"{base}/fal/cdn/files/b/{job.id}/{picture_name(picture)}"
    count = _order(job, endpoint).count
    # Pictures of one order look alike; only their addresses differ.
    urls = [url, *(f"{url}?take={take}" for take in range(2, count + 1))]
    return {"images": [{"url": each, "content_type": f"image/{picture.format}"} for each in urls]}


def in_history(job: Job) -> bool:
    """Whether the list of requests shows the output."""
    return not (isinstance(job.body, dict) and job.body.get("sync_mode"))


def _order(job: Job, endpoint: Endpoint) -> Order:
    given: Order = parse(endpoint, job.body)
    return given


def _beside(job: Job, given: Order) -> dict[str, Any]:
    black = "black_picture" in job.options
    used = {
        "description": "",
        "seed": given.values.get("seed") or int(job.id[:7], 16),
        "timings": {"inference": round(job.done_at - job.started_at, 2)},
        "has_nsfw_concepts": [black] * given.count,
        "prompt": given.prompt,
    }
    names = [*given.model.outputs, *(["has_nsfw_concepts"] if black else [])]
    return {name: used[name] for name in dict.fromkeys(names)}


def _inline(path: Path, content_type: str) -> str:
    return f"data:{content_type};base64,{base64.b64encode(path.read_bytes()).decode()}"
