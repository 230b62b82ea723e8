"""The catalogue of a library, `index.html`: its reels and their cast. Every assembled reel enters itself.

An entry is `catalogue/<reel>.json`, written when the reel is; the catalogue is laid out of all entries, which are one
listing and one small read each. In a large library only the entry is written, and `storyboard catalogue` does the rest.
"""

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from prefect_storyboard.ledger import Storage
from prefect_storyboard.ledger.sidecars import sheet_folder
from prefect_storyboard.media import deferred
from prefect_storyboard.media.best_effort import best_effort
from prefect_storyboard.storyboards import Casting, Reel
from prefect_storyboard.storyboards.folders import slug
from prefect_storyboard.tasks import _media

_ENTRIES, _INDEX = "catalogue", "index.html"
_MOST = 100  # reels, of which a run lays the catalogue out by itself
_AT_ONCE = 16  # reads
_BEGINNING = 2_000  # bytes, in which the mark of a catalogue is
_BOX, _QUALITY = (480, 480), 80
_MEDIA = re.compile(r"(?:image|clip).*\.(?:jpe?g|png|webp|mp4|mov|webm)")
_SHEET = re.compile(r"take-\d+\.(?:jpe?g|png|webp)")


class NotOurs(ValueError):
    """The library has an `index.html` of somebody else; it was left alone."""


def enter(storage: Storage, reel: Reel, posters: Sequence[Path | None], folder: Path, *, drawn: bool = False) -> None:
    """Write the entry of a reel that was assembled, and the catalogue if the library is small. Blocks.

    Characters that were `drawn` for the reel are shown as on their sheets, others as on what the user gave.
    """
    place = (_ENTRIES, f"{slug(reel.title)}.json")
    before = _read(storage, place[1])
    known = {(who.name, who.fingerprint): who for who in before.cast if who.picture} if before else {}
    shown = next(filter(None, posters), None)
    first = reel.clips[0]
    castings = {each.character: each for clip in reel.clips for each in clip.characters}
    entry = deferred.Listed(
        reel=slug(reel.title),
        title=reel.title,
        seconds=reel.seconds,
        scenes=len(reel.clips),
        missing=len(reel.failed),
        cost_usd=reel.cost_usd,
        unpriced=reel.unpriced,
        at=max(clip.stored_at for clip in reel.clips),
        tall=first.height > first.width,
        picture=b64encode(deferred.shrunk(shown.read_bytes(), _BOX, _QUALITY)) if shown else b"",
        cast=tuple(
            known.get((name, each.fingerprint or "")) or _portrayed(storage, each, folder, drawn=drawn)
            for name, each in castings.items()
        ),
    )
    storage.write(entry.model_dump_json().encode(), *place)
    if len(names := _names(storage)) <= _MOST:
        with suppress(NotOurs):
            _lay_out(storage, names)


def rebuild(storage: Storage) -> list["deferred.Listed"]:
    """Write the catalogue of all reels, without those that are gone. Blocks. Raises NotOurs.

    A reel that has no entry yet, of an older version, is listed by its folder's name until it is assembled again.
    """
    folders = [name for name in storage.names("reels") if storage.exists("reels", name, _INDEX)]
    for name in {each.removesuffix(".json") for each in _names(storage)} - {*folders}:
        storage.remove(_ENTRIES, f"{name}.json")
    return _lay_out(storage, [f"{name}.json" for name in folders])


def _lay_out(storage: Storage, names: list[str]) -> list["deferred.Listed"]:
    """Write `index.html` of these entries; again, if another run has entered a reel meanwhile.

    Whoever writes last has looked for new entries after writing, so that none is missing in the end.
    """
    _check_ours(storage)
    while True:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = [*pool.map(lambda name: _read(storage, name) or _bare(name), names)]
        with TemporaryDirectory(dir=_media.folder()) as folder:
            out = Path(folder, _INDEX)
            deferred.write_catalogue(out, found, _title(storage))
            storage.publish(out, _INDEX)
        now = sorted({*names, *_names(storage)})
        if now == sorted(names):
            return found
        names = now


def _check_ours(storage: Storage) -> None:
    size = storage.size(_INDEX)
    if size and deferred.MARK.encode() not in storage.part(0, min(size, _BEGINNING), _INDEX):
        raise NotOurs(
            f"{storage.link(_INDEX)} is no catalogue of ours; it was left alone. Move it away, then try again"
        )


def _names(storage: Storage) -> list[str]:
    return [name for name in storage.names(_ENTRIES) if name.endswith(".json")]


def _read(storage: Storage, name: str) -> "deferred.Listed | None":
    """The entry; None for one that is missing or torn."""
    with suppress(ValueError):
        return deferred.Listed.model_validate_json(storage.read(_ENTRIES, name) or b"")
    return None


def _bare(name: str) -> "deferred.Listed":
    folder = name.removesuffix(".json")
    return deferred.Listed(reel=folder, title=folder)


def _title(storage: Storage) -> str:
    """The library's name: that of its folder."""
    return storage.root.rstrip("/").rpartition("/")[2] or "Library"


def _portrayed(storage: Storage, casting: Casting, folder: Path, *, drawn: bool) -> "deferred.Portrayed":
    """A character with its portrait, without one where none can be made."""
    who = deferred.Portrayed(name=casting.character, fingerprint=casting.fingerprint or "")
    with best_effort("a portrait", []):
        if place := next(_media_of(storage, casting, drawn=drawn), None):
            file = storage.local(*place) or storage.fetch(folder / "cast" / "-".join(place), *place)
            copy = folder / f"cast-{slug(casting.character)}{file.suffix}"
            copy.write_bytes(file.read_bytes())
            return who.model_copy(update={"picture": deferred.portrait(copy)})
    return who


def _media_of(storage: Storage, casting: Casting, *, drawn: bool) -> Iterator[tuple[str, ...]]:
    """The pictures of a character, the best one first."""
    home = ("characters", slug(casting.character))
    rooms = [(sheet_folder(""), _SHEET)] if drawn else []
    rooms += [(casting.fingerprint[:16], _MEDIA)] if casting.fingerprint else []
    for room, pattern in rooms:
        yield from ((*home, room, name) for name in storage.names(*home, room)[::-1] if pattern.fullmatch(name))
