"""Download the result of a job. A link itself gives access: no key is sent unless the adapter passes one."""

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import anyio
import httpx

from prefect_storyboard.addresses import ForbiddenAddress
from prefect_storyboard.providers.connections import turn, used_for
from prefect_storyboard.providers.errors import Busy, Expired, NotSent, OverBounds, ProtocolError
from prefect_storyboard.providers.http import NOT_SENT
from prefect_storyboard.providers.inline import is_inline, write_inline
from prefect_storyboard.storyboards import Frozen

_GONE = {401, 403, 404, 410}
_AT_A_TIME = 1 << 20  # bytes: each write uses a thread
_RESUMES = 5  # attempts at one transfer; each continues where the previous one broke off
PAID = {  # facts of every error of a download
    "charged": True,
    "remedy": "The job is paid for and nothing is lost. Run again soon: its result is fetched, and not bought again.",
}


class Bounds(Frozen):
    """How large and how slow a file may be. `bytes_per_second` is the slowest average speed.

    The speed is checked once `patience` seconds have passed since the first bytes; `answer` bounds the wait for the
    headers and for the next bytes.
    """

    bytes: int = 100_000_000
    seconds: float = 1_800.0
    bytes_per_second: int = 1_000
    patience: float = 8.0
    answer: float = 10.0


def bounds_of(seconds: int | None) -> Bounds:
    """The bounds for a clip of that length: no model sells 30 MB per second."""
    return Bounds(bytes=100_000_000 + 30_000_000 * min(seconds or 60, 600))


BOUNDS = Bounds()


async def download(
    http: httpx.AsyncClient,
    url: str,
    to: Path,
    bounds: Bounds = BOUNDS,
    *,
    headers: Mapping[str, str] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> str:
    """Stream a file to local disk; returns its sha256 in hex. `headers` have the key, if the content needs one.

    A transfer that breaks off is continued if the server sent a version (ETag). Raises Expired if the link is dead,
    NotSent and Busy if the transfer broke off (ask for the result again), OverBounds for a file that is too large or
    too slow, ProtocolError for a link to a private address. The file is paid for in any case. A data: URI contains
    the file: nothing is sent.
    """
    if is_inline(url):
        await asyncio.to_thread(write_inline, url, to, bounds.bytes, **PAID)
        return await asyncio.to_thread(_checksum, to)
    have, version = 0, ""
    transfer = _Transfer(bounds, clock)
    for left in reversed(range(_RESUMES + 1)):
        wanted = {"Range": f"bytes={have}-", "If-Range": version} if have else {}
        try:
            # Not compressed: a range counts the bytes that are sent, and a small body may unpack without end.
            sent, silence = (
                {"Accept-Encoding": "identity", **(headers or {}), **wanted},
                httpx.Timeout(bounds.answer, pool=None),
            )
            request = http.build_request("GET", url, headers=sent, timeout=silence, extensions=used_for("downloads"))
            async with turn(http, "downloads"), asyncio.timeout(bounds.seconds):
                async with asyncio.timeout(bounds.answer):
                    response = await http.send(request, stream=True, follow_redirects=True)
                version = _strong(response.headers.get("etag", ""))
                try:
                    await _write(response, to, have, transfer)
                finally:
                    await response.aclose()
            return await asyncio.to_thread(_checksum, to)
        except ForbiddenAddress as error:
            raise ProtocolError(f"the link to the result is not followed: {error}", **PAID) from None
        except NOT_SENT as error:
            raise NotSent(f"the result's host could not be reached ({type(error).__name__})", **PAID) from None
        except TimeoutError:
            late = (
                f"the result's host did not answer within {bounds.answer:g} s, or send it within {bounds.seconds:g} s"
            )
            raise Busy(late, **PAID) from None
        except httpx.HTTPError as error:
            have = await asyncio.to_thread(_size, to) if version else 0
            if not (left and have) or transfer.slow:
                raise Busy(f"the transfer of the result broke off ({type(error).__name__})", **PAID) from None
    raise AssertionError("the last attempt either returns or raises")


class _Transfer:
    """The size and time of one file over all attempts."""

    def __init__(self, bounds: Bounds, clock: Callable[[], float]) -> None:
        self._bounds, self._clock = bounds, clock
        self._begun: float | None = None
        self._received = 0

    def took(self, count: int, size: int) -> None:
        """Count a block of a file that has grown to `size`. Raises OverBounds."""
        bounds, now = self._bounds, self._clock()
        self._begun = now if self._begun is None else self._begun  # a busy host may be slow before
        self._received += count
        seconds = now - self._begun
        if max(size, self._received // (_RESUMES + 1)) > bounds.bytes:
            raise OverBounds(f"the result has more than {bounds.bytes / 1e6:g} MB", **PAID)
        if seconds > bounds.seconds:
            raise OverBounds(f"the result took more than {bounds.seconds:g} s", **PAID)
        if self.slow:
            slow = f"the result arrives more slowly than {bounds.bytes_per_second} bytes in a second"
            raise OverBounds(slow, **PAID)

    @property
    def slow(self) -> bool:
        """Whether it has been too slow, on average, for longer than the bounds' patience."""
        seconds = self._clock() - self._begun if self._begun is not None else 0.0
        return seconds > self._bounds.patience and self._received < self._bounds.bytes_per_second * seconds


async def _write(response: httpx.Response, to: Path, have: int, transfer: _Transfer) -> None:
    if response.status_code in _GONE:
        raise Expired(f"the link to the result is dead (HTTP {response.status_code})", **PAID)
    if not response.is_success:
        raise Busy(f"the result cannot be fetched now (HTTP {response.status_code})", **PAID)
    if response.headers.get("content-encoding", "identity") != "identity" and not response.is_stream_consumed:
        raise OverBounds("the result is sent compressed, which was not accepted", **PAID)
    goes_on = have and response.status_code == httpx.codes.PARTIAL_CONTENT
    size = have if goes_on else 0
    mode, kept = "ab" if goes_on else "wb", bytearray()
    try:
        async for block in response.aiter_bytes():
            size += len(block)
            transfer.took(len(block), size)
            kept += block
            if len(kept) >= _AT_A_TIME:
                await asyncio.to_thread(_put, to, mode, bytes(kept))
                mode, kept = "ab", bytearray()
    finally:  # also if the transfer breaks off: the next attempt continues from here
        with anyio.CancelScope(shield=True):
            await asyncio.to_thread(_put, to, mode, bytes(kept))


def _put(to: Path, mode: str, block: bytes) -> None:
    with to.open(mode) as file:
        file.write(block)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _strong(tag: str) -> str:
    """A strong ETag, which guarantees identical bytes; a weak one does not."""
    return "" if tag.startswith("W/") else tag


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
