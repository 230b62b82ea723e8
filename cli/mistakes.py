"""The errors that are shown as text without a traceback, because the user or the provider caused them."""

from prefect.exceptions import TerminationSignal

from prefect_storyboard.cli.served import ServerGone
from prefect_storyboard.flows import SeriesFailed
from prefect_storyboard.jobs.budget import OverBudget
from prefect_storyboard.ledger import LibraryError
from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.sources import SourceError
from prefect_storyboard.providers.errors import ProviderError
from prefect_storyboard.storyboards import StoryboardError

MISTAKES = (
    StoryboardError,
    OverBudget,
    LibraryError,
    MediaError,
    SourceError,
    ProviderError,
    SeriesFailed,
    ServerGone,
    ValueError,
)
STOPPED = (KeyboardInterrupt, TerminationSignal)


def explain(mistake: BaseException) -> str:
    """The text of an error, followed by its remedy if the text does not contain one."""
    return f"{mistake}\n{mistake.remedy}" if isinstance(mistake, ProviderError) else str(mistake)
