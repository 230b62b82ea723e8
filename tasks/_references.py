"""Characters as named references: their media, made to fit and put where the provider can read them."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from prefect_storyboard.blocks import Credentials, Library
from prefect_storyboard.media.fitting import fit
from prefect_storyboard.media.sources import LocalFile
from prefect_storyboard.media.stills import fit_image, stills
from prefect_storyboard.providers.protocol import Reference
from prefect_storyboard.storyboards import Character, Frozen, Model, PlannedScene, References, Sending
from prefect_storyboard.tasks.upload import upload


class CastMember(Frozen):
    """A character with the local copies of its media. `folder` keeps what is made of them, for all scenes of a run."""

    character: Character
    folder: Path
    clip: LocalFile | None = None
    images: tuple[LocalFile, ...] = ()


async def references(
    scene: PlannedScene, cast: Mapping[str, CastMember], credentials: Credentials, library: Library
) -> tuple[Reference, ...]:
    """Upload what the scene shows of each character, in the order of the scene. Costs nothing."""

    async def one(sending: Sending) -> Reference:
        member = cast[sending.character]
        files = await asyncio.to_thread(show, member, sending, scene.model)
        urls = await asyncio.gather(*(upload(file, credentials, library) for file in files))
        if sending.clip:
            return Reference(character=sending.character, clip_url=urls[0])
        return Reference(character=sending.character, image_urls=tuple(urls))

    return tuple(await asyncio.gather(*(one(sending) for sending in scene.sends)))


def show(member: CastMember, sending: Sending, model: Model) -> tuple[LocalFile, ...]:
    """The files that are sent: the clip, or pictures, of which the missing ones are taken from the clip."""
    who, folder, limits = member.character, member.folder, model.references or References(images=0)
    if sending.clip and member.clip:
        return (fit(member.clip, model.reference, who.name, start=who.start, end=who.end, folder=folder),)
    given = [fit_image(image, limits, who.name, folder=folder) for image in member.images[: sending.pictures]]
    count = drawn(member.character, sending, limits)
    if not count or member.clip is None:
        return tuple(given)
    return (*given, *stills(member.clip, count, start=who.start, end=who.end, folder=folder, limits=limits))


def drawn(character: Character, sending: Sending, limits: References) -> int:
    """How many pictures are taken from the clip: all where the user gave none, else what the model needs at least."""
    if not character.images:
        return sending.pictures
    return max(limits.each[0] - len(character.images), 0)
