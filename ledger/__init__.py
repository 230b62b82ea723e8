"""The pay-once memory of a library, on any fsspec storage that can create a file exclusively. No Prefect."""

from prefect_storyboard.ledger.decide import Decision, decide
from prefect_storyboard.ledger.ledger import Ledger, Unreadable
from prefect_storyboard.ledger.records import Attempt, Draft, Intent, Outcome, Owner
from prefect_storyboard.ledger.storage import LibraryError, Storage, open_storage, prove

__all__ = [
    "Attempt",
    "Decision",
    "Draft",
    "Intent",
    "Ledger",
    "LibraryError",
    "Outcome",
    "Owner",
    "Storage",
    "Unreadable",
    "decide",
    "open_storage",
    "prove",
]
