"""The connections of an account: a queue for each use of them, and a connection for each request that has its turn.

A request waits for its turn before its time-out starts. A status call never waits behind a file transfer, nor a submit
behind a status call.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Literal, cast, get_args
from weakref import WeakKeyDictionary

import httpx

from prefect_storyboard.addresses import PublicOnly, tls_context

Use = Literal["submits", "calls", "uploads", "downloads"]
_Origin = tuple[str, str, int | None]
AT_ONCE: dict[Use, int] = {"submits": 8, "calls": 16, "uploads": 4, "downloads": 8}
_KEEP_ALIVE = 4.0  # seconds; gateways close idle connections after five and more
_gates: WeakKeyDictionary[httpx.AsyncClient, dict[Use, asyncio.Semaphore]] = WeakKeyDictionary()


def turn(http: httpx.AsyncClient, use: Use) -> asyncio.Semaphore:
    """The semaphore that a request acquires before it is sent, and holds until its response is read."""
    return _gates.setdefault(http, {}).setdefault(use, asyncio.Semaphore(AT_ONCE[use]))


def used_for(use: Use) -> dict[str, Use]:
    """The `extensions` of a request, which select its pool."""
    return {"use": use}


class Connections(httpx.AsyncBaseTransport):
    """One stack for each use. `hosts` may have private addresses; all others must have public ones."""

    def __init__(self, hosts: Iterable[str] = ()) -> None:
        named = tuple(hosts)
        self._stacks = {use: PublicOnly(named, named=ConnectionStack()) for use in get_args(Use)}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._stacks[request.extensions.get("use", "calls")].handle_async_request(request)

    async def aclose(self) -> None:
        for stack in self._stacks.values():
            await stack.aclose()


class ConnectionStack(httpx.AsyncBaseTransport):
    """A transport for each connection; the one that was used last is used first.

    httpx's pool checks the sockets of all its idle connections at every request. In a pool of one it checks one.
    """

    def __init__(self) -> None:
        self._idle: defaultdict[_Origin, list[httpx.AsyncHTTPTransport]] = defaultdict(list)
        self._all: list[httpx.AsyncHTTPTransport] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        idle = self._idle[request.url.scheme, request.url.host, request.url.port]
        transport = idle.pop() if idle else self._added()
        try:
            response = await transport.handle_async_request(request)
        except BaseException:
            idle.append(transport)
            raise
        body = cast("httpx.AsyncByteStream", response.stream)  # as all of an async transport
        response.stream = _Lent(body, lambda: idle.append(transport))
        return response

    async def aclose(self) -> None:
        for transport in self._all:
            await transport.aclose()

    def _added(self) -> httpx.AsyncHTTPTransport:
        one = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=_KEEP_ALIVE)
        self._all.append(httpx.AsyncHTTPTransport(verify=tls_context(), limits=one))
        return self._all[-1]


class _Lent(httpx.AsyncByteStream):
    """A response's body; once it is closed, its connection is free for the next request."""

    def __init__(self, body: httpx.AsyncByteStream, give_back: Callable[[], None]) -> None:
        self._body = body
        self._give_back: Callable[[], None] | None = give_back

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for block in self._body:
            yield block

    async def aclose(self) -> None:
        try:
            await self._body.aclose()
        finally:
            if self._give_back:
                self._give_back()
                self._give_back = None
