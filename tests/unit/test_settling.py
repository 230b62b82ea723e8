"""Open jobs in words, and settled by hand: adopted, abandoned, cancelled; and nothing else may be done to them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from prefect_storyboard.jobs import settle
from prefect_storyboard.ledger import Ledger, Outcome
from prefect_storyboard.providers import errors
from prefect_storyboard.providers.session import Session
from prefect_storyboard.storyboards import Job
from prefect_storyboard.storyboards.keys import digest

from .fakes import KEY, OTHER, FakeClock, Gateway, intent, job, ledger_in, overtaken_by, session_with
from .purchases import buy, dead, living, outcomes

NOW = datetime.now(UTC)
SHORT = KEY[:12]
ONLY = "only an unknown job is settled by hand"


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return ledger_in(tmp_path)


def announced(ledger: Ledger, key: str = KEY, **facts: Any) -> None:
    ledger.intend(1, intent(key, **{"owner": dead(), **facts}))


def submitting(ledger: Ledger) -> None:
    announced(ledger, owner=living())


def rendering(ledger: Ledger) -> None:
    announced(ledger)
    ledger.submitted(KEY, 1, job("r1"))


def ended(kind: Any) -> Callable[[Ledger], None]:
    def end(ledger: Ledger) -> None:
        (announced if kind == "abandoned" else rendering)(ledger)
        ledger.close(KEY, 1, Outcome(kind=kind, at=NOW, message="why it ended"))

    return end


STATES: dict[str, Callable[[Ledger], None]] = {
    "submitting": submitting,
    "rendering": rendering,
    "unknown": announced,
    **{kind: ended(kind) for kind in ("done", "failed", "refused", "abandoned")},
}


# --- the list


@pytest.mark.parametrize("state", STATES)
def test_every_job_is_in_the_list_of_all_and_the_open_ones_in_the_short_one(ledger: Ledger, state: str) -> None:
    STATES[state](ledger)
    (line,) = settle.jobs(ledger, every=True)
    assert (line.state, line.key, line.attempt, line.about) == (state, KEY, 1, "scene s01 take 1")
    assert (line.provider, line.account, line.usd) == ("fal", "default", 0.4)
    opened = state in {"submitting", "rendering", "unknown"}
    assert settle.jobs(ledger) == ([line] if opened else [])
    assert line.note == ("" if opened else "why it ended")
    assert line.request_id == (None if state in {"submitting", "unknown", "abandoned"} else "r1")


@pytest.mark.parametrize("minutes", [1, 3])
def test_a_job_of_another_machine_is_unknown_when_its_lease_is_over(ledger: Ledger, minutes: int) -> None:
    at = datetime.now(UTC) - timedelta(minutes=minutes)
    ledger.intend(1, intent(at=at, lease_until=at + timedelta(minutes=2)))
    assert settle.jobs(ledger)[0].state == ("submitting" if minutes < 2 else "unknown")


def test_the_oldest_comes_first_and_every_attempt_has_its_line(ledger: Ledger) -> None:
    for age, key in enumerate((KEY, OTHER)):
        announced(ledger, key, at=NOW - timedelta(hours=age))
    ledger.close(KEY, 1, Outcome(kind="refused", at=NOW))
    ledger.intend(2, intent(KEY, owner=dead()))
    assert [(line.key, line.attempt) for line in settle.jobs(ledger)] == [(OTHER, 1), (KEY, 2)]
    assert [(line.key, line.attempt) for line in settle.jobs(ledger, every=True)] == [(OTHER, 1), (KEY, 1), (KEY, 2)]


# --- adopt


async def test_what_is_adopted_is_picked_up_by_the_next_run_and_not_bought(ledger: Ledger) -> None:
    announced(ledger)
    line = settle.adopt(ledger, KEY, "theirs-7")
    assert (line.state, line.request_id) == ("rendering", "theirs-7")
    gateway = Gateway()
    bought = await buy(gateway, ledger, on_unknown="resubmit")
    assert (bought.state, bought.job.request_id, gateway.billed) == ("Reattached", "theirs-7", [])


REFUSED = {
    "submitting": f"job {SHORT} (scene s01 take 1) is submitting; {ONLY}",
    "rendering": f"job {SHORT} (scene s01 take 1) is rendering as fal job r1: collect it; {ONLY}",
    **{
        kind: f"job {SHORT} (scene s01 take 1) is {kind}; {ONLY}" for kind in ("done", "failed", "refused", "abandoned")
    },
}


@pytest.mark.parametrize("state", REFUSED)
@pytest.mark.parametrize(
    "do", [lambda ledger: settle.adopt(ledger, KEY, "r9"), lambda ledger: settle.abandon(ledger, KEY)]
)
def test_a_job_that_is_not_unknown_is_left_alone(ledger: Ledger, state: str, do: Callable[[Ledger], object]) -> None:
    STATES[state](ledger)
    before = ledger.history(KEY)
    with pytest.raises(ValueError) as refused:
        do(ledger)
    assert str(refused.value) == REFUSED[state]
    assert ledger.history(KEY) == before
    assert ledger.holder(job("r9")) is None


def test_a_request_belongs_to_one_job(ledger: Ledger) -> None:
    announced(ledger, OTHER)
    settle.adopt(ledger, OTHER, "r1")
    announced(ledger)
    with pytest.raises(ValueError, match=rf"^fal job r1 belongs to job {OTHER[:12]} already$"):
        settle.adopt(ledger, KEY, "r1")
    assert settle.adopt(ledger, KEY, "r2").request_id == "r2"


def test_a_job_that_was_found_meanwhile_keeps_its_id(ledger: Ledger) -> None:
    announced(ledger)
    overtaken = overtaken_by(ledger, lambda: ledger.submitted(KEY, 1, job("r7")))
    with pytest.raises(ValueError, match=rf"^job {SHORT} was recorded in the meantime as r7$"):
        settle.adopt(overtaken, KEY, "r1")
    assert ledger.history(KEY)[0].job == job("r7", submitted_at=ledger.history(KEY)[0].job.submitted_at)  # type: ignore[union-attr]


# --- abandon


async def test_what_is_abandoned_is_bought_once_by_the_next_run(ledger: Ledger) -> None:
    announced(ledger, reel="lighthouse")
    line = settle.abandon(ledger, KEY)
    assert (line.state, line.note) == ("abandoned", "said to be not bought")
    assert (settle.jobs(ledger), ledger.journal.spent("lighthouse", NOW - timedelta(days=1))) == ([], 0.0)
    gateway = Gateway()
    assert [(await buy(gateway, ledger)).state for _ in range(2)] == ["Submitted", "Reattached"]
    assert len(gateway.billed) == 1


async def test_what_a_run_finds_while_somebody_gives_it_up_is_not_bought_again(ledger: Ledger) -> None:
    announced(ledger)
    settle.abandon(ledger, KEY)
    ledger.submitted(KEY, 1, job("r7"))  # a run had looked at the provider's list just before
    gateway = Gateway()
    bought = await buy(gateway, ledger)
    assert (bought.state, bought.job.request_id, gateway.billed) == ("Reattached", "r7", [])


@pytest.mark.parametrize("kind", ["done", "refused", "failed"])
def test_a_job_that_ended_meanwhile_is_not_said_to_be_abandoned(ledger: Ledger, kind: Any) -> None:
    announced(ledger)

    def ends() -> None:
        ledger.submitted(KEY, 1, job())
        ledger.close(KEY, 1, Outcome(kind=kind, at=NOW))

    with pytest.raises(ValueError, match=rf"^job {SHORT} was settled in the meantime: it is {kind}$"):
        settle.abandon(overtaken_by(ledger, ends), KEY)
    assert outcomes(ledger) == [kind]


def test_a_job_that_a_run_has_found_meanwhile_is_not_said_to_be_not_bought(ledger: Ledger) -> None:
    announced(ledger)
    found = overtaken_by(ledger, lambda: ledger.submitted(KEY, 1, job("r7")))
    with pytest.raises(ValueError, match=rf"^job {SHORT} was bought in the meantime as r7: collect it$"):
        settle.abandon(found, KEY)
    assert [line.state for line in settle.jobs(ledger)] == ["rendering"]


# --- which job


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "write at least 6 letters of the job's key, as `storyboard jobs` shows it"),
        (KEY[:5], "write at least 6 letters of the job's key, as `storyboard jobs` shows it"),
        ("0" * 12, f"no job begins with {'0' * 12}; see `storyboard jobs`"),
        (KEY + "0", f"no job begins with {KEY}0; see `storyboard jobs`"),
        ("../../x", "no job begins with ../../x; see `storyboard jobs`"),
        ("requests", "no job begins with requests; see `storyboard jobs`"),
        ("abcdef", "2 jobs begin with abcdef; see `storyboard jobs`"),
    ],
)
def test_a_key_has_to_name_one_job(ledger: Ledger, typed: str, says: str) -> None:
    for key in (KEY, f"abcdef{'0' * 58}", f"abcdef{'1' * 58}"):
        announced(ledger, key)
    for do in (lambda: settle.adopt(ledger, typed, "r1"), lambda: settle.abandon(ledger, typed)):
        with pytest.raises(ValueError) as refused:
            do()
        assert str(refused.value) == says


@pytest.mark.parametrize("typed", [KEY, KEY[:6], SHORT.upper()])
def test_some_letters_of_a_key_are_enough(ledger: Ledger, typed: str) -> None:
    announced(ledger)
    announced(ledger, OTHER)
    assert settle.abandon(ledger, typed).key == KEY


# --- cancel


class Stopping(Gateway):
    """Stops what it is asked to stop, or says that it is too late."""

    def __init__(self, *, stops: bool = True) -> None:
        super().__init__()
        self.stops, self.asked = stops, [""][1:]

    async def cancel(self, job: Job) -> bool:
        self.asked.append(job.request_id)
        return self.stops


@dataclass
class Account:
    """What a credentials block is to a cancellation."""

    gateway: Stopping = field(default_factory=Stopping)
    provider: str = "fal"
    account: str = "default"

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        opened = session_with(self.gateway)
        yield opened
        await opened.http.aclose()


async def cancelled(ledger: Ledger, account: Any, key: str = KEY) -> bool:
    return await settle.cancel(ledger, key, account)


@pytest.mark.parametrize("stops", [True, False])
async def test_the_provider_is_asked_to_stop_and_the_job_stays_open_until_it_says_how_it_ended(
    ledger: Ledger,
    stops: bool,  # noqa: FBT001
) -> None:
    rendering(ledger)
    account = Account(Stopping(stops=stops))
    assert await cancelled(ledger, account) is stops
    assert account.gateway.asked == ["r1"]
    assert settle.jobs(ledger)[0].state == "rendering"


@pytest.mark.parametrize("state", [state for state in STATES if state != "rendering"])
async def test_only_a_rendering_job_is_cancelled(ledger: Ledger, state: str) -> None:
    STATES[state](ledger)
    account = Account()
    with pytest.raises(ValueError, match=rf"^job {SHORT} \(scene s01 take 1\) is {state}; only a rendering one is"):
        await cancelled(ledger, account)
    assert account.gateway.asked == []


@pytest.mark.parametrize("other", [{"provider": "kie"}, {"account": "second"}], ids=str)
async def test_a_job_is_cancelled_with_the_account_that_bought_it(ledger: Ledger, other: dict[str, str]) -> None:
    rendering(ledger)
    account = Account(**other)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=rf"^job {SHORT} is of fal \(default\); name that account$"):
        await cancelled(ledger, account)
    assert account.gateway.asked == []


# --- a list that lags behind


class Unlisting(Gateway):
    """Keeps no list that can be asked."""

    async def find(self, order: Any) -> Any:
        return None


async def test_a_lost_job_is_waited_for_before_it_is_sent_again(ledger: Ledger) -> None:
    """The list shows it at the second search, a while after the submit; by then it must not be bought twice."""
    gateway = Gateway("lost")
    gateway.hidden.add("r1")
    with pytest.raises(errors.OutcomeUnknown):
        await buy(gateway, ledger, on_unknown="resubmit")
    gateway.lists.extend([None] * 7 + [gateway.hidden.clear])
    bought = await buy(gateway, ledger, on_unknown="resubmit")
    assert (bought.state, bought.job.request_id, len(gateway.billed)) == ("Reattached", "r1", 1)


async def test_where_no_list_can_be_asked_there_is_nothing_to_wait_for(ledger: Ledger) -> None:
    gateway = Unlisting()
    announced(ledger)
    with pytest.raises(errors.OutcomeUnknown, match="has no list"):
        await buy(gateway, ledger)
    clock = FakeClock()
    assert (await buy(gateway, ledger, on_unknown="resubmit", clock=clock)).attempt == 2
    assert (len(gateway.billed), clock.passed) == (1, 0)


async def test_a_lost_job_of_long_ago_that_is_not_listed_is_sent_again_at_once(ledger: Ledger) -> None:
    announced(ledger, digest("old"), at=NOW - timedelta(minutes=2))
    gateway, clock = Gateway(), FakeClock()
    assert (await buy(gateway, ledger, digest("old"), on_unknown="resubmit", clock=clock)).attempt == 2
    assert clock.passed == 10, "one search"
