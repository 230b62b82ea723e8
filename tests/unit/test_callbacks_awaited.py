"""Whoever waits asks nobody while callbacks arrive, and polls as ever where they do not."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from prefect_storyboard.jobs.paid import PaidJob
from prefect_storyboard.jobs.poller import look_now, poller_of
from prefect_storyboard.jobs.wait import await_result
from prefect_storyboard.ledger import Ledger, Outcome
from prefect_storyboard.ledger.callbacks import Arrival, Callbacks
from prefect_storyboard.providers.errors import Busy, GenerationFailed
from prefect_storyboard.providers.protocol import Result, Status
from prefect_storyboard.providers.session import Session
from prefect_storyboard.storyboards import Casting, Job
from prefect_storyboard.storyboards.keys import digest

from .fakes import Gateway, intent, job, ledger_in, session_with
from .simulated import SimulatedClock

ADDRESS = "https://studio.example/callbacks"
RENDER = 60.0


class Clock(SimulatedClock):
    """Time passes only when the threads that read and write the library are done, too."""

    async def turns(self) -> None:
        for _ in range(4):
            await super().turns()
            await asyncio.to_thread(lambda: None)


class Renderer(Gateway):
    """Every job ends a minute after its submit."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    async def status(self, job: Job) -> Status:
        self.looks += 1
        age = (self.clock.now() - job.submitted_at).total_seconds()
        return Status(state="ended" if age >= RENDER else "running")


