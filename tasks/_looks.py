"""Look at a downloaded clip before it is stored."""

import logging
from pathlib import Path
from typing import TypedDict

from prefect_storyboard.judges import Judge
from prefect_storyboard.ledger import Draft
from prefect_storyboard.media import deferred
from prefect_storyboard.media.best_effort import best_effort
from prefect_storyboard.storyboards import Clip, Verdict
from prefect_storyboard.storyboards.verdicts import worst

_LOG = logging.getLogger("prefect_storyboard")


class Seen(TypedDict):
    """The fields of a clip that say what was seen in it."""

    verdict: Verdict
    ending: str


async def judged_by(judge: Judge, file: Path, clip: Clip) -> Verdict:
    """The verdict on a clip with that of a judge of one's own: the worse state, and the reasons of both.

    A judge that fails is a warning, and asked no more: the clip is paid for. The log says no more than the kind of the
    error, because its text may hold a key.
    """
    seen = clip.verdict or Verdict(state="ok")
    try:
        said = await judge.verdict(clip.model_copy(update={"url": str(file)}))
    except Exception as error:  # noqa: BLE001 - somebody else's code, and the clip is paid for
        why = f"The judge could not be asked ({type(error).__name__})."
        _LOG.warning("%s: %s", clip.scene, why)
        _LOG.debug("%s: the judge has failed:", clip.scene, exc_info=True)
        said = Verdict(state="warn", reasons=(why,), judge=judge.name, usd=judge.usd)
    state = worst((seen.state, said.state))
    return said.model_copy(update={"state": state, "reasons": (*seen.reasons, *said.reasons)})


def looked_at(file: Path, draft: Draft) -> Seen:
    """The verdict on a clip. If nobody could look at it, that is a warning: the clip is paid for. Blocks."""
    warnings: list[str] = []
    with best_effort(f"the verdict on {draft.scene}", warnings):
        ordered = deferred.Ordered(draft.prompt, draft.asked, draft.expected)
        judged = deferred.check_clip(file, ordered)
        return {"verdict": judged.verdict, "ending": judged.ending}
    _LOG.warning(warnings[0])
    return {"verdict": Verdict(state="warn", reasons=("It could not be looked at.",)), "ending": ""}
