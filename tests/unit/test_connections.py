"""Few connections, each for one use: what is quick never waits behind what is slow."""

import asyncio
from pathlib import Path

import httpx
import pytest

from prefect_storyboard.providers.connections import AT_ONCE, Use
from prefect_storyboard.providers.download import download
from prefect_storyboard.providers.http import ask, buy


class Host(httpx.AsyncBaseTransport):
    """Answers nothing until it may; counts what is under way for each use."""

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.now: dict[Use, int] = dict.fromkeys(AT_ONCE, 0)
        self.most: dict[Use, int] = dict.fromkeys(AT_ONCE, 0)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        use: Use = request.extensions["use"]
        self.now[use] += 1
        self.most[use] = max(self.most[use], self.now[use])
        await self.may.wait()
        self.now[use] -= 1
        return httpx.Response(200, content=b"{}")


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def http(host: Host) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=host)


async def turns() -> None:
    for _ in range(200):
        await asyncio.sleep(0)


async def test_no_more_requests_are_under_way_than_there_are_connections(
    host: Host, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    many = [
        request
        for number in range(40)
        for request in (
            ask(http, "fal", "GET", "https://q/status"),
            buy(http, "fal", "https://q/model", json={}),
            ask(http, "fal", "PUT", "https://q/file", content=b"clip"),
            download(http, "https://cdn/clip.mp4", tmp_path / f"{number}.mp4"),
        )
    ]
    running = asyncio.gather(*many)
    await turns()
    host.may.set()
    await running
    assert host.most == AT_ONCE
    assert sum(AT_ONCE.values()) <= 36


async def test_a_status_call_does_not_wait_behind_files(host: Host, http: httpx.AsyncClient, tmp_path: Path) -> None:
    slow = [download(http, "https://cdn/clip.mp4", tmp_path / f"{number}.mp4") for number in range(20)]
    slow += [ask(http, "fal", "PUT", "https://q/file", content=b"clip") for _ in range(20)]  # type: ignore[list-item]
    files = asyncio.gather(*slow)
    await turns()
    status = asyncio.ensure_future(ask(http, "fal", "GET", "https://q/status"))
    await turns()
    assert host.now["calls"] == 1
    host.may.set()
    assert (await status).status_code == 200
    await files


async def test_one_who_is_cancelled_while_waiting_takes_no_turn(host: Host, http: httpx.AsyncClient) -> None:
    calls = [asyncio.ensure_future(ask(http, "fal", "GET", "https://q/status")) for _ in range(AT_ONCE["calls"] + 2)]
    await turns()
    calls[-2].cancel()
    await turns()
    assert host.now["calls"] == AT_ONCE["calls"]
    host.may.set()
    assert (await calls[-1]).status_code == 200
    await asyncio.gather(*calls, return_exceptions=True)
