"""Received callbacks, one small file each until its job has ended.

    ledger/callbacks/<key>_<attempt>
    ledger/callbacks-seen/<hash of provider and address>.json   when the last callback to that address was verified

They survive a restart of the server that received them, and tell the library's other processes that a job is said to
have ended. A callback alone proves nothing: it is a reason to ask the provider.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from prefect_storyboard.ledger.files import RecordFiles
from prefect_storyboard.ledger.records import Record
from prefect_storyboard.ledger.storage import Storage

_FOLDER = ("ledger", "callbacks")


class Arrival(Record):
    """The first callback of an attempt: the provider's id of the job, and when it came."""

    request_id: str
    at: datetime


class Last(Record):
    """The last verified callback of an address."""

    at: datetime


@dataclass(frozen=True)
class Callbacks:
    """The callbacks of one library. All methods block."""

    storage: Storage

    def add(self, key: str, number: int, arrival: Arrival) -> Arrival:
        """Record a callback; returns the first one of the attempt."""
        return RecordFiles(self.storage).create(arrival, *_place(key, number))

    def read(self, key: str, number: int) -> Arrival | None:
        """The callback of an attempt, if one has arrived."""
        return RecordFiles(self.storage).read(Arrival, *_place(key, number))

    def remove(self, key: str, number: int) -> None:
        """Remove the callback of an attempt that has ended."""
        self.storage.remove(*_place(key, number))

    def arrived(self) -> list[tuple[str, int]]:
        """Key and number of the attempts whose callbacks have arrived. One listing."""
        split = (name.rpartition("_") for name in self.storage.names(*_FOLDER))
        return [(key, int(number)) for key, _, number in split if number.isdecimal()]

    def last(self, provider: str, address: str) -> datetime | None:
        """When the last callback of a gateway to that address was verified."""
        last = RecordFiles(self.storage).read(Last, *_seen(provider, address))
        return None if last is None else last.at

    def note_last(self, provider: str, address: str, at: datetime) -> None:
        """Record that a callback was verified."""
        self.storage.write(Last(at=at).model_dump_json().encode(), *_seen(provider, address))


def _seen(provider: str, address: str) -> tuple[str, ...]:
    return "ledger", "callbacks-seen", f"{hashlib.sha256(f'{provider} {address}'.encode()).hexdigest()[:16]}.json"


def _place(key: str, number: int) -> tuple[str, ...]:
    return *_FOLDER, f"{key}_{number:03d}"
