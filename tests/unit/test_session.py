"""The gate in front of the paid calls: who is told to wait speaks for everybody who stands there."""

import asyncio
from pathlib import Path

import pytest

from prefect_storyboard.jobs.buy import buy_once
from prefect_storyboard.providers.errors import Busy
from prefect_storyboard.storyboards.keys import digest

from .fakes import Gateway, ledger_in, session_with, wording
from .purchases import quick, want


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    quick(monkeypatch)


async def test_a_busy_provider_is_left_alone_by_every_scene_for_as_long_as_it_asked(tmp_path: Path) -> None:
    gateway, ledger = Gateway(Busy("later", retry_after=0.2)), ledger_in(tmp_path)
    session = session_with(gateway)
    with pytest.raises(Busy):
        await buy_once(session, ledger, want(), wording())
    clock = asyncio.get_running_loop().time
    before = clock()
    await asyncio.gather(*(buy_once(session, ledger, want(digest(n)), wording()) for n in range(12)))
    assert clock() - before > 0.19
    assert len(gateway.billed) == 12


async def test_who_waits_already_waits_longer_when_another_is_told_to() -> None:
    session = session_with(Gateway())
    clock = asyncio.get_running_loop().time
    before = clock()
    inside = asyncio.Event()

    async def told_late() -> None:
        async with session.submitting():
            inside.set()
            await asyncio.sleep(0.05)
            raise Busy("much later", retry_after=0.2)

    async def told_early() -> None:
        await inside.wait()
        async with session.submitting():
            raise Busy("later", retry_after=0.1)

    async def waits() -> float:
        await inside.wait()
        await asyncio.sleep(0.01)
        async with session.submitting():
            return clock() - before

    *_, passed = await asyncio.gather(told_late(), told_early(), waits(), return_exceptions=True)
    assert isinstance(passed, float)
    assert passed > 0.24


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
        await asyncio.wait_for(full.wait(), 30)
        await asyncio.sleep(0.01)
        under_way.pop()

    gateway, ledger = Gateway(*[post] * 30), ledger_in(tmp_path)
    session = session_with(gateway)
    await asyncio.gather(*(buy_once(session, ledger, want(digest(n)), wording()) for n in range(30)))
    assert most == 8
