"""Join the takes into the reel, and lay out what people look at: page, contact sheet, sidecars."""

import asyncio
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from prefect import task
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel, ValidationError

from prefect_storyboard.blocks import Library
from prefect_storyboard.ledger import Storage
from prefect_storyboard.media.frames import contact_sheet, poster
from prefect_storyboard.media.page import Card, page
from prefect_storyboard.media.reel import Part
from prefect_storyboard.media.reel import assemble as join
from prefect_storyboard.storyboards import Plan, Reel
from prefect_storyboard.storyboards.keys import digest
from prefect_storyboard.tasks._states import named

_FORMAT = 1  # of what is laid out; raising it lays out every reel anew


@task(name="assemble", task_run_name="assemble {reel.title}", cache_policy=NO_CACHE, persist_result=False)
async def assemble(reel: Reel, plan: Plan, library: Library) -> Reel:
    """Make `reel.mp4`, `index.html`, `contact-sheet.jpg`, `storyboard.yaml` and `plan.json` in `reels/<storyboard>/`.

    Costs nothing. One chapter a clip; clips of one kind are copied without loss, else all are conformed. Left alone
    where the library holds a reel of the same takes. Raises MediaError for a clip that cannot be decoded.
    """
    if not reel.clips:
        return reel
    storage = library.storage()
    finished, cached = await asyncio.to_thread(_assembled, storage, reel, plan)
    if cached:
        return named("Cached", "the reel is in the library", finished)
    return finished


class _Stored(BaseModel):
    """What reel.json says. A field that a newer version wrote is ignored."""

    made_of: str
    seconds: float


def _assembled(storage: Storage, reel: Reel, plan: Plan) -> tuple[Reel, bool]:
    place = ("reels", plan.storyboard.slug)
    links = {"url": storage.link(*place, "reel.mp4"), "page": storage.link(*place, "index.html")}
    reel = reel.model_copy(update=links)
    made_of = digest(
        [_FORMAT, *(item.model_dump(mode="json") for item in (plan.storyboard, *reel.clips, *reel.failed))]
    )
    stored = _stored(storage, place)
    if stored and stored.made_of == made_of and storage.exists(*place, "reel.mp4"):
        return reel.model_copy(update={"seconds": stored.seconds}), True
    with TemporaryDirectory() as folder:
        reel = _made(storage, reel, plan, Path(folder))
    storage.write(_Stored(made_of=made_of, seconds=reel.seconds).model_dump_json().encode(), *place, "reel.json")
    return reel, False


def _stored(storage: Storage, place: tuple[str, ...]) -> _Stored | None:
    """What the reel was made of; one whose reel.json is torn is assembled again, which costs nothing."""
    with suppress(ValidationError):
        return _Stored.model_validate_json(storage.read(*place, "reel.json") or b"")
    return None


def _made(storage: Storage, reel: Reel, plan: Plan, folder: Path) -> Reel:
    """Make everything on local disk, then publish; the page comes last, when all it shows is there."""
    place = ("reels", plan.storyboard.slug)
    files = [storage.fetch(folder / f"{n:04d}.mp4", *storage.parts(clip.url)) for n, clip in enumerate(reel.clips)]
    parts = [Part(file, clip.scene) for file, clip in zip(files, reel.clips, strict=True)]
    seen = join(parts, folder / "reel.mp4")
    reel = reel.model_copy(update={"seconds": round(seen.seconds, 3)})
    for file in files:
        poster(file, file.with_suffix(".jpg"))
    contact_sheet(
        [(file.with_suffix(".jpg"), clip.scene) for file, clip in zip(files, reel.clips, strict=True)],
        folder / "contact-sheet.jpg",
    )
    cards = [
        Card(clip=clip, href="/".join(storage.parts(clip.url)[2:]), poster=file.with_suffix(".jpg").read_bytes())
        for file, clip in zip(files, reel.clips, strict=True)
    ]
    for name in ("reel.mp4", "contact-sheet.jpg"):
        storage.publish(folder / name, *place, name)
    board = plan.storyboard.model_dump(mode="json", exclude_defaults=True)
    storage.write(yaml.safe_dump(board, sort_keys=False, allow_unicode=True).encode(), *place, "storyboard.yaml")
    storage.write(plan.model_dump_json(indent=2).encode(), *place, "plan.json")
    text = page(reel, cards, poster=cards[0].poster, style=plan.storyboard.style)
    storage.write(text.encode(), *place, "index.html")
    return reel
