"""The gate in front of the paid calls: who is told to wait speaks for everybody who stands there."""

import asyncio
from pathlib import Path

import pytest

from prefect_storyboard.jobs.buy import buy_once
from prefect_storyboard.providers.errors import Busy
from prefect_storyboard.storyboards.keys import digest

from .fakes import FakeClock, Gateway, ledger_in, session_with, wording
from .purchases import want


async def test_a_busy_provider_is_left_alone_by_every_scene_for_as_long_as_it_asked(tmp_path: Path) -> None:
    gateway, ledger = Gateway(Busy("later", retry_after=20.0)), ledger_in(tmp_path)
    clock = FakeClock()
    session = session_with(gateway, clock=clock)
    with pytest.raises(Busy):
        await buy_once(session, ledger, want(), wording())
    sent: list[float] = []

    async def post() -> None:
        sent.append(clock.passed)

    gateway.submits.extend([post] * 12)
    await asyncio.gather(*(buy_once(session, ledger, want(digest(n)), wording()) for n in range(12)))
    assert min(sent) >= 20
    assert len(gateway.billed) == 12


async def test_who_waits_already_waits_longer_when_another_is_told_to() -> None:
    told = asyncio.Event()
    clock = FakeClock(told.set)
    session = session_with(Gateway(), clock=clock)

    async def is_told(seconds: float) -> None:
        async with session.submitting():
            await told.wait()
            raise Busy("later", retry_after=seconds)

    late = asyncio.create_task(is_told(20.0))
    await asyncio.sleep(0)  # it has passed the gate, and waits for its answer
    with pytest.raises(Busy):
        async with session.submitting():
            raise Busy("later", retry_after=5.0)
    async with session.submitting():  # waits for 5 s; then the other is told to wait for 20 s
        assert clock.slept == [5.0, 20.0]
    with pytest.raises(Busy):
        await late


async def test_the_submits_of_one_account_pass_eight_at_a_time(tmp_path: Path) -> None:
    under_way: list[int] = []
    full = asyncio.Event()
    most = 0

    async def post() -> None:
        nonlocal most
        under_way.append(1)
        most = max(most, len(under_way))
        if most >= 8:
            full.set()
        await asyncio.wait_for(full.wait(), 60)
        await asyncio.sleep(0)
        under_way.pop()

    gateway, ledger = Gateway(*[post] * 30), ledger_in(tmp_path)
    session = session_with(gateway)
    await asyncio.gather(*(buy_once(session, ledger, want(digest(n)), wording()) for n in range(30)))
    assert most == 8
