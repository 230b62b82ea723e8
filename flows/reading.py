"""From what the user names to a plan: read the storyboard, fetch and check its files. Nothing is sent or bought."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from prefect_storyboard.blocks import Credentials, Library
from prefect_storyboard.media.probe import MediaError, probe_image
from prefect_storyboard.media.reference import preflight
from prefect_storyboard.media.sources import LocalFile, SourceError, absolute, fetch, folder_of, read_text
from prefect_storyboard.providers.table import model
from prefect_storyboard.storyboards import (
    Frozen,
    Plan,
    Problem,
    Shot,
    Source,
    Storyboard,
    StoryboardError,
    parse,
    plan,
    shots,
    validate,
)

Place = tuple[str | int, ...]


class Prepared(Frozen):
    """A plan, and the local copy of every file that the storyboard names, by the reference as it is written there."""

    plan: Plan
    files: dict[str, LocalFile]


async def prepare(
    storyboard: Storyboard | Mapping[str, Any] | str, credentials: Credentials, library: Library, folder: Path
) -> Prepared:
    """Read, check and plan. Raises StoryboardError with everything that has to be mended, or SourceError."""
    options = _options(library)
    board, source, base = await asyncio.to_thread(_read, storyboard, options)
    resolved = shots(board, lambda name: model(credentials.provider, name), source)
    places = _references(board, resolved)
    fetched = await asyncio.gather(
        *(asyncio.to_thread(fetch, absolute(reference, base), folder, options) for reference in places),
        return_exceptions=True,
    )
    files: dict[str, LocalFile] = {}
    problems: list[Problem] = []
    for (reference, place), file in zip(places.items(), fetched, strict=True):
        if isinstance(file, LocalFile):
            files[reference] = file
        elif isinstance(file, SourceError):
            problems.append(source.problem(place, str(file)))
        else:
            raise file
    problems += await asyncio.to_thread(lambda: list(_unfit(board, resolved, files, source)))
    if problems:
        raise StoryboardError(*problems)
    planned = plan(
        board,
        resolved,
        provider=credentials.provider,
        account=credentials.account,
        content={reference: file.sha256 for reference, file in files.items()},
    )
    return Prepared(plan=planned, files=files)


def _read(
    storyboard: Storyboard | Mapping[str, Any] | str, options: Mapping[str, Any]
) -> tuple[Storyboard, Source, str]:
    """The storyboard, where it was read, and what relative paths in it are relative to."""
    if isinstance(storyboard, Storyboard):
        return storyboard, Source(), ""
    if isinstance(storyboard, Mapping):
        return validate(storyboard), Source(), ""
    board, source = parse(read_text(storyboard, options), storyboard.partition("?")[0].rpartition("/")[2])
    return board, source, folder_of(storyboard)


def _options(library: Library) -> dict[str, Any]:
    """The library's storage options, also for the files that lie in storage of the same kind."""
    protocol = library.url.partition("://")[0] if "://" in library.url else "file"
    return {protocol: library.storage_options.get_secret_value()} if protocol != "file" else {}


def _references(board: Storyboard, resolved: tuple[Shot, ...]) -> dict[str, Place]:
    """Every file that this run needs, with its place in the storyboard."""
    used = {name for shot in resolved for name in shot.characters}
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


def _unfit(
    board: Storyboard, resolved: tuple[Shot, ...], files: Mapping[str, LocalFile], source: Source
) -> Iterator[Problem]:
    """What is wrong with the files themselves: no video, too small, too wide, a range outside of it."""
    for at, character in enumerate(board.cast):
        models = {shot.model.name: shot.model for shot in resolved if character.name in shot.characters}
        for family in models.values():
            if not character.clip or character.clip not in files:
                continue
            path = files[character.clip].path
            try:
                preflight(path, family.reference, character.name, start=character.start, end=character.end)
            except MediaError as error:
                yield source.problem(("cast", at, "clip"), str(error))
                break
    for at, scene in enumerate(board.scenes):
        if scene.image and scene.image in files:
            try:
                probe_image(files[scene.image].path)
            except MediaError as error:
                yield source.problem(("scenes", at, "image"), str(error))
