"""Characters as named references: their media, fitted to the model's limits and uploaded."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from prefect_storyboard.blocks import Credentials
from prefect_storyboard.ledger import Storage
from prefect_storyboard.media import deferred
from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.sources import LocalFile
from prefect_storyboard.providers.protocol import Reference
from prefect_storyboard.storyboards import Casting, Character, Frozen, Model, References, Sending, Shot
from prefect_storyboard.tasks import _media
from prefect_storyboard.tasks._names import fixed_name
from prefect_storyboard.tasks.upload import upload


class CastMember(Frozen):
    """A character with local copies of its media.

    `folder` holds the files derived from them, for all scenes of a run.
    """

    character: Character
    folder: Path
    clip: LocalFile | None = None
    images: tuple[LocalFile, ...] = ()


def member(casting: Casting, storage: Storage) -> CastMember:
    """The character of a casting, its media fetched from the library."""
    facts = casting.model_dump(include={"start", "end", "reference", "description"})
    clip = _media.from_library(storage, casting.clip) if casting.clip else None
    images = tuple(_media.from_library(storage, image) for image in casting.images)
    urls = {"clip": casting.clip and casting.clip.url, "images": tuple(image.url for image in casting.images)}
    who = Character.model_validate({"name": casting.character, **urls, **facts})
    return CastMember(character=who, folder=_media.folder(), clip=clip, images=images)


async def references(
    shot: Shot, cast: Mapping[str, CastMember], credentials: Credentials, *, fresh: bool
) -> tuple[Reference, ...]:
    """Upload the media of each of the scene's characters, in order; `fresh`: upload them again. Costs nothing."""

    async def one(sending: Sending) -> Reference:
        files = await asyncio.to_thread(show, cast[sending.character], sending, shot.model)
        names = [f"{sending.character}, {'clip' if sending.clip else f'picture {n}'}" for n in range(1, len(files) + 1)]
        urls = await asyncio.gather(
            *(upload_file(file.path, name, credentials, fresh=fresh) for file, name in zip(files, names, strict=True))
        )
        if sending.clip:
            return Reference(character=sending.character, clip_url=urls[0])
        about = cast[sending.character].character.description
        return Reference(character=sending.character, image_urls=tuple(urls), description=about)

    return tuple(await asyncio.gather(*(one(sending) for sending in shot.sends)))


async def upload_file(file: Path, what: str, credentials: Credentials, *, fresh: bool) -> str:
    """Upload a file in a task run named after it, and return the link. `fresh` ignores earlier uploads of the file.

    If files are sent with the order, the link is to the file itself.
    """
    if credentials.carries_files:
        return _media.link(file)
    named = upload.with_options(task_run_name=fixed_name(f"upload {what}"))
    named = named.with_options(refresh_cache=True) if fresh else named
    return await named(file, credentials=credentials)


def clip_seconds(shot: Shot, cast: Mapping[str, CastMember]) -> float:
    """The length of the reference clips as they will be sent: some models bill it."""
    seconds = 0.0
    for sending in shot.sends:
        who, clip = cast[sending.character].character, cast[sending.character].clip
        if sending.clip and clip:
            seconds += deferred.describe_fit(
                clip.path, shot.model.reference, who.name, start=who.start, end=who.end
            ).seconds
    return seconds


def show(member: CastMember, sending: Sending, model: Model) -> tuple[LocalFile, ...]:
    """The files to send: the clip, or pictures; missing pictures are taken from the clip.

    Raises MediaError, also if the clip has fewer frames than the model needs pictures.
    """
    who, folder, limits = member.character, member.folder, model.references or References(images=0)

    if sending.clip and member.clip:
        return (deferred.fit(member.clip, model.reference, who.name, start=who.start, end=who.end, folder=folder),)
    given = [deferred.fit_image(image, limits, who.name, folder=folder) for image in member.images[: sending.pictures]]
    count = drawn(member.character, sending, limits)
    if not count or member.clip is None:
        return tuple(given)
    taken = deferred.stills(member.clip, count, start=who.start, end=who.end, folder=folder, limits=limits)
    if len(given) + len(taken) < limits.each[0]:
        needed = f"{model.name} needs {limits.each[0]} pictures of a character; give a longer clip, or more images"
        raise MediaError(
            f"{who.name}: the clip has only {len(taken)} {'frame' if len(taken) == 1 else 'frames'}: {needed}."
        )
    return (*given, *taken)


def drawn(character: Character, sending: Sending, limits: References) -> int:
    """How many pictures are taken from the clip: all if the user gave none, else what the minimum lacks."""
    if not character.images:
        return sending.pictures
    return max(limits.each[0] - len(character.images), 0)
