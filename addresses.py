"""The hosts that may be reached: public addresses, and the hosts that the operator has allowed.

A name is resolved here, and the connection goes to the address that was checked, also at every redirect, so that a name
cannot change between the check and the request. A proxy resolves names itself; even then, a name that this machine
resolves to a private address is refused.
"""

import asyncio
import ipaddress
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from functools import cache, lru_cache
from threading import Thread
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpx

SETTING = "PREFECT_INTEGRATIONS_STORYBOARD_ALLOWED_HOSTS"
Resolve = Callable[[str, int], Awaitable[list[str]]]  # a name and a port to addresses

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,30}://)([^\s\"'<>\\]*)")
_PASSWORD = re.compile(r"(?!arn:)[^:@/?#\[\]]*:(?!\d*[/?#])[^@/?#]*[/?#][^@]*@")
_USER = re.compile(r"(?!arn:)[^:@/?#\[\]]*:(?!\d*[/?#])[^@]+@")
_PORTS = {"http": 80, "https": 443}
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def bare(text: str) -> str:
    """The text with every URL in it reduced to host and path: without query, user and password.

    A query may hold a signature, which is as good as a key. The time is linear in the length of the text.
    """
    return _ADDRESS.sub(lambda found: found[1] + _cut(found[2]), text)


def all_bare(value: Any) -> Any:
    """The same JSON value with `bare` applied to every string in it."""
    if isinstance(value, str):
        return bare(value)
    if isinstance(value, list):
        return [all_bare(each) for each in value]
    return {key: all_bare(each) for key, each in value.items()} if isinstance(value, dict) else value


def holds_password(text: str) -> bool:
    """Whether a URL in the text has a password: `user:password@`."""
    return any(_USER.match(found[2]) for found in _ADDRESS.finditer(text))


def _cut(rest: str) -> str:
    if _PASSWORD.match(rest):  # a password that contains / ? or #
        rest = rest.rpartition("@")[2]
    place = re.split(r"[?#]", rest, maxsplit=1)[0]
    host, slash, path = place.partition("/")
    return f"{host.rpartition('@')[2]}{slash}{path}"


class ForbiddenAddress(httpx.TransportError):
    """The host has a private address and the operator has not allowed it. Nothing was sent."""


class UnknownHost(httpx.ConnectError):
    """The name has no address; `passing` if the name server did not respond and may do so later."""

    def __init__(self, host: str, cause: Exception) -> None:
        self.passing = isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_AGAIN
        super().__init__(f"the host {host[:80]} is not known")


def is_public(address: str) -> bool:
    """Whether an IP address is public; an IPv4 address inside an IPv6 one is checked as IPv4."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo or (None, None))[1]
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


def names_host(url: httpx.URL, hosts: Iterable[str]) -> bool:
    """Whether the operator has allowed the URL's host: as `host`, as `host:port`, or as a URL."""
    port = url.port or _PORTS.get(url.scheme)
    return any(_same(url.host, host) and named in {None, port} for host, named in map(_named, hosts))


def _same(host: str, named: str) -> bool:
    return bool(host) and (host == named or {host, named} <= _LOOPBACK)


@lru_cache(maxsize=256)  # there are few, and each request checks them
def _named(entry: str) -> tuple[str, int | None]:
    """Host and port of an entry; for a URL without a port, that of its scheme."""
    bare = f"[{entry}]" if entry.count(":") > 1 and "[" not in entry and "://" not in entry else entry
    try:
        url = httpx.URL(bare if "://" in bare else f"any://{bare}")
    except httpx.InvalidURL:
        return "", None
    return url.host, url.port or _PORTS.get(url.scheme)


