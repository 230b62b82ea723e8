"""The JSON beside each stored take: it names the job that made the clip, and survives the loss of the ledger."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from pydantic import ValidationError

from prefect_storyboard.ledger.files import Unreadable
from prefect_storyboard.ledger.storage import Storage
from prefect_storyboard.storyboards import Clip

_TAKE = re.compile(r"take-(\d+)\.json")


class Sidecar(NamedTuple):
    """One stored take, the place of its sidecar, and the number in its name."""

    place: tuple[str, ...]
    take: int
    clip: Clip

    @property
    def reel(self) -> str:
        """The reel that it lies in; empty for a single clip."""
        return self.place[1] if self.place[0] == "reels" else ""

    @property
    def scene(self) -> str:
        """The scene whose take it is."""
        return self.place[-2]


def takes_folder(reel: str, scene: str) -> tuple[str, ...]:
    """Where the takes of a scene lie: `reels/<reel>/scenes/<scene>`, or `clips/<scene>` without a reel."""
    return ("reels", reel, "scenes", scene) if reel else ("clips", scene)


def inside(url: str) -> tuple[str, ...]:
    """The place of a file in its library, from its URL, wherever the library was when it was written."""
    parts = url.split("/")
    room = max(
        (at for at, part in enumerate(parts) if part in {"characters", "reels", "clips"} and _is_room(parts[at:])),
        default=0,
    )
    return tuple(parts[room:])


def _is_room(parts: list[str]) -> bool:
    return len(parts) == {"characters": 4, "reels": 5, "clips": 3}[parts[0]]


def lies_in(clip: Clip, reel: str, scene: str) -> bool:
    """Whether the clip is stored among the takes of that scene, and not copied from elsewhere."""
    return inside(clip.url)[:-1] == takes_folder(reel, scene)


def stored_take(storage: Storage, reel: str, scene: str, number: int) -> Clip | None:
    """The clip that the take's sidecar describes; None if it is missing or torn. One read."""
    try:
        return Clip.model_validate_json(storage.read(*takes_folder(reel, scene), f"take-{number:03d}.json") or b"")
    except ValidationError:
        return None


def sidecars(storage: Storage, reel: str, scene: str) -> Iterator[Sidecar]:
    """The takes of a scene. Raises Unreadable for a torn sidecar: it may be the wanted one."""
    folder = takes_folder(reel, scene)
    for name in (names[0] for names in storage.below(*folder, prefix="take-") if len(names) == 1):
        if number := _TAKE.fullmatch(name):
            try:
                clip = Clip.model_validate_json(storage.read(*folder, name) or b"")
            except ValidationError:
                link = storage.link(*folder, name)
                raise Unreadable(f"{link} is no sidecar of a take (torn or foreign)", "Move it away") from None
            yield Sidecar((*folder, name), int(number[1]), clip)


def every_sidecar(storage: Storage) -> Iterator[Sidecar | Unreadable]:
    """The takes of all reels and all single clips; a torn sidecar is yielded as its error. Lists the folders."""
    places = [("", scene) for scene in storage.names("clips")]
    for reel in storage.names("reels"):
        places += [(reel, scene) for scene in storage.names("reels", reel, "scenes")]
    for reel, scene in places:
        try:
            yield from sidecars(storage, reel, scene)
        except Unreadable as error:
            yield error
