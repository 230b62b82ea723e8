"""Download a file from the web: from allowed hosts, with few redirects, within limits of size and time."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from prefect_storyboard.addresses import PublicOnly
from prefect_storyboard.media.bounds import PREFIX, Bounds
from prefect_storyboard.media.source_errors import TransientError, check_answer, transport_error

_SPEED_GRACE = 5.0  # seconds before the speed of a transfer is judged
_PAUSES = (0.5, 2.0)  # seconds before the second and the third attempt
_MAX_WAIT = (
    9.0  # seconds that all attempts and pauses may take until the first bytes; after that the host's reason is reported
)


class OverBounds(OSError):
    """A source is larger or slower than the operator allows; the message names the limit and its setting."""


def copy_from_web(  # the last one is for tests
    url: str,
    target: Path,
    max_bytes: int,
    *,
    hosts: tuple[str, ...],
    bounds: Bounds,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Download a URL, in a thread without an event loop. Raises OSError with one sentence.

    After a transient error, such as a busy or broken host or a lost connection, the GET is tried up to three times, if
    the host's Retry-After leaves enough time.
    """
    left = _MAX_WAIT
    for seconds in _PAUSES:
        pace = Pace(max_bytes, bounds)
        try:
            return asyncio.run(_copy(url, target, hosts, pace, min(_SPEED_GRACE, left)))
        except TransientError as reason:
            wait = reason.wait or seconds
            left -= pace.waited + wait
            if left <= 0:
                raise
            pause(wait)
    return asyncio.run(_copy(url, target, hosts, Pace(max_bytes, bounds), min(_SPEED_GRACE, left)))


async def _copy(url: str, target: Path, hosts: tuple[str, ...], pace: "Pace", patience: float) -> None:
    bounds = pace.bounds
    async with httpx.AsyncClient(
        transport=PublicOnly(hosts),
        timeout=httpx.Timeout(patience, pool=None),
        follow_redirects=True,
        max_redirects=bounds.max_redirects,
    ) as http:
        try:
            # Not compressed, because a small body may decompress without end.
            request = http.build_request("GET", url, headers={"Accept-Encoding": "identity"})
            async with asyncio.timeout(patience):
                response = await http.send(request, stream=True)
            try:
                await _write(response, target, pace)
            finally:
                await response.aclose()
        except TimeoutError:
            raise OverBounds(f"its host sent no answer within {patience:.0f} s") from None
        except httpx.TooManyRedirects:
            name = f"{PREFIX}MAX_REDIRECTS"
            raise OverBounds(f"it is redirected more than {bounds.max_redirects} times ({name})") from None
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            pace.add(0)  # raises OverBounds for a transfer that was too slow, which is not tried again
            raise transport_error(error, url) from None


async def _write(response: httpx.Response, target: Path, pace: "Pace") -> None:
    check_answer(response)
    if (coding := response.headers.get("content-encoding", "identity")) != "identity":
        raise OSError(f"its host sends it compressed ({coding[:20]}); store it uncompressed")
    pace.check_declared(response.headers.get("content-length", ""))
    with target.open("wb") as file:
        async for block in response.aiter_raw():
            pace.add(len(block))
            file.write(block)


class Pace:
    """Counts the bytes and seconds of one transfer, and checks them against its limits."""

    def __init__(self, max_bytes: int, bounds: Bounds) -> None:
        self.bytes, self.bounds = 0, bounds
        self._max = max_bytes
        self._made = time.monotonic()
        self._begun: float | None = None

    @property
    def waited(self) -> float:
        """Seconds until the first bytes arrived, or until now."""
        return (time.monotonic() if self._begun is None else self._begun) - self._made

    def check_declared(self, length: str) -> None:
        """Refuse a file at once if its declared size exceeds the limit."""
        if length.isdecimal() and len(length) < 20 and int(length) > self._max:
            self._too_large()

    def add(self, count: int) -> None:
        """Count a block. Raises OverBounds if a limit is exceeded."""
        now, bounds = time.monotonic(), self.bounds
        self._begun = now if self._begun is None else self._begun
        self.bytes += count
        seconds = now - self._begun
        if self.bytes > self._max:
            self._too_large()
        if seconds > bounds.max_media_seconds:
            name = f"{PREFIX}MAX_MEDIA_SECONDS"
            raise OverBounds(f"it took more than {bounds.max_media_seconds:g} s ({name})")
        if seconds > _SPEED_GRACE and self.bytes < bounds.min_media_bytes_per_second * seconds:
            name = f"{PREFIX}MIN_MEDIA_BYTES_PER_SECOND"
            raise OverBounds(
                f"it is transferred at less than {bounds.min_media_bytes_per_second} bytes per second ({name})"
            )

    def _too_large(self) -> None:
        name = f"{PREFIX}MAX_MEDIA_BYTES"
        raise OverBounds(f"it has more than {self._max / 1e6:g} MB ({name})")
