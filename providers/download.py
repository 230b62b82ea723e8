"""Fetch what a job made. The link carries its own permission: no key goes along."""

import hashlib
from pathlib import Path

import anyio
import httpx

from prefect_storyboard.providers.errors import Busy, Expired, NotSent
from prefect_storyboard.providers.http import NEVER_LEFT

_GONE = {401, 403, 404, 410}
PAID = {  # what every error says on the way home
    "charged": True,
    "remedy": "The job is paid for, and nothing is lost yet. Run it again soon: it is fetched, and not bought a second "
    "time.",
}


async def download(http: httpx.AsyncClient, url: str, to: Path) -> str:
    """Stream a file to local disk; returns its sha256 in hex.

    Raises Expired where the link is dead, NotSent and Busy where the transfer broke: then ask for the result afresh.
    What is fetched here is paid for already, whatever goes wrong.
    """
    checksum = hashlib.sha256()
    try:
        async with http.stream("GET", url, follow_redirects=True) as response, await anyio.open_file(to, "wb") as file:
            if response.status_code in _GONE:
                raise Expired(f"the link to the result is dead (HTTP {response.status_code})", **PAID)
            if not response.is_success:
                raise Busy(f"the result cannot be fetched now (HTTP {response.status_code})", **PAID)
            async for block in response.aiter_bytes(1 << 18):
                checksum.update(block)
                await file.write(block)
    except NEVER_LEFT as error:
        raise NotSent(f"the result's host could not be reached ({type(error).__name__})", **PAID) from None
    except httpx.HTTPError as error:
        raise Busy(f"the transfer of the result broke off ({type(error).__name__})", **PAID) from None
    return checksum.hexdigest()
