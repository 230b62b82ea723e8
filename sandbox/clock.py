"""A clock for tests: a render of minutes takes no time at all."""


class Clock:
    """Seconds since 1970 that pass only when told. Give it to `create_app` or `running` as `clock`."""

    def __init__(self, now: float = 1_795_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
