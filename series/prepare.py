"""From what the user names to a plan: read the storyboard, fetch and check its files. Nothing is sent or bought."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect.runtime import deployment

from prefect_storyboard.blocks import Credentials, Library, allowed_to_callers
from prefect_storyboard.media.bounds import Allowed
from prefect_storyboard.media.sources import LocalFile, SourceError, absolute, fetch, folder_of, read_text
from prefect_storyboard.providers.table import model
from prefect_storyboard.series.preflight import judge_all
from prefect_storyboard.storyboards import (
    Character,
    Frozen,
    Plan,
    Problem,
    Shot,
    Source,
    Storyboard,
    StoryboardError,
    is_text,
    parse,
    plan,
    shots,
    validate,
)
from prefect_storyboard.storyboards.bounds import Size
from prefect_storyboard.storyboards.nouns import Fit
from prefect_storyboard.storyboards.text import check_scenes
from prefect_storyboard.tasks._references import CastMember

Place = tuple[str | int, ...]


class Overrides(Frozen):
    """What a run says in the place of the storyboard: another model by default, and what to do about sizes."""

    model: str | None = None
    fit: Fit | None = None


class Prepared(Frozen):
    """A plan, and the local copy of every file that the storyboard names, by the reference as it is written there."""

    plan: Plan
    files: dict[str, LocalFile]
    cast: dict[str, CastMember]


def changed_files(prepared: Prepared) -> list[str]:
    """Name the files that were written to after they were read: what was checked and planned is what was sent."""
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
    """Read, check and plan. Raises StoryboardError with everything that has to be fixed, or SourceError."""
    options = _options(library)
    callers = await asyncio.to_thread(allowed_to_callers, library)
    board, source, base = await asyncio.to_thread(_read, storyboard, options, callers)
    board = board.model_copy(update=overrides.model_dump(exclude_none=True)) if overrides else board
    resolved = await asyncio.to_thread(shots, board, lambda name: model(credentials.provider, name), source)
    allowed = await asyncio.to_thread(_allowed, storyboard, base, library)
    places = _references(board, resolved)
    fetched = await _fetched({name: absolute(name, base) for name in places}, folder, options, allowed)
    files, problems = _sorted_out(fetched, places, source)
    cast = {who.name: _member(who, files, folder) for who in board.cast}
    judged = await asyncio.to_thread(judge_all, board, resolved, cast, files, folder)
    problems += [source.problem(place, text) for place, text in judged.problems]
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
    )
    planned = planned.model_copy(update={"warnings": (*map(str, source.warnings), *planned.warnings)})
    return Prepared(plan=planned, files=files, cast=cast)


async def _fetched(
    references: Mapping[str, str], folder: Path, options: Mapping[str, Any], allowed: Allowed
) -> dict[str, LocalFile | BaseException]:
    """A local copy of every file, or why there is none, by the reference as it is written in the storyboard."""
    ended = await asyncio.gather(
        *(asyncio.to_thread(fetch, full, folder, options, allowed) for full in references.values()),
        return_exceptions=True,
    )
    return dict(zip(references, ended, strict=True))


def _sorted_out(
    fetched: Mapping[str, LocalFile | BaseException], places: Mapping[str, Place], source: Source
) -> tuple[dict[str, LocalFile], list[Problem]]:
    """The local copies, and what cannot be read, each at its line."""
    files: dict[str, LocalFile] = {}
    problems: list[Problem] = []
    for reference, file in fetched.items():
        if isinstance(file, LocalFile):
            files[reference] = file
        elif isinstance(file, SourceError):
            problems.append(source.problem(places[reference], str(file)))
        else:
            raise file
    return files, problems


def _allowed(storyboard: object, base: str, library: Library) -> Allowed:
    """What the storyboard may name: its own folder, and outside of a deployment the working directory.

    Both are the caller's. A storyboard that the caller's own code has built may name any path, but in a deployment,
    where it comes from the form. A working directory that is the whole disk, as in many containers, allows nothing.
    Of a storyboard behind a symbolic link, the folder that it really lies in counts as well.
    """
    deployed = deployment.id is not None
    if not isinstance(storyboard, str) and not deployed:
        return allowed_to_callers(library)
    folders = [base] if base else []
    if base and "://" not in base:
        folders.append(str(Path(str(storyboard)).expanduser().resolve().parent))
    here = Path.cwd()
    if not deployed and here != here.parent:
        folders.append(str(here))
    return library.allowed(*folders)


def _member(who: Character, files: Mapping[str, LocalFile], folder: Path) -> CastMember:
    images = tuple(files[image] for image in who.images if image in files)
    return CastMember(character=who, folder=folder, clip=files.get(who.clip or ""), images=images)


def _read(
    storyboard: Storyboard | Mapping[str, Any] | str, options: Mapping[str, Any], allowed: Allowed
) -> tuple[Storyboard, Source, str]:
    """The storyboard, where it was read, and what relative paths in it are relative to."""
    size = Size(max_bytes=allowed.bounds.max_storyboard_bytes, max_scenes=allowed.bounds.max_scenes)
    if isinstance(storyboard, Storyboard):
        check_scenes(storyboard, size)
        return storyboard, Source(), ""
    if isinstance(storyboard, Mapping):
        return validate(storyboard, Source(), size), Source(), ""
    if is_text(storyboard):
        return *parse(storyboard, "storyboard", size), ""
    name = storyboard.partition("?")[0].rpartition("/")[2]
    board, source = parse(read_text(storyboard, options, allowed), name, size)
    return board, source, folder_of(storyboard)


def _options(library: Library) -> dict[str, Any]:
    """The library's storage options, also for the files that lie in storage of the same kind."""
    protocol = library.url.partition("://")[0] if "://" in library.url else "file"
    return {protocol: library.storage_options.get_secret_value()} if protocol != "file" else {}


def _references(board: Storyboard, resolved: tuple[Shot, ...]) -> dict[str, Place]:
    """Every file that this run needs, with its place in the storyboard."""
    used = {name for shot in resolved for name in shot.cast}
    found: dict[str, Place] = {}
    for at, character in enumerate(board.cast):
        if character.name in used:
            if character.clip:
                found.setdefault(character.clip, ("cast", at, "clip"))
            for number, image in enumerate(character.images):
                found.setdefault(image, ("cast", at, "images", number))
    for at, scene in enumerate(board.scenes):
        if scene.image:
            found.setdefault(scene.image, ("scenes", at, "image"))
    return found
