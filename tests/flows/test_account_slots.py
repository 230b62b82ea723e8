"""The account's limit of a real Prefect server holds for nodes used alone, under every way to call them."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate

from prefect_storyboard.blocks import FalCredentials
from prefect_storyboard.tasks._limits import account_slot, give_back, limit_name
from prefect_storyboard.tasks._node import node

ACCOUNT = FalCredentials(api_key="id:secret-of-slots", account="slots")


class Meter:
    """How many jobs hold a slot."""

    now = most = 0


@node(name="hold")
async def hold(number: int) -> int:
    """Hold a slot for a moment; a job inside of a job needs no second one."""
    async with account_slot(ACCOUNT), account_slot(ACCOUNT):
        Meter.now += 1
        Meter.most = max(Meter.most, Meter.now)
        await asyncio.sleep(0.05)
        Meter.now -= 1
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


async def test_slots_outlive_the_task_run_that_happened_to_ask_for_them(limit: int) -> None:
    both, ended = asyncio.Barrier(2), asyncio.Event()

    @node(name="short")
    async def short() -> None:
        async with account_slot(ACCOUNT):
            await both.wait()

    @node(name="long")
    async def long() -> int:
        async with account_slot(ACCOUNT):
            await both.wait()
            await ended.wait()
            return await taken()

    async def first() -> None:
        await short()
        from prefect_storyboard.tasks._loop import soon

        soon(ended.set)

    @flow
    async def two() -> int:
        _, held = await asyncio.gather(first(), long())
        return held

    assert await two() >= 1
