"""One poller looks at all jobs of an account: rarely, in time, and for everybody who waits."""

import asyncio
import random
import threading
from collections.abc import Callable
from contextvars import ContextVar
from statistics import median
from typing import Any

import pytest

from prefect_storyboard.jobs.poller import AT_ONCE, Poller, look_now, poller_of
from prefect_storyboard.jobs.render_times import Kind
from prefect_storyboard.jobs.waiting import TimeLimit
from prefect_storyboard.providers import errors
from prefect_storyboard.providers.protocol import Result, Status
from prefect_storyboard.providers.session import Session
from prefect_storyboard.storyboards import Job
from prefect_storyboard.tasks._loop import run_on_loop

from .fakes import Gateway, job, session_with
from .simulated import SimulatedClock

KIND = Kind("sora-2", 4)


class Renderer(Gateway):
    """Each job ends so many seconds after its submit, and a request takes `delay` seconds."""

    def __init__(self, clock: SimulatedClock, seconds: Callable[[int], float] = lambda _: 60.0) -> None:
        super().__init__()
        self.clock, self.seconds, self.delay = clock, seconds, 0.0
        self.asked: list[tuple[float, str]] = []
        self.detected: dict[str, float] = {}
        self.at_once = self.most = 0

    async def status(self, job: Job) -> Status:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        self.asked.append((self.clock.passed, job.request_id))
        if self.delay:
            await self.clock.sleep(self.delay)
        self.at_once -= 1
        answer = self.states.popleft() if self.states else None
        if isinstance(answer, Exception):
            raise answer
        age = (self.clock.now() - job.submitted_at).total_seconds()
        if age < self.seconds(int(job.request_id[1:])):
            return Status(state="running")
        self.detected.setdefault(job.request_id, age)
        return Status(state="ended")

    def looks_at(self, request_id: str) -> int:
        return sum(asked == request_id for _, asked in self.asked)


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock()


@pytest.fixture
def gateway(clock: SimulatedClock) -> Renderer:
    return Renderer(clock)


@pytest.fixture
def session(gateway: Renderer, clock: SimulatedClock) -> Session:
    return session_with(gateway, clock=clock)


async def wait(session: Session, number: int = 1, **facts: Any) -> Result:
    defaults = {"kind": KIND, "seconds": 3600.0, "watch": lambda _: None}
    submitted = facts.pop("submitted_at", session.clock.now())
    asked = job(f"r{number}", submitted_at=submitted)
    return await poller_of(session).wait(session, asked, **{**defaults, **facts})


async def many(session: Session, count: int, apart: float = 0.01) -> None:
    """So many jobs, submitted one after the other."""

    async def one(number: int) -> None:
        await session.clock.sleep(number * apart)
        await wait(session, number)

    await asyncio.gather(*(one(number) for number in range(1, count + 1)))


async def test_four_hundred_jobs_of_a_kind_that_is_new_take_less_than_two_looks_each(
    clock: SimulatedClock, gateway: Renderer, session: Session
) -> None:
    gateway.seconds = lambda _: 50.0
    await clock.run(many(Session(session.http, gateway, 400, clock=clock), 400))
    assert len(gateway.asked) < 2 * 400
    assert median(gateway.detected.values()) < 50 * 1.05


async def test_jobs_that_differ_in_length_are_found_in_time_with_few_looks(
    clock: SimulatedClock, gateway: Renderer, session: Session
) -> None:
    random.seed(7)  # looks are jittered, and the median comes near its limit
    gateway.seconds = lambda number: 60.0 + number * 37 % 41
    await clock.run(many(session, 100, apart=2.0))
    gateway.detected.clear()
    gateway.asked.clear()
    await clock.run(many(session, 100, apart=2.0))
    late = [age / gateway.seconds(int(name[1:])) for name, age in gateway.detected.items()]
    assert median(late) < 1.05
    assert len(gateway.asked) < 6 * 100


async def test_one_job_alone_is_found_in_time(clock: SimulatedClock, gateway: Renderer, session: Session) -> None:
    await clock.run(wait(session))
    assert gateway.detected["r1"] < 60 * 1.15
    assert len(gateway.asked) < 55


