"""One adapter, one connection pool and a set of gates for each provider account of a process."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol, runtime_checkable
from weakref import WeakKeyDictionary

import httpx

from prefect_storyboard.providers.clock import Clock
from prefect_storyboard.providers.errors import Busy
from prefect_storyboard.providers.http import client
from prefect_storyboard.providers.in_flight import InFlight
from prefect_storyboard.providers.protocol import Provider

SUBMITS = 8  # at once: bounds what a crash can leave unknown; with 500, a kill left 50 paid jobs unrecorded, with 8 two
WINDOW = 10.0  # seconds in which a gateway counts submits

_LONGEST = 300.0  # seconds: the longest pause that one response may impose

_open: dict[Hashable, tuple["Session", int]] = {}
_gates: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Hashable, "Gates"]] = WeakKeyDictionary()


class Gates:
    """The limits on one account's use in one process; they outlive the connections.

    `in_flight` bounds the jobs that render at the same time, `rate` the submits in ten seconds.
    """

    def __init__(self, in_flight: int, rate: int | None = None, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.in_flight = InFlight(in_flight, self.clock.sleep)
        self.submits = asyncio.Semaphore(SUBMITS)
        self.closed_until = 0.0
        self.last: deque[float] | None = deque(maxlen=rate) if rate else None


class Session:
    """A provider account in use: its connections, its adapter and its gates.

    `callback_url` is the public URL of a callbacks server, if there is one.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        provider: Provider,
        in_flight: int = 40,
        rate: int | None = None,
        *,
        clock: Clock | None = None,
        gates: Gates | None = None,
        callback_url: str | None = None,
    ) -> None:
        self.http = http
        self.callback_url = callback_url
        self.provider = provider
        self.gates = gates or Gates(in_flight, rate, clock)
        self.clock = self.gates.clock

    @property
    def in_flight(self) -> InFlight:
        """The slots of jobs that are rendering."""
        return self.gates.in_flight

    @asynccontextmanager
    async def submitting(self) -> AsyncIterator[None]:
        """Pass the submit gate. A Busy inside closes it for all submits, for as long as the provider asked."""
        gates, clock = self.gates, self.clock
        async with gates.submits:
            while (wait := gates.closed_until - clock.monotonic()) > 0:  # another Busy may prolong the pause
                await clock.sleep(wait)
            await self._wait_for_rate()
            try:
                yield
            except Busy as busy:
                wait = min(busy.retry_after or 0.0, _LONGEST)
                gates.closed_until = max(gates.closed_until, clock.monotonic() + wait)
                raise

    async def _wait_for_rate(self) -> None:
        """Wait until the last ten seconds have fewer submits than the limit."""
        last = self.gates.last
        if last is None:
            return
        now = self.clock.monotonic()
        turn = max(now, last[0] + WINDOW) if len(last) == last.maxlen else now
        last.append(turn)
        await self.clock.sleep(turn - now)


@runtime_checkable
class Account(Protocol):
    """An account at a gateway; the credentials blocks implement it."""

    @property
    def provider(self) -> str:
        """Name of the gateway."""

    @property
    def account(self) -> str:
        """The user's own name for the account."""

    def session(self) -> AbstractAsyncContextManager[Session]:
        """Open or join the account's shared session."""


@asynccontextmanager
async def session(
    identity: Hashable,
    connect: Callable[[httpx.AsyncClient], Provider],
    *,
    in_flight: int,
    rate: int | None = None,
    open_client: Callable[[], httpx.AsyncClient] = client,
    callback_url: str | None = None,
) -> AsyncIterator[Session]:
    """Join the session of that identity, or open it; the last to leave closes the connections, the gates stay.

    `open_client` is called only to open a session: joining one reads no settings.
    """
    loop = asyncio.get_running_loop()
    key = (loop, identity, callback_url)
    if key not in _open:
        http = open_client()
        gates = _gates.setdefault(loop, {}).setdefault((identity, in_flight, rate), Gates(in_flight, rate))
        _open[key] = (Session(http, connect(http), gates=gates, callback_url=callback_url), 0)
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
