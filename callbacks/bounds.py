"""The limits on what unknown senders may consume of this server."""

from pydantic import Field

from prefect_storyboard.providers.clock import Clock
from prefect_storyboard.storyboards import Frozen


class Bounds(Frozen):
    """Limits for one callback and for all of them. After a refusal the gateway posts again, or the job is polled."""

    body_bytes: int = Field(
        default=1_000_000, ge=1, description="The largest body; real ones have a few thousand bytes."
    )
    body_seconds: float = Field(default=10.0, gt=0, description="The longest time that a whole body may take.")
    a_second: float = Field(default=200.0, gt=0, description="Requests per second, on average.")
    burst: int = Field(
        default=1_000, ge=1, description="Requests in one burst, as when a thousand renders end together."
    )
    at_once: int = Field(default=64, ge=1, description="Requests that are read or verified at the same time.")
    wait_seconds: float = Field(default=5.0, gt=0, description="The longest wait for one of these slots.")


class Rate:
    """A token bucket of requests."""

    def __init__(self, bounds: Bounds, clock: Clock) -> None:
        self._bounds, self._clock = bounds, clock
        self._left, self._at = float(bounds.burst), clock.monotonic()

    def take(self) -> bool:
        """Take one request out of the bucket; False if it is empty."""
        now = self._clock.monotonic()
        self._left = min(self._left + (now - self._at) * self._bounds.a_second, float(self._bounds.burst))
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
