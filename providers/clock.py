"""The time, and how to wait: whoever waits is given a clock, so that a test can give one that takes no time."""

import asyncio
import time
from datetime import UTC, datetime


class Clock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """The time of day, as it is recorded."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that only increase, for measuring a wait."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let other tasks run for so many seconds."""
        await asyncio.sleep(seconds)