class Studio:
    """A process that waits, and the server elsewhere that receives its callbacks."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.gateway = Renderer(self.clock)
        self.ledger: Ledger = ledger_in(folder)
        self.callbacks = Callbacks(self.ledger.storage)
        self.session: Session = session_with(self.gateway, clock=self.clock)
        self.session.callback_url = ADDRESS

    def seen(self, ago: timedelta = timedelta()) -> None:
        """A callback was verified at this address so long ago."""
        self.callbacks.note_last("fal", ADDRESS, self.clock.now() - ago)

    def submit(self, number: int = 1) -> PaidJob:
        key = digest(f"scene {number}")
        self.ledger.intend(1, intent(key))
        submitted = job(f"r{number}", submitted_at=self.clock.now())
        self.ledger.submitted(key, 1, submitted)
        return PaidJob(key=key, attempt=1, job=submitted, state="Submitted")

    def arrive(self, bought: PaidJob) -> None:
        self.callbacks.add(bought.key, 1, Arrival(request_id=bought.job.request_id, at=self.clock.now()))

    def collect(self, bought: PaidJob, outcome: Outcome | None = None) -> None:
        casting = Casting(character="Mara", id=f"char_{bought.job.request_id}")
        done = Outcome(kind="done", at=self.clock.now(), casting=casting)
        self.ledger.close(bought.key, 1, outcome or done)

    async def called(self, bought: PaidJob, outcome: Outcome | None = None) -> None:
        """What the server does when the job has ended."""
        await self.clock.sleep(RENDER)
        await asyncio.to_thread(self.arrive, bought)
        await self.clock.sleep(0.3)
        await asyncio.to_thread(self.collect, bought, outcome)

    async def wait(self, bought: PaidJob, minutes: float = 60.0) -> Result:
        return await await_result(self.session, self.ledger, bought, minutes=minutes)


@pytest.fixture
async def studio(tmp_path: Path) -> AsyncIterator[Studio]:
    with ThreadPoolExecutor(1) as one:  # so that a thread's turn comes after those that were asked for before
        asyncio.get_running_loop().set_default_executor(one)
        yield Studio(tmp_path)
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())


async def test_while_callbacks_arrive_a_process_that_waits_asks_the_provider_nothing(studio: Studio) -> None:
    studio.seen()
    jobs = [studio.submit(number) for number in range(20)]
    server = asyncio.gather(*map(studio.called, jobs))
    results = await studio.clock.run(asyncio.gather(*map(studio.wait, jobs)))  # type: ignore[arg-type]
    await server
    assert [result.character_id for result in results] == [f"char_r{number}" for number in range(20)]
    assert (studio.gateway.looks, studio.gateway.results_asked) == (0, 0)
    assert studio.clock.passed < RENDER + 4


async def test_without_a_callback_ever_seen_jobs_are_polled_as_ever(studio: Studio) -> None:
    await studio.clock.run(studio.wait(studio.submit()))
    assert studio.clock.passed < RENDER * 1.15
    assert studio.gateway.looks > 5


async def test_a_callback_of_the_day_before_yesterday_is_none_to_rely_on(studio: Studio) -> None:
    studio.seen(ago=timedelta(days=2))
    await studio.clock.run(studio.wait(studio.submit()))
    assert studio.clock.passed < RENDER * 1.15


async def test_a_lost_callback_delays_one_job_and_the_next_ones_are_polled(studio: Studio) -> None:
    studio.seen()
    assert (await studio.clock.run(studio.wait(studio.submit()))).url
    assert studio.clock.passed == pytest.approx(300, abs=2)
    assert studio.gateway.looks == 1
    began = studio.clock.passed
    await studio.clock.run(studio.wait(studio.submit(2)))
    assert studio.clock.passed - began < RENDER * 1.15


async def test_once_callbacks_arrive_again_they_are_relied_on_again(studio: Studio) -> None:
    studio.seen()
    await studio.clock.run(studio.wait(studio.submit()))
    await studio.clock.pass_until(at=studio.clock.passed + 60)
    studio.seen()
    bought, looks = studio.submit(2), studio.gateway.looks
    server = asyncio.ensure_future(studio.called(bought))
    assert (await studio.clock.run(studio.wait(bought))).character_id == "char_r2"
    await server
    assert studio.gateway.looks == looks


async def test_a_callback_that_nobody_collects_makes_the_poller_look(studio: Studio) -> None:
    studio.seen()
    bought = studio.submit()

    async def arrives() -> None:
        await studio.clock.sleep(RENDER)
        await asyncio.to_thread(studio.arrive, bought)

    server = asyncio.ensure_future(arrives())
    assert (await studio.clock.run(studio.wait(bought))).url
    await server
    assert RENDER + 60 <= studio.clock.passed < RENDER + 65
    assert studio.gateway.looks == 1


async def test_what_the_server_found_failed_is_raised_where_it_is_waited_for(studio: Studio) -> None:
    studio.seen()
    bought = studio.submit()
    failed = Outcome(kind="failed", at=studio.clock.now(), error="GenerationFailed", message="the model crashed")
    server = asyncio.ensure_future(studio.called(bought, failed))
    with pytest.raises(GenerationFailed, match="the model crashed"):
        await studio.clock.run(studio.wait(bought))
    await server


async def test_a_time_limit_holds_while_callbacks_are_relied_on(studio: Studio) -> None:
    studio.seen()
    with pytest.raises(Busy, match="still rendering"):
        await studio.clock.run(studio.wait(studio.submit(), minutes=0.5))
    assert studio.clock.passed == pytest.approx(30, abs=1)
    assert studio.gateway.looks == 1


async def test_whoever_gives_up_leaves_nothing_behind(studio: Studio) -> None:
    studio.seen()
    waiting = asyncio.ensure_future(studio.wait(studio.submit()))
    await studio.clock.pass_until(at=5)
    waiting.cancel()
    await studio.clock.pass_until(waiting, at=20)
    assert waiting.cancelled()
    await studio.clock.pass_until(at=40)
    assert (poller_of(studio.session).idle, studio.clock.sleeping) == (True, 0)


async def test_of_two_who_wait_for_one_job_the_one_who_stays_is_told(studio: Studio) -> None:
    studio.seen()
    bought = studio.submit()
    server = asyncio.ensure_future(studio.called(bought))
    leaves, stays = (asyncio.ensure_future(studio.wait(bought)) for _ in range(2))
    await studio.clock.pass_until(at=5)
    leaves.cancel()
    await studio.clock.pass_until(leaves, stays)
    await server
    assert (await stays).character_id == "char_r1"
    assert studio.gateway.looks == 0


async def test_a_server_in_the_same_process_has_the_poller_look_at_once(studio: Studio) -> None:
    studio.seen()
    bought = studio.submit()
    waiting = asyncio.ensure_future(studio.wait(bought))
    await studio.clock.pass_until(at=RENDER + 1)
    assert not look_now("of nobody")
    assert look_now("r1")
    await studio.clock.pass_until(waiting, at=RENDER + 3)
    assert (await waiting).url
    assert studio.gateway.looks == 1
