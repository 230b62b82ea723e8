"""What a still is drawn from: each reference with its name, its fingerprint and its pictures on local disk."""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from prefect_storyboard.blocks import Credentials, Library
from prefect_storyboard.ledger import Storage
from prefect_storyboard.media import deferred
from prefect_storyboard.media.sources import LocalFile
from prefect_storyboard.providers.agreement import check_doubt
from prefect_storyboard.providers.orders import Order, StillRequest
from prefect_storyboard.providers.protocol import DrawsStills, Provider
from prefect_storyboard.storyboards import (
    Casting,
    Character,
    Clip,
    Drawing,
    ImageModel,
    Media,
    References,
    Sheet,
    Still,
    StillReference,
)
from prefect_storyboard.storyboards.drawing import pictures_of
from prefect_storyboard.storyboards.keys import fingerprint
from prefect_storyboard.tasks import _arguments as arguments
from prefect_storyboard.tasks import _media
from prefect_storyboard.tasks._references import upload_file
from prefect_storyboard.tasks._scene import last_frame_of

Drawable = Still | Sheet | Clip | Casting | Character | str | Path
Reference = Drawable | tuple[Drawable, str]  # the text is its role
BelongsTo = Literal["content", "request"]
_ANYWHERE = "https://example.com/picture.png"


class DrawnFrom(NamedTuple):
    """A reference, and its pictures as the model takes them."""

    reference: StillReference
    files: tuple[LocalFile, ...]


async def read_references(
    references: Sequence[Reference], model: ImageModel, library: Library, belongs_to: BelongsTo
) -> tuple[DrawnFrom, ...]:
    """Read the references in their order. Raises ValueError, MediaError and SourceError, which name the argument."""
    arguments.one_of(BelongsTo, belongs_to=belongs_to)
    found = []
    given: list[Reference] = arguments.a_list(references, "references")
    for each in given:
        what, role = each if isinstance(each, tuple) and len(each) == 2 else (each, "")
        if not isinstance(role, str) or not isinstance(what, get_args(Drawable)):
            kinds = "a Still, a Sheet, a Clip, what create_character returns, a path or a URL"
            raise ValueError(f"references: give {kinds}, or one with its role in a tuple; found {each!r}"[:300])
        found.append(await _read(what, " ".join(role.split()), model, library, belongs_to=belongs_to))
    return tuple(found)


async def _read(what: Drawable, role: str, model: ImageModel, library: Library, *, belongs_to: BelongsTo) -> DrawnFrom:
    match what:
        case Still() | Sheet():
            read = partial(_of_still, what, belongs_to, library.storage())
        case Clip():
            read = partial(_of_clip, what, belongs_to, library.storage())
        case Casting():
            read = partial(_of_casting, what, model, library.storage())
        case Character():
            given = {path: await _media.read(path, "references", library) for path in _paths(what)}
            read = partial(_of_character, what, given, model)
        case _:
            file = await _media.read(what, "references", library)
            read = partial(DrawnFrom, StillReference(fingerprint=file.sha256), (file,))
    found = await asyncio.to_thread(read)  # may come from a bucket
    fit = partial(deferred.fit_image, limits=model.references, name="references", folder=_media.folder())
    fitted = [await _media.in_media_thread(partial(fit, file)) for file in found.files]
    reference = found.reference.model_copy(update={"role": role, "pictures": len(fitted)})
    return DrawnFrom(reference, tuple(fitted))


def _of_still(what: Still | Sheet, belongs_to: BelongsTo, storage: Storage) -> DrawnFrom:
    still, name = (what.still, what.name) if isinstance(what, Sheet) else (what, "")
    reference = StillReference(
        fingerprint=still.identity if belongs_to == "request" else still.sha256,
        name=name,
        job_key=still.job_key,
        media=(still.media,),
    )
    return DrawnFrom(reference, (_media.from_library(storage, still.media),))


def _of_clip(clip: Clip, belongs_to: BelongsTo, storage: Storage) -> DrawnFrom:
    """The last frame of a clip, from which a picture goes on."""
    identity = clip.identity or clip.job_key
    reference = StillReference(
        fingerprint=identity if belongs_to == "request" else clip.sha256,
        job_key=clip.job_key,
        media=(Media(url=clip.url, sha256=clip.sha256),),
    )
    return DrawnFrom(reference, (last_frame_of(clip, storage, None),))


def _of_casting(casting: Casting, model: ImageModel, storage: Storage) -> DrawnFrom:
    media = casting.images[: pictures_of(len(casting.images))] or ((casting.clip,) if casting.clip else ())
    if not media:
        raise ValueError(f"references: {casting.character} has no picture and no clip; create it from such media")
    files = tuple(_media.from_library(storage, each) for each in media)
    if not casting.images:
        files = _frames(files[0], model, casting.start, casting.end)
    print_of_it = casting.fingerprint or media[0].sha256
    return DrawnFrom(StillReference(fingerprint=print_of_it, name=casting.character, media=media), files)


def _of_character(who: Character, given: dict[str, LocalFile], model: ImageModel) -> DrawnFrom:
    files = tuple(given[image] for image in who.images)[: pictures_of(len(who.images))]
    if not files and who.clip:
        files = _frames(given[who.clip], model, who.start, who.end)
    if not files:
        raise ValueError(f"references: {who.name} has no picture and no clip of its own; give its sheet")
    content = {path: file.sha256 for path, file in given.items()}
    return DrawnFrom(StillReference(fingerprint=fingerprint(who, content), name=who.name), files)


def _frames(clip: LocalFile, model: ImageModel, start: float | None, end: float | None) -> tuple[LocalFile, ...]:
    limits = References(images=model.references.most, **model.references.model_dump(exclude={"most", "least"}))
    return deferred.stills(clip, pictures_of(0), start=start, end=end, folder=_media.folder(), limits=limits)


def _paths(who: Character) -> tuple[str, ...]:
    return tuple(filter(None, (who.clip, *who.images)))


async def still_order(
    provider: Provider, drawn: Drawing, found: Sequence[DrawnFrom], account: Credentials, *, job_key: str, fresh: bool
) -> Order:
    """Build the order: first with placeholders, so that invalid input is refused before an upload; then upload.

    If the table is unsure of the model, the gateway's own catalogue must agree. `fresh` uploads again. Costs nothing.
    """
    if not isinstance(provider, DrawsStills):
        raise ValueError(f"credentials: {provider.name} draws no pictures; name another account")
    anywhere = tuple((_ANYWHERE,) * len(each.files) for each in found)
    request = StillRequest(drawing=drawn, pictures=anywhere, job_key=job_key)
    draft = provider.still_order(request)
    await check_doubt(provider, draft, f"{drawn.model.name} at {drawn.model.provider}", drawn.model.unsure)
    links = await asyncio.gather(
        *(_uploaded(each, number, account, fresh=fresh) for number, each in enumerate(found, 1))
    )
    order = provider.still_order(request.model_copy(update={"pictures": tuple(links)}))
    return order.model_copy(update={"usd": drawn.usd})


async def _uploaded(found: DrawnFrom, number: int, account: Credentials, *, fresh: bool) -> tuple[str, ...]:
    what = found.reference.name or f"reference {number}"
    names = [what if len(found.files) == 1 else f"{what}, picture {n}" for n in range(1, len(found.files) + 1)]
    files = zip(found.files, names, strict=True)
    return tuple(await asyncio.gather(*(upload_file(file.path, name, account, fresh=fresh) for file, name in files)))
