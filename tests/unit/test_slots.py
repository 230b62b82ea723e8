"""How a process holds slots of an account's limit: in blocks of eight, for whoever needs one, and no longer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from prefect_storyboard.blocks import FalCredentials
from prefect_storyboard.providers.in_flight import shared_slot
from prefect_storyboard.series.limits import account_slots, limit_name
from prefect_storyboard.tasks._limits import account_limit
from prefect_storyboard.tasks._slots import Slots, Taken, Ticket

ACCOUNT = FalCredentials(api_key="id:secret", account="studio")
NAME = "storyboard-fal-studio"


class Server:
    """A Prefect server with one limit, or without. `leases` are the sizes of all that it gave."""

    def __init__(self, limit: int | None, *, others: int = 0) -> None:
        self.limit, self.held, self.leases, self.asked = limit, others, list[int](), 0
        self.free = asyncio.Condition()
        self.broken: Exception | None = None

    async def size(self, name: str) -> int | None:
        assert name == NAME
        self.asked += 1
        await asyncio.sleep(0)
        return self.limit

    @asynccontextmanager
    async def lease(self, name: str, slots: int, *, wait: bool) -> AsyncIterator[None]:
        assert name == NAME
        assert self.limit is not None
        room = lambda: self.held + slots <= (self.limit or 0)  # noqa: E731
        async with self.free:
            if not room() and not wait:
                raise Taken
            await self.free.wait_for(room)
            self.held += slots
        self.leases.append(slots)
        try:
            yield
        finally:
            async with self.free:
                self.held -= slots
                self.free.notify_all()
            if self.broken:
                raise self.broken

    async def others_give_back(self, slots: int) -> None:
        async with self.free:
            self.held -= slots
            self.free.notify_all()


class Jobs:
    """Jobs that hold a slot until they are told to end."""

    def __init__(self, server: Server) -> None:
        self.slots, self.at_once, self.most = Slots(server, NAME, linger=0.0), 0, 0
        self.end = asyncio.Event()

    async def job(self) -> None:
        ticket = Ticket()
        try:
            await self.slots.take(ticket)
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            await self.end.wait()
            self.at_once -= 1
        finally:
            self.slots.release(ticket)

    def begin(self, number: int) -> list[asyncio.Task[None]]:
        return [asyncio.create_task(self.job()) for _ in range(number)]


async def settle() -> None:
    """Let everything happen that can happen now."""
    for _ in range(200):
        await asyncio.sleep(0)


def test_a_limit_is_named_for_its_account() -> None:
    assert limit_name(ACCOUNT) == NAME


async def test_twenty_jobs_hold_three_leases_of_eight_slots_and_give_them_back() -> None:
    server = Server(40)
    jobs = Jobs(server)
    running = jobs.begin(20)
    await settle()
    assert (jobs.at_once, server.leases) == (20, [8, 8, 8])
    jobs.end.set()
    await asyncio.gather(*running)
    await jobs.slots.give_back()
    await settle()
    assert server.held == 0


async def test_jobs_that_come_one_by_one_do_not_hold_a_lease_each() -> None:
    server = Server(40)
    jobs = Jobs(server)
    running = []
    for _ in range(32):
        running += jobs.begin(1)
        await settle()
    assert (jobs.at_once, server.leases) == (32, [1, 1, 2, 4, 8, 8, 8])
    jobs.end.set()
    await asyncio.gather(*running)


async def test_no_more_jobs_run_than_the_limit_allows_and_all_of_them_come_round() -> None:
    server = Server(3)
    jobs = Jobs(server)
    jobs.end.set()
    await asyncio.wait_for(asyncio.gather(*jobs.begin(30)), 30)
    assert jobs.most <= 3


async def test_of_what_others_leave_a_process_takes_what_there_is_and_waits_for_the_last_slot() -> None:
    server = Server(8, others=5)
    jobs = Jobs(server)
    running = jobs.begin(8)
    await settle()
    assert (jobs.at_once, server.leases) == (3, [2, 1])
    await server.others_give_back(5)
    await settle()
    assert (jobs.at_once, server.held) == (8, 8)
    jobs.end.set()
    await asyncio.gather(*running)


async def test_a_job_whose_neighbour_ends_does_not_wait_for_the_server() -> None:
    server = Server(2)
    jobs = Jobs(server)
    first = jobs.begin(2)
    await settle()
    second = jobs.begin(1)
    await settle()
    assert not second[0].done()
    jobs.end.set()
    await asyncio.gather(*first, *second)
    assert server.leases == [2]


async def test_a_job_that_is_cancelled_while_it_waits_takes_no_slot_with_it() -> None:
    server = Server(1)
    jobs = Jobs(server)
    (first,) = jobs.begin(1)
    await settle()
    waiting = jobs.begin(3)
    await settle()
    for job in waiting[:2]:
        job.cancel()
    jobs.end.set()
    await asyncio.gather(first, *waiting, return_exceptions=True)
    await jobs.slots.give_back()
    await settle()
    assert (waiting[2].exception(), server.held) == (None, 0)


async def test_a_job_that_is_cancelled_in_the_moment_it_gets_its_slot_gives_it_back() -> None:
    server = Server(1)
    slots = Slots(server, NAME, linger=0.0)
    first = Ticket()
    await slots.take(first)
    waiting = asyncio.create_task(slots.take(Ticket()))
    await settle()
    slots.release(first)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await settle()
    assert server.held == 0


async def test_without_a_limit_nothing_is_held_and_it_is_looked_up_once() -> None:
    server = Server(None)
    jobs = Jobs(server)
    running = jobs.begin(7)
    await settle()
    assert (jobs.at_once, server.leases) == (7, [])
    running += jobs.begin(7)
    await settle()
    assert (jobs.at_once, server.asked) == (14, 1)
    jobs.end.set()
    await asyncio.gather(*running)


async def test_a_limit_of_nothing_is_an_error_that_names_it() -> None:
    jobs = Jobs(Server(0))
    for job in jobs.begin(2):
        with pytest.raises(ValueError, match=rf"^the limit {NAME} allows no job; raise it"):
            await job


async def test_a_lease_that_fails_in_the_end_stops_no_job() -> None:
    server = Server(2)
    server.broken = RuntimeError("the lease could not be given back")
    jobs = Jobs(server)
    jobs.end.set()
    await asyncio.gather(*jobs.begin(2))
    await jobs.slots.give_back()


async def test_outside_of_a_run_nothing_is_asked_and_nothing_is_bounded() -> None:
    """A server that is not there would be started."""
    async with account_slots(ACCOUNT, 7) as slots:
        with account_limit(ACCOUNT):
            assert (slots, shared_slot.get()) == (7, None)