async def resolve(host: str, port: int, *, look_up: Callable[..., Any] = socket.getaddrinfo) -> list[str]:
    """The addresses of a name, in the system's order. Raises UnknownHost if it has none.

    The look-up runs in a thread of its own, which a cancelled caller does not wait for: a silent name server takes half
    a minute.
    """
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[str]] = loop.create_future()

    def settle(addresses: list[str], error: Exception | None) -> None:
        if not found.done():
            found.set_result(addresses) if error is None else found.set_exception(error)

    def look() -> None:
        addresses: list[str] = []
        failed: Exception | None = None
        try:
            entries = look_up(host, port, type=socket.SOCK_STREAM)
            addresses = list(dict.fromkeys(str(entry[4][0]) for entry in entries))
        except (OSError, UnicodeError) as error:
            failed = UnknownHost(host, error)
        with suppress(RuntimeError):  # the loop has been closed in the meantime
            loop.call_soon_threadsafe(settle, addresses, failed)

    Thread(target=look, name=f"look up {host[:80]}", daemon=True).start()
    return await found


class PublicOnly(httpx.AsyncBaseTransport):
    """A transport that sends to the allowed hosts and otherwise to public addresses only; else raises ForbiddenAddress.

    `named` is the transport to the allowed hosts, httpx's own by default. A connection to any other host is not reused,
    because two hosts at one address would share it.
    """

    def __init__(
        self, hosts: Iterable[str] = (), *, named: httpx.AsyncBaseTransport | None = None, by: Resolve = resolve
    ) -> None:
        self._hosts = tuple(hosts)
        self._resolve = by
        self._named = named or httpx.AsyncHTTPTransport(verify=tls_context())
        once = httpx.Limits(max_connections=64, max_keepalive_connections=0)
        self._pinned = httpx.AsyncHTTPTransport(verify=tls_context(), limits=once)
        self._proxied: dict[str, httpx.AsyncHTTPTransport] = {}
        self._addresses: dict[tuple[str, str], str | None] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        proxy, named = self._proxy(request.url), names_host(request.url, self._hosts)
        if proxy:
            if not named:
                await self._public(request.url, proxied=True)
            return await proxy.handle_async_request(request)
        if named:
            return await self._named.handle_async_request(request)
        return await self._first_that_answers(request, await self._public(request.url, proxied=False))

    async def aclose(self) -> None:
        for transport in (self._named, self._pinned, *self._proxied.values()):
            await transport.aclose()

    async def _first_that_answers(self, request: httpx.Request, addresses: list[str]) -> httpx.Response:
        host = request.url.host
        for left, address in zip(range(len(addresses) - 1, -1, -1), addresses, strict=True):
            pinned = httpx.Request(
                request.method,
                request.url.copy_with(host=address),
                headers=request.headers,  # its Host header names the host
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": host},
            )
            try:
                return await self._pinned.handle_async_request(pinned)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if not left:
                    raise
        raise httpx.ConnectError(f"the host {host[:80]} has no address")

    async def _public(self, url: httpx.URL, *, proxied: bool) -> list[str]:
        """The addresses of a host, all of them public."""
        try:
            addresses = await self._resolve(url.host, url.port or _PORTS.get(url.scheme, 0))
        except httpx.ConnectError:
            if proxied:  # public names that only the proxy can resolve
                return []
            raise
        if inner := next((address for address in addresses if not is_public(address)), None):
            raise ForbiddenAddress(
                f"{url.host[:80]} has the private address {inner}, which is not allowed; the operator can allow the "
                f"host in {SETTING}"
            )
        return addresses

    def _proxy(self, url: httpx.URL) -> httpx.AsyncHTTPTransport | None:
        """The transport to this machine's proxy for the URL, chosen as httpx does; None without a proxy."""
        to = url.scheme, url.host
        if to not in self._addresses:  # once for each host, because reading the environment is slow
            self._addresses[to] = _proxy_of(url)
        address = self._addresses[to]
        if address is None:
            return None
        if address not in self._proxied:
            self._proxied[address] = httpx.AsyncHTTPTransport(verify=tls_context(), proxy=httpx.Proxy(address))
        return self._proxied[address]


def _proxy_of(url: httpx.URL) -> str | None:
    proxies = getproxies()
    address = proxies.get(url.scheme) or proxies.get("all")
    if not address or proxy_bypass(url.host):
        return None
    return address if "://" in address else f"http://{address}"


@cache
def tls_context() -> ssl.SSLContext:
    """The TLS context, built once per process: reading all root certificates takes 20 to 50 ms."""
    return httpx.create_ssl_context()
