"""The connections of an account: few, each used for what it is for, and a queue in front of them.

A request waits for its turn before its time begins to count, and has no more connections than turns. A question about
a job never waits behind a file, nor a submit behind a question.
"""

import asyncio
from collections.abc import Iterable
from typing import Literal, get_args
from weakref import WeakKeyDictionary

import httpx

from prefect_storyboard.addresses import PublicOnly, tls
from prefect_storyboard.providers.kept_alive import KeptAlive

Use = Literal["submits", "calls", "uploads", "downloads"]
AT_ONCE: dict[Use, int] = {"submits": 8, "calls": 16, "uploads": 4, "downloads": 8}
_KEEP_ALIVE = 4.0  # seconds; gateways close idle connections after five and more
_gates: WeakKeyDictionary[httpx.AsyncClient, dict[Use, asyncio.Semaphore]] = WeakKeyDictionary()


def turn(http: httpx.AsyncClient, use: Use) -> asyncio.Semaphore:
    """What a request waits for before it is sent, and holds until its answer is read."""
    return _gates.setdefault(http, {}).setdefault(use, asyncio.Semaphore(AT_ONCE[use]))


def used_for(use: Use) -> dict[str, Use]:
    """The `extensions` of a request: which connections it takes."""
    return {"use": use}


class Connections(httpx.AsyncBaseTransport):
    """Connections of their own for each use. `hosts` may have inner addresses; all others have to be public."""

    def __init__(self, hosts: Iterable[str] = ()) -> None:
        named = tuple(hosts)
        self._pools = {use: PublicOnly(named, named=_kept_alive(use)) for use in get_args(Use)}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._pools[request.extensions.get("use", "calls")].handle_async_request(request)

    async def aclose(self) -> None:
        for pool in self._pools.values():
            await pool.aclose()


def _kept_alive(use: Use) -> KeptAlive:
    return KeptAlive(tls(), idle=AT_ONCE[use], seconds=_KEEP_ALIVE)
