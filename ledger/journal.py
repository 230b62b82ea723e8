"""Two lists beside the records: the jobs that are open, and what each reel has spent.

    ledger/open/<key>_<attempt>
    ledger/spent/<reel>/<time>_<key>_<attempt>_<millionths of a dollar, or unknown>

Each entry is one small file whose name says everything, so that one listing is enough. An open entry is made before
its intent and goes when the attempt has ended; one that a crash left behind is recognised by the records, which alone
decide. A spent entry is made before its intent as well, and goes only where it was proved that nothing was bought.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from prefect_storyboard.ledger.records import Intent
from prefect_storyboard.ledger.storage import Storage

_TIME = "%Y%m%dT%H%M%S.%fZ"
_MARK = b"{}"


@dataclass(frozen=True)
class Journal:
    """The two lists of one library. All methods block."""

    storage: Storage

    def opens(self, key: str, number: int) -> None:
        """Note an attempt that is about to be announced."""
        self.storage.create_once(_MARK, "ledger", "open", f"{key}_{number:03d}")

    def closes(self, key: str, number: int) -> None:
        """Forget an attempt that has ended."""
        self.storage.remove("ledger", "open", f"{key}_{number:03d}")

    def open(self) -> Iterator[tuple[str, int]]:
        """Key and number of the attempts that were noted and not forgotten."""
        for name in self.storage.names("ledger", "open"):
            key, _, number = name.rpartition("_")
            if number.isdecimal():
                yield key, int(number)

    def spends(self, intent: Intent, number: int) -> None:
        """Note what an attempt is about to cost its reel."""
        self.storage.create_once(_MARK, *_place(intent, number))

    def gives_back(self, intent: Intent, number: int) -> None:
        """Take back the note of an attempt that bought nothing."""
        self.storage.remove(*_place(intent, number))

    def spent(self, reel: str, since: datetime) -> float:
        """US dollars that jobs of the reel were announced for since a moment; unknown prices count nothing."""
        total = 0
        for name in self.storage.names("ledger", "spent", reel):
            at, *_, price = name.split("_")
            if price.isdecimal() and datetime.strptime(at, _TIME).replace(tzinfo=UTC) >= since:
                total += int(price)
        return total / 1e6


def _place(intent: Intent, number: int) -> tuple[str, ...]:
    price = "unknown" if intent.usd is None else f"{round(intent.usd * 1e6)}"
    moment = intent.at.astimezone(UTC).strftime(_TIME)
    return "ledger", "spent", intent.reel or "none", f"{moment}_{intent.key}_{number:03d}_{price}"
