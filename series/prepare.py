"""Prepare a plan: read the storyboard, fetch and check its files. Sends and buys nothing."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import Field

from prefect_storyboard.blocks import Credentials, Library, allowed_to_callers
from prefect_storyboard.media import deferred
from prefect_storyboard.media.bounds import Allowed
from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.sources import LocalFile, SourceError, absolute, fetch
from prefect_storyboard.providers.images import image_model
from prefect_storyboard.providers.table import seller_name
from prefect_storyboard.series.lettering import lettering_problems
from prefect_storyboard.series.pasted import exposed
from prefect_storyboard.series.preflight import judge_all
from prefect_storyboard.series.read import Reading, allowed_files, read_board, relative_path_hint, storage_options
from prefect_storyboard.storyboards import (
    Character,
    Frozen,
    Plan,
    Problem,
    Shot,
    Source,
    Storyboard,
    StoryboardError,
    plan,
    shots,
)
from prefect_storyboard.storyboards.base import OnBad
from prefect_storyboard.storyboards.drafts import with_draft_title
from prefect_storyboard.storyboards.keyframes import image_model_of
from prefect_storyboard.storyboards.nouns import Fit, Quality
from prefect_storyboard.storyboards.offers import no_model, unnamed
from prefect_storyboard.storyboards.variants import expanded
from prefect_storyboard.tasks._references import CastMember

Place = tuple[str | int, ...]


class Overrides(Frozen):
    """The run's arguments that override the storyboard: model, stills, fit, quality, audio, on_bad."""

    model: str | None = None
    stills: str | None = None
    fit: Fit | None = None
    quality: Quality | None = None
    audio: bool | None = None
    on_bad: OnBad | None = None
    values: Mapping[str, str] = Field(default={}, description="Of the storyboard's variables.")
    every_scene: bool = Field(default=False, description="Whether scenes that name a model take this one as well.")

    def on(self, board: Storyboard) -> Storyboard:
        """The storyboard with the run's arguments in place of its own values."""
        said = self.model_dump(exclude_none=True, exclude={"values", "every_scene"})
        if self.every_scene:
            said["scenes"] = tuple(scene.model_copy(update={"model": None}) for scene in board.scenes)
            said["matrix"] = board.matrix and board.matrix.model_copy(update={"model": ()})
        return board.model_copy(update=said)

    @property
    def keys(self) -> frozenset[str]:
        """The storyboard's keys that these arguments replace."""
        return frozenset(self.model_dump(exclude_none=True, exclude={"values", "every_scene"}))


class Prepared(Frozen):
    """A plan, and the local copy of every file of the storyboard, by the reference as it is written there."""

    plan: Plan
    files: dict[str, LocalFile]
    cast: dict[str, CastMember]
    models: dict[str, str] = Field(
        default={}, description="The model that the storyboard names for a scene, by its id."
    )


def changed_files(prepared: Prepared) -> list[str]:
    """Warn of files that have changed since they were read. The run sent the version that it had checked."""
    return [
        f"{reference} has changed since this run read it, and what was read was sent; run again to use the new one"
        for reference, file in prepared.files.items()
        if file.changed
    ]


