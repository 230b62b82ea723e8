"""The JSON beside each stored take: it names the job that made the clip, and outlives the ledger."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from pydantic import ValidationError

from prefect_storyboard.ledger.location import LibraryError
from prefect_storyboard.ledger.storage import Storage
from prefect_storyboard.storyboards import Clip

_TAKE = re.compile(r"take-(\d+)\.json")


class Sidecar(NamedTuple):
    """One stored take, where its sidecar is, and the number in its name."""

    place: tuple[str, ...]
    take: int
    clip: Clip


def sidecars(storage: Storage, reel: str, scene: str) -> Iterator[Sidecar]:
    """The takes of a scene. Raises LibraryError for a sidecar that is torn: it may be the one that was asked for."""
    folder = ("reels", reel, "scenes", scene)
    for name in (names[0] for names in storage.below(*folder, prefix="take-") if len(names) == 1):
        if number := _TAKE.fullmatch(name):
            try:
                clip = Clip.model_validate_json(storage.read(*folder, name) or b"")
            except ValidationError:
                link = storage.link(*folder, name)
                raise LibraryError(f"{link} is no sidecar of a take (torn or foreign); move it away") from None
            yield Sidecar((*folder, name), int(number[1]), clip)


def every_sidecar(storage: Storage) -> Iterator[Sidecar | LibraryError]:
    """The takes of all reels; a torn one is given as the error that it is. Lists the folders."""
    for reel in storage.names("reels"):
        for scene in storage.names("reels", reel, "scenes"):
            try:
                yield from sidecars(storage, reel, scene)
            except LibraryError as error:
                yield error
