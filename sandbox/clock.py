"""A clock for tests, which need not wait for a render of minutes."""


class Clock:
    """Seconds since 1970 that pass only when a test advances them. Give it to `create_app` or `running` as `clock`."""

    def __init__(self, now: float = 1_795_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self.now += seconds
