"""How many requests a second the polls of one account may send together."""

_CLOSED = 300.0  # seconds: the longest pause that one response may impose on the account
_LEAST_RATE = 0.5  # requests a second, also at a gateway that refuses everything
_ROUNDED = 1e-6  # of a request: rounding errors
_RECOVERED = 0.05  # of the rate, for each response that is no refusal


class RequestBudget:
    """A token bucket. It halves its rate when the gateway refuses a request, and recovers with every other response."""

    def __init__(self, rate: float, now: float) -> None:
        self.rate = self._full = rate
        self._tokens, self._at = 2 * rate, now
        self.closed_until = 0.0

    def wait(self, now: float) -> float:
        """Seconds until the next request may be sent; 0 for now."""
        self._refill(now)
        missing = 1 - self._tokens
        return max(self.closed_until - now, missing / self.rate if missing > _ROUNDED else 0.0, 0.0)

    def spend(self, now: float) -> None:
        """Count a request."""
        self._refill(now)
        self._tokens -= 1

    def answered(self) -> None:
        """Recover a little after a response."""
        self.rate = min(self.rate + _RECOVERED * self._full, self._full)

    def refused(self, now: float, retry_after: float) -> None:
        """Slow down, and pause the account for as long as the gateway asked."""
        self._refill(now)
        self.rate = max(self.rate / 2, _LEAST_RATE)
        self._tokens = min(self._tokens, self.rate)
        self.closed_until = max(self.closed_until, now + min(retry_after, _CLOSED))

    def _refill(self, now: float) -> None:
        self._tokens = min(self._tokens + (now - self._at) * self.rate, 2 * self.rate)
        self._at = now
