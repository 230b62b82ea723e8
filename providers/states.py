"""The gateways' words for the state of a job: one case-insensitive table for all.

fal has IN_QUEUE, IN_PROGRESS and COMPLETED, Kie waiting to success and fail, ToAPIs queued to completed and failed,
WaveSpeed created to deleted; each of them was also seen to use another's words.
"""

from typing import Literal

from pydantic import JsonValue

from prefect_storyboard.providers.protocol import Status

Phase = Literal["queued", "running", "succeeded", "failed"]

_WORDS: dict[Phase, str] = {
    "queued": "created pending queued queuing waiting submitted starting in_queue not_start not_started scheduled",
    "running": "processing running in_progress generating started",
    "succeeded": "completed complete success succeeded succeed done finished ok",
    "failed": "fail failed failure error cancelled canceled timeout timed_out expired deleted aborted rejected",
}
_PHASES = {word: phase for phase, words in _WORDS.items() for word in words.split()}


def phase(state: JsonValue) -> Phase | None:
    """The phase that a gateway's word for a state means; None for a word that is not in the table."""
    return _PHASES.get(_folded(state)) if isinstance(state, str) else None


def status_of(state: JsonValue) -> Status:
    """The status of a job. An unknown word counts as running and is passed on, so that the result is asked for once."""
    match phase(state):
        case None:
            return Status(state="running", unknown_word=repr(state)[:40])
        case "queued":
            return Status(state="queued")
        case "running":
            return Status(state="running")
    return Status(state="ended")


def _folded(word: str) -> str:
    return "_".join(word.casefold().replace("-", " ").replace("_", " ").split())
