"""The public keys that fal signs its callbacks with, kept for a day at most. Source: https://fal.ai/docs (webhooks)."""

from collections.abc import Awaitable, Callable

from prefect_storyboard.providers.clock import Clock

_DAY = 86_400.0  # seconds; fal asks for no longer
_FETCH_AGAIN_AFTER = (
    60.0  # seconds between two fetches after a signature by an unknown key: fal may have rotated its keys
)
Keys = tuple[str, ...]


class Jwks:
    """The keys, fetched when they are needed."""

    def __init__(self, fetch: Callable[[], Awaitable[Keys]], clock: Clock | None = None) -> None:
        self._fetch, self._clock = fetch, clock or Clock()
        self._keys: Keys = ()
        self._at = 0.0

    async def verify(self, check: Callable[[Keys], str | None]) -> str | None:
        """The result of `check` with the keys; if it is None the keys are fetched again, at most once a minute.

        Raises the error of the fetch if no key is known.
        """
        if self._age > _DAY:
            self._keys = await self._fetched()
        verified = check(self._keys)
        if verified is None and self._age > _FETCH_AGAIN_AFTER:
            self._keys = await self._fetched()
            verified = check(self._keys)
        return verified

    @property
    def _age(self) -> float:
        return self._clock.monotonic() - self._at if self._keys else _DAY + 1

    async def _fetched(self) -> Keys:
        keys = await self._fetch()
        self._at = self._clock.monotonic()
        return keys
