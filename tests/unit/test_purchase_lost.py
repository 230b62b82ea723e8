"""A submit without an answer is looked up; its job is found by the right scene, or somebody is told."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from prefect_storyboard.ledger import Ledger
from prefect_storyboard.providers import errors

from .fakes import KEY, OTHER, FakeClock, Gateway, intent, job, ledger_in, order
from .purchases import buy, dead, outcomes


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return ledger_in(tmp_path)


@pytest.mark.parametrize("lost_reply", ["lost", errors.ProtocolError("fal answered in verse")])
async def test_a_lost_reply_is_found_in_the_providers_list(ledger: Ledger, lost_reply: Any) -> None:
    gateway = Gateway(lost_reply)
    if lost_reply != "lost":
        gateway.lists.append(lambda: gateway.bill(order()))
    bought = await buy(gateway, ledger)
    assert (bought.state, bought.job.request_id) == ("Submitted", "r1")
    assert ledger.history(KEY)[0].job == bought.job
    assert len(gateway.billed) == 1


async def test_a_job_that_is_listed_late_is_found(ledger: Ledger) -> None:
    gateway = Gateway("lost")
    gateway.hidden.add("r1")
    gateway.lists.extend([None, gateway.hidden.clear])
    assert (await buy(gateway, ledger)).job.request_id == "r1"


async def test_a_lost_reply_that_is_not_listed_stays_in_doubt(ledger: Ledger) -> None:
    gateway = Gateway("vanished")
    with pytest.raises(errors.OutcomeUnknown) as unknown:
        await buy(gateway, ledger)
    assert str(unknown.value).startswith("scene s01 take 1 was submitted at 20")
    assert "fal did not answer a submit (ReadError)" in str(unknown.value)
    assert f"fal does not list it, or not yet (job {KEY[:12]})" in str(unknown.value)
    assert outcomes(ledger) == [None]


async def test_a_job_that_a_later_call_finds_is_announced_then(ledger: Ledger) -> None:
    gateway, heard = Gateway("vanished"), []
    with pytest.raises(errors.OutcomeUnknown):
        await buy(gateway, ledger, on_submitted=heard.append)
    gateway.bill(order())
    for _ in range(2):
        assert (await buy(gateway, ledger, on_submitted=heard.append)).state == "Reattached"
    assert [bought.job.request_id for bought in heard] == ["r1"]


async def test_a_second_call_neither_waits_for_the_lease_nor_submits(ledger: Ledger) -> None:
    gateway = Gateway("vanished")
    for _ in range(3):
        clock = FakeClock()
        with pytest.raises(errors.OutcomeUnknown):
            await buy(gateway, ledger, clock=clock)
        assert clock.passed == 10, "the looks into the provider's list; the lease is two minutes"
    assert not gateway.billed
    assert outcomes(ledger) == [None]


async def test_a_list_that_cannot_be_read_is_asked_again_and_named(ledger: Ledger) -> None:
    gateway = Gateway("lost")
    gateway.lists.extend([errors.Busy("fal answered 503")] * 2)
    assert (await buy(gateway, ledger)).job.request_id == "r1"
    gateway = Gateway("lost")
    gateway.lists.extend([errors.Busy("fal answered 503")] * 4)
    with pytest.raises(errors.OutcomeUnknown, match="the list of fal could not be read: fal answered 503"):
        await buy(gateway, ledger, OTHER)


async def test_the_users_word_lets_it_be_submitted_again(ledger: Ledger) -> None:
    gateway = Gateway("vanished")
    with pytest.raises(errors.OutcomeUnknown):
        await buy(gateway, ledger, on_unknown="resubmit")
    bought = await buy(gateway, ledger, on_unknown="resubmit")
    assert (bought.state, bought.attempt) == ("Submitted", 2)
    assert outcomes(ledger) == ["abandoned", None]
    assert len(gateway.billed) == 1


async def test_nothing_is_submitted_again_while_the_list_cannot_be_read(ledger: Ledger) -> None:
    gateway = Gateway("lost")
    gateway.lists.extend([errors.NotSent("no network")] * 8)
    for _ in range(2):
        with pytest.raises(errors.OutcomeUnknown):
            await buy(gateway, ledger, on_unknown="resubmit")
    assert (await buy(gateway, ledger, on_unknown="resubmit")).state == "Reattached"
    assert len(gateway.billed) == 1


async def test_a_key_that_may_never_read_the_list_can_still_resubmit(ledger: Ledger) -> None:
    gateway = Gateway("vanished")
    gateway.lists.extend([errors.Unauthorized("no admin key")] * 50)
    with pytest.raises(errors.OutcomeUnknown, match="no admin key"):
        await buy(gateway, ledger)
    assert (await buy(gateway, ledger, on_unknown="resubmit")).attempt == 2


async def test_what_is_settled_meanwhile_is_not_abandoned(ledger: Ledger) -> None:
    past = datetime.now(UTC) - timedelta(minutes=5)
    ledger.intend(1, intent(owner=dead(), at=past, lease_until=past))
    gateway = Gateway()

    def settle() -> None:
        if not ledger.history(KEY)[0].job:
            ledger.submitted(KEY, 1, job("r7"))

    gateway.lists.extend([None, None, None, settle])
    bought = await buy(gateway, ledger, on_unknown="resubmit")
    assert (bought.state, bought.job.request_id) == ("Reattached", "r7")
    assert not gateway.billed


async def test_two_scenes_with_the_same_order_adopt_different_jobs(ledger: Ledger) -> None:
    gateway = Gateway("lost", "lost")
    bought = await asyncio.gather(buy(gateway, ledger), buy(gateway, ledger, OTHER))
    assert {each.job.request_id for each in bought} == {"r1", "r2"}
    assert len(gateway.billed) == 2


async def test_a_scene_that_lost_its_reply_does_not_rob_one_that_waits_for_its_own(ledger: Ledger) -> None:
    """The first submit is slow; the second loses its reply, finds the first one's job in the list and adopts it."""
    gateway = Gateway()
    adopted = asyncio.Event()

    async def second_loses_its_reply() -> Any:
        gateway.submits.append("lost")
        gateway.bill(order())
        other = await buy(gateway, ledger, OTHER)
        assert other.job.request_id == "r1"
        adopted.set()
        return gateway.billed[0][0]

    class Slow(Gateway):
        async def submit(self, wanted: Any) -> Any:
            return await second_loses_its_reply()

    slow = Slow()
    slow.billed, slow.lists = gateway.billed, gateway.lists
    bought = await buy(slow, ledger)
    assert adopted.is_set()
    assert bought.job.request_id == "r2", "one order is as good as the other; each job has one scene"
    assert len(gateway.billed) == 2


async def test_a_job_that_the_key_holds_already_comes_first(ledger: Ledger) -> None:
    gateway = Gateway()
    for _ in range(2):
        gateway.bill(order())
    ledger.intend(1, intent(owner=dead(), at=datetime.now(UTC) - timedelta(seconds=1)))
    ledger.claim(gateway.billed[1][0], KEY)  # and then the process died
    assert (await buy(gateway, ledger)).job.request_id == "r2"
    assert ledger.holder(gateway.billed[0][0]) is None


async def test_a_job_of_another_time_is_taken_only_where_none_of_the_right_time_turns_up(ledger: Ledger) -> None:
    gateway = Gateway()
    ledger.intend(1, intent(owner=dead()))
    gateway.bill(order(), at=datetime.now(UTC) - timedelta(minutes=4))
    gateway.lists.extend([None, lambda: gateway.bill(order())])
    assert (await buy(gateway, ledger)).job.request_id == "r2"


async def test_a_machine_whose_clock_is_wrong_finds_its_job(ledger: Ledger) -> None:
    gateway = Gateway()
    ledger.intend(1, intent(owner=dead()))
    gateway.bill(order(), at=datetime.now(UTC) + timedelta(hours=1))
    assert (await buy(gateway, ledger)).state == "Reattached"
