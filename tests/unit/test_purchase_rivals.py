"""The dead are buried at once, the living are waited for, and of many at once one sends."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from prefect_storyboard.jobs.paid import PaidJob
from prefect_storyboard.ledger import Intent, Ledger
from prefect_storyboard.providers import errors

from .fakes import KEY, FakeClock, Gateway, intent, job, ledger_in, order, overtaken_by
from .purchases import buy, dead, living, outcomes


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
    clock = FakeClock(lambda: None, lambda: ledger.submitted(KEY, 1, job("theirs")))
    bought = await buy(gateway, ledger, clock=clock)
    assert len(clock.slept) == 2
    assert (bought.state, bought.job.request_id) == ("Reattached", "theirs")
    assert not gateway.billed


async def test_the_lease_of_a_living_process_is_waited_out(ledger: Ledger) -> None:
    clock = FakeClock()
    ledger.intend(1, intent(owner=living(), lease_until=clock.now() + timedelta(seconds=20)))
    with pytest.raises(errors.OutcomeUnknown, match="no answer is recorded"):
        await buy(Gateway(), ledger, clock=clock)
    assert clock.passed == 20 + 10, "the lease, and then the looks into the provider's list"


@pytest.mark.parametrize("on_unknown", ["stop", "resubmit"])
async def test_a_dead_owner_may_have_recorded_its_answer_just_before(ledger: Ledger, on_unknown: Any) -> None:
    """Its history was read, then it wrote the job and left, then it was looked for."""
    ledger.intend(1, intent(owner=dead()))
    gateway, overtaken = Gateway(), overtaken_by(ledger, lambda: ledger.submitted(KEY, 1, job("r7")))
    bought = await buy(gateway, overtaken, on_unknown=on_unknown)
    assert (bought.state, bought.job.request_id) == ("Reattached", "r7")
    assert not gateway.billed


async def test_two_calls_at_once_send_one_post(ledger: Ledger) -> None:
    under_way = asyncio.Event()
    gateway = Gateway(under_way.wait)
    clock = FakeClock(*[lambda: None] * 4, under_way.set)  # once each of the five others has waited
    bought = await asyncio.gather(*(buy(gateway, ledger, clock=clock) for _ in range(6)))
    assert {each.job.request_id for each in bought} == {"r1"}
    assert sorted(each.state for each in bought) == ["Reattached"] * 5 + ["Submitted"]
    assert len(gateway.billed) == 1


async def test_who_comes_second_after_a_refusal_tries_the_next_attempt(ledger: Ledger) -> None:
    under_way = asyncio.Event()

    async def refused() -> None:
        await under_way.wait()
        raise errors.Busy("later")

    class Still(FakeClock):
        """A disk that is slow takes no part of the lease."""

        async def sleep(self, seconds: float) -> None:
            await super().sleep(seconds)
            self.passed = 0.0

    gateway, clock = Gateway(refused), Still(under_way.set)
    ended = await asyncio.gather(*(buy(gateway, ledger, clock=clock) for _ in range(2)), return_exceptions=True)
    assert {type(end) for end in ended} == {errors.Busy, PaidJob}
    assert outcomes(ledger) == ["refused", None]
    assert len(gateway.billed) == 1


async def test_an_intent_that_took_too_long_to_write_is_not_used(ledger: Ledger) -> None:
    """A rival may take its lease for over while the POST is still on its way."""
    gateway, clock = Gateway(), FakeClock()

    class Slow(Ledger):
        def intend(self, number: int, intent: Intent) -> bool:
            clock.passed += 61
            return super().intend(number, intent)

    with pytest.raises(errors.NotSent, match="took so long"):
        await buy(gateway, Slow(ledger.storage), clock=clock)
    assert outcomes(ledger) == ["refused"]
    assert (await buy(gateway, ledger)).attempt == 2
