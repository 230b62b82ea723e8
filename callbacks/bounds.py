"""How much of this server a stranger may use."""

from pydantic import Field

from prefect_storyboard.providers.clock import Clock
from prefect_storyboard.storyboards import Frozen


class Bounds(Frozen):
    """Bounds of one callback and of all of them. A gateway posts again what was refused for them, or is polled."""

    body_bytes: int = Field(default=1_000_000, ge=1, description="The largest body; a gateway's has a few thousand.")
    body_seconds: float = Field(default=10.0, gt=0, description="The longest time that a whole body may take.")
    a_second: float = Field(default=200.0, gt=0, description="Requests a second, in the long run.")
    burst: int = Field(default=1_000, ge=1, description="Requests at once, as when a thousand renders end together.")
    at_once: int = Field(default=64, ge=1, description="Requests that are read or checked at the same time.")
    wait_seconds: float = Field(default=5.0, gt=0, description="The longest wait for one of these places.")


class Rate:
    """A bucket of requests that fills up again."""

    def __init__(self, bounds: Bounds, clock: Clock) -> None:
        self._bounds, self._clock = bounds, clock
        self._left, self._at = float(bounds.burst), clock.monotonic()

    def take(self) -> bool:
        """Take one request out of the bucket; False where it is empty."""
        now = self._clock.monotonic()
        self._left = min(self._left + (now - self._at) * self._bounds.a_second, float(self._bounds.burst))
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
