"""A branch whose gateway's clock can be moved on: jobs that render for an hour are ready when a test says so."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prefect_storyboard.jobs import settle
from prefect_storyboard.jobs.settle import JobLine
from prefect_storyboard.ledger import Ledger, open_storage
from prefect_storyboard.sandbox.exchange import Pace
from prefect_storyboard.sandbox.server import running
from prefect_storyboard.storyboards import Reel
from tests.flows.gateways import _CLIPS, Branch
from tests.ports import unused_port

_PACE = Pace(queue_seconds=0.0, render_seconds=3600, character_seconds=0.0, clip_scale=0.15)


@dataclass
class Later:
    """The machine's clock, moved on."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.seconds


@dataclass
class LaterBranch(Branch):
    """Scenes render until `morning`, characters take no time."""

    later: Later = field(default_factory=Later)

    def morning(self) -> None:
        """All that was submitted has ended."""
        self.later.seconds += 4000

    @property
    def ledger(self) -> Ledger:
        return Ledger(open_storage(self.library))

    def open_jobs(self) -> list[JobLine]:
        return settle.jobs(self.ledger)

    async def leave(self, board: Any, **options: Any) -> Reel:
        """Submit every scene, look once, and go."""
        reel, _ = await self.counted(board, poll_minutes=0, **options)
        assert reel.clips == ()
        return reel


@contextmanager
def opened_later(gateway: str, model: str, folder: Path, pace: Pace = _PACE) -> Iterator[LaterBranch]:
    """A branch with a sandbox and a library of its own."""
    later = Later()
    with running(folder / "sandbox", port=unused_port(), pace=pace, clock=later) as base:
        yield LaterBranch(base, folder, _CLIPS, gateway=gateway, model=model, later=later)
