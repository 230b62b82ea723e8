"""A callback is a reason to ask, and nothing more: whoever sends it, and however often."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from prefect_storyboard.blocks import Library
from prefect_storyboard.callbacks.collector import Collector
from prefect_storyboard.callbacks.receiver import Answer, Receiver
from prefect_storyboard.callbacks.tokens import Tokens
from prefect_storyboard.jobs import settle
from prefect_storyboard.jobs.buy import PaidJob, buy_once
from prefect_storyboard.jobs.callbacks import token
from prefect_storyboard.ledger import Ledger, LibraryError, prove
from prefect_storyboard.ledger.callbacks import Arrival, Callbacks
from prefect_storyboard.ledger.owner import acting
from prefect_storyboard.providers.clock import Clock
from prefect_storyboard.providers.errors import Busy, GenerationFailed, OutcomeUnknown
from prefect_storyboard.providers.protocol import Result
from prefect_storyboard.providers.session import Session

from .fakes import KEY, OTHER, FakeClock, Gateway, intent, ledger_in, order, session_with, wording
from .purchases import want

PUBLIC = "https://studio.example/callbacks"
MARA = Result(character_id="char_1")
SIGNED = {"signature": "s3cret"}


@dataclass
class Account:
    gateway: Gateway
    provider: str = "fal"
    account: str = "default"
    callback_secret: str = "s3cret"
    callback_url: str = PUBLIC

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        yield session_with(self.gateway)


class Paused(FakeClock):
    """Short sleeps pass at once; those of a minute and more, which follow the end of a job, never do."""

    parked = 0

    async def sleep(self, seconds: float) -> None:
        if seconds >= 60:
            self.parked += 1
            await asyncio.Event().wait()
        await super().sleep(seconds)


@dataclass
class Studio:
    """One library, one gateway and the callbacks server; `lookers` are who waits in the same process."""

    ledger: Ledger
    gateway: Gateway
    clock: Clock = field(default_factory=Paused)
    lookers: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        accounts: Any = {("fal", "default"): Account(self.gateway)}
        self.collector = Collector(
            self.ledger,
            Library(url=self.ledger.storage.url),
            lambda provider, account: accounts.get((provider, account)),
            look_now=self.lookers.__contains__,
            clock=self.clock,
        )
        self.tokens = Tokens(self.ledger, self.identity, self.clock)
        self.receiver = Receiver(self.ledger, accounts, self.tokens, self.collector, self.clock)

    @property
    def identity(self) -> str:
        return prove(self.ledger.storage)

    async def buy(self, key: str = KEY) -> PaidJob:
        """Buy a character, whose result needs no download."""
        session = session_with(self.gateway)
        session.callback_url = PUBLIC
        return await buy_once(
            session, self.ledger, want(key, character="Mara", fingerprint="f" * 64), wording(order(key))
        )

    async def post(self, body: str = "r1", *, key: str = KEY, number: int = 1, **headers: str) -> Answer:
        given = token(self.identity, key, number)
        return await self.receiver.receive(given, headers or SIGNED, body.encode())

    async def looked(self) -> None:
        """Everything that a callback has caused has happened, except what happens a minute later."""
        assert isinstance(self.clock, Paused)
        waking = self.collector._waking
        while self.clock.parked < len(self.collector._working) + (waking is not None):
            await asyncio.to_thread(lambda: None)
            waking = self.collector._waking

    def state(self, key: str = KEY, number: int = 1) -> str | None:
        end = self.ledger.history(key)[number - 1].end
        return end and end.kind


@pytest.fixture
async def studio(tmp_path: Path) -> AsyncIterator[Studio]:
    studio = Studio(ledger_in(tmp_path), Gateway())
    studio.gateway.results.append(MARA)
    yield studio
    await studio.collector.close()


async def test_a_signed_callback_ends_the_job_with_one_request_to_the_provider(studio: Studio) -> None:
    await studio.buy()
    assert await studio.post() == (HTTPStatus.OK, "success")
    await studio.looked()
    assert (studio.state(), studio.gateway.results_asked, studio.gateway.looks) == ("done", 1, 0)


async def test_the_address_holds_a_token_and_no_key_and_is_the_same_after_a_restart(studio: Studio) -> None:
    await studio.buy()
    ((_, sent),) = studio.gateway.billed
    assert sent.callback == f"{PUBLIC}/{token(studio.identity, KEY, 1)}"
    assert KEY[:8] not in str(sent.callback)
    assert sent.digest == order(KEY).digest
    assert token(studio.identity, KEY, 2) != token(studio.identity, KEY, 1) != token(studio.identity, OTHER, 1)


async def test_without_a_public_address_no_callback_is_asked_for(studio: Studio) -> None:
    session = session_with(studio.gateway)
    await buy_once(session, studio.ledger, want(), wording())
    assert studio.gateway.billed[0][1].callback is None


async def test_a_hundred_of_the_same_are_one_request_and_one_outcome(studio: Studio) -> None:
    await studio.buy()
    answers = await asyncio.gather(*(studio.post() for _ in range(100)))
    await studio.looked()
    assert {answer.status for answer in answers} == {HTTPStatus.OK}
    assert (studio.state(), studio.gateway.results_asked, len(studio.gateway.billed)) == ("done", 1, 1)


async def test_a_late_or_replayed_one_is_taken_and_nobody_asks_again(studio: Studio) -> None:
    await studio.buy()
    await studio.post()
    await studio.looked()
    assert (await studio.post()).status == HTTPStatus.OK
    await studio.looked()
    assert studio.gateway.results_asked == 1


async def test_a_forged_one_changes_nothing(studio: Studio) -> None:
    await studio.buy()
    assert (await studio.post(signature="guessed")).status == HTTPStatus.UNAUTHORIZED
    await studio.looked()
    assert (studio.state(), studio.gateway.results_asked) == (None, 0)
    assert Callbacks(studio.ledger.storage).arrived() == []


async def test_a_signed_one_for_another_job_is_none_for_this_address(studio: Studio) -> None:
    await studio.buy()
    assert (await studio.post("r2")).status == HTTPStatus.UNAUTHORIZED
    assert studio.state() is None


async def test_an_id_that_the_gateway_gave_besides_is_the_jobs_as_well(studio: Studio) -> None:
    bought = await studio.buy()
    recorded = bought.job.model_copy(update={"urls": {"other": "https://api.example/v1/tasks/task%2F7"}})
    studio.ledger.storage.write(recorded.model_dump_json().encode(), "ledger", KEY[:2], KEY, "001", "job.json")
    assert (await studio.post("task/7")).status == HTTPStatus.OK


async def test_an_address_that_nobody_was_given_is_unknown(studio: Studio) -> None:
    await studio.buy()
    answer = await studio.receiver.receive("x" * 32, SIGNED, b"r1")
    assert answer.status == HTTPStatus.NOT_FOUND


async def test_a_callback_that_comes_too_early_fails_nothing_and_is_looked_at_again(studio: Studio) -> None:
    studio.gateway.results.clear()
    studio.gateway.results.extend([Busy("still in progress"), Busy("still in progress"), MARA])
    await studio.buy()
    await studio.post()
    await studio.looked()
    assert (studio.state(), studio.gateway.results_asked) == ("done", 3)


async def test_a_job_that_never_ends_is_left_to_whoever_polls_it(studio: Studio) -> None:
    studio.clock = FakeClock()
    studio.restart()
    studio.gateway.results.clear()
    studio.gateway.results.extend([Busy("still in progress")] * 50)
    await studio.buy()
    await studio.post()
    await asyncio.wait(studio.collector._working.values())
    assert (studio.state(), studio.gateway.results_asked) == (None, 8)
    assert Callbacks(studio.ledger.storage).arrived() == [], "the next callback is news again"


async def test_a_failure_is_recorded_as_what_it_is(studio: Studio) -> None:
    studio.gateway.results.clear()
    studio.gateway.results.append(GenerationFailed("the model crashed", charged=False, resubmittable=True))
    await studio.buy()
    await studio.post()
    await studio.looked()
    (attempt,) = studio.ledger.history(KEY)
    assert attempt.end is not None
    assert (attempt.end.kind, attempt.end.error) == ("failed", "GenerationFailed")


async def test_what_had_arrived_before_a_restart_is_looked_at_after_it(studio: Studio) -> None:
    bought = await studio.buy()
    Callbacks(studio.ledger.storage).add(KEY, 1, Arrival(request_id=bought.job.request_id, at=bought.job.submitted_at))
    studio.restart()
    await studio.collector.resume()
    await studio.looked()
    assert (studio.state(), studio.gateway.results_asked) == ("done", 1)


async def test_a_callback_stays_listed_for_other_processes_until_a_minute_after_the_end(studio: Studio) -> None:
    await studio.buy()
    await studio.post()
    await studio.looked()
    assert (studio.state(), Callbacks(studio.ledger.storage).arrived()) == ("done", [(KEY, 1)])
    studio.clock = FakeClock()
    await studio.collector.close()
    studio.restart()
    await studio.collector.resume()
    await asyncio.wait(studio.collector._working.values())
    assert Callbacks(studio.ledger.storage).arrived() == []


async def test_a_job_whose_reply_was_lost_is_found_by_its_callback(studio: Studio) -> None:
    studio.gateway.submits.append("lost")
    studio.gateway.hidden.add("r1")
    with pytest.raises(OutcomeUnknown):
        await studio.buy()
    assert (await studio.post("r1")).status == HTTPStatus.OK
    await studio.looked()
    assert (studio.state(), len(studio.gateway.billed)) == ("done", 1)
    assert (await studio.buy()).state == "Cached"


async def test_a_lost_job_is_not_found_by_the_id_of_another(studio: Studio) -> None:
    await studio.buy(OTHER)
    studio.gateway.submits.append("lost")
    studio.gateway.hidden.add("r2")
    with pytest.raises(OutcomeUnknown):
        await studio.buy()
    await studio.post("r1")
    await studio.looked()
    assert studio.ledger.history(KEY)[0].job is None


async def test_an_attempt_that_was_given_up_and_bought_all_the_same_is_found_by_its_callback(studio: Studio) -> None:
    studio.gateway.submits.append("lost")
    studio.gateway.hidden.add("r1")
    with pytest.raises(OutcomeUnknown):
        await studio.buy()
    await studio.tokens.find(token(studio.identity, KEY, 1))
    settle.abandon(studio.ledger, KEY)
    await studio.post("r1")
    await studio.looked()
    (attempt,) = studio.ledger.history(KEY)
    assert (attempt.bought_after_all, studio.state()) == (True, "done")


async def test_while_the_submit_is_under_way_its_callback_names_no_job(studio: Studio) -> None:
    with acting() as me:
        written = intent(owner=me, character="Mara")
        studio.ledger.intend(1, written.model_copy(update={"lease_until": written.at + timedelta(minutes=5)}))
        assert (await studio.post("r1")).status == HTTPStatus.OK
        await studio.looked()
        assert studio.ledger.history(KEY)[0].job is None


async def test_where_somebody_in_this_process_waits_he_looks_and_stores(studio: Studio) -> None:
    await studio.buy()
    studio.lookers.add("r1")
    await studio.post()
    await studio.looked()
    assert (studio.state(), studio.gateway.results_asked) == (None, 0)


async def test_a_library_that_cannot_be_read_asks_for_the_callback_again(studio: Studio) -> None:
    await studio.buy()
    studio.ledger.storage.write(b"{", "ledger", KEY[:2], KEY, "001", "intent.json")
    assert (await studio.post()).status == HTTPStatus.SERVICE_UNAVAILABLE


async def test_an_account_that_is_not_given_here_is_unknown(studio: Studio) -> None:
    studio.ledger.intend(1, intent(account="agency"))
    assert (await studio.post()).status == HTTPStatus.NOT_FOUND


async def test_unknown_addresses_cost_one_listing_a_second_however_many_come(studio: Studio) -> None:
    await studio.buy()
    listings: list[tuple[str, ...]] = []
    names = studio.ledger.storage.names

    class Counting(type(studio.ledger.storage)):  # type: ignore[misc]
        def names(self, *parts: str) -> list[str]:
            listings.append(parts)
            return names(*parts)

    storage = studio.ledger.storage
    counting = Ledger(Counting(fs=storage.fs, root=storage.root, url=storage.url))
    tokens = Tokens(counting, studio.identity, studio.clock)
    await asyncio.gather(*(tokens.find(f"{n:032d}") for n in range(500)))
    assert len(listings) <= 2
    assert await tokens.find(token(studio.identity, KEY, 1)) == (KEY, 1)


async def test_after_a_job_has_ended_the_series_that_wait_for_it_are_woken(studio: Studio) -> None:
    woken: list[str | None] = []

    async def wake() -> None:
        woken.append(studio.state())
        raise LibraryError("the first one fails")

    studio.collector._wake = wake
    await studio.buy()
    await studio.post()
    await studio.looked()
    assert woken == ["done"] * 4


async def test_a_server_that_died_before_it_woke_a_series_wakes_it_after_its_restart(studio: Studio) -> None:
    await studio.buy()
    await studio.post()
    await studio.looked()
    await studio.collector.close()
    studio.clock = Paused()
    studio.restart()
    woken: list[str | None] = []

    async def wake() -> None:
        woken.append(studio.state())

    studio.collector._wake = wake
    await studio.collector.resume()
    await studio.looked()
    assert woken == ["done"] * 4
