"""Two lists beside the records: the open jobs, and what each reel has spent.

    ledger/open/<key>_<attempt>
    ledger/spent/<reel>/<time>_<key>_<attempt>_<millionths of a dollar, or unknown>

Each entry is one small file whose name holds all information, so that one listing is enough. An open entry is created
before its intent and removed when the attempt has ended; one that a crash left behind is detected from the records,
which alone decide. A spent entry is also created before its intent, and removed only if nothing was bought.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from os.path import commonprefix

from prefect_storyboard.ledger.records import Intent
from prefect_storyboard.ledger.storage import Storage

_TIME = "%m%dT%H%M%S.%fZ"  # after the year, which strftime does not pad to four digits
_SPENT = re.compile(r"(\d{8}T\d{6}\.\d{6}Z)_([0-9a-f]+_\d+)_(\d+)")


@dataclass(frozen=True)
class Journal:
    """The two lists of one library. All methods block."""

    storage: Storage

    def add_open(self, key: str, number: int) -> None:
        """Add an attempt, before its intent is written."""
        self.storage.mark("ledger", "open", f"{key}_{number:03d}")

    def remove_open(self, key: str, number: int) -> None:
        """Remove an attempt that has ended."""
        self.storage.remove("ledger", "open", f"{key}_{number:03d}")

    def open(self) -> Iterator[tuple[str, int]]:
        """Key and number of the attempts that are on the list."""
        for name in self.storage.names("ledger", "open"):
            key, _, number = name.rpartition("_")
            if number.isdecimal():
                yield key, int(number)

    def add_spent(self, intent: Intent, number: int) -> None:
        """Add the price of an attempt to its reel, before its intent is written."""
        self.storage.mark(*_place(intent, number))

    def remove_spent(self, intent: Intent, number: int) -> None:
        """Remove the price of an attempt that bought nothing."""
        self.storage.remove(*_place(intent, number))

    def spent(self, reel: str, since: datetime, now: datetime | None = None) -> float:
        """US dollars of the reel's jobs since a moment; jobs without a published price add nothing.

        In a bucket, only entries from about that time on are listed, up to those of a clock that is a day fast. Several
        processes may add one attempt before one of them wins it: it counts once.
        """
        first = _moment(since)
        last = _moment(max(now or datetime.now(UTC), since) + timedelta(days=1))
        prices: dict[str, int] = {}
        shared = commonprefix((first, last))  # noqa: RUF071 - letters of two moments, not parts of a path
        for name in self.storage.names("ledger", "spent", reel, prefix=shared):
            entry = _SPENT.fullmatch(name)
            if entry and entry[1] >= first:
                prices[entry[2]] = int(entry[3])
        return sum(prices.values()) / 1e6


def _moment(at: datetime) -> str:
    """A moment as entries begin with it: they sort by time."""
    utc = at.astimezone(UTC) if at.tzinfo and at.year > 1 else at
    return f"{utc.year:04d}{utc:{_TIME}}"


def _place(intent: Intent, number: int) -> tuple[str, ...]:
    price = "unknown" if intent.usd is None else f"{round(intent.usd * 1e6)}"
    return "ledger", "spent", intent.reel or "none", f"{_moment(intent.at)}_{intent.key}_{number:03d}_{price}"
