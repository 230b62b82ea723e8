"""One adapter and one connection pool an account and loop, at most eight submits at once, and a gate that may close."""

import asyncio
from typing import Any

import httpx
import pytest

from prefect_storyboard.providers.clock import Clock
from prefect_storyboard.providers.errors import Busy, InvalidRequest, Unauthorized
from prefect_storyboard.providers.fal.adapter import Fal
from prefect_storyboard.providers.session import SUBMITS, Session, session

from .fakes import FakeClock


def connect(http: httpx.AsyncClient) -> Fal:
    return Fal(http, api_key="kid:ksec", queue_url="https://q", rest_url="https://r", platform_url="https://p")


def one(in_flight: int = 2) -> Any:
    return session("one", connect, in_flight=in_flight)


async def test_an_account_is_shared_until_the_last_one_leaves() -> None:
    async with one() as first:
        async with one() as second, session("other", connect, in_flight=1) as other:
            assert second is first
            assert other is not first
        assert not first.http.is_closed
        assert other.http.is_closed
    assert first.http.is_closed
    async with one() as again:
        assert again is not first


async def test_an_error_inside_leaves_the_connections_to_the_others() -> None:
    async with one() as first:
        with pytest.raises(KeyError):
            async with one():
                raise KeyError
        assert not first.http.is_closed
    assert first.http.is_closed


async def test_an_account_that_cannot_be_opened_is_not_remembered() -> None:
    def refused(http: httpx.AsyncClient) -> Fal:
        raise Unauthorized("no key")

    with pytest.raises(Unauthorized):
        async with session("one", refused, in_flight=1):
            pass
    async with one() as opened:
        assert isinstance(opened.provider, Fal)


def test_two_loops_share_nothing() -> None:
    async def opened() -> Session:
        async with one() as mine:
            return mine

    runners = [asyncio.Runner(), asyncio.Runner()]
    first, second = (runner.run(opened()) for runner in runners)
    for runner in runners:
        runner.close()
    assert first is not second


class Standing(Clock):
    """Its time never passes."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return 100.0

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


async def test_submits_keep_to_the_rate_of_the_gateway() -> None:
    """Seven at three in ten seconds: three now, three after ten seconds, one after twenty."""
    clock = Standing()
    async with httpx.AsyncClient() as http:
        shared = Session(http, connect(http), 9, rate=3, clock=clock)

        async def submit() -> None:
            async with shared.submitting():
                pass

        await asyncio.gather(*(submit() for _ in range(7)))
    assert clock.slept == [0, 0, 0, 10, 10, 10, 20]


async def test_eight_submits_are_under_way_at_once_and_no_more() -> None:
    under_way = most = 0

    async def submit(shared: Session) -> None:
        nonlocal under_way, most
        async with shared.submitting():
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            under_way -= 1

    async with one() as shared:
        await asyncio.gather(*(submit(shared) for _ in range(50)))
    assert (most, under_way, SUBMITS) == (8, 0, 8)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def refused(shared: Session, error: Exception, *meanwhile: Exception) -> None:
    """A submit that is refused, while others are that had passed the gate before."""

    async def submit() -> None:
        async with shared.submitting():
            if meanwhile:
                await refused(shared, *meanwhile)
            raise error

    with pytest.raises(type(error)):
        await submit()


async def test_who_is_told_to_wait_closes_the_gate_for_everybody(clock: FakeClock) -> None:
    async with httpx.AsyncClient() as http:
        shared = Session(http, connect(http), 1, clock=clock)
        await refused(shared, Busy("slow down", retry_after=7.0))
        await refused(shared, Busy("slow down"))
        async with shared.submitting():
            pass
    assert clock.slept == [7.0]


async def test_a_shorter_wait_does_not_open_the_gate_earlier(clock: FakeClock) -> None:
    async with httpx.AsyncClient() as http:
        shared = Session(http, connect(http), 1, clock=clock)
        await refused(shared, Busy("slow down", retry_after=3.0), Busy("slow down", retry_after=7.0))
        async with shared.submitting():
            assert clock.slept == [7.0]


async def test_any_other_refusal_leaves_the_gate_open(clock: FakeClock) -> None:
    async with httpx.AsyncClient() as http:
        shared = Session(http, connect(http), 1, clock=clock)
        await refused(shared, InvalidRequest("no"))
        async with shared.submitting():
            assert clock.slept == []
