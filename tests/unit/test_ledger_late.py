"""An attempt that was given up and had been bought after all: it is shown, counted, collected, and a take of its own."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from prefect_storyboard.blocks import Library
from prefect_storyboard.jobs import settle
from prefect_storyboard.jobs.buy import buy_once
from prefect_storyboard.jobs.paid import PaidJob
from prefect_storyboard.ledger import Decision, Ledger, Outcome, decide
from prefect_storyboard.ledger.records import Holder
from prefect_storyboard.providers import errors

from .fakes import KEY, Gateway, intent, job, ledger_in, session_with, wording
from .purchases import buy, dead, outcomes, want
from .stores import LINK, TAKE, Studio

NOW = datetime.now(UTC)
REEL = "lighthouse"
GIVEN_UP = Outcome(kind="abandoned", at=NOW, message="not found; resubmitted on request")
DONE = Outcome(kind="done", at=NOW, charged=True)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return ledger_in(tmp_path)


def spent(ledger: Ledger) -> float:
    return ledger.journal.spent(REEL, NOW - timedelta(hours=1))


async def both_billed(gateway: Gateway, storage_of: Ledger) -> tuple[PaidJob, PaidJob]:
    """An owner stalls before its POST; a rival with another clock gives it up and buys; then the owner goes on."""
    stalled, resumed = asyncio.Event(), asyncio.Event()

    async def stall() -> None:
        stalled.set()
        await resumed.wait()

    gateway.submits.append(stall)
    first = asyncio.create_task(buy(gateway, Ledger(storage_of.storage), reel=REEL))
    await stalled.wait()
    rival = Ledger(storage_of.storage)
    rival.close(KEY, 1, GIVEN_UP)
    second = await buy(gateway, rival, reel=REEL, on_unknown="resubmit")
    resumed.set()
    return await first, second


async def test_both_jobs_are_recorded_counted_and_listed(ledger: Ledger) -> None:
    gateway = Gateway()
    first, second = await both_billed(gateway, ledger)
    assert (first.attempt, second.attempt, len(gateway.billed)) == (1, 2, 2)
    assert first.job.request_id != second.job.request_id
    assert [attempt.bought_after_all for attempt in ledger.history(KEY)] == [True, False]
    assert spent(ledger) == pytest.approx(0.8)
    lines = settle.jobs(ledger)
    assert {(line.attempt, line.state) for line in lines} == {(1, "rendering"), (2, "rendering")}
    assert [line.note for line in lines if line.attempt == 1] == [settle._LATE]


async def test_the_first_is_an_open_job_however_the_second_ended(ledger: Ledger) -> None:
    await both_billed(Gateway(), ledger)
    ledger.close(KEY, 2, DONE)
    assert [(each.number, each.end) for each in ledger.open()] == [(1, None)]  # type: ignore[union-attr]
    late = DONE.model_copy(update={"message": "late"})
    assert ledger.close(KEY, 1, late) == late
    assert [each.end for each in ledger.history(KEY)] == [late, DONE]
    assert list(ledger.open()) == []
    assert spent(ledger) == pytest.approx(0.8), "what was billed stays in the sum"


async def test_every_billed_clip_becomes_a_take_and_nothing_is_overwritten(tmp_path: Path) -> None:
    studio = Studio(Library(url=str(tmp_path / "library")))
    first, second = await both_billed(studio.gateway, studio.ledger)
    clips = [await studio.store(each, LINK) for each in (second, first)]
    assert [clip.take for clip in clips] == [1, 2]
    assert [clip.request_id for clip in clips] == [second.job.request_id, first.job.request_id]
    assert studio.files() == [*TAKE, *(name.replace("001", "002") for name in TAKE)]
    again = [await studio.store(each, LINK) for each in (second, first)]
    assert [clip.take for clip in again] == [1, 2]
    assert [each.end and each.end.clip and each.end.clip.take for each in studio.ledger.history(KEY)] == [2, 1]


async def test_a_scene_whose_second_job_failed_uses_the_first_and_buys_no_third(ledger: Ledger) -> None:
    gateway = Gateway()
    await both_billed(gateway, ledger)
    ledger.close(KEY, 2, Outcome(kind="failed", at=NOW, error="GenerationFailed", charged=False, resubmittable=True))
    bought = await buy(gateway, ledger, attempts=5)
    assert (bought.state, bought.attempt) == ("Reattached", 1)
    ledger.close(KEY, 1, DONE)
    bought = await buy(gateway, ledger, attempts=5)
    assert (bought.state, bought.attempt, bought.outcome) == ("Cached", 1, DONE)
    assert len(gateway.billed) == 2


async def test_where_both_have_failed_the_failures_are_counted(ledger: Ledger) -> None:
    gateway = Gateway()
    await both_billed(gateway, ledger)
    failed = Outcome(kind="failed", at=NOW, error="GenerationFailed", charged=True, message="broken")
    for number in (1, 2):
        ledger.close(KEY, number, failed)
    with pytest.raises(errors.GenerationFailed, match="broken"):
        await buy(gateway, ledger, attempts=2)
    assert (await buy(gateway, ledger, attempts=3)).attempt == 3


def test_an_answer_that_comes_while_the_attempt_is_being_given_up_is_seen_by_one_of_the_two(ledger: Ledger) -> None:
    ledger.intend(1, intent(reel=REEL))
    ledger.submitted(KEY, 1, job())
    ledger.close(KEY, 1, GIVEN_UP)
    assert spent(ledger) == pytest.approx(0.4)
    assert [each.end for each in ledger.open()] == [None]  # type: ignore[union-attr]


def test_what_was_given_up_and_not_bought_stays_closed(ledger: Ledger) -> None:
    ledger.intend(1, intent(owner=dead(), reel=REEL))
    ledger.close(KEY, 1, GIVEN_UP)
    assert (spent(ledger), list(ledger.open()), outcomes(ledger)) == (0.0, [], ["abandoned"])
    (attempt,) = ledger.history(KEY)
    assert decide([attempt], now=NOW, owner_alive=False) is Decision.SUBMIT


@pytest.mark.parametrize("command", [settle.abandon, lambda ledger, key: settle.adopt(ledger, key, "r9")])
def test_a_job_that_was_bought_after_all_is_collected_and_not_settled_by_hand(ledger: Ledger, command: Any) -> None:
    ledger.intend(1, intent(owner=dead()))
    ledger.close(KEY, 1, GIVEN_UP)
    ledger.submitted(KEY, 1, job())
    with pytest.raises(ValueError, match="is rendering as fal job r1: collect it"):
        command(ledger, KEY)


def test_a_take_that_0_1_0_numbered_belongs_to_the_attempt_that_was_not_given_up(ledger: Ledger) -> None:
    for number in (1, 2):
        ledger.intend(number, intent())
        if number == 1:
            ledger.close(KEY, 1, GIVEN_UP)
        ledger.submitted(KEY, number, job(f"r{number}"))
    old = Holder(key=KEY).model_dump_json(exclude={"attempt"}).encode()
    ledger.storage.create_once(old, "ledger", "takes", REEL, "s01", "001.json")
    assert [ledger.take(REEL, "s01", KEY, attempt=number, reserve=True) for number in (2, 1)] == [1, 2]
    assert ledger.take(REEL, "s01", KEY, attempt=None, reserve=False) == 1


async def test_a_session_that_records_its_own_answer_twice_opens_nothing(ledger: Ledger) -> None:
    bought = await buy_once(session_with(Gateway()), ledger, want(), wording())
    ledger.close(KEY, 1, DONE)
    assert ledger.submitted(KEY, 1, bought.job) == bought.job
    assert list(ledger.open()) == []
