"""The limit on an account's jobs that render at the same time, also those that nothing waits for."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from prefect_storyboard.providers.clock import Sleep, sleep_until_done, sleep_until_set
from prefect_storyboard.storyboards import Job

HasEnded = Callable[[Job], Awaitable[bool]]
Release = Callable[[], None]
_POLL_EVERY = 2.0  # seconds between two polls of jobs that nothing else polls, while a job waits for a slot

# Takes a slot that several processes share, in addition to this process's; returns a function that frees it.
shared_slot: ContextVar[Callable[[], Awaitable[Release]] | None] = ContextVar("shared_slot", default=None)


class InFlight:
    """The slots of one account in one process.

    A job takes a slot before it is submitted and releases it when it is seen to have ended, together with its
    `shared_slot`, if it has one. A caller that submits many jobs before it polls any would wait for a slot for ever; so
    a waiting submit polls the jobs that nothing else polls.
    """

    def __init__(self, limit: int, sleep: Sleep = asyncio.sleep) -> None:
        self.limit = limit
        self._sleep = sleep
        self._taken: dict[str, Job | None] = {}  # by key; None until the provider has responded to the submit
        self._shared: dict[str, Release] = {}
        self._watched: set[str] = set()
        self._turn = asyncio.Lock()
        self._freed = asyncio.Event()

    @property
    def taken(self) -> int:
        """How many slots are taken."""
        return len(self._taken)

    async def take(self, key: str, has_ended: HasEnded) -> None:
        """Take a slot for a job that is about to be submitted; wait until there is one."""
        async with self._turn:
            while key not in self._taken and len(self._taken) >= self.limit:
                self._freed.clear()
                await self._free_ended(has_ended)
                if len(self._taken) >= self.limit:
                    await sleep_until_set(self._sleep, _POLL_EVERY, self._freed)
            self._taken.setdefault(key, None)
            try:
                await self._take_shared(key, has_ended)
            except BaseException:
                self.give_back_unsubmitted(key)
                raise

    def submitted(self, key: str, job: Job) -> None:
        """Record the job of a slot, once the provider has returned its id."""
        self._taken[key] = job

    def holds(self, key: str, job: Job) -> bool:
        """Whether the job holds a slot here: this process bought it or waits for it, and has not seen it end."""
        held = self._taken.get(key)
        return held is not None and held.request_id == job.request_id

    def give_back(self, key: str) -> None:
        """Free the slot of a job that has ended or was not accepted."""
        self._taken.pop(key, None)
        if release := self._shared.pop(key, None):
            release()
        self._freed.set()

    def give_back_unsubmitted(self, key: str) -> None:
        """Free the slot of a submit that ended without a job: refused, cancelled, or its outcome unknown."""
        if key in self._taken and self._taken[key] is None:
            self.give_back(key)

    @contextmanager
    def watching(self, key: str, job: Job) -> Iterator[None]:
        """Inside the block the caller polls the job: it holds a slot, and nothing else polls it."""
        self._taken[key] = job
        self._watched.add(key)
        try:
            yield
        finally:
            self._watched.discard(key)

    async def _take_shared(self, key: str, has_ended: HasEnded) -> None:
        """Take the shared slot; while all of them are held, poll our own jobs, which may have ended."""
        take = shared_slot.get()
        if take is None or key in self._shared:
            return
        taking = asyncio.ensure_future(take())
        try:
            while not taking.done():
                await sleep_until_done(self._sleep, _POLL_EVERY, taking)
                if not taking.done():
                    await self._free_ended(has_ended)
            self._shared[key] = taking.result()
        except asyncio.CancelledError:
            taking.cancel()
            await asyncio.wait([taking])
            if not taking.cancelled() and not taking.exception():
                taking.result()()
            raise

    async def _free_ended(self, has_ended: HasEnded) -> None:
        unwatched = [(key, job) for key, job in self._taken.items() if job and key not in self._watched]
        ended = await asyncio.gather(*(has_ended(job) for _, job in unwatched))
        for (key, _), over in zip(unwatched, ended, strict=True):
            if over:
                self.give_back(key)
