"""Which callbacks have arrived: the callbacks server, often another process, records them; waiting processes read them.

While callbacks arrive, the waiting process need not poll the provider: the server collects each job that a callback
names, and the waiting process reads in the ledger how it ended. Callbacks are relied on for a day after the last one
that a server verified at that address, and no longer once a job turns out to have ended without one.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from prefect_storyboard.jobs.paid import PaidJob
from prefect_storyboard.ledger import Ledger, LibraryError, Outcome, Storage
from prefect_storyboard.ledger.callbacks import Callbacks
from prefect_storyboard.providers.clock import Clock
from prefect_storyboard.providers.session import Gates, Session

_EVERY, _SELDOM = 1.0, 5.0  # seconds between two listings: while callbacks arrive, and while they do not
_SEEN_EVERY, _SEEN_OFTEN = 30.0, 2.0  # seconds between two reads of when the last one came, likewise
_TRUSTED = timedelta(days=1)
_COLLECTED = (0.2, 0.3, 0.5, *[1.0] * 29, *[2.0] * 15)  # seconds between looks for what the server has collected
_log = logging.getLogger(__name__)
_all: WeakKeyDictionary[Gates, dict[tuple[Storage, str], "Arrivals"]] = WeakKeyDictionary()


def arrivals_of(session: Session, ledger: Ledger, changed: Callable[[], None]) -> "Arrivals | None":
    """The Arrivals shared by everything that waits for jobs of this account; None if it has no callback URL.

    `changed` is called when callbacks start or stop arriving.
    """
    if session.callback_url is None:
        return None
    known = _all.setdefault(session.gates, {})
    place = (ledger.storage, session.callback_url)
    if place not in known:
        address = (session.provider.name, session.callback_url)
        known[place] = Arrivals(Callbacks(ledger.storage), address, session.clock, changed)
    return known[place]


class Arrivals:
    """Lists the callbacks that have arrived, once for the whole process, while anything in it waits for a job."""

    def __init__(
        self, callbacks: Callbacks, address: tuple[str, str], clock: Clock, changed: Callable[[], None]
    ) -> None:
        self._callbacks, self._address, self._clock, self._changed = callbacks, address, clock, changed
        self._waiting: set[tuple[tuple[str, int], asyncio.Event]] = set()
        self._task: asyncio.Task[None] | None = None
        self._seen: datetime | None = None
        self._missed: datetime | None = None
        self._read_at = float("-inf")
        self._turn = asyncio.Lock()

    def arrive(self) -> bool:
        """Whether callbacks are known to arrive."""
        if self._seen is None or self._clock.now() - self._seen > _TRUSTED:
            return False
        return self._missed is None or self._seen > self._missed

    async def refresh(self) -> None:
        """Read when the last callback came, unless it was read a moment ago."""
        async with self._turn:
            now = self._clock.monotonic()
            if now - self._read_at >= (_SEEN_EVERY if self.arrive() else _SEEN_OFTEN):
                self._read_at = now
                try:
                    self._note(seen=await asyncio.to_thread(self._callbacks.last, *self._address))
                except LibraryError as error:
                    _log.info("The last callback's time cannot be read, so jobs are polled: %s", error)

    async def collected(self, ledger: Ledger, bought: PaidJob, look_now: Callable[[], object]) -> Outcome:
        """How the job ended, once its callback has arrived and the callbacks server has collected the job.

        If the server does not collect it, `look_now` is called, once.
        """
        await self._arrived(bought.key, bought.attempt)
        for pause in _COLLECTED:
            await self._clock.sleep(pause)
            if outcome := await asyncio.to_thread(ledger.outcome, bought.key, bought.attempt):
                return outcome
        look_now()
        nobody_collects: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        return await nobody_collects

    async def ended_without(self, bought: PaidJob) -> None:
        """Note that polling found the end of a job. If its callback has not come, callbacks are no longer relied on."""
        if self.arrive() and await asyncio.to_thread(self._callbacks.read, bought.key, bought.attempt) is None:
            self._note(missed=self._clock.now())

    async def _arrived(self, key: str, number: int) -> None:
        waiter = ((key, number), asyncio.Event())
        self._waiting.add(waiter)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._list())
        try:
            await waiter[1].wait()
        finally:
            self._waiting.discard(waiter)
            if not self._waiting and self._task:
                self._task.cancel()
                self._task = None

    async def _list(self) -> None:
        while True:
            await self.refresh()
            try:
                arrived = {*await asyncio.to_thread(self._callbacks.arrived)}
                for place, event in self._waiting:
                    if place in arrived:
                        event.set()
            except LibraryError as error:
                _log.info("The callbacks that have arrived cannot be listed, so jobs are polled: %s", error)
            await self._clock.sleep(_EVERY if self.arrive() else _SELDOM)

    def _note(self, *, seen: datetime | None = None, missed: datetime | None = None) -> None:
        before = self.arrive()
        self._seen, self._missed = seen or self._seen, missed or self._missed
        if self.arrive() != before:
            self._changed()