async def prepare(
    storyboard: Storyboard | Mapping[str, Any] | str,
    credentials: Credentials,
    library: Library,
    folder: Path,
    overrides: Overrides | None = None,
) -> Prepared:
    """Read, check and plan. Raises StoryboardError with all problems at once, or SourceError."""
    options = storage_options(library)
    callers = await asyncio.to_thread(allowed_to_callers, library)
    said = overrides or Overrides()
    reading = Reading(library, options, callers, dict(said.values))
    board, source, base = await asyncio.to_thread(read_board, storyboard, reading)
    kept = exposed(storyboard, board, source)
    named = {scene.id: name for scene in board.scenes if (name := scene.model or board.model)}
    board, source = said.on(board), replace(source, overridden=said.keys)
    whole = expanded(with_draft_title(board), source, callers.bounds.max_scenes)
    board, source = whole.board, whole.source
    if unnamed(board):
        before = await asyncio.to_thread(_rendered_with, board, library)
        seller = seller_name(credentials.provider, credentials.account)
        offered = await credentials.on_sale()
        raise StoryboardError(no_model(board, offered.values(), seller, source, before=before))
    resolved = await asyncio.to_thread(shots, board, credentials.model, source)
    painter = image_model_of(board, resolved, partial(image_model, credentials.provider), source)
    allowed = await asyncio.to_thread(allowed_files, storyboard, base, library)
    places = _references(board, resolved)
    fetched = await _fetched({name: absolute(name, base) for name in places}, folder, options, allowed)
    files, problems = _sorted_out(fetched, places, source, base)
    problems += kept.problems
    cast = {who.name: _member(who, files, folder) for who in board.cast}
    judged = await asyncio.to_thread(judge_all, board, resolved, cast, files, folder)
    problems += [source.problem(place, text) for place, text in judged.problems]
    problems += [source.problem(*found) for found in await asyncio.to_thread(lettering_problems, board)]
    problems += await asyncio.to_thread(_unheard, board, files, source)
    if problems:
        raise StoryboardError(*problems)
    planned = await asyncio.to_thread(
        plan,
        board,
        resolved,
        provider=credentials.provider,
        account=credentials.account,
        content={reference: file.sha256 for reference, file in files.items()},
        clip_seconds=judged.clip_seconds,
        preparations=tuple(judged.preparations),
        image_model=painter,
    )
    warnings = (*map(str, source.warnings), *kept.warnings, *planned.warnings)
    planned = planned.model_copy(update={"warnings": warnings, "variants": whole.variants})
    return Prepared(plan=planned, files=files, cast=cast, models=named)


def _rendered_with(board: Storyboard, library: Library) -> str | None:
    """The model of the reel of this title that the library has. Version 0.1.0 rendered with sora-2 by default."""
    stored = library.storage().read("reels", board.slug, "plan.json")
    with suppress(ValueError, LookupError, TypeError):
        made = json.loads(stored or b"{}")
        return str(made["storyboard"]["model"] or made["scenes"][0]["model"]["name"])
    return None


async def _fetched(
    references: Mapping[str, str], folder: Path, options: Mapping[str, Any], allowed: Allowed
) -> dict[str, LocalFile | BaseException]:
    """A local copy of every file, or the error, by the reference as it is written in the storyboard."""
    ended = await asyncio.gather(
        *(asyncio.to_thread(fetch, full, folder, options, allowed) for full in references.values()),
        return_exceptions=True,
    )
    return dict(zip(references, ended, strict=True))


def _sorted_out(
    fetched: Mapping[str, LocalFile | BaseException], places: Mapping[str, Place], source: Source, base: str
) -> tuple[dict[str, LocalFile], list[Problem]]:
    """The local copies, and the files that cannot be read, each with its line."""
    files: dict[str, LocalFile] = {}
    problems: list[Problem] = []
    for reference, file in fetched.items():
        if isinstance(file, LocalFile):
            files[reference] = file
        elif isinstance(file, SourceError):
            problems.append(source.problem(places[reference], f"{file}{relative_path_hint(reference, base)}"))
        else:
            raise file
    return files, problems


def _unheard(board: Storyboard, files: Mapping[str, LocalFile], source: Source) -> list[Problem]:
    """A problem if the music has no sound; the assembly would notice it only after everything is paid for."""
    if board.music and (file := files.get(board.music)):
        try:
            deferred.length(file.path)
        except MediaError as error:
            return [source.problem(("music",), str(error))]
    return []


def _member(who: Character, files: Mapping[str, LocalFile], folder: Path) -> CastMember:
    images = tuple(files[image] for image in who.images if image in files)
    return CastMember(character=who, folder=folder, clip=files.get(who.clip or ""), images=images)


def _references(board: Storyboard, resolved: tuple[Shot, ...]) -> dict[str, Place]:
    """Every file that this run needs, with its place in the storyboard."""
    used = {name for shot in resolved for name in (shot.characters if shot.still else shot.cast)}
    found: dict[str, Place] = {}
    for at, character in enumerate(board.cast):
        if character.name in used:
            if character.clip:
                found.setdefault(character.clip, ("cast", at, "clip"))
            for number, image in enumerate(character.images):
                found.setdefault(image, ("cast", at, "images", number))
    if board.music:
        found.setdefault(board.music, ("music",))
    for at, shot in enumerate(resolved):
        if shot.scene.image:
            found.setdefault(shot.scene.image, ("scenes", at, "image"))
        if shot.ends:
            found.setdefault(shot.ends, ("scenes", at, "ends"))
    return found
