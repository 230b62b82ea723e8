"""The order of one scene: its frames, its place in the library, its uploads and its request."""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from prefect_storyboard.blocks import Credentials, Library
from prefect_storyboard.ledger import Storage
from prefect_storyboard.ledger.sidecars import inside
from prefect_storyboard.media import deferred
from prefect_storyboard.media.best_effort import best_effort
from prefect_storyboard.media.sources import LocalFile, local_file
from prefect_storyboard.providers.agreement import check_agreed
from prefect_storyboard.providers.errors import InvalidRequest
from prefect_storyboard.providers.protocol import Provider, Reference, SceneRequest
from prefect_storyboard.storyboards import Casting, Clip, Expected, Shot, Still
from prefect_storyboard.storyboards.folders import slug_words
from prefect_storyboard.storyboards.single import SingleScene
from prefect_storyboard.tasks import _media
from prefect_storyboard.tasks._references import CastMember, clip_seconds, member, references, upload_file

Where = tuple[Credentials, Library]
_ANYWHERE = "https://example.com/file"


def place_of(reel: str | None, scene: str | None, single: SingleScene) -> tuple[str, str]:
    """Reel and scene under which the clip is stored; without a name, the scene is named after its prompt and key."""
    words = slug_words(single.shot.scene.prompt)[:32].strip("-")
    return reel or "", scene or f"{words}-{single.identity[:8]}"


class Frames(NamedTuple):
    """The pictures that a scene starts from and ends with."""

    first: LocalFile | None
    last: LocalFile | None


async def read_image(image: str | Path | Still | None, argument: str, shot: Shot, library: Library) -> LocalFile | None:
    """A picture that the scene starts from or ends with, checked against the model's limits.

    Raises MediaError or SourceError, which name the argument.
    """
    if image is None:
        return None
    if isinstance(image, Still):
        file = await asyncio.to_thread(_media.from_library, library.storage(), image.media)
    else:
        file = await _media.read(image, argument, library)
    await asyncio.to_thread(partial(deferred.fit_image, file, shot.frame, argument, folder=_media.folder()))
    return file


async def frames(shot: Shot, given: Frames, parent: Clip | None, library: Library) -> Frames:
    """The scene's first and last frames, as the model takes them."""
    last = given.last
    if last:
        fitted = partial(deferred.fit_image, last, shot.frame, shot.scene.id, folder=_media.folder())
        last = await asyncio.to_thread(fitted)
    return Frames(await first_frame(shot, given.first, parent, library), last)


async def first_frame(shot: Shot, image: LocalFile | None, parent: Clip | None, library: Library) -> LocalFile | None:
    """The scene's first frame, as the model takes it: the picture, or the last frame of the clip it continues."""
    if parent and shot.operation == "image":
        image = await asyncio.to_thread(last_frame_of, parent, library.storage(), shot.model.frame.min_side)
    if image is None:
        return None
    return await asyncio.to_thread(
        partial(deferred.fit_image, image, shot.frame, shot.scene.id, folder=_media.folder())
    )


async def expected_of(shot: Shot, first: LocalFile | None, parent: Clip | None, *, audio: bool | None) -> Expected:
    """What the clip will be held to. The picture it begins with is left out if the model takes it as a reference."""
    starts, warnings = "", list[str]()
    if shot.operation == "image" and (shot.model.first_frame == "exact" or shot.mode == "image"):
        if parent:
            starts = parent.ending
        elif first:
            with best_effort("the first frame's fingerprint", warnings):
                starts = await _media.in_media_thread(partial(deferred.thumb_of_file, first.path, first.sha256))
    heard = bool(audio) and shot.model.sound != "never"
    chosen = [choice for choice in ("seconds", "aspect") if shot.model.chooses_itself(choice, shot.mode)]
    return Expected(
        sound=False if shot.silent or audio is False else heard or None,
        free_shape=shot.operation != "text" or "aspect" in chosen,
        free_length=shot.operation == "remix" or "seconds" in chosen,
        starts=starts,
    )


async def complete(
    request: SceneRequest, shot: Shot, cast: Sequence[Casting], frames: Frames, where: Where, *, fresh: bool
) -> tuple[SceneRequest, float | None]:
    """Upload the scene's media (`fresh`: again): returns the request with their links, and its price by the table.

    Raises InvalidRequest, before anything is uploaded, for reference clips that are too long beside the scene.
    """
    credentials, library = where
    members = await asyncio.to_thread(_members, shot, cast, library.storage())
    sent = await asyncio.to_thread(clip_seconds, shot, members)
    if excess := shot.excess(sent):
        raise InvalidRequest(f"{excess}; nothing was sent", field="seconds", sent=False)
    shown = await references(shot, members, credentials, fresh=fresh)
    first, last = [
        await upload_file(frame.path, f"{which} frame", credentials, fresh=fresh) if frame else None
        for which, frame in frames._asdict().items()
    ]
    links = {"references": shown, "image_url": first, "last_frame_url": last}
    return request.model_copy(update=links), shot.price(sent)


async def check_order(provider: Provider, request: SceneRequest, shot: Shot) -> None:
    """Build the order with a placeholder link for each file, so that invalid input is refused before an upload.

    If the model table is unsure of the model, the gateway's own catalogue must agree with the order.
    """
    shown = [
        Reference(
            character=each.character, clip_url=_ANYWHERE if each.clip else None, image_urls=(_ANYWHERE,) * each.pictures
        )
        for each in shot.sends
    ]
    links = {
        "image_url": _ANYWHERE if shot.operation == "image" else None,
        "last_frame_url": _ANYWHERE if shot.ends else None,
    }
    order = provider.scene_order(request.model_copy(update={"references": tuple(shown), **links}))
    await check_agreed(provider, order, shot.model, shot.mode)


def scene_request(shot: Shot, cast: Sequence[Casting], parent: Clip | None) -> SceneRequest:
    """The request, before anything is uploaded for it."""
    return SceneRequest(
        model=shot.model,
        prompt=shot.prompt,
        seconds=shot.seconds,
        aspect=shot.aspect,
        resolution=shot.resolution,
        audio=not shot.silent,
        seed=shot.seed,
        negative=shot.negative,
        castings=tuple(casting for casting in cast if casting.id and casting.character in shot.cast),
        remix_of=parent.handle if parent and shot.operation == "remix" else None,
        fields=shot.scene.fields,
    )


def _members(shot: Shot, cast: Sequence[Casting], storage: Storage) -> dict[str, CastMember]:
    """The characters whose media are sent with the scene."""
    names = {sending.character for sending in shot.sends}
    return {casting.character: member(casting, storage) for casting in cast if casting.character in names}


def last_frame_of(clip: Clip, storage: Storage, min_side: int | None) -> LocalFile:
    picture = _media.folder() / "media" / f"{clip.sha256[:16]}-last-frame-{min_side or 0}.png"
    if not picture.exists():
        picture.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=_media.folder()) as folder:
            part = Path(folder) / picture.name
            deferred.last_frame(storage.fetch(Path(folder) / "parent.mp4", *inside(clip.url)), part, min_side=min_side)
            part.replace(picture)
    return local_file(picture)
