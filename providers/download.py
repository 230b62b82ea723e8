"""Fetch what a job made. The link carries its own permission: no key goes along."""

import hashlib
from pathlib import Path

import anyio
import anyio.to_thread
import httpx

from prefect_storyboard.providers.errors import Busy, Expired, NotSent
from prefect_storyboard.providers.http import NEVER_LEFT

_GONE = {401, 403, 404, 410}
_RESUMES = 5  # of one transfer; each goes on where the one before broke off
PAID = {  # what every error says on the way home
    "charged": True,
    "remedy": "The job is paid for, and nothing is lost yet. Run it again soon: it is fetched, and not bought a second "
    "time.",
}


async def download(http: httpx.AsyncClient, url: str, to: Path) -> str:
    """Stream a file to local disk; returns its sha256 in hex.

    A transfer that breaks off goes on where it was, if the server names a version (ETag) to go on with. Raises Expired
    where the link is dead, NotSent and Busy where the transfer broke: then ask for the result afresh. What is fetched
    here is paid for already, whatever goes wrong.
    """
    have, version = 0, ""
    for left in reversed(range(_RESUMES + 1)):
        wanted = {"Range": f"bytes={have}-", "If-Range": version} if have else {}
        try:
            # Not compressed: a range counts the bytes that are sent.
            headers = {"Accept-Encoding": "identity", **wanted}
            async with http.stream("GET", url, follow_redirects=True, headers=headers) as response:
                version = _strong(response.headers.get("etag", ""))
                await _write(response, to, have)
            return await anyio.to_thread.run_sync(_checksum, to)
        except NEVER_LEFT as error:
            raise NotSent(f"the result's host could not be reached ({type(error).__name__})", **PAID) from None
        except httpx.HTTPError as error:
            have = (await anyio.Path(to).stat()).st_size if version and await anyio.Path(to).exists() else 0
            if not (left and have):
                raise Busy(f"the transfer of the result broke off ({type(error).__name__})", **PAID) from None
    raise AssertionError("the last try either returns or raises")


async def _write(response: httpx.Response, to: Path, have: int) -> None:
    if response.status_code in _GONE:
        raise Expired(f"the link to the result is dead (HTTP {response.status_code})", **PAID)
    if not response.is_success:
        raise Busy(f"the result cannot be fetched now (HTTP {response.status_code})", **PAID)
    goes_on = have and response.status_code == httpx.codes.PARTIAL_CONTENT
    async with await anyio.open_file(to, "ab" if goes_on else "wb") as file:
        async for block in response.aiter_bytes():
            await file.write(block)


def _strong(tag: str) -> str:
    """A version that promises the same bytes; a weak one does not."""
    return "" if tag.startswith("W/") else tag


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
