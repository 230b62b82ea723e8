"""A storyboard moved to another model, compared with its present takes, which are kept."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

from prefect_storyboard.blocks import Credentials, Library, load_credentials, load_library
from prefect_storyboard.ledger import Storage, Unreadable
from prefect_storyboard.ledger.sidecars import every_sidecar, sidecars
from prefect_storyboard.providers.table import models
from prefect_storyboard.series.opening import opened
from prefect_storyboard.series.prepare import Overrides, Prepared
from prefect_storyboard.series.run import Rendering
from prefect_storyboard.storyboards import (
    Clip,
    Model,
    Problem,
    Shot,
    Source,
    Storyboard,
    StoryboardError,
    shots,
)
from prefect_storyboard.storyboards.recast import Recast, compare, wanted_of_cast


@asynccontextmanager
async def recasting(
    storyboard: Storyboard | Mapping[str, Any] | str,
    provider: Credentials | str,
    library: Library | str | None,
    overrides: Overrides,
) -> AsyncIterator[Rendering]:
    """Open the storyboard with every scene at the model of the overrides, in the nearest sizes that it sells.

    Raises StoryboardError, which also says what the new model needs of a character that it cannot be made of.
    """
    account = await load_credentials(provider) if isinstance(provider, str) else provider
    library_block = await load_library(library)
    moved = overrides.model_copy(update={"every_scene": True, "fit": overrides.fit or "nearest"})
    async with AsyncExitStack() as stack:
        try:
            run = await stack.enter_async_context(opened(storyboard, account, library_block, moved))
        except StoryboardError as error:
            lines = await asyncio.to_thread(
                needed_of_cast, error, _target(account, overrides.model), library_block.storage()
            )
            raise StoryboardError(*error.problems, *lines) from None
        yield run


async def compared(run: Rendering) -> Recast:
    """The plan compared with the present takes and with the storyboard's own models. Buys nothing."""
    return await asyncio.to_thread(compared_with, run.prepared, run.library.storage())


def compared_with(prepared: Prepared, storage: Storage) -> Recast:
    """The body of `compared`. Blocks."""
    plan = prepared.plan
    takes: dict[str, Clip] = {}
    for part in plan.reels():
        stored = _stored(storage, part.storyboard.slug)
        for scene in part.scenes:
            if take := _standing_take(storage, part.storyboard.slug, scene.scene.id, stored):
                takes[scene.scene.id] = take
    return compare(plan, takes, _asked(prepared, takes))


def _stored(storage: Storage, reel: str) -> set[str]:
    """The job keys of the reel that was assembled last."""
    with suppress(ValueError, LookupError, TypeError):
        made = json.loads(storage.read("reels", reel, "plan.json") or b"{}")
        return {str(scene["key"]) for scene in made["scenes"]}
    return set()


def _standing_take(storage: Storage, reel: str, scene: str, stored: set[str]) -> Clip | None:
    """The take of the reel that was assembled last, else the newest that can be read."""
    found: list[Clip] = []
    with suppress(Unreadable):
        found += [each.clip.model_copy(update={"take": each.take}) for each in sidecars(storage, reel, scene)]
    found.sort(key=lambda clip: clip.take)
    return next((clip for clip in found if clip.job_key in stored), found[-1] if found else None)


def _asked(prepared: Prepared, takes: Mapping[str, Clip]) -> dict[str, Shot]:
    """The scenes as they were requested from their old models, as far as the table still has those models."""
    plan = prepared.plan
    wanted: dict[tuple[str, str], set[str]] = {}
    for name in (scene.scene.id for scene in plan.scenes):
        take = takes.get(name)
        old = (take.model, take.provider) if take else (prepared.models.get(name, ""), plan.provider)
        wanted.setdefault(old, set()).add(name)
    found: dict[str, Shot] = {}
    for (name, seller), scenes in wanted.items():
        if entry := _entry(name, seller):
            board = plan.storyboard.model_copy(update={"model": entry.name, "fit": "nearest"})
            with suppress(StoryboardError):
                made = shots(board, {entry.name: entry}.__getitem__, Source())
                found |= {shot.scene.id: shot for shot in made if shot.scene.id in scenes}
    return found


def _entry(name: str, provider: str) -> Model | None:
    """The model of that name, at that gateway or else at the first that sells it."""
    sellers = [provider, *(each for each in models() if each != provider)]
    return next((models()[each][name] for each in sellers if name in models().get(each, {})), None)


def _target(account: Credentials, name: str | None) -> Model | None:
    with suppress(KeyError):
        return account.model(name or "")
    return None


def needed_of_cast(error: StoryboardError, target: Model | None, storage: Storage) -> list[Problem]:
    """For problems of the cast: the media that the new model needs, and those that the library has."""
    if target is None or not any(problem.field.startswith("cast") for problem in error.problems):
        return []
    known = "; ".join(_known(storage))
    text = f"{wanted_of_cast(target)}; this library has {known or 'no media and no id of any character'}"
    return [Source("to move the cast").problem((), text)]


def _known(storage: Storage) -> list[str]:
    """For each character, its media in the library; without any, the id in its takes, which no other model knows."""
    found: dict[str, str] = {}
    for take in every_sidecar(storage):
        if isinstance(take, Unreadable):
            continue
        for casting in take.castings:
            if casting.id:
                place = f"{casting.id} at {casting.provider or take.made.provider}"
                found.setdefault(casting.character, f"{casting.character} only as {place}, which no other model knows")
    for slug in storage.names("characters"):
        for kept in storage.names("characters", slug):
            found |= _media_of(storage, "characters", slug, kept)
    return [*found.values()]


def _media_of(storage: Storage, *place: str) -> dict[str, str]:
    """The name of the character whose media lie there, with their links."""
    there = storage.names(*place)
    with suppress(ValueError, LookupError, TypeError):
        record = json.loads(storage.read(*place, "character.json") or b"{}")
        kept = [name for name in (record["clip"], *record["images"]) if name in there]
        links = ", ".join(storage.link(*place, name) for name in kept)
        return {str(record["name"]): f"{record['name']} as {links}"} if links else {}
    return {}
