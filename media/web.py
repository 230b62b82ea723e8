"""Read a file of the web to local disk: from allowed hosts, over few redirects, within a size and a time."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from prefect_storyboard.addresses import PublicOnly
from prefect_storyboard.media.bounds import PREFIX, Bounds
from prefect_storyboard.media.source_errors import Passing, check_answer, transport_error

_FIRST_LOOK = 5.0  # seconds before the speed of a transfer is judged
_PAUSES = (0.5, 2.0)  # seconds before a second and a third try
_LONGEST_PAUSE = 10.0


class OverBounds(OSError):
    """A source is larger or slower than the operator allows; the message names the bound and its setting."""


def copy_from_web(  # the last one is for tests
    url: str,
    target: Path,
    max_bytes: int,
    *,
    hosts: tuple[str, ...],
    bounds: Bounds,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Copy what an address holds, in a thread without an event loop. Raises OSError with a sentence.

    A GET is tried up to three times where the reason passes by itself: a busy or broken host, a lost connection.
    """
    for seconds in _PAUSES:
        try:
            return asyncio.run(_copy(url, target, max_bytes, hosts, bounds))
        except Passing as reason:
            pause(min(reason.wait or seconds, _LONGEST_PAUSE))
    return asyncio.run(_copy(url, target, max_bytes, hosts, bounds))


async def _copy(url: str, target: Path, max_bytes: int, hosts: tuple[str, ...], bounds: Bounds) -> None:
    async with httpx.AsyncClient(
        transport=PublicOnly(hosts),
        timeout=httpx.Timeout(_FIRST_LOOK, pool=None),
        follow_redirects=True,
        max_redirects=bounds.max_redirects,
    ) as http:
        try:
            # Not compressed: what is small on its way could be endless here.
            request = http.build_request("GET", url, headers={"Accept-Encoding": "identity"})
            async with asyncio.timeout(_FIRST_LOOK):
                response = await http.send(request, stream=True)
            try:
                await _write(response, target, Pace(max_bytes, bounds))
            finally:
                await response.aclose()
        except TimeoutError:
            raise OverBounds(f"its host sent no answer within {_FIRST_LOOK:g} s") from None
        except httpx.TooManyRedirects:
            name = f"{PREFIX}MAX_REDIRECTS"
            raise OverBounds(f"it is redirected more than {bounds.max_redirects} times ({name})") from None
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise transport_error(error, httpx.URL(url).host) from None


async def _write(response: httpx.Response, target: Path, pace: "Pace") -> None:
    check_answer(response)
    if (coding := response.headers.get("content-encoding", "identity")) != "identity":
        raise OSError(f"its host sends it compressed ({coding[:20]}); store it as it is")
    pace.declared(response.headers.get("content-length", ""))
    with target.open("wb") as file:
        async for block in response.aiter_raw():
            pace.took(len(block))
            file.write(block)


class Pace:
    """What one transfer has taken so far, in bytes and seconds, against its bounds."""

    def __init__(self, max_bytes: int, bounds: Bounds) -> None:
        self.bytes = 0
        self._max, self._bounds = max_bytes, bounds
        self._begun = time.monotonic()

    def declared(self, length: str) -> None:
        """Refuse at once what announces too much."""
        if length.isdecimal() and len(length) < 20 and int(length) > self._max:
            self._too_large()

    def took(self, count: int) -> None:
        """Count a block. Raises OverBounds."""
        self.bytes += count
        seconds, bounds = time.monotonic() - self._begun, self._bounds
        if self.bytes > self._max:
            self._too_large()
        if seconds > bounds.max_media_seconds:
            name = f"{PREFIX}MAX_MEDIA_SECONDS"
            raise OverBounds(f"it took more than {bounds.max_media_seconds:g} s ({name})")
        if seconds > _FIRST_LOOK and self.bytes < bounds.min_media_bytes_per_second * seconds:
            name = f"{PREFIX}MIN_MEDIA_BYTES_PER_SECOND"
            raise OverBounds(
                f"it comes in more slowly than {bounds.min_media_bytes_per_second} bytes in a second ({name})"
            )

    def _too_large(self) -> None:
        name = f"{PREFIX}MAX_MEDIA_BYTES"
        raise OverBounds(f"it has more than {self._max / 1e6:g} MB ({name})")
