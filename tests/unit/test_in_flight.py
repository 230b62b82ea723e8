"""At most so many jobs of an account render at once, and nobody waits for ever for a slot."""

import asyncio
from datetime import UTC, datetime

import pytest

from prefect_storyboard.providers.in_flight import InFlight
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
