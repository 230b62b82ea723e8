"""The errors that your own flow may catch. Each says what is wrong, whether money was spent, and what to do.

    from prefect_storyboard.errors import OverBudget, ProviderError, Refused

`OverBudget`, `PlanDiffers`, `StoryboardError`, `SourceError`, `MediaError`, `LibraryError`, `FolderTaken` and the
`ValueError` of a wrong argument are raised before anything is bought. `ProviderError` is the base of all gateway
errors, and has `sent`, `charged` and `remedy`. `SeriesFailed`, which holds a reel, is in `prefect_storyboard.flows`.
"""

from prefect_storyboard.jobs.budget import OverBudget
from prefect_storyboard.ledger import LedgerLost, LibraryError
from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.sources import SourceError
from prefect_storyboard.providers.errors import (
    Busy,
    Expired,
    GenerationFailed,
    InvalidRequest,
    NotSent,
    OutcomeUnknown,
    OutOfCredit,
    OverBounds,
    ProtocolError,
    ProviderError,
    Refused,
    Retired,
    Unauthorized,
)
from prefect_storyboard.storyboards import FolderTaken, PlanDiffers, StoryboardError

__all__ = [
    "Busy",
    "Expired",
    "FolderTaken",
    "GenerationFailed",
    "InvalidRequest",
    "LedgerLost",
    "LibraryError",
    "MediaError",
    "NotSent",
    "OutOfCredit",
    "OutcomeUnknown",
    "OverBounds",
    "OverBudget",
    "PlanDiffers",
    "ProtocolError",
    "ProviderError",
    "Refused",
    "Retired",
    "SourceError",
    "StoryboardError",
    "Unauthorized",
]
