"""Two lists beside the records: the jobs that are open, and what each reel has spent.

    ledger/open/<key>_<attempt>
    ledger/spent/<reel>/<time>_<key>_<attempt>_<millionths of a dollar, or unknown>

Each entry is one small file whose name says everything, so that one listing is enough. An open entry is made before
its intent and removed when the attempt has ended; one that a crash left behind is recognised by the records, which
alone decide. A spent entry is made before its intent as well, and removed only where nothing was bought.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from os.path import commonprefix

from prefect_storyboard.ledger.records import Intent
from prefect_storyboard.ledger.storage import Storage

_TIME = "%m%dT%H%M%S.%fZ"  # behind the year, which strftime does not fill up to four digits
_SPENT = re.compile(r"(\d{8}T\d{6}\.\d{6}Z)_([0-9a-f]+_\d+)_(\d+)")


@dataclass(frozen=True)
class Journal:
    """The two lists of one library. All methods block."""

    storage: Storage

    def add_open(self, key: str, number: int) -> None:
        """Add an attempt whose intent is about to be written."""
        self.storage.mark("ledger", "open", f"{key}_{number:03d}")

    def remove_open(self, key: str, number: int) -> None:
        """Remove an attempt that has ended."""
        self.storage.remove("ledger", "open", f"{key}_{number:03d}")

    def open(self) -> Iterator[tuple[str, int]]:
        """Key and number of the attempts that were added and not removed."""
        for name in self.storage.names("ledger", "open"):
            key, _, number = name.rpartition("_")
            if number.isdecimal():
                yield key, int(number)

    def add_spent(self, intent: Intent, number: int) -> None:
        """Add what an attempt is about to cost its reel."""
        self.storage.mark(*_place(intent, number))

    def remove_spent(self, intent: Intent, number: int) -> None:
        """Remove the price of an attempt that bought nothing."""
        self.storage.remove(*_place(intent, number))

    def spent(self, reel: str, since: datetime, now: datetime | None = None) -> float:
        """US dollars that the reel's jobs were sent for since a moment; unknown prices count nothing.

        Of a bucket, only the entries of about that time are listed, up to those of a clock that is a day fast.
        Rivals add an attempt before one of them wins it: it counts once.
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
    """A moment as entries begin with it; their order is that of time."""
    utc = at.astimezone(UTC) if at.tzinfo and at.year > 1 else at
    return f"{utc.year:04d}{utc:{_TIME}}"


def _place(intent: Intent, number: int) -> tuple[str, ...]:
    price = "unknown" if intent.usd is None else f"{round(intent.usd * 1e6)}"
    return "ledger", "spent", intent.reel or "none", f"{_moment(intent.at)}_{intent.key}_{number:03d}_{price}"
