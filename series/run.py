"""The state of one run of a storyboard: its inputs, its options, and what it has bought so far."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypedDict

from prefect_storyboard.blocks import Credentials, Library
from prefect_storyboard.jobs.budget import Budget, OverBudget
from prefect_storyboard.jobs.purchase import OnUnknown
from prefect_storyboard.judges import Judge
from prefect_storyboard.ledger import Choice, Unreadable
from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.providers.errors import (
    OutOfCredit,
    ProviderError,
    Unauthorized,
)
from prefect_storyboard.providers.session import Session
from prefect_storyboard.series.prepare import Prepared
from prefect_storyboard.storyboards import Casting, Clip, FailedScene, Frozen, Plan, Still

FATAL = (Unauthorized, OutOfCredit)  # hold for the whole account: the next submit would be refused as well


NotCast = ProviderError | Unreadable  # why a character could not be created: hold for the scenes that need it


class BudgetLimits(TypedDict):
    """The arguments of a paid task that limit its cost."""

    reel: str
    max_cost_usd: float | None
    allow_unknown_price: bool
    spent_since: datetime | None


class OpenScene(Frozen):
    """A scene whose job renders while the run does not wait for it."""

    scene: str
    key: str


Ended = Clip | FailedScene | OpenScene
Drawn = Still | ProviderError | Unreadable | MediaError | OverBudget  # a sheet, or why there is none


def open_keys_of(ends: Iterable[Ended | Still]) -> tuple[str, ...]:
    """The jobs that are still being rendered, each once."""
    return tuple(dict.fromkeys(end.key for end in ends if isinstance(end, OpenScene)))


@dataclass
class Rendering:
    """One run: its inputs, and what it has bought so far.

    `asked` is the plan before it is known which takes stand, and `chosen` are the choices that it was made with.
    `rerolled` are the ends of takes that were ordered by themselves.
    `further` are the clips that do not stand in the reel, and `notes` tell of takes that have none.
    `sheets` are the drawn sheets, by key, or why there is none; `stills` how each still ended, by its scene.
    `spare` is what the budget leaves for further takes in the place of bad ones; None without a budget.
    `left_out` says why a person's scenes are not rendered, by their ids; they are in the `whole` plan only.
    `sources` are the clips, by scene, that characters are made from; `casting` lets one scene at a time make them.
    """

    prepared: Prepared
    credentials: Credentials
    library: Library
    session: Session
    asked: Plan
    chosen: tuple[Choice, ...] = ()
    on_unknown: OnUnknown = "stop"
    attempts: int = 1
    held: Plan | None = None
    poll_minutes: float = 60.0
    budget: Budget | None = None
    spare: float | None = None
    judge: Judge | None = None
    waits: bool = True
    at_once: int = 1_000_000
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1_000_000))
    left: list[str] = field(default_factory=list)
    castings: dict[str, Casting | NotCast] = field(default_factory=dict)
    shown: dict[tuple[str, str], Casting] = field(default_factory=dict)
    bought: dict[str, float | None] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    recast: set[str] = field(default_factory=set)
    recasting: asyncio.Lock = field(default_factory=asyncio.Lock)
    sheets: dict[str, Drawn] = field(default_factory=dict)
    stills: dict[str, "Still | Ended"] = field(default_factory=dict)
    sources: dict[str, Clip] = field(default_factory=dict)
    casting: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    rerolled: list[Ended | Still] = field(default_factory=list)
    further: list[Clip] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    whole: Plan | None = None
    left_out: dict[str, str] = field(default_factory=dict)
    halted: ProviderError | None = None

    @property
    def limits(self) -> BudgetLimits:
        """The budget arguments of the run's paid tasks."""
        return {
            "reel": self.prepared.plan.storyboard.slug,
            "max_cost_usd": self.budget.usd if self.budget else None,
            "allow_unknown_price": self.budget.unpriced if self.budget else False,
            "spent_since": self.budget.since if self.budget else None,
        }

    def admit(self, jobs: int) -> None:
        """Start with that many free slots. `left` are the keys of the jobs that still render, each in a slot."""
        self.at_once = max(jobs, 1)
        self.slots, self.left = asyncio.Semaphore(self.at_once), []
