"""Connections that are kept alive: used again while they live, never for a second try, and asked about one at a time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest

from prefect_storyboard.addresses import tls
from prefect_storyboard.providers.kept_alive import KeptAlive

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Host:
    """Answers each request so; counts connections and requests."""

    def __init__(self, answer: bytes = ANSWER) -> None:
        self.answer = answer
        self.connections = self.requests = self.open = 0
        self.may = asyncio.Event()
        self.may.set()
        self.writers: list[asyncio.StreamWriter] = []
        self.url = ""
        self._changed = asyncio.Event()

    async def until(self, seen: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not seen():
                self._changed.clear()
                await self._changed.wait()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        self.writers.append(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while await reader.readuntil(b"\r\n\r\n"):
                self.requests += 1
                self._changed.set()
                await self.may.wait()
                if not self.answer:
                    break
                writer.write(self.answer)
                await writer.drain()
        self.open -= 1
        self._changed.set()
        writer.close()


@asynccontextmanager
async def listening(host: Host, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
    server = await asyncio.start_server(host, "127.0.0.1", 0)
    host.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/job"
    transport = KeptAlive(tls(), **{"idle": 4, "seconds": 4.0, **options})
    async with server, httpx.AsyncClient(transport=transport) as http:
        yield http


async def test_one_request_after_the_other_takes_one_connection():
    host = Host()
    async with listening(host) as http:
        for _ in range(5):
            assert (await http.get(host.url)).json() == {}
    assert (host.connections, host.requests) == (1, 5)


async def test_requests_at_once_take_a_connection_each_and_leave_all_of_them_for_the_next():
    host = Host()
    async with listening(host) as http:
        for _ in range(3):
            await asyncio.gather(*(http.get(host.url) for _ in range(4)))
    assert (host.connections, host.requests) == (4, 12)


async def test_a_connection_that_the_host_has_closed_is_not_used_again():
    host = Host()
    async with listening(host) as http:
        await http.get(host.url)
        host.writers[0].close()
        await host.writers[0].wait_closed()
        assert (await http.get(host.url)).status_code == 200
    assert host.connections == 2


async def test_a_connection_that_was_idle_for_too_long_is_closed():
    host, now = Host(), [0.0]
    async with listening(host, clock=lambda: now[0]) as http:
        await asyncio.gather(*(http.get(host.url) for _ in range(3)))
        now[0] = 5.0
        await http.get(host.url)
        await host.until(lambda: host.open == 1)
    assert host.connections == 4


async def test_a_request_without_an_answer_is_not_sent_again():
    host = Host(answer=b"")
    async with listening(host) as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.post(host.url)
    assert host.requests == 1


async def test_a_request_on_a_connection_that_dies_under_it_is_not_sent_again():
    host = Host()
    async with listening(host) as http:
        await http.get(host.url)
        host.answer = b""
        with pytest.raises(httpx.RemoteProtocolError):
            await http.post(host.url)
    assert host.requests == 2


async def test_the_connection_of_a_cancelled_request_is_not_used_again():
    host = Host()
    async with listening(host) as http:
        host.may.clear()
        asking = asyncio.ensure_future(http.get(host.url))
        await host.until(lambda: host.requests == 1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        host.may.set()
        assert (await http.get(host.url)).status_code == 200
    assert host.connections == 2


async def test_the_connection_of_an_answer_that_is_not_read_is_not_used_again():
    host = Host()
    async with listening(host) as http:
        async with http.stream("GET", host.url):
            pass
        await http.get(host.url)
    assert host.connections == 2


async def test_nobody_listening_is_a_connect_error_of_httpx():
    host = Host()
    async with listening(host) as http:
        pass
    async with httpx.AsyncClient(transport=KeptAlive(tls(), idle=1, seconds=1.0)) as http:
        with pytest.raises(httpx.ConnectError) as error:
            await http.get(host.url)
    assert error.value.request.url == host.url


async def test_silence_is_a_read_timeout_of_httpx():
    host = Host()
    host.may.clear()
    async with listening(host) as http:
        with pytest.raises(httpx.ReadTimeout):
            await http.get(host.url, timeout=httpx.Timeout(60, read=0.01))
        host.may.set()


async def test_only_http_is_spoken():
    request = httpx.Request("GET", "ftp://127.0.0.1/job")
    with pytest.raises(httpx.UnsupportedProtocol):
        await KeptAlive(tls(), idle=1, seconds=1.0).handle_async_request(request)


async def test_closing_closes_what_is_in_use_as_well():
    host = Host()
    transport = KeptAlive(tls(), idle=1, seconds=9.0)
    async with listening(host):
        response = await transport.handle_async_request(httpx.Request("GET", host.url, headers={"Host": "x"}))
        await transport.aclose()
        await host.until(lambda: not host.open)
        await response.aclose()
    assert host.connections == 1
