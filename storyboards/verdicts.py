"""What was seen in a clip before it counts as good."""

from typing import Literal

from pydantic import ConfigDict, Field

from prefect_storyboard.storyboards.base import Frozen

State = Literal["ok", "warn", "bad"]


class Verdict(Frozen):
    """`ok`, `warn` (shown), or `bad`: not preferred to another take, and rendered again under `on_bad: reroll`."""

    model_config = ConfigDict(extra="ignore")

    state: State
    reasons: tuple[str, ...] = Field(default=(), description="What was seen, in one plain sentence each.")