async def test_what_was_learned_outlives_the_session(
    clock: SimulatedClock, gateway: Renderer, session: Session
) -> None:
    await clock.run(many(session, 3))
    before = len(gateway.asked)
    again = Session(session.http, gateway, gates=session.gates)
    await clock.run(wait(again, 9))
    assert len(gateway.asked) - before <= 2


async def test_kinds_are_learned_apart(clock: SimulatedClock, gateway: Renderer, session: Session) -> None:
    await clock.run(many(session, 3))
    before = len(gateway.asked)
    await clock.run(wait(session, 9, kind=Kind("sora-2", 12)))
    assert len(gateway.asked) - before > 5


async def test_a_scout_that_nobody_waits_for_any_more_is_replaced(
    clock: SimulatedClock, gateway: Renderer, session: Session
) -> None:
    tasks = [asyncio.create_task(wait(session, number)) for number in range(1, 6)]
    await clock.pass_until(*tasks, at=5.0)
    assert gateway.looks_at("r5") == 0
    for scout in tasks[:3]:
        scout.cancel()
    await clock.pass_until(*tasks, at=10.0)
    assert gateway.looks_at("r5") > 1
    await clock.pass_until(*tasks)


async def test_scouts_that_never_end_do_not_keep_the_others_waiting(
    clock: SimulatedClock, gateway: Renderer, session: Session
) -> None:
    gateway.seconds = lambda number: 1e9 if number <= 3 else 100.0
    tasks = [asyncio.create_task(wait(session, number)) for number in range(1, 41)]
    await clock.pass_until(*tasks[3:])
    assert max(gateway.detected.values()) < 181
    assert len(gateway.asked) < 3 * 40 + 450
    for task in tasks[:3]:
        task.cancel()
    await clock.turns()


async def test_an_older_job_of_an_unknown_kind_is_looked_at_at_once(
    clock: SimulatedClock, gateway: Renderer, session: Session
) -> None:
    submitted = session.clock.now()
    clock.passed = 300.0
    tasks = [asyncio.create_task(wait(session, number, submitted_at=submitted)) for number in range(1, 9)]
    await clock.turns()
    assert all(task.done() for task in tasks)
    assert clock.passed == 300.0


async def test_no_more_looks_are_under_way_than_connections_carry(
    clock: SimulatedClock, gateway: Renderer, session: Session
) -> None:
    gateway.delay = 0.5
    await clock.run(many(session, 60))
    assert gateway.most == AT_ONCE == 16


async def test_all_jobs_of_an_account_share_one_budget_of_requests_a_second(
    clock: SimulatedClock, gateway: Renderer, session: Session
) -> None:
    await clock.run(many(session, 2))
    begun = clock.passed
    await clock.run(many(session, 200, apart=0.0))
    moments = sorted(at for at, _ in gateway.asked if at > begun)
    in_a_second = max(sum(first <= at < first + 1 for at in moments) for first in moments)
    assert in_a_second <= 2 * 40 + 1 * 40


async def test_a_gateway_that_refuses_one_look_is_left_alone_by_all(
    clock: SimulatedClock, gateway: Renderer, session: Session
) -> None:
    gateway.seconds = lambda _: 3.0
    gateway.states.append(errors.Busy("fal answered 429", retry_after=30.0, http_status=429))
    tasks = [asyncio.create_task(wait(session, number)) for number in (1, 2, 3)]
    await clock.pass_until(*tasks)
    refused = gateway.asked[0][0]
    assert [at for at, _ in gateway.asked if refused < at < refused + 30.0] == []


async def test_somebody_whose_time_is_over_does_not_wait_for_a_gateway_that_is_closed(
    clock: SimulatedClock, gateway: Renderer, session: Session
) -> None:
    gateway.states.append(errors.Busy("fal answered 429", retry_after=30.0, http_status=429))
    with pytest.raises(TimeLimit) as late:
        await clock.run(wait(session, seconds=10.0))
    assert clock.passed == 10.0
    assert str(late.value.trouble) == "fal answered 429"


async def test_two_who_wait_for_one_job_share_its_looks(
    clock: SimulatedClock, gateway: Renderer, session: Session
) -> None:
    first, second = await clock.run(asyncio.gather(wait(session), wait(session)))  # type: ignore[arg-type]
    assert first is second
    assert gateway.looks_at("r1") == len(gateway.asked) < 55


