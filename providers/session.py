"""One adapter, one connection pool and two gates for each provider account of a process."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import httpx

from prefect_storyboard.providers.clock import Clock
from prefect_storyboard.providers.errors import Busy
from prefect_storyboard.providers.http import client
from prefect_storyboard.providers.protocol import Provider

SUBMITS = 8  # at once: what a crash can leave in doubt; with 500 a kill left 50 paid and none recorded, with 8 two
WINDOW = 10.0  # seconds in which a gateway counts submits

_LONGEST = 300.0  # seconds that one answer may close the gate

_open: dict[Hashable, tuple["Session", int]] = {}


class Session:
    """A provider account in use.

    `in_flight` bounds the jobs that render at the same time, `rate` the submits in ten seconds.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        provider: Provider,
        in_flight: int,
        rate: int | None = None,
        *,
        clock: Clock | None = None,
    ) -> None:
        self.http = http
        self.provider = provider
        self.clock = clock or Clock()
        self.in_flight = asyncio.Semaphore(in_flight)
        self._submits = asyncio.Semaphore(SUBMITS)
        self._closed_until = 0.0
        self._last: deque[float] | None = deque(maxlen=rate) if rate else None

    @asynccontextmanager
    async def submitting(self) -> AsyncIterator[None]:
        """Pass the gate of the submits. A Busy inside closes it for everybody, as long as the provider asked."""
        async with self._submits:
            while (wait := self._closed_until - self.clock.monotonic()) > 0:  # another Busy may move the moment
                await self.clock.sleep(wait)
            await self._turn()
            try:
                yield
            except Busy as busy:
                wait = min(busy.retry_after or 0.0, _LONGEST)
                self._closed_until = max(self._closed_until, self.clock.monotonic() + wait)
                raise

    async def _turn(self) -> None:
        """Wait until as many submits as are allowed in ten seconds are ten seconds old."""
        if self._last is None:
            return
        now = self.clock.monotonic()
        turn = max(now, self._last[0] + WINDOW) if len(self._last) == self._last.maxlen else now
        self._last.append(turn)
        await self.clock.sleep(turn - now)


class Account(Protocol):
    """An account at a gateway, as the credentials blocks are one."""

    @property
    def provider(self) -> str:
        """Name of the gateway."""

    @property
    def account(self) -> str:
        """The user's own name for the account."""

    def session(self) -> AbstractAsyncContextManager[Session]:
        """Join the account's shared connections and gates."""


@asynccontextmanager
async def session(
    identity: Hashable, connect: Callable[[httpx.AsyncClient], Provider], *, in_flight: int, rate: int | None = None
) -> AsyncIterator[Session]:
    """Join the session of that identity, or open it; the last to leave closes the connections."""
    key = (asyncio.get_running_loop(), identity)
    if key not in _open:
        http = client()
        _open[key] = (Session(http, connect(http), in_flight, rate), 0)
    shared, users = _open[key]
    _open[key] = (shared, users + 1)
    try:
        yield shared
    finally:
        shared, users = _open[key]
        _open[key] = (shared, users - 1)
        if users == 1:
            del _open[key]
            await shared.http.aclose()
