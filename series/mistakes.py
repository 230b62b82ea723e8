"""The errors whose text says what is wrong and what to do: the user's or the provider's, not ours."""

from prefect_storyboard.jobs.budget import OverBudget
from prefect_storyboard.ledger import LibraryError
from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.sources import SourceError
from prefect_storyboard.providers.errors import ProviderError
from prefect_storyboard.series.asking import NotApproved
from prefect_storyboard.series.report import SeriesFailed
from prefect_storyboard.storyboards import StoryboardError
from prefect_storyboard.storyboards.folders import FolderTaken

MISTAKES = (
    StoryboardError,
    FolderTaken,
    OverBudget,
    LibraryError,
    MediaError,
    SourceError,
    ProviderError,
    SeriesFailed,
    NotApproved,
)


def explain(mistake: BaseException) -> str:
    """The text of an error, followed by its remedy if the text does not contain one."""
    return f"{mistake}\n{mistake.remedy}" if isinstance(mistake, ProviderError) else str(mistake)


def explains_itself(error: Exception) -> bool:
    """Whether a traceback would only hide what the error says: also a ValueError that this package itself raises."""
    return isinstance(error, MISTAKES) or (isinstance(error, ValueError) and _raised_in(error).startswith(_PACKAGE))


_PACKAGE = f"{__name__.partition('.')[0]}."


def _raised_in(error: Exception) -> str:
    """The module that raised it."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return str(trace.tb_frame.f_globals.get("__name__", "")) if trace else ""
