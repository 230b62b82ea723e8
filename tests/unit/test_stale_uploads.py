"""An upload that the provider cannot fetch any more is uploaded anew, once, and nothing is paid for it."""

from datetime import timedelta
from pathlib import Path

import pytest

from prefect_storyboard.jobs.buy import buy_once
from prefect_storyboard.jobs.paid import ended
from prefect_storyboard.ledger import Ledger
from prefect_storyboard.providers import errors
from prefect_storyboard.providers.protocol import Order

from .fakes import KEY, Gateway, ledger_in, order, session_with
from .purchases import outcomes, want

STALE = errors.InvalidRequest("the file could not be downloaded", stale_upload=True)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return ledger_in(tmp_path)


class Builds:
    """Builds an order and notes whether its uploads had to be fresh."""

    def __init__(self) -> None:
        self.fresh: list[bool] = []

    async def __call__(self, *, fresh: bool) -> Order:
        self.fresh.append(fresh)
        return order()


async def test_a_submit_that_is_refused_for_a_dead_upload_is_built_anew_once(ledger: Ledger) -> None:
    gateway, build = Gateway(STALE), Builds()
    bought = await buy_once(session_with(gateway), ledger, want(), build)
    assert (build.fresh, bought.attempt, len(gateway.billed)) == ([False, True], 2, 1)
    assert outcomes(ledger) == ["refused", None]


async def test_an_upload_that_stays_dead_is_an_error_after_the_second_submit(ledger: Ledger) -> None:
    gateway, build = Gateway(STALE, STALE, STALE), Builds()
    with pytest.raises(errors.InvalidRequest):
        await buy_once(session_with(gateway), ledger, want(), build)
    assert (build.fresh, gateway.billed) == ([False, True], [])
    with pytest.raises(errors.InvalidRequest):
        await buy_once(session_with(gateway), ledger, want(), build)
    assert build.fresh == [False, True, True]  # a later run begins with fresh ones


async def test_another_refusal_is_not_built_anew(ledger: Ledger) -> None:
    gateway, build = Gateway(errors.InvalidRequest("no")), Builds()
    with pytest.raises(errors.InvalidRequest):
        await buy_once(session_with(gateway), ledger, want(), build)
    assert build.fresh == [False]


async def test_an_upload_that_died_on_the_way_breaks_no_numbers(ledger: Ledger) -> None:
    async def broken(*, fresh: bool) -> Order:
        raise STALE

    with pytest.raises(errors.InvalidRequest):
        await buy_once(session_with(Gateway()), ledger, want(), broken)
    assert (await buy_once(session_with(Gateway()), ledger, want(), Builds())).attempt == 1


async def test_three_free_failures_of_each_run_are_bought_again(ledger: Ledger) -> None:
    gateway = Gateway()
    session = session_with(gateway)
    free = ended("failed", errors.GenerationFailed("busy", charged=False, resubmittable=True))
    began = free.at
    for number in range(1, 5):
        await buy_once(session, ledger, want(since=began), Builds())
        ledger.close(KEY, number, free)
    with pytest.raises(errors.GenerationFailed):
        await buy_once(session, ledger, want(since=began), Builds())
    later = await buy_once(session, ledger, want(since=began + timedelta(seconds=1)), Builds())
    assert (later.attempt, len(gateway.billed)) == (5, 5)
