"""At most so many jobs of an account render at once, and nobody waits for ever for a slot."""

import asyncio
from datetime import UTC, datetime

import pytest

from prefect_storyboard.providers.in_flight import InFlight, Release, shared_slot
from prefect_storyboard.storyboards import Job


def job(name: str) -> Job:
    return Job(provider="fal", endpoint="e", request_id=name, submitted_at=datetime.now(UTC))


async def never(_job: Job) -> bool:
    return False


async def turns(count: int = 20) -> None:
    """Let everything that can go on go on."""
    for _ in range(count):
        await asyncio.sleep(0)


async def for_ever(_seconds: float) -> None:
    await asyncio.Event().wait()


async def test_a_job_beyond_the_limit_waits_until_one_has_ended() -> None:
    slots = InFlight(1, for_ever)
    await slots.take("first", never)
    slots.submitted("first", job("first"))
    second = asyncio.create_task(slots.take("second", never))
    await turns()
    assert not second.done()
    slots.give_back("first")
    await second
    assert slots.taken == 1


async def test_jobs_that_nobody_polls_are_looked_at_by_whoever_waits() -> None:
    """Submit all, then poll all: the ninth job of eight slots would wait for ever."""
    slots, looked = InFlight(2, for_ever), []

    async def has_ended(seen: Job) -> bool:
        looked.append(seen.request_id)
        return seen.request_id == "first"

    for name in ("first", "second"):
        await slots.take(name, never)
        slots.submitted(name, job(name))
    await slots.take("third", has_ended)
    assert (sorted(looked), slots.taken) == (["first", "second"], 2)


async def test_a_job_that_somebody_polls_is_not_looked_at_besides() -> None:
    slots, looked = InFlight(1, for_ever), []

    async def has_ended(seen: Job) -> bool:
        looked.append(seen.request_id)
        return True

    await slots.take("first", never)
    with slots.watching("first", job("first")):
        second = asyncio.create_task(slots.take("second", has_ended))
        await turns()
        assert (looked, second.done()) == ([], False)
        slots.give_back("first")
        await second


async def test_a_submit_that_was_refused_leaves_its_slot_and_one_that_was_accepted_keeps_it() -> None:
    slots = InFlight(2, for_ever)
    await slots.take("refused", never)
    await slots.take("accepted", never)
    slots.submitted("accepted", job("accepted"))
    for name in ("refused", "accepted"):
        slots.give_back_unsubmitted(name)
    assert slots.taken == 1


async def test_a_wait_that_is_cancelled_takes_no_slot() -> None:
    slots = InFlight(1, for_ever)
    await slots.take("first", never)
    waiting = asyncio.create_task(slots.take("second", never))
    await turns()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    slots.give_back("first")
    await slots.take("third", never)
    assert slots.taken == 1


async def test_a_job_of_an_earlier_run_counts_as_well() -> None:
    slots = InFlight(1, for_ever)
    with slots.watching("old", job("old")):
        assert slots.taken == 1


class Shared:
    """Slots that other processes take from as well."""

    def __init__(self, number: int) -> None:
        self.free = asyncio.Semaphore(number)
        self.taken = 0

    async def take(self) -> Release:
        await self.free.acquire()
        self.taken += 1
        return self.release

    def release(self) -> None:
        self.taken -= 1
        self.free.release()


@pytest.fixture
def shared() -> Shared:
    return Shared(1)


async def test_a_job_takes_one_shared_slot_and_gives_it_back_when_it_has_ended(shared: Shared) -> None:
    shared_slot.set(shared.take)
    slots = InFlight(9, for_ever)
    await slots.take("first", never)
    await slots.take("first", never)
    assert shared.taken == 1
    slots.submitted("first", job("first"))
    slots.give_back("first")
    assert shared.taken == 0


async def test_a_refused_submit_gives_the_shared_slot_back(shared: Shared) -> None:
    shared_slot.set(shared.take)
    slots = InFlight(9, for_ever)
    await slots.take("first", never)
    slots.give_back_unsubmitted("first")
    assert (shared.taken, slots.taken) == (0, 0)


async def test_whoever_waits_for_a_shared_slot_looks_at_the_jobs_that_nobody_polls(shared: Shared) -> None:
    shared_slot.set(shared.take)
    slots = InFlight(9, turns_of_a_clock)

    async def has_ended(seen: Job) -> bool:
        return seen.request_id == "first"

    await slots.take("first", never)
    slots.submitted("first", job("first"))
    await slots.take("second", has_ended)
    assert (shared.taken, slots.taken) == (1, 1)


async def test_a_cancelled_wait_for_a_shared_slot_leaves_none_taken(shared: Shared) -> None:
    shared_slot.set(shared.take)
    slots = InFlight(9, for_ever)
    await slots.take("first", never)
    second = asyncio.create_task(slots.take("second", never))
    await turns()
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    slots.give_back("first")
    assert (shared.taken, slots.taken) == (0, 0)


async def test_a_shared_slot_that_cannot_be_asked_for_leaves_none_taken() -> None:
    async def broken() -> Release:
        raise ValueError("the limit allows no job")

    slots = InFlight(9, for_ever)
    token = shared_slot.set(broken)
    with pytest.raises(ValueError, match="allows no job"):
        await slots.take("first", never)
    shared_slot.reset(token)
    assert slots.taken == 0


async def turns_of_a_clock(_seconds: float) -> None:
    await asyncio.sleep(0)
