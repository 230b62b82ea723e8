"""One poller for each account of a process: it polls all jobs that are waited for, on one schedule.

Each waiter passes in a job and awaits its result. The poller sends at most `AT_ONCE` polls at the same time, within one
budget of requests a second, and ends when there are no waiters. `scouts` decides when each job is polled, from the
render times that `render_times` has learned; `schedule` keeps the due times.
"""

import asyncio
import threading
from collections.abc import Callable
from contextvars import Context
from weakref import WeakKeyDictionary, WeakSet

from prefect_storyboard.jobs.look import is_young
from prefect_storyboard.jobs.render_times import Kind
from prefect_storyboard.jobs.request_budget import RequestBudget
from prefect_storyboard.jobs.schedule import Schedule
from prefect_storyboard.jobs.scouts import Scouts
from prefect_storyboard.jobs.waiting import Answer, Waiter, Waiting, Watch
from prefect_storyboard.providers import errors
from prefect_storyboard.providers.clock import Clock, sleep_until_set
from prefect_storyboard.providers.protocol import Result
from prefect_storyboard.providers.session import Gates, Session
from prefect_storyboard.storyboards import Job

AT_ONCE = 16  # polls: as many as the connections of an account carry without queueing
_LEAST_BUDGET = 20  # requests a second; more if the account may have more jobs at once
_SHORT = 0.5  # seconds for which all waiters may be held up
_SOON = 0.001  # seconds that a poll may be early
_lock = threading.Lock()
_pollers: WeakKeyDictionary[Gates, "Poller"] = WeakKeyDictionary()
_busy: WeakSet["Poller"] = WeakSet()


def poller_of(session: Session) -> "Poller":
    """The one poller of the session's account on this loop. What it has learned outlives the connections."""
    with _lock:
        if session.gates not in _pollers:
            _pollers[session.gates] = Poller(session.clock, max(session.in_flight.limit, _LEAST_BUDGET))
        return _pollers[session.gates]


def look_now(request_id: str) -> bool:
    """Poll the provider's job of that id now. False if nothing waits for it here. Thread-safe."""
    with _lock:
        pollers = list(_busy)
    return any(poller.look_now(request_id) for poller in pollers)


