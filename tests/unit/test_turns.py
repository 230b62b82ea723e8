"""A fan-out of task runs leaves the event loop free between two starts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import pytest

from prefect_storyboard.tasks._node import in_turn


@asynccontextmanager
async def turns() -> AsyncIterator[list[int]]:
    """The number of the loop's turn, in a list of one."""
    number, going = [0], [True]

    def tick() -> None:
        number[0] += 1
        if going:
            asyncio.get_running_loop().call_soon(tick)

    tick()
    yield number
    going.clear()


async def test_no_two_calls_begin_in_one_turn_of_the_loop() -> None:
    begun: list[int] = []

    async def call(number: list[int]) -> int:
        begun.append(number[0])
        return len(begun)

    async with turns() as number:
        values = await asyncio.gather(*(in_turn(call(number)) for _ in range(20)))
    assert values == list(range(1, 21))
    assert len({*begun}) == len(begun)


async def test_a_call_that_waits_for_nothing_holds_up_no_other() -> None:
    never, numbers = asyncio.Event(), count()

    async def call() -> int:
        if next(numbers) == 0:
            await never.wait()
        return 1

    first = asyncio.create_task(in_turn(call()))
    assert await asyncio.gather(*(in_turn(call()) for _ in range(3))) == [1, 1, 1]
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_call_that_is_cancelled_before_its_turn_has_begun_nothing() -> None:
    begun: list[str] = []

    async def call(name: str) -> None:
        begun.append(name)

    calls = {name: asyncio.create_task(in_turn(call(name))) for name in ("first", "cancelled", "last")}
    await asyncio.sleep(0)
    calls["cancelled"].cancel()
    await asyncio.gather(*calls.values(), return_exceptions=True)
    assert (begun, calls["cancelled"].cancelled()) == (["first", "last"], True)
