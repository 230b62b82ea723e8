"""The media of one character: read them, check them against a model's limits, store them, put them into the order."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from prefect_storyboard.blocks import Credentials, Library
from prefect_storyboard.jobs.buy import buy_once
from prefect_storyboard.jobs.characters import finish_character
from prefect_storyboard.jobs.look import may_resubmit
from prefect_storyboard.jobs.paid import PaidJob
from prefect_storyboard.jobs.purchase import BuildOrder, PurchaseRequest
from prefect_storyboard.jobs.wait import VERDICTS
from prefect_storyboard.ledger import Ledger, Storage
from prefect_storyboard.media import deferred
from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.sources import LocalFile
from prefect_storyboard.providers.protocol import CharacterRequest, Order, Provider
from prefect_storyboard.providers.session import Session
from prefect_storyboard.storyboards import Casting, Character, Clip, MadeOf, Media, Model
from prefect_storyboard.storyboards.sendings import sendings
from prefect_storyboard.tasks import _media
from prefect_storyboard.tasks._arguments import a_list
from prefect_storyboard.tasks._extras import character_files
from prefect_storyboard.tasks._references import CastMember, show, upload_file

_ANYWHERE = "https://example.com/clip.mp4"


class GivenMedia(NamedTuple):
    """The media of a character on local disk."""

    clip: LocalFile | None
    images: tuple[LocalFile, ...]
    rendered: Clip | None

    @property
    def content(self) -> dict[str, str]:
        return {str(file.path): file.sha256 for file in (self.clip, *self.images) if file}


async def read_media(
    clip: str | Path | Clip | None, images: Sequence[str | Path], storage: Storage, library: Library
) -> GivenMedia:
    listed: list[str | Path] = a_list(images, "images")
    pictures = [await _media.read(image, "images", library) for image in listed]
    if isinstance(clip, Clip):
        media = Media(url=clip.url, sha256=clip.sha256)
        return GivenMedia(await asyncio.to_thread(_media.from_library, storage, media), tuple(pictures), clip)
    file = await _media.read(clip, "clip", library) if clip is not None else None
    return GivenMedia(file, tuple(pictures), None)


def check(who: Character, family: Model, given: GivenMedia) -> None:
    """Check the media against the model's limits. Raises MediaError, which names the argument."""
    try:
        _check(who, family, given)
    except MediaError as error:
        pictured = given.clip is None or any(image.path.name in str(error) for image in given.images)
        raise MediaError(f"{'images' if pictured else 'clip'}: {error}") from None


def _check(who: Character, family: Model, given: GivenMedia) -> None:
    member = CastMember(character=who, folder=_media.folder(), clip=given.clip, images=given.images)
    if family.references is None:
        _judge(family, who, given)
        return
    for sending in sendings(family, [who], frame=False):
        show(member, sending, family)


async def creation_order(
    provider: Provider, family: Model, who: Character, given: GivenMedia, account: Credentials, *, fresh: bool
) -> Order:
    """Build the order: with a finished video's id if the gateway takes one, else with the uploaded clip."""
    request = CharacterRequest(model=family, name=who.name, description=who.description, fields=who.fields)
    if given.rendered and _known(given.rendered, family, account):
        fitting = await asyncio.to_thread(_judge, family, who, given)
        span = {"start": round(fitting.start, 3), "end": round(fitting.start + fitting.seconds, 3)}
        return provider.character_order(request.model_copy(update={"video_id": given.rendered.handle, **span}))
    provider.character_order(request.model_copy(update={"clip_url": _ANYWHERE, "end": 1.0}))  # before the upload
    file, seconds = await asyncio.to_thread(_fitted, family, who, given)
    url = await upload_file(file.path, f"{who.name}, clip", account, fresh=fresh)
    return provider.character_order(request.model_copy(update={"clip_url": url, "end": seconds}))


async def create_once(
    session: Session, ledger: Ledger, request: PurchaseRequest, build_order: BuildOrder, *, minutes: float
) -> tuple[Casting, PaidJob]:
    """The casting, and the job that created it. A job that failed at no cost is bought again."""
    name, since = request.character or "", request.since or datetime.now(UTC)
    files = character_files(session, ledger.storage, name, request.key, request.fingerprint)
    while True:
        job = await buy_once(session, ledger, request, build_order)
        if job.outcome and job.outcome.casting:
            return job.outcome.casting, job
        try:
            made = await finish_character(session, ledger, job, name, keep_files=files, minutes=minutes)
        except VERDICTS:
            if not await may_resubmit(ledger, request.key, attempts=request.attempts, since=since):
                raise
        else:
            return made, job


def _known(clip: Clip, family: Model, account: Credentials) -> bool:
    """Whether the gateway takes a finished video by its id, and knows this one."""
    made_there = (clip.provider, clip.account) == (account.provider, account.account)
    return family.character_from_video and made_there and clip.handle is not None


def _judge(family: Model, who: Character, given: GivenMedia) -> "deferred.Fitting":
    if given.clip is None:
        raise ValueError(f"clip: {family.name} at {family.provider} makes characters from a clip; give one")
    return deferred.describe_fit(given.clip.path, family.reference, who.name, start=who.start, end=who.end)


def _fitted(family: Model, who: Character, given: GivenMedia) -> tuple[LocalFile, float]:
    """The clip as the model takes it, and its length in seconds."""
    if given.clip is None:
        raise ValueError(f"clip: {family.name} makes characters from a clip; give one")
    file = deferred.fit(given.clip, family.reference, who.name, start=who.start, end=who.end, folder=_media.folder())
    return file, deferred.probe(file.path).seconds


def scene_of(clip: Clip | None) -> MadeOf | None:
    """The take that a character is made of."""
    return MadeOf(identity=clip.identity or clip.job_key, job_key=clip.job_key) if clip else None


def without_clip(who: Character, clip: Clip | None) -> Character:
    """The character as a storyboard has it that names the scene in the place of a clip."""
    return who.model_copy(update={"clip": None, "from_scene": clip.scene if clip else None})


def keep(storage: Storage, who: Character, media_hash: str, given: GivenMedia) -> Casting:
    """Store the media in the library, so that the cast can move to another provider or machine."""
    place = ("characters", who.slug, media_hash[:16])
    clip = f"clip{given.clip.path.suffix}" if given.clip else None
    images = tuple(f"image-{number}{image.path.suffix}" for number, image in enumerate(given.images, 1))
    record = who.model_copy(update={"clip": clip, "images": images}).model_dump_json(indent=2).encode()
    if storage.read(*place, "character.json") != record:
        for name, file in zip((clip, *images), (given.clip, *given.images), strict=True):
            if name and file:
                storage.publish(file.path, *place, name)
        storage.write(record, *place, "character.json")
    pictures = zip(images, given.images, strict=True)
    return Casting(
        character=who.name,
        fingerprint=media_hash,
        clip=Media(url=storage.link(*place, clip), sha256=given.clip.sha256) if clip and given.clip else None,
        images=tuple(Media(url=storage.link(*place, name), sha256=file.sha256) for name, file in pictures),
        start=who.start,
        end=who.end,
        reference=who.reference,
        description=who.description,
        aliases=who.aliases,
    )
