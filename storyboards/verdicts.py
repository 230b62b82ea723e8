"""What was seen in a clip before it counts as good."""

from collections.abc import Iterable
from typing import Literal

from pydantic import ConfigDict, Field

from prefect_storyboard.storyboards.base import Frozen

State = Literal["ok", "warn", "bad"]


class Verdict(Frozen):
    """`ok`, `warn` (shown), or `bad`: not preferred to another take, and rendered again under `on_bad: reroll`."""

    model_config = ConfigDict(extra="ignore")

    state: State
    reasons: tuple[str, ...] = Field(default=(), description="What was seen, in one plain sentence each.")
    judge: str = Field(default="", description="The judge of one's own that was asked as well.")
    usd: float = Field(default=0.0, description="What asking it cost.")


class Expected(Frozen):
    """What a clip is held to besides length, aspect and resolution, as far as it was ordered.

    `sound` is None where nobody has asked for sound or for silence. `free_shape` and `free_length` say that the model
    or another clip decides them. `starts` is the picture that it has to begin with, as a few grey fields.
    """

    model_config = ConfigDict(extra="ignore")

    sound: bool | None = None
    free_shape: bool = False
    free_length: bool = False
    starts: str = ""


def worst(states: Iterable[State]) -> State:
    """The worst of these states; `ok` for none."""
    return max(states, key=("ok", "warn", "bad").index, default="ok")


def verdict_text(verdict: Verdict | None) -> str:
    """A verdict with its reasons; empty if nobody has looked."""
    if verdict is None:
        return ""
    return ": ".join(filter(None, (verdict.state, " ".join(verdict.reasons))))