class Poller:
    """Polls the jobs of one account, on the event loop on which they are awaited."""

    def __init__(self, clock: Clock, requests_a_second: float) -> None:
        self._clock = clock
        self._budget = RequestBudget(requests_a_second, clock.monotonic())
        self._scouts = Scouts(self._age)
        self._jobs = self._scouts.jobs
        self._due = Schedule(self._jobs)
        self._looks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        """Whether there are no waiters and no polls in flight."""
        return not self._jobs and not self._looks and (self._task is None or self._task.done())

    async def wait(
        self,
        session: Session,
        job: Job,
        *,
        kind: Kind,
        seconds: float,
        watch: Watch,
        patient: Callable[[], bool] = lambda: False,
    ) -> Result:
        """Return the job's result. Raises the provider's error, Expired, or TimeLimit after `seconds`.

        Polls at least once, unless the gateway has asked the account to wait. `watch` is called with every state, in
        the caller's context. A waiter that is cancelled does not disturb other waiters of the same job. While `patient`
        returns True, a callback is relied on and polls are rare.
        """
        waiter = Waiter(
            session.provider, self._clock.monotonic() + seconds, watch, asyncio.get_running_loop().create_future()
        )
        waiting = self._jobs.get(job.request_id) or self._add(Waiting(job, kind, patient))
        waiting.waiters.append(waiter)
        if not waiting.looking:
            self._schedule(waiting, waiting.due)
        self._start()
        try:
            return await waiter.ended
        finally:
            waiting.waiters.remove(waiter)
            if not waiting.waiters:
                self._remove(waiting)

    def look_now(self, request_id: str) -> bool:
        """Poll a job now. False if nothing waits for it here. Thread-safe."""
        task = self._task
        if request_id not in self._jobs or task is None or task.done():
            return False
        task.get_loop().call_soon_threadsafe(self._look_now, request_id)
        return True

    def reschedule(self) -> None:
        """Schedule all jobs again: callbacks have become reliable, or are so no longer."""
        for waiting in self._jobs.values():
            if not waiting.looking:
                self._schedule(waiting, self._next_look(waiting))

    def _look_now(self, request_id: str) -> None:
        waiting = self._jobs.get(request_id)
        if waiting and not waiting.looking:
            self._push(waiting, self._clock.monotonic())

    def _start(self) -> None:
        if self._task is None or self._task.done():
            # In a context of its own: it serves all waiters, and outlives the run of the first one.
            self._task = asyncio.get_running_loop().create_task(self._run(), context=Context())
            with _lock:
                _busy.add(self)

    async def _run(self) -> None:
        try:
            while self._jobs:
                self._changed.clear()
                waiting, now = self._due.next(), self._clock.monotonic()
                if waiting is None or len(self._looks) >= AT_ONCE:
                    await self._changed.wait()
                elif (left := waiting.due - now) > _SOON:
                    await self._sleep(left)
                elif (closed := self._budget.wait(now)) > 0:
                    await self._sleep(self._until_somebody_gives_up(now, closed))
                else:
                    self._begin(waiting)
        except Exception as error:  # noqa: BLE001 - a clock that fails: no waiter may hang
            for waiting in self._jobs.values():
                waiting.fail(error)
        finally:
            with _lock:
                _busy.discard(self)

    def _add(self, waiting: Waiting) -> Waiting:
        waiting.due = self._at(waiting, self._scouts.add(waiting))
        return waiting

    def _remove(self, waiting: Waiting) -> None:
        """Drop a job without waiters. If it was a scout, the next job takes its place."""
        if self._jobs.get(waiting.job.request_id) is not waiting:
            return
        for each in self._scouts.remove(waiting):
            if not each.looking:
                self._schedule(each, self._clock.monotonic())
        if not self._jobs:
            self._changed.set()

    def _next_look(self, waiting: Waiting) -> float:
        return self._at(waiting, self._scouts.next_look(waiting))

    def _schedule(self, waiting: Waiting, due: float) -> None:
        """Poll the job at that moment, or much later if its callback is relied on."""
        if waiting.patient():
            due = max(due, self._at(waiting, self._scouts.patient_look(waiting)))
        self._push(waiting, due)

    def _push(self, waiting: Waiting, due: float) -> None:
        if self._due.push(waiting, due):
            self._changed.set()

    def _begin(self, waiting: Waiting) -> None:
        self._due.pop()
        self._budget.spend(self._clock.monotonic())
        waiting.looking = True
        look = asyncio.get_running_loop().create_task(self._look(waiting))
        self._looks.add(look)
        look.add_done_callback(self._looked)

    def _looked(self, look: asyncio.Task[None]) -> None:
        self._looks.discard(look)
        self._changed.set()

    async def _sleep(self, seconds: float) -> None:
        await sleep_until_set(self._clock.sleep, seconds, self._changed)

    def _until_somebody_gives_up(self, now: float, closed: float) -> float:
        """Seconds to sleep while no request may be sent: to the end of the pause or to the next waiter's time limit."""
        if closed < _SHORT:
            return closed
        for waiting in self._jobs.values():
            if waiting.looked or self._budget.closed_until > now:
                waiting.give_up(now)
        limits = (waiter.until - now for each in self._jobs.values() for waiter in each.waiters)
        return min([closed, *(left for left in limits if left > 0)])

    async def _look(self, waiting: Waiting) -> None:
        """Poll a job once, and pass the result or error to its waiters."""
        age = self._age(waiting)
        asked_to_wait = 0.0
        try:
            answer = await waiting.ask(age)
        except (errors.NotSent, errors.Busy, errors.ProtocolError) as error:
            if error.sent is False and not isinstance(error, errors.NotSent):  # a link that must not be requested
                waiting.fail(error)
            waiting.trouble, asked_to_wait = error, self._note(error)
        except errors.Expired as error:
            waiting.trouble = None
            if not is_young(waiting.job, self._clock.now()):
                waiting.fail(error)
        except Exception as error:  # noqa: BLE001 - the provider's verdict, or a refused account: the waiters raise it
            waiting.fail(error)
        else:
            self._answered(waiting, answer, age)
        waiting.looking, waiting.looked = False, True
        now = self._clock.monotonic()
        waiting.give_up(now)
        if any(not waiter.ended.done() for waiter in waiting.waiters):
            self._schedule(waiting, max(self._next_look(waiting), now + asked_to_wait))

    def _answered(self, waiting: Waiting, answer: Answer, age: float) -> None:
        """Pass on the result and reschedule other jobs by what it teaches; or note that the job still renders."""
        waiting.trouble = None
        self._budget.answered()
        if answer.result is None:
            self._scouts.rendering(waiting, age)
            return
        if answer.requests > 1:
            self._budget.spend(self._clock.monotonic())
        for each, look_at in self._scouts.ended(waiting, age):
            if not each.looking:
                self._schedule(each, self._at(each, look_at))
        waiting.succeed(answer.result)

    def _note(self, error: errors.ProviderError) -> float:
        """Record a poll that failed, which fails no job. Returns the seconds that the gateway asked to wait."""
        retry_after = float(getattr(error, "retry_after", None) or 0.0)
        if retry_after or error.http_status == 429:
            self._budget.refused(self._clock.monotonic(), retry_after)
        return retry_after

    def _age(self, waiting: Waiting) -> float:
        return max((self._clock.now() - waiting.job.submitted_at).total_seconds(), 0.0)

    def _at(self, waiting: Waiting, age: float) -> float:
        """The moment at which a job has that age."""
        return self._clock.monotonic() + max(age - self._age(waiting), 0.0)
