"""The JSON beside each stored take: it names the job that made the file, and survives the loss of the ledger.

reels/<reel>/scenes/<scene>/take-001.{mp4,json}      clips/<scene>/...     clips, in a reel and without one
reels/<reel>/stills/<scene>/take-001.{png,json}      pictures/<scene>/...  stills
characters/<name>/sheet[-<look>]/take-001.{png,json}                       sheets
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from pydantic import ValidationError

from prefect_storyboard.ledger.files import Unreadable
from prefect_storyboard.ledger.storage import Storage
from prefect_storyboard.storyboards import Casting, Clip, Still
from prefect_storyboard.storyboards.planned import Room

_TAKE = re.compile(r"take-(\d+)\.json")
_SHEET = "sheet"
_OF_CHARACTER = 4  # parts of a place below characters/
_OF_MEDIA = re.compile(rf"[0-9a-f]{{16}}|{_SHEET}(-.+)?")  # the folders of a character
_ROOMS = {
    3: ("clips", "pictures"),
    _OF_CHARACTER: ("characters",),
    5: ("reels",),
}  # by parts of a place, shortest first
_ALONE: dict[str, Room] = {"clips": "scenes", "pictures": "stills"}  # what belongs to no reel


class Sidecar(NamedTuple):
    """One stored take, the place of its sidecar, and the number in its name."""

    place: tuple[str, ...]
    take: int
    made: Clip | Still

    @property
    def clip(self) -> Clip:
        """The take of a scene's clips. Raises TypeError for a still."""
        if not isinstance(self.made, Clip):
            raise TypeError(f"{'/'.join(self.place)} describes a still")
        return self.made

    @property
    def castings(self) -> tuple[Casting, ...]:
        """The characters that it shows, as far as it records their castings."""
        return self.made.characters if isinstance(self.made, Clip) else ()

    @property
    def reel(self) -> str:
        """The reel, or the character, in whose folder it lies; empty for a single one."""
        return "" if self.place[0] in _ALONE else self.place[1]

    @property
    def scene(self) -> str:
        """The scene whose take it is, or the folder of a sheet's look."""
        return self.place[-2]

    @property
    def room(self) -> Room:
        """The room in which it lies."""
        if self.place[0] == "characters":
            return "sheets"
        return _ALONE.get(self.place[0]) or ("stills" if self.place[2] == "stills" else "scenes")


def takes_folder(reel: str, scene: str, room: Room = "scenes") -> tuple[str, ...]:
    """Where the takes of a scene lie; without a reel in `clips/<scene>` or `pictures/<scene>`."""
    match room:
        case "scenes":
            return ("reels", reel, "scenes", scene) if reel else ("clips", scene)
        case "stills":
            return ("reels", reel, "stills", scene) if reel else ("pictures", scene)
    return ("characters", reel, scene)


def sheet_folder(look: str) -> str:
    """The folder of a look's sheet beside the character's media, whose folders are named by a hash."""
    return f"{_SHEET}-{look}" if look else _SHEET


def inside(url: str) -> tuple[str, ...]:
    """The place of a file in its library, from its URL, wherever the library was when it was written."""
    parts = url.split("/")
    found = [length for length, rooms in _ROOMS.items() if len(parts) >= length and parts[-length] in rooms]
    if len(found) > 1 and found[1] == _OF_CHARACTER and _OF_MEDIA.fullmatch(parts[-2]):
        return tuple(parts[-_OF_CHARACTER:])  # a character that is called like a room
    return tuple(parts[-found[0] :]) if found else tuple(parts)


def lies_in(made: Clip | Still, reel: str, scene: str, room: Room = "scenes") -> bool:
    """Whether the file is stored among the takes of that scene, and not copied from elsewhere."""
    return inside(made.url)[:-1] == takes_folder(reel, scene, room)


def read_made(body: bytes, room: Room) -> Clip | Still:
    """The clip or still that a sidecar of that room describes. Raises ValidationError if it is torn."""
    return Clip.model_validate_json(body) if room == "scenes" else Still.model_validate_json(body)


def stored_made(storage: Storage, reel: str, scene: str, number: int, room: Room) -> Clip | Still | None:
    """The clip or still that the take's sidecar describes; None if it is missing or torn. One read."""
    try:
        body = storage.read(*takes_folder(reel, scene, room), f"take-{number:03d}.json")
        return read_made(body or b"", room)
    except ValidationError:
        return None


def stored_take(storage: Storage, reel: str, scene: str, number: int) -> Clip | None:
    """The clip that the take's sidecar describes; None if it is missing or torn. One read."""
    made = stored_made(storage, reel, scene, number, "scenes")
    return made if isinstance(made, Clip) else None


def sidecars(storage: Storage, reel: str, scene: str, room: Room = "scenes") -> Iterator[Sidecar]:
    """The takes of a scene. Raises Unreadable for a torn sidecar: it may be the wanted one."""
    folder = takes_folder(reel, scene, room)
    for name in (names[0] for names in storage.below(*folder, prefix="take-") if len(names) == 1):
        if number := _TAKE.fullmatch(name):
            try:
                made = read_made(storage.read(*folder, name) or b"", room)
            except ValidationError:
                link = storage.link(*folder, name)
                raise Unreadable(f"{link} is no sidecar of a take (torn or foreign)", "Move it away") from None
            yield Sidecar((*folder, name), int(number[1]), made)


def every_sidecar(storage: Storage) -> Iterator[Sidecar | Unreadable]:
    """The takes of all rooms; a torn sidecar is yielded as its error. Lists the folders."""
    for reel, scene, room in _places(storage):
        try:
            yield from sidecars(storage, reel, scene, room)
        except Unreadable as error:
            yield error


def _places(storage: Storage) -> Iterator[tuple[str, str, Room]]:
    for folder, room in _ALONE.items():
        yield from (("", scene, room) for scene in storage.names(folder))
    of_reels: tuple[Room, ...] = ("scenes", "stills")
    for reel in storage.names("reels"):
        for room in of_reels:
            yield from ((reel, scene, room) for scene in storage.names("reels", reel, room))
    for name in storage.names("characters"):
        looks = [each for each in storage.names("characters", name) if each.partition("-")[0] == _SHEET]
        yield from ((name, look, "sheets") for look in looks)
