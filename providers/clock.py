"""The clock: the time, and how to sleep. It is passed in, so that tests can pass one that does not wait."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

Sleep = Callable[[float], Awaitable[object]]


class Clock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """The current time in UTC, as recorded."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Monotonic seconds, for measuring durations."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let other tasks run for that many seconds."""
        await asyncio.sleep(seconds)


async def sleep_until_done(sleep: Sleep, seconds: float, future: asyncio.Future[Any]) -> None:
    """Sleep for that many seconds, or until the future is done. The future is not cancelled."""
    sleeping = asyncio.ensure_future(sleep(seconds))
    try:
        await asyncio.wait([sleeping, future], return_when=asyncio.FIRST_COMPLETED)
        if sleeping.done():
            sleeping.result()
    finally:
        sleeping.cancel()


async def sleep_until_set(sleep: Sleep, seconds: float, event: asyncio.Event) -> None:
    """Sleep for that many seconds, or until the event is set."""
    setting = asyncio.ensure_future(event.wait())
    try:
        await sleep_until_done(sleep, seconds, setting)
    finally:
        setting.cancel()
