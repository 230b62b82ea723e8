"""Look at a downloaded clip before it is stored."""

import logging
from pathlib import Path
from typing import TypedDict

from prefect_storyboard.ledger import Draft
from prefect_storyboard.media import deferred
from prefect_storyboard.media.for_show import for_show
from prefect_storyboard.storyboards import Verdict

_LOG = logging.getLogger("prefect_storyboard")


class Seen(TypedDict):
    """The fields of a clip that say what was seen in it."""

    verdict: Verdict
    ending: str


def looked_at(file: Path, draft: Draft) -> Seen:
    """The verdict on a clip. If nobody could look at it, that is a warning: the clip is paid for. Blocks."""
    warnings: list[str] = []
    with for_show(f"the verdict on {draft.scene}", warnings):
        ordered = deferred.Ordered(draft.prompt, draft.asked, draft.expected)
        judged = deferred.judged(file, ordered)
        return {"verdict": judged.verdict, "ending": judged.ending}
    _LOG.warning(warnings[0])
    return {"verdict": Verdict(state="warn", reasons=("It could not be looked at.",)), "ending": ""}
