"""A clock whose time passes only when everybody waits, so that many waits at once happen in their order."""

import asyncio
import heapq
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from prefect_storyboard.providers.clock import Clock

T = TypeVar("T")
_TURNS = 12  # of the loop, in which whoever can go on does
_IDLE = 50  # times as many turns in which nobody sleeps: then they wait for something else than time


class SimulatedClock(Clock):
    """Sleepers wake in the order of their moments; `sleeping` tells how many there are."""

    def __init__(self) -> None:
        self._began = datetime.now(UTC)
        self.passed = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    @property
    def sleeping(self) -> int:
        return sum(not future.done() for _, _, future in self._sleepers)

    def now(self) -> datetime:
        return self._began + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self.passed + max(seconds, 0.0), self._count, future))
        await future

    async def turns(self) -> None:
        """Let everybody go on who can, without any time."""
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Await the work; whenever all wait, the first sleeper's moment comes."""
        task = asyncio.ensure_future(work)
        await self.pass_until(task)
        return task.result()

    async def pass_until(self, *tasks: "asyncio.Future[Any]", at: float = float("inf")) -> None:
        """Let time pass until the tasks have ended, or until that moment."""
        idle = 0
        while idle < _IDLE:
            await self.turns()
            while self._sleepers and self._sleepers[0][2].done():
                heapq.heappop(self._sleepers)
            if tasks and all(task.done() for task in tasks):
                return
            if not self._sleepers:
                idle += 1
                continue
            if self._sleepers[0][0] > at:
                break
            idle = 0
            moment, _, future = heapq.heappop(self._sleepers)
            self.passed = max(self.passed, moment)
            future.set_result(None)
        if at < float("inf"):
            self.passed = max(self.passed, at)
