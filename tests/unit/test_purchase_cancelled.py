"""A cancellation before the intent leaves nothing behind; after it, the answer gets on disk first."""

import asyncio
from pathlib import Path

import anyio
import pytest

from prefect_storyboard.jobs.buy import buy_once
from prefect_storyboard.jobs.paid import uninterrupted
from prefect_storyboard.ledger import Ledger
from prefect_storyboard.providers import errors
from prefect_storyboard.storyboards.keys import digest

from .fakes import KEY, OTHER, FakeClock, Gateway, ledger_in, session_with, wording
from .purchases import buy, outcomes, want


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return ledger_in(tmp_path)


async def test_a_cancellation_during_the_post_waits_until_the_id_is_on_disk(ledger: Ledger) -> None:
    posted, answer = asyncio.Event(), asyncio.Event()

    async def slowly() -> None:
        posted.set()
        await answer.wait()

    gateway, heard = Gateway(slowly), []
    buying = asyncio.create_task(buy(gateway, ledger, on_submitted=heard.append))
    await posted.wait()
    for _ in range(3):  # a second Ctrl-C, a timeout, the end of the loop
        buying.cancel()
        await asyncio.sleep(0)
        assert not buying.done()
    answer.set()
    with pytest.raises(asyncio.CancelledError):
        await buying
    assert ledger.history(KEY)[0].job == gateway.billed[0][0]
    assert [bought.job for bought in heard] == [gateway.billed[0][0]], "who listens hears of it all the same"
    assert (await buy(gateway, ledger)).state == "Reattached"


async def test_a_cancel_scope_that_insists_waits_too(ledger: Ledger) -> None:
    insisted = asyncio.Event()

    async def slowly() -> None:
        scope.cancel()
        for _ in range(5):  # a scope cancels again in every turn of the loop
            await asyncio.sleep(0)
        insisted.set()

    with anyio.CancelScope() as scope:
        await buy(Gateway(slowly), ledger)
    assert insisted.is_set()
    assert scope.cancelled_caught
    assert ledger.history(KEY)[0].job


async def test_a_refusal_is_recorded_in_spite_of_a_cancellation(ledger: Ledger) -> None:
    posted, answer = asyncio.Event(), asyncio.Event()

    async def refuse() -> None:
        posted.set()
        await answer.wait()
        raise errors.Busy("later")

    buying = asyncio.create_task(buy(Gateway(refuse), ledger))
    await posted.wait()
    buying.cancel()
    await asyncio.sleep(0)
    answer.set()
    with pytest.raises(asyncio.CancelledError):
        await buying
    assert outcomes(ledger) == ["refused"]


async def test_a_cancellation_at_the_gate_sends_and_records_nothing(ledger: Ledger) -> None:
    answer, posted = asyncio.Event(), asyncio.Barrier(9)

    async def wait() -> None:
        await posted.wait()
        await answer.wait()

    gateway = Gateway(*[wait] * 8)
    session = session_with(gateway)
    keys = [digest(n) for n in range(12)]
    buying = [asyncio.create_task(buy_once(session, ledger, want(key), wording())) for key in keys]
    await asyncio.wait_for(posted.wait(), 60)
    for task in buying:
        task.cancel()
    await asyncio.sleep(0)
    answer.set()
    await asyncio.gather(*buying, return_exceptions=True)
    assert all(task.cancelled() for task in buying)
    assert sum(len(ledger.history(key)) for key in keys) == 8
    assert len(gateway.billed) == 8


async def test_a_cancellation_while_the_gate_is_closed_sends_nothing(ledger: Ledger) -> None:
    waits = asyncio.Event()

    class Standing(FakeClock):
        async def sleep(self, seconds: float) -> None:
            waits.set()
            await asyncio.Event().wait()

    gateway = Gateway(errors.Busy("later", retry_after=30.0))
    session = session_with(gateway, clock=Standing())
    with pytest.raises(errors.Busy):
        await buy_once(session, ledger, want(), wording())
    waiting = asyncio.create_task(buy_once(session, ledger, want(OTHER), wording()))
    await waits.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ledger.history(OTHER) == ()
    assert not gateway.billed


async def test_finishing_hands_on_what_came_out() -> None:
    async def seven() -> int:
        return 7

    async def broken() -> int:
        raise KeyError

    assert await uninterrupted(seven()) == 7
    with pytest.raises(KeyError):
        await uninterrupted(broken())


async def test_finishing_ends_with_work_that_was_cancelled_itself() -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def hopeless() -> None:
        begun.set()
        await cancelled.wait()
        raise asyncio.CancelledError

    waiting = asyncio.create_task(uninterrupted(hopeless()))
    await begun.wait()
    waiting.cancel()
    cancelled.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
