"""The dead are buried at once, the living are waited for, and of many at once one sends."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from prefect_storyboard.jobs import buy as module
from prefect_storyboard.jobs.buy import PaidJob
from prefect_storyboard.ledger import Ledger
from prefect_storyboard.providers import errors

from .fakes import KEY, Gateway, intent, job, ledger_in, order
from .purchases import buy, dead, living, outcomes, quick


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    quick(monkeypatch)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return ledger_in(tmp_path)


async def test_the_intent_of_a_dead_process_is_settled_at_once(ledger: Ledger) -> None:
    gateway = Gateway()
    ledger.intend(1, intent(owner=dead()))
    gateway.bill(order())
    bought = await buy(gateway, ledger)
    assert (bought.state, bought.job.request_id) == ("Reattached", "r1")
    assert len(gateway.billed) == 1


async def test_an_intent_whose_lease_is_over_is_settled(ledger: Ledger) -> None:
    gateway = Gateway()
    past = datetime.now(UTC) - timedelta(minutes=3)
    ledger.intend(1, intent(at=past, lease_until=past + timedelta(minutes=2), owner=living()))
    gateway.bill(order(), at=past)
    assert (await buy(gateway, ledger)).state == "Reattached"


async def test_the_intent_of_a_living_process_is_waited_for(ledger: Ledger) -> None:
    gateway = Gateway()
    ledger.intend(1, intent(owner=living()))
    waiting = asyncio.create_task(buy(gateway, ledger))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    ledger.submitted(KEY, 1, job("theirs"))
    bought = await waiting
    assert (bought.state, bought.job.request_id) == ("Reattached", "theirs")
    assert not gateway.billed


async def test_the_lease_of_a_living_process_is_waited_out(ledger: Ledger) -> None:
    ledger.intend(1, intent(owner=living(), lease_until=datetime.now(UTC) + timedelta(seconds=0.2)))
    before = asyncio.get_running_loop().time()
    with pytest.raises(errors.OutcomeUnknown, match="no answer is recorded"):
        await buy(Gateway(), ledger)
    assert asyncio.get_running_loop().time() - before > 0.15


@pytest.mark.parametrize("on_unknown", ["stop", "resubmit"])
async def test_a_dead_owner_may_have_recorded_its_answer_just_before(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, on_unknown: Any
) -> None:
    """Its history was read, then it wrote the job and left, then it was looked for."""
    ledger.intend(1, intent(owner=dead()))

    def alive(_owner: Any) -> bool:
        ledger.submitted(KEY, 1, job("r7"))
        return False

    monkeypatch.setattr(module, "alive", alive)
    gateway = Gateway()
    bought = await buy(gateway, ledger, on_unknown=on_unknown)
    assert (bought.state, bought.job.request_id) == ("Reattached", "r7")
    assert not gateway.billed


async def test_two_calls_at_once_send_one_post(ledger: Ledger) -> None:
    async def slowly() -> None:
        await asyncio.sleep(0.05)

    gateway = Gateway(slowly)
    bought = await asyncio.gather(*(buy(gateway, ledger) for _ in range(6)))
    assert {each.job.request_id for each in bought} == {"r1"}
    assert sorted(each.state for each in bought) == ["Reattached"] * 5 + ["Submitted"]
    assert len(gateway.billed) == 1


async def test_who_comes_second_after_a_refusal_tries_the_next_attempt(ledger: Ledger) -> None:
    async def slowly() -> None:
        await asyncio.sleep(0.05)
        raise errors.Busy("later")

    gateway = Gateway(slowly)
    ended = await asyncio.gather(buy(gateway, ledger), buy(gateway, ledger), return_exceptions=True)
    assert {type(end) for end in ended} == {errors.Busy, PaidJob}
    assert outcomes(ledger) == ["refused", None]
    assert len(gateway.billed) == 1


async def test_an_intent_that_took_too_long_to_write_is_not_used(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rival may take its lease for over while the POST is still on its way."""
    gateway = Gateway()
    with monkeypatch.context() as patch:
        patch.setattr(module, "LEASE", timedelta(seconds=59))
        with pytest.raises(errors.NotSent, match="took so long"):
            await buy(gateway, ledger)
    assert outcomes(ledger) == ["refused"]
    assert (await buy(gateway, ledger)).attempt == 2
