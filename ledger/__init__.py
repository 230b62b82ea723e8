"""The pay-once memory of a library, on any fsspec storage that can create a file exclusively. No Prefect."""

from prefect_storyboard.ledger.approvals import Approval
from prefect_storyboard.ledger.choices import Choice
from prefect_storyboard.ledger.decide import Decision, decide, deciding, times_bought
from prefect_storyboard.ledger.evidence import LedgerLost
from prefect_storyboard.ledger.files import Unreadable
from prefect_storyboard.ledger.ledger import Ledger
from prefect_storyboard.ledger.location import LibraryError
from prefect_storyboard.ledger.proof import prove
from prefect_storyboard.ledger.records import Attempt, Draft, Intent, Outcome, Owner, StillDraft
from prefect_storyboard.ledger.sidecars import Sidecar
from prefect_storyboard.ledger.storage import Storage, open_storage
from prefect_storyboard.ledger.survey import Survey, surveyed
from prefect_storyboard.storyboards.planned import Room

__all__ = [
    "Approval",
    "Attempt",
    "Choice",
    "Decision",
    "Draft",
    "Intent",
    "Ledger",
    "LedgerLost",
    "LibraryError",
    "Outcome",
    "Owner",
    "Room",
    "Sidecar",
    "StillDraft",
    "Storage",
    "Survey",
    "Unreadable",
    "decide",
    "deciding",
    "open_storage",
    "prove",
    "surveyed",
    "times_bought",
]
