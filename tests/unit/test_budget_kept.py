"""A budget holds at every submit: a job is counted before it is sent, and one that does not fit is not sent."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from prefect_storyboard.jobs.budget import Budget, OverBudget
from prefect_storyboard.jobs.buy import buy_once
from prefect_storyboard.ledger import Intent, Ledger, LibraryError, Storage, open_storage
from prefect_storyboard.providers import errors
from prefect_storyboard.storyboards.keys import digest

from .fakes import KEY, OTHER, FakeClock, Gateway, away, intent, ledger_in, session_with, wording
from .purchases import buy, outcomes, want

REEL = "lighthouse"


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return ledger_in(tmp_path)


def budget(usd: float, **facts: Any) -> Budget:
    """From a minute ago on; a job costs $0.40."""
    return Budget(**{"usd": usd, "reel": REEL, "since": datetime.now(UTC) - timedelta(minutes=1), **facts})


async def order(gateway: Gateway, ledger: Ledger, key: str = KEY, usd: float = 0.4, **facts: Any) -> Any:
    return await buy(gateway, ledger, key, reel=REEL, budget=budget(usd), **facts)


def spent(ledger: Ledger) -> float:
    return ledger.journal.spent(REEL, datetime.now(UTC) - timedelta(hours=1))


async def test_what_fits_is_sent_and_counted(ledger: Ledger) -> None:
    gateway = Gateway()
    await order(gateway, ledger, usd=0.4)
    assert (len(gateway.billed), spent(ledger)) == (1, 0.4)


async def test_what_does_not_fit_is_not_sent_and_gives_its_money_back(ledger: Ledger) -> None:
    gateway = Gateway()
    with pytest.raises(OverBudget) as over:
        await order(gateway, ledger, usd=0.39)
    assert str(over.value) == f"scene s01 take 1 would bring {REEL} to $0.40, and max_cost_usd is $0.39"
    assert over.value.remedy == "Nothing was bought. Raise max_cost_usd, or render fewer scenes or takes."
    assert (gateway.billed, spent(ledger), outcomes(ledger)) == ([], 0.0, ["abandoned"])
    assert list(ledger.open()) == []


async def test_who_allows_more_then_buys_it_once(ledger: Ledger) -> None:
    gateway = Gateway()
    for usd in (0.1, 0.2):
        with pytest.raises(OverBudget):
            await order(gateway, ledger, usd=usd)
    bought = await order(gateway, ledger, usd=0.4)
    assert (bought.state, bought.attempt, len(gateway.billed)) == ("Submitted", 3, 1)


async def test_sums_are_not_missed_by_a_rounding_error(ledger: Ledger) -> None:
    gateway = Gateway()
    for number in range(7):  # seven times 0.4 is 2.8000000000000003
        await order(gateway, ledger, digest(number), usd=2.8)
    assert len(gateway.billed) == 7


async def test_of_many_at_once_no_more_are_sent_than_fit(ledger: Ledger) -> None:
    gateway = Gateway()
    runs = (order(gateway, ledger, digest(number), usd=2.0) for number in range(20))
    ended = await asyncio.gather(*runs, return_exceptions=True)
    refused = [end for end in ended if isinstance(end, OverBudget)]
    assert len(gateway.billed) == 20 - len(refused) <= 5
    assert spent(ledger) == pytest.approx(0.4 * len(gateway.billed))


def test_of_many_processes_no_more_announce_than_fit(tmp_path: Path) -> None:
    """Each on its own thread with its own view of the library: announce, then look, as a submit does."""

    def announce(number: int) -> bool:
        ledger, mine = ledger_in(tmp_path), intent(digest(number), reel=REEL)
        ledger.intend(1, mine)
        try:
            budget(1.2).check(ledger, mine)
        except OverBudget:
            return False
        return True

    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(announce, range(12))) <= 3


async def test_another_runs_jobs_of_the_same_reel_count(ledger: Ledger) -> None:
    ledger.intend(1, intent(OTHER, reel=REEL))
    with pytest.raises(OverBudget, match=r"to \$0\.80"):
        await order(Gateway(), ledger, usd=0.79)


@pytest.mark.parametrize(
    "facts",
    [{"reel": "another"}, {"reel": ""}, {"at": datetime.now(UTC) - timedelta(hours=2)}],
    ids=["another", "none", "earlier"],
)
async def test_another_reels_jobs_and_earlier_ones_do_not_count(ledger: Ledger, facts: dict[str, Any]) -> None:
    ledger.intend(1, intent(OTHER, **{"reel": REEL, **facts}))
    gateway = Gateway()
    await order(gateway, ledger, usd=0.4)
    assert len(gateway.billed) == 1


@pytest.mark.parametrize("refusal", [errors.Busy("later"), errors.Refused("no"), errors.OutOfCredit("empty")], ids=repr)
async def test_a_refused_job_gives_its_money_back(ledger: Ledger, refusal: errors.ProviderError) -> None:
    gateway = Gateway(refusal)
    with pytest.raises(type(refusal)):
        await order(gateway, ledger)
    assert spent(ledger) == 0.0
    await order(gateway, ledger, OTHER)
    assert len(gateway.billed) == 1


async def test_a_job_that_may_have_been_bought_keeps_its_money(ledger: Ledger) -> None:
    gateway = Gateway("vanished")
    with pytest.raises(errors.OutcomeUnknown):
        await order(gateway, ledger)
    with pytest.raises(OverBudget):
        await order(gateway, ledger, OTHER)
    assert (gateway.billed, spent(ledger)) == ([], 0.4)


async def test_what_is_bought_already_needs_no_budget(ledger: Ledger) -> None:
    gateway = Gateway()
    await order(gateway, ledger)
    assert (await order(gateway, ledger, usd=0.0)).state == "Reattached"
    assert len(gateway.billed) == 1


async def test_an_unknown_price_counts_nothing_and_has_to_be_allowed(ledger: Ledger) -> None:
    gateway = Gateway()
    ledger.intend(1, intent(OTHER, reel=REEL, usd=None))
    with pytest.raises(OverBudget, match=r"price of scene s01 take 1, so max_cost_usd cannot be kept; allow it with"):
        await free(gateway, ledger, budget(100))
    assert (gateway.billed, outcomes(ledger)) == ([], ["abandoned"])
    await free(gateway, ledger, budget(0, unpriced=True))
    assert (len(gateway.billed), spent(ledger)) == (1, 0.0)


async def free(gateway: Gateway, ledger: Ledger, kept: Budget) -> None:
    """Buy what nobody has published a price of."""
    wanted = want(reel=REEL, budget=kept).model_copy(update={"usd": None})
    await buy_once(session_with(gateway), ledger, wanted, wording())


@dataclass(frozen=True)
class Unlisted(Storage):
    """Cannot be listed."""

    def names(self, *parts: str) -> list[str]:
        raise away()


async def test_a_list_that_cannot_be_read_sends_nothing_and_leaves_no_doubt(ledger: Ledger) -> None:
    gateway, sound = Gateway(), ledger.storage
    with pytest.raises(LibraryError):
        await order(gateway, Ledger(Unlisted(fs=sound.fs, root=sound.root, url=sound.url)))
    assert (gateway.billed, outcomes(ledger)) == ([], [])
    assert (await order(gateway, ledger)).state == "Submitted"
    assert len(gateway.billed) == 1


async def test_a_sum_that_took_too_long_leaves_no_time_for_a_submit(ledger: Ledger) -> None:
    """A rival would take the intent for dead while the POST is on its way."""
    gateway, clock = Gateway(), FakeClock()

    class Slow(Budget):
        def check(self, ledger: Ledger, intent: Intent) -> None:
            clock.passed += 61
            super().check(ledger, intent)

    with pytest.raises(errors.NotSent, match="took so long"):
        await buy(gateway, ledger, reel=REEL, budget=Slow(**budget(0.4).model_dump()), clock=clock)
    assert (gateway.billed, outcomes(ledger)) == ([], ["refused"])


async def test_a_library_opened_by_another_name_shows_the_same_sum(tmp_path: Path, ledger: Ledger) -> None:
    await order(Gateway(), ledger)
    with pytest.raises(OverBudget):
        await order(Gateway(), Ledger(open_storage(tmp_path.as_uri())), OTHER)
