"""Find the open attempt to which the token of a callback URL belongs."""

import asyncio
from typing import NamedTuple

from prefect_storyboard.jobs.callbacks import token
from prefect_storyboard.ledger import Ledger
from prefect_storyboard.providers.clock import Clock

_EVERY = 1.0  # seconds between two listings, however many unknown tokens arrive
_MOST = 20_000  # cached tokens, also of ended jobs: a gateway may post again


class AttemptId(NamedTuple):
    """One attempt at a job."""

    key: str
    number: int


class Tokens:
    """The tokens of a library's open jobs, listed again when an unknown token arrives."""

    def __init__(self, ledger: Ledger, library: str, clock: Clock) -> None:
        self._ledger, self._library, self._clock = ledger, library, clock
        self._known: dict[str, AttemptId] = {}
        self._listed = float("-inf")
        self._turn = asyncio.Lock()

    async def find(self, given: str) -> AttemptId | None:
        """The attempt that the token belongs to; None for a token of no open job."""
        if given not in self._known:
            await self._list(self._clock.monotonic())
        return self._known.get(given)

    async def _list(self, asked: float) -> None:
        """List the open jobs, unless another listing has begun since the call."""
        async with self._turn:
            if self._listed >= asked:
                return
            await self._clock.sleep(max(self._listed + _EVERY - self._clock.monotonic(), 0.0))
            self._listed = self._clock.monotonic()
            opened = await asyncio.to_thread(lambda: list(self._ledger.journal.open()))
            self._known |= {token(self._library, key, number): AttemptId(key, number) for key, number in opened}
            for old in list(self._known)[: max(len(self._known) - max(_MOST, len(opened)), 0)]:
                del self._known[old]
