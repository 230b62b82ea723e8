"""The connections of one use: few of them, the last one first, and none that the server has closed."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from prefect_storyboard.providers.connections import ConnectionStack

_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


class Server:
    """Answers each request when it may; knows the number of the connection on which each came."""

    def __init__(self) -> None:
        self.came: list[int] = []
        self.arrivals = asyncio.Semaphore(0)
        self.may = asyncio.Event()
        self.may.set()
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        number = len(self.writers)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                self.came.append(number)
                self.arrivals.release()
                await self.may.wait()
                writer.write(_ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def arrived(self, count: int) -> None:
        for _ in range(count):
            await self.arrivals.acquire()


@pytest.fixture
async def server() -> Server:
    return Server()


@pytest.fixture
async def http(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with httpx.AsyncClient(transport=ConnectionStack(), base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
        yield http
    listening.close()


async def at_once(server: Server, http: httpx.AsyncClient, count: int) -> None:
    server.may.clear()
    server.arrivals = asyncio.Semaphore(0)
    many = asyncio.gather(*(http.get("/") for _ in range(count)))
    await server.arrived(count)
    server.may.set()
    await many


async def test_one_request_after_the_other_takes_one_connection(server: Server, http: httpx.AsyncClient) -> None:
    for _ in range(5):
        await http.get("/")
    assert server.came == [1] * 5


async def test_requests_at_once_have_a_connection_each_and_later_ones_use_them_again(
    server: Server, http: httpx.AsyncClient
) -> None:
    await at_once(server, http, 3)
    await at_once(server, http, 3)
    assert sorted(server.came) == [1, 1, 2, 2, 3, 3]


async def test_the_connection_that_was_used_last_is_used_first(server: Server, http: httpx.AsyncClient) -> None:
    await at_once(server, http, 3)
    for _ in range(4):
        await http.get("/")
    assert len(set(server.came[3:])) == 1


async def test_a_connection_that_the_server_has_closed_is_not_used(server: Server, http: httpx.AsyncClient) -> None:
    await http.get("/")
    server.writers[0].close()
    await server.writers[0].wait_closed()
    response = await http.post("/", json={})
    assert response.status_code == 200
    assert server.came == [1, 2]


async def test_after_a_cancelled_request_nothing_is_read_from_its_connection(
    server: Server, http: httpx.AsyncClient
) -> None:
    server.may.clear()
    cancelled = asyncio.ensure_future(http.get("/"))
    await server.arrived(1)
    cancelled.cancel()
    await asyncio.gather(cancelled, return_exceptions=True)
    server.may.set()
    assert (await http.get("/")).status_code == 200
    assert server.came == [1, 2]


async def test_a_body_that_is_being_read_keeps_its_connection(server: Server, http: httpx.AsyncClient) -> None:
    async with http.stream("GET", "/") as response:
        await http.get("/")
        assert await response.aread() == b"{}"
    assert server.came == [1, 2]
