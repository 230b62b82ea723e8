"""The connections of an account: a small pool for each use, with a queue in front of it.

httpx's pool scans all of its connections for every request, so many connections cost more than they gain. A request
waits for its turn before its time-out starts, and a pool has no more connections than turns. A status call never waits
behind a file transfer, nor a submit behind a status call.
"""

import asyncio
from collections.abc import Iterable
from typing import Literal, get_args
from weakref import WeakKeyDictionary

import httpx

from prefect_storyboard.addresses import PublicOnly

Use = Literal["submits", "calls", "uploads", "downloads"]
AT_ONCE: dict[Use, int] = {"submits": 8, "calls": 16, "uploads": 4, "downloads": 8}
_IDLE: dict[Use, int] = {
    "submits": 8,
    "calls": 8,
    "uploads": 1,
    "downloads": 4,
}  # httpx scans all of them for each request
_KEEP_ALIVE = 4.0  # seconds; gateways close idle connections after five and more
_gates: WeakKeyDictionary[httpx.AsyncClient, dict[Use, asyncio.Semaphore]] = WeakKeyDictionary()


def turn(http: httpx.AsyncClient, use: Use) -> asyncio.Semaphore:
    """The semaphore that a request acquires before it is sent, and holds until its response is read."""
    return _gates.setdefault(http, {}).setdefault(use, asyncio.Semaphore(AT_ONCE[use]))


def used_for(use: Use) -> dict[str, Use]:
    """The `extensions` of a request, which select its pool."""
    return {"use": use}


class Connections(httpx.AsyncBaseTransport):
    """One pool for each use. `hosts` may have private addresses; all others must have public ones."""

    def __init__(self, hosts: Iterable[str] = ()) -> None:
        named = tuple(hosts)
        self._pools = {use: PublicOnly(named, limits=_limits(use)) for use in get_args(Use)}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._pools[request.extensions.get("use", "calls")].handle_async_request(request)

    async def aclose(self) -> None:
        for pool in self._pools.values():
            await pool.aclose()


def _limits(use: Use) -> httpx.Limits:
    """Keep few idle connections: httpx checks the socket of each idle one at every request."""
    return httpx.Limits(
        max_connections=AT_ONCE[use], max_keepalive_connections=_IDLE[use], keepalive_expiry=_KEEP_ALIVE
    )
