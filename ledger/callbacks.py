"""The callbacks that have arrived: `ledger/callbacks/<key>_<attempt>`, one small file each until its job has ended.

It survives a restart of whoever received the callback, and tells every other process of the library that the provider
says that the job has ended. Nobody believes it: it is a reason to ask.
"""

from dataclasses import dataclass
from datetime import datetime

from prefect_storyboard.ledger.files import RecordFiles
from prefect_storyboard.ledger.records import Record
from prefect_storyboard.ledger.storage import Storage

_FOLDER = ("ledger", "callbacks")


class Arrival(Record):
    """The first callback of an attempt: which of the provider's jobs it was about, and when it came."""

    request_id: str
    at: datetime


@dataclass(frozen=True)
class Callbacks:
    """The callbacks of one library. All methods block."""

    storage: Storage

    def add(self, key: str, number: int, arrival: Arrival) -> Arrival:
        """Record a callback; returns the one that came first."""
        return RecordFiles(self.storage).create(arrival, *_place(key, number))

    def read(self, key: str, number: int) -> Arrival | None:
        """The callback of an attempt, if one has arrived."""
        return RecordFiles(self.storage).read(Arrival, *_place(key, number))

    def remove(self, key: str, number: int) -> None:
        """Forget the callback of an attempt that has ended."""
        self.storage.remove(*_place(key, number))

    def arrived(self) -> list[tuple[str, int]]:
        """Key and number of the attempts whose callbacks have arrived. One listing."""
        split = (name.rpartition("_") for name in self.storage.names(*_FOLDER))
        return [(key, int(number)) for key, _, number in split if number.isdecimal()]


def _place(key: str, number: int) -> tuple[str, ...]:
    return *_FOLDER, f"{key}_{number:03d}"
