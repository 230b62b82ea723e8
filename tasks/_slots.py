"""The slots of one limit that a process holds, in blocks. Uses only Prefect's logger and settings."""

import asyncio
from collections import deque
from contextlib import AbstractAsyncContextManager, suppress
from contextvars import Context
from dataclasses import dataclass, field
from typing import Protocol

from prefect.context import SettingsContext
from prefect.logging import get_logger

BLOCK = 8
_LINGER = 2.0  # seconds that an unused block is kept for the next job
_UNLIMITED = 30.0  # seconds before an account without a limit is looked up again


class Taken(Exception):
    """The wanted number of slots is not free at present."""


class Limits(Protocol):
    """The requests to the Prefect server."""

    async def size(self, name: str) -> int | None:
        """How many slots the limit has; None if there is no such limit, or if it is not active."""

    def lease(self, name: str, slots: int, *, wait: bool) -> AbstractAsyncContextManager[None]:
        """Hold that many slots; raises Taken if they are not free and the call does not wait for them."""


class Answer(Protocol):
    """The answer to one waiter."""

    def __call__(self, waiter: "asyncio.Future[_Block | None]") -> None: ...


@dataclass(eq=False)
class _Block:
    size: int
    used: int = 0
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    keeper: "asyncio.Task[None] | None" = None


@dataclass(eq=False)
class Ticket:
    """A job's hold on a slot of a block, or on nothing."""

    block: _Block | None = None


class Slots:
    """The slots of one limit that this process holds. Bound to one event loop."""

    def __init__(self, server: Limits, name: str, linger: float = _LINGER) -> None:
        self._server, self._name, self._linger = server, name, linger
        self._blocks: list[_Block] = []
        self._waiting: deque[asyncio.Future[_Block | None]] = deque()
        self._growing: asyncio.Task[None] | None = None
        self._unlimited_until = 0.0

    async def take(self, ticket: Ticket) -> None:
        """Wait for a free slot and write it on the ticket; leave the ticket empty if there is no limit."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._unlimited_until:
            return
        waiter: asyncio.Future[_Block | None] = loop.create_future()
        self._waiting.append(waiter)
        self._hand_out()
        if self._waiting and not self._growing:
            self._growing = loop.create_task(self._grow())
        try:
            ticket.block = await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and not waiter.exception():
                self.release(Ticket(waiter.result()))
            raise

    def release(self, ticket: Ticket) -> None:
        """Free the ticket's slot for the next job; an unused block is released a moment later."""
        block, ticket.block = ticket.block, None
        if block is None:
            return
        block.used -= 1
        self._hand_out()
        if not block.used:
            asyncio.get_running_loop().call_later(self._linger, self._drop, block)

    async def give_back(self) -> None:
        """Release the unused blocks, and wait until the server has them back."""
        idle = [block for block in self._blocks if not block.used]
        for block in idle:
            self._drop(block)
        if keepers := [block.keeper for block in idle if block.keeper]:
            await asyncio.wait(keepers)

    def _hand_out(self) -> None:
        for block in self._blocks:
            while self._waiting and block.used < block.size:
                waiter = self._waiting.popleft()
                if not waiter.done():
                    block.used += 1
                    waiter.set_result(block)
        if self._growing and all(waiter.done() for waiter in self._waiting):
            self._growing.cancel()
            self._growing = None  # now: the next waiter begins another

    def _drop(self, block: _Block) -> None:
        if not block.used and block in self._blocks:
            self._blocks.remove(block)
            block.finished.set()

    async def _grow(self) -> None:
        """Lease blocks until there are no waiters: as many slots as there are waiters or held slots, at most eight."""
        try:
            while waiting := sum(not waiter.done() for waiter in self._waiting):
                size = allowed(self._name, await self._server.size(self._name))
                if size is None:
                    self._unlimited_until = asyncio.get_running_loop().time() + _UNLIMITED
                    self._answer(lambda waiter: waiter.set_result(None))
                    return
                held = sum(block.size for block in self._blocks)
                self._blocks.append(await self._leased(min(BLOCK, size, max(waiting, held))))
                self._hand_out()
        except Exception as error:  # noqa: BLE001 - the waiters raise it
            why = error
            self._answer(lambda waiter: waiter.set_exception(why))
        finally:
            if self._growing is asyncio.current_task():
                self._growing = None

    def _answer(self, answer: "Answer") -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                answer(waiter)

    async def _leased(self, slots: int) -> _Block:
        """Lease a block of that size or, if fewer are free, half of it, and so on; for the last slot it waits."""
        while True:
            with suppress(Taken):
                return await self._granted(slots)
            slots = max(slots // 2, 1)

    async def _granted(self, slots: int) -> _Block:
        loop = asyncio.get_running_loop()
        granted: asyncio.Future[_Block] = loop.create_future()
        # A context of its own: in a run's context, Prefect would end the lease with that run.
        context = Context()
        if settings := SettingsContext.get():
            context.run(SettingsContext.__var__.set, settings)
        keeper = loop.create_task(self._keep(slots, granted), context=context)
        try:
            block = await granted
        except asyncio.CancelledError:
            keeper.cancel()
            raise
        block.keeper = keeper
        return block

    async def _keep(self, slots: int, granted: "asyncio.Future[_Block]") -> None:
        """Hold one lease until its block is finished."""
        block = _Block(slots)
        try:
            async with self._server.lease(self._name, slots, wait=slots == 1):
                if not granted.done():
                    granted.set_result(block)
                    await block.finished.wait()
        except Exception as error:  # noqa: BLE001 - the jobs are paid for; the lease ends by itself
            if not granted.done():
                granted.set_exception(error)
            else:
                get_logger("storyboard").warning(
                    "The lease of %s slots of %s could not be kept; paid jobs go on: %s",
                    slots,
                    self._name,
                    error,
                )


def allowed(name: str, size: int | None) -> int | None:
    if size is not None and size < 1:
        raise ValueError(f"the limit {name} allows no job; raise it, or deactivate it. Nothing was bought")
    return size
