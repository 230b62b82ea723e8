"""The errors that are shown as text without a traceback, because the user or the provider caused them."""

import re

from prefect.exceptions import TerminationSignal

from prefect_storyboard.cli.served import ServerGone
from prefect_storyboard.series import mistakes

__all__ = ["MISTAKES", "STOPPED", "explain"]

MISTAKES = (*mistakes.MISTAKES, ServerGone, ValueError)
STOPPED = (KeyboardInterrupt, TerminationSignal)

_OPTIONS = {
    "max_cost_usd": "--max-cost",
    "allow_unknown_price": "--allow-unknown-price",
    "allow_retired": "--allow-retired",
}
_PARAMETER = re.compile(rf"\b({'|'.join(_OPTIONS)})\b")


def explain(mistake: BaseException) -> str:
    """The text of an error and its remedy; parameters of the flows are written as the options of the command line."""
    return _PARAMETER.sub(lambda found: _OPTIONS[found[0]], mistakes.explain(mistake))
