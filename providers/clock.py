"""The clock: the time, and how to sleep. It is passed in, so that tests can pass one that does not wait."""

import asyncio
import time
from datetime import UTC, datetime


class Clock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """The current time in UTC, as recorded."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Monotonic seconds, for measuring durations."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let other tasks run for so many seconds."""
        await asyncio.sleep(seconds)
