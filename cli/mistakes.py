"""The errors that are shown as text without a traceback, because the user or the provider caused them."""

from prefect.exceptions import TerminationSignal

from prefect_storyboard.cli.served import ServerGone
from prefect_storyboard.series import mistakes
from prefect_storyboard.series.mistakes import explain

__all__ = ["MISTAKES", "STOPPED", "explain"]

MISTAKES = (*mistakes.MISTAKES, ServerGone, ValueError)
STOPPED = (KeyboardInterrupt, TerminationSignal)
