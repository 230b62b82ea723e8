"""The account's limit of a real Prefect server holds for nodes used alone, under every way to call them."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate

from prefect_storyboard.blocks import FalCredentials
from prefect_storyboard.providers.in_flight import InFlight
from prefect_storyboard.storyboards import Job
from prefect_storyboard.tasks._limits import account_limit, give_back, limit_name
from prefect_storyboard.tasks._loop import soon
from prefect_storyboard.tasks._node import node

ACCOUNT = FalCredentials(api_key="id:secret-of-slots", account="slots")


IN_FLIGHT = InFlight(100)


class Meter:
    """How many jobs hold a slot."""

    now = most = 0


async def never(job: Job) -> bool:
    """No job of these ends by itself."""
    return False


async def buy(key: str) -> None:
    """What buy_once does about slots."""
    with account_limit(ACCOUNT):
        await IN_FLIGHT.take(key, never)


@node(name="hold")
async def hold(number: int) -> int:
    """A job for a moment."""
    await buy(str(number))
    Meter.now += 1
    Meter.most = max(Meter.most, Meter.now)
    await asyncio.sleep(0.05)
    Meter.now -= 1
    IN_FLIGHT.give_back(str(number))
    return number


async def taken() -> int:
    """Slots that the server counts."""
    async with get_client() as client:
        return (await client.read_global_concurrency_limit_by_name(limit_name(ACCOUNT))).active_slots


@pytest.fixture
async def limit(engine: None) -> AsyncIterator[int]:
    async with get_client() as client:
        await client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=limit_name(ACCOUNT), limit=3))
        yield 3
        await give_back(ACCOUNT)
        await client.delete_global_concurrency_limit_by_name(limit_name(ACCOUNT))


async def test_gathered_and_mapped_jobs_keep_to_the_limit_and_give_the_slots_back(limit: int) -> None:
    @flow
    async def many() -> list[int]:
        gathered = asyncio.gather(*map(hold, range(5)))
        mapped = await asyncio.to_thread(lambda: hold.map(range(5, 10)).result())
        return [*await gathered, *mapped]

    Meter.now = Meter.most = 0
    assert await many() == list(range(10))
    assert 1 <= Meter.most <= limit
    await give_back(ACCOUNT)
    assert await taken() == 0


async def test_a_job_keeps_its_slot_after_the_task_that_bought_it_until_it_has_ended(limit: int) -> None:
    """Prefect would end the lease with the task run."""

    @node(name="submit")
    async def submit() -> None:
        await buy("open")

    @flow
    async def one() -> tuple[int, int]:
        await submit()
        await give_back(ACCOUNT)
        open_jobs = await taken()
        soon(lambda: IN_FLIGHT.give_back("open"))
        await give_back(ACCOUNT)
        return open_jobs, await taken()

    assert await one() == (1, 0)