async def test_one_who_is_cancelled_leaves_the_others_undisturbed(
    clock: SimulatedClock, gateway: Renderer, session: Session
) -> None:
    tasks = [asyncio.create_task(wait(session, number)) for number in (1, 1, 2)]
    await clock.pass_until(*tasks, at=20.0)
    tasks[0].cancel()
    await clock.pass_until(*tasks)
    assert [task.cancelled() for task in tasks] == [True, False, False]


async def test_each_has_a_time_limit_of_its_own(clock: SimulatedClock, gateway: Renderer, session: Session) -> None:
    short, long = (asyncio.create_task(wait(session, seconds=seconds)) for seconds in (10.0, 3600.0))
    await clock.pass_until(short)
    assert isinstance(short.exception(), TimeLimit)
    assert clock.passed == 10.0
    await clock.pass_until(long)
    assert long.result()


async def test_the_poller_stops_when_nobody_waits(clock: SimulatedClock, session: Session) -> None:
    await clock.run(wait(session))
    await clock.turns()
    assert poller_of(session).idle
    task = asyncio.create_task(wait(session, 2))
    await clock.pass_until(task, at=clock.passed + 1)
    assert not poller_of(session).idle
    task.cancel()
    await clock.turns()
    assert poller_of(session).idle
    assert clock.sleeping == 0


async def test_a_job_is_looked_at_at_once_when_somebody_says_so(
    clock: SimulatedClock, gateway: Renderer, session: Session
) -> None:
    gateway.seconds = lambda _: 20.0
    task = asyncio.create_task(wait(session, 1))
    await clock.pass_until(task, at=20.0)
    thread = threading.Thread(target=look_now, args=("r1",))
    thread.start()
    thread.join()
    look_now("a job of somebody else")
    await clock.turns()
    assert task.done()
    assert clock.passed == 20.0


async def test_a_look_that_is_under_way_is_not_doubled(
    clock: SimulatedClock, gateway: Renderer, session: Session
) -> None:
    gateway.delay = 5.0
    task = asyncio.create_task(wait(session, 1))
    await clock.turns()
    look_now("r1")
    await clock.turns()
    assert len(gateway.asked) == 1
    await clock.pass_until(task)


who: ContextVar[str] = ContextVar("who")


async def test_whoever_watches_is_told_in_a_context_of_their_own(
    clock: SimulatedClock, gateway: Renderer, session: Session
) -> None:
    told: list[tuple[str, str]] = []

    async def watching(name: str) -> None:
        who.set(name)
        await wait(session, watch=lambda status: told.append((who.get(), status.state)))

    gateway.seconds = lambda _: 0.0
    await clock.run(asyncio.gather(watching("a"), watching("b")))  # type: ignore[arg-type]
    assert told == [("a", "ended"), ("b", "ended")]


async def test_whoever_watches_and_fails_is_alone_with_it(
    clock: SimulatedClock, gateway: Renderer, session: Session
) -> None:
    def broken(_: Status) -> None:
        raise KeyError("theirs")

    tasks = [asyncio.create_task(wait(session, watch=watch)) for watch in (broken, lambda _: None)]
    await clock.pass_until(*tasks)
    assert isinstance(tasks[0].exception(), KeyError)
    assert tasks[1].result()


async def test_an_error_of_the_clock_reaches_those_who_wait(gateway: Renderer) -> None:
    class Broken(SimulatedClock):
        async def sleep(self, seconds: float) -> None:
            raise OSError("no time")

    with pytest.raises(OSError, match="no time"):
        await wait(session_with(gateway, clock=Broken()))


def test_many_threads_have_one_poller(gateway: Renderer, clock: SimulatedClock) -> None:
    gateway.seconds = lambda _: 0.0
    pollers: set[Poller] = set()
    shared: list[Session] = []

    async def waiting(number: int) -> None:
        shared[:] = shared or [session_with(gateway, clock=clock)]
        pollers.add(poller_of(shared[0]))
        await wait(shared[0], number)

    threads = [threading.Thread(target=run_on_loop, args=(lambda n=n: waiting(n),)) for n in range(1, 21)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pollers) == 1
    assert len(gateway.detected) == 20
