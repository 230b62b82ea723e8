"""A command whose Prefect server has gone for good ends soon, and says where everything is."""

import asyncio
from collections import deque

import pytest

from prefect_storyboard.cli.served import ServerGone, while_served


class Day:
    """A clock that passes as fast as it is waited for, and a server that answers as it is told, then no more."""

    def __init__(self, *answers: bool, for_ever: bool = False) -> None:
        self.passed, self.answered, self.for_ever = 0.0, deque(answers), for_ever
        self.asked = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.passed += seconds
        await asyncio.sleep(0)

    async def answers(self) -> bool:
        if not self.answered:
            self.asked.set()
        return self.answered.popleft() if self.answered else self.for_ever


async def never() -> int:
    await asyncio.Event().wait()
    return 0


async def test_work_that_ends_gives_its_value() -> None:
    day = Day(for_ever=True)

    async def work() -> int:
        await day.asked.wait()
        return 3

    assert await while_served(work(), day.answers, sleep=day.sleep) == 3


async def test_an_error_of_the_work_is_its_own() -> None:
    day = Day(for_ever=True)

    async def work() -> int:
        raise ValueError("of the work")

    with pytest.raises(ValueError, match="of the work"):
        await while_served(work(), day.answers, sleep=day.sleep)


async def test_where_the_server_is_gone_the_work_is_cancelled_and_recorded() -> None:
    recorded: list[str] = []

    async def work() -> None:
        try:
            await never()
        finally:
            recorded.append("the id")

    day = Day()
    with pytest.raises(ServerGone, match="Paid jobs are in the ledger"):
        await while_served(work(), day.answers, sleep=day.sleep)
    assert (recorded, day.passed < 60) == (["the id"], True)


async def test_a_work_that_does_not_end_is_left_within_a_minute() -> None:
    stuck = asyncio.Event()

    async def work() -> None:
        while not stuck.is_set():
            try:
                await stuck.wait()
            except asyncio.CancelledError:
                stuck_again.append(True)
                if len(stuck_again) > 1:
                    raise

    stuck_again: list[bool] = []
    day = Day()
    with pytest.raises(ServerGone):
        await while_served(work(), day.answers, sleep=day.sleep)
    assert (len(stuck_again), day.passed < 60) == (1, True)


async def test_a_server_that_is_restarted_is_waited_for() -> None:
    day = Day(*map(bool, [0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]), for_ever=True)

    async def work() -> str:
        await day.asked.wait()
        return "done"

    assert await while_served(work(), day.answers, sleep=day.sleep) == "done"
