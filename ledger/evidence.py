"""Stored takes as evidence of lost records: a job that a take names was bought, and is not bought again."""

from collections.abc import Iterator
from typing import NoReturn

from prefect_storyboard.ledger.files import Unreadable
from prefect_storyboard.ledger.sidecars import Sidecar, every_sidecar, sidecars
from prefect_storyboard.ledger.storage import Storage
from prefect_storyboard.ledger.survey import surveyed
from prefect_storyboard.storyboards import Casting
from prefect_storyboard.storyboards.keys import character_key
from prefect_storyboard.storyboards.planned import Room


class LedgerLost(Unreadable):
    """The library holds the clip of a job of which the ledger has no record."""


def check_take_not_lost(storage: Storage, reel: str, scene: str, key: str, room: Room = "scenes") -> None:
    """Raise LedgerLost if a stored take of that scene was made by that job."""
    survey = surveyed(storage)
    if survey and reel and room == "scenes" and not survey.takes(scene):
        return
    for found in sidecars(storage, reel, scene, room):
        if found.made.job_key == key:
            _raise(storage, found, f"was made by job {key[:12]}, of which the ledger has no record")


def check_character_not_lost(storage: Storage, reel: str, key: str) -> None:
    """Raise LedgerLost if a take shows the character that the job of that key created.

    Reads the takes of the reel, or all takes if the ledger has no records at all.
    """
    for found in _takes(storage, reel):
        if isinstance(found, Unreadable):
            raise found
        for casting in found.castings:
            if creation_key(casting) == key:
                what = (
                    f"shows {casting.character}, who was created by job {key[:12]}, of which the ledger has no record"
                )
                _raise(storage, found, what)


def creation_key(casting: Casting) -> str | None:
    """Key of the job that created the character; None if nothing was created or version 0.1.0 did not record it."""
    if not (casting.id and casting.provider and casting.account and casting.family and casting.fingerprint):
        return None
    return character_key(
        provider=casting.provider,
        account=casting.account,
        casting=casting.family,
        fingerprint=casting.fingerprint,
        source=casting.made_of.job_key if casting.made_of else None,
    )


def _takes(storage: Storage, reel: str) -> Iterator[Sidecar | Unreadable]:
    if any(len(name) == 2 for name in storage.names("ledger")):
        for scene in storage.names(*_scenes(reel)):
            yield from sidecars(storage, reel, scene)
    else:
        yield from every_sidecar(storage)


def _scenes(reel: str) -> tuple[str, ...]:
    return ("reels", reel, "scenes") if reel else ("clips",)


def _raise(storage: Storage, found: Sidecar, what: str) -> NoReturn:
    raise LedgerLost(
        f"{storage.link(*found.place)} {what}: the ledger/ folder, or part of it, was lost. Nothing was bought",
        "Restore it, or run `storyboard repair`, which rebuilds it from the stored takes and buys nothing",
    )
