"""One poller for each account of a process: it looks at all jobs that somebody waits for, on one schedule.

Whoever waits brings the job and awaits its result. The poller keeps a heap of the moments at which a look is due, sends
at most `AT_ONCE` looks side by side within one budget of requests a second, and ends when nobody waits any more. Of a
kind of job that never ended here, the oldest few are looked at for all of them; see `render_times`.
"""

import asyncio
import heapq
import threading
from collections.abc import Callable, Iterator
from contextvars import Context
from itertools import islice
from weakref import WeakKeyDictionary, WeakSet

from prefect_storyboard.jobs.look import is_young
from prefect_storyboard.jobs.render_times import Kind, RenderTimes
from prefect_storyboard.jobs.request_budget import RequestBudget
from prefect_storyboard.jobs.waiting import Waiter, Waiting, Watch
from prefect_storyboard.providers import errors
from prefect_storyboard.providers.clock import Clock
from prefect_storyboard.providers.protocol import Result
from prefect_storyboard.providers.session import Gates, Session
from prefect_storyboard.storyboards import Job

AT_ONCE = 16  # looks: what the connections of an account carry without a queue
SCOUTS = 3  # jobs of an unknown kind that are looked at for all others
UNSCOUTED = 60.0  # seconds: the age at which a job is looked at although the scouts still render
_UNSCOUTED_AGAIN = 3.0  # times its age: when it is looked at again
_FRESH = 2.0  # seconds since the submit: such a job has most likely not been waited for before
_LEAST_BUDGET = 20  # requests a second; as many as the account may have jobs at once where that is more
_SHORT = 0.5  # seconds for which everybody may be kept waiting
_SOON = 0.001  # seconds that a look may be early
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
    """Look at once at the provider's job of that id. False where nobody waits for it here. From any thread."""
    with _lock:
        pollers = list(_busy)
    return any(poller.look_now(request_id) for poller in pollers)


class Poller:
    """Looks at the jobs of one account, on the loop on which they are awaited."""

    def __init__(self, clock: Clock, requests_a_second: float) -> None:
        self._clock = clock
        self._budget = RequestBudget(requests_a_second, clock.monotonic())
        self._times: dict[Kind, RenderTimes] = {}
        self._jobs: dict[str, Waiting] = {}
        self._heap: list[tuple[float, int, Waiting]] = []
        self._pushed = 0
        self._looks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        """Whether nobody waits, and nothing is under way."""
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
        """The job's result. Raises the provider's verdict, Expired, or TimeLimit after so many seconds.

        Looks once at least, unless the gateway has told everybody to wait. `watch` is called with every state, in the
        caller's context. Other waiters of the same job are not disturbed by one who is cancelled. While `patient` says
        so a callback is relied on, and looks are rare.
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
        """Look at once at a job that is waited for. False where nobody waits for it here. From any thread."""
        task = self._task
        if request_id not in self._jobs or task is None or task.done():
            return False
        task.get_loop().call_soon_threadsafe(self._look_now, request_id)
        return True

    def reschedule(self) -> None:
        """Whether callbacks are relied on has changed: look at all jobs earlier, or later."""
        for waiting in self._jobs.values():
            if not waiting.looking:
                self._schedule(waiting, self._next_look(waiting))

    def _look_now(self, request_id: str) -> None:
        waiting = self._jobs.get(request_id)
        if waiting and not waiting.looking:
            self._push(waiting, self._clock.monotonic())

    def _start(self) -> None:
        if self._task is None or self._task.done():
            # In a context of its own: it serves everybody, and outlives the run of whoever came first.
            self._task = asyncio.get_running_loop().create_task(self._run(), context=Context())
            with _lock:
                _busy.add(self)

    async def _run(self) -> None:
        try:
            while self._jobs:
                self._changed.clear()
                waiting, now = self._next(), self._clock.monotonic()
                if waiting is None or len(self._looks) >= AT_ONCE:
                    await self._changed.wait()
                elif (left := waiting.due - now) > _SOON:
                    await self._sleep(left)
                elif (closed := self._budget.wait(now)) > 0:
                    await self._sleep(self._until_somebody_gives_up(now, closed))
                else:
                    self._begin(waiting)
        except Exception as error:  # noqa: BLE001 - a clock that fails; nobody waits for ever
            for waiting in self._jobs.values():
                waiting.fail(error)
        finally:
            with _lock:
                _busy.discard(self)

    def _add(self, waiting: Waiting) -> Waiting:
        self._jobs[waiting.job.request_id] = waiting
        age, times = self._age(waiting), self._times.setdefault(waiting.kind, RenderTimes())
        scouted = not times.known and age <= _FRESH and waiting not in self._scouts(waiting.kind)
        waiting.due = self._at(waiting, UNSCOUTED if scouted else times.first_look(age))
        return waiting

    def _remove(self, waiting: Waiting) -> None:
        """Nobody waits for it any more. Where a scout is gone, the next one takes its place."""
        if self._jobs.get(waiting.job.request_id) is not waiting:
            return
        scouts = self._scouts(waiting.kind)
        del self._jobs[waiting.job.request_id]
        if not self._times[waiting.kind].known:
            self._send_scouts(waiting.kind, scouts)
        if not self._jobs:
            self._changed.set()

    def _send_scouts(self, kind: Kind, before: list[Waiting]) -> None:
        """Look at the scouts that were none before."""
        for each in self._scouts(kind):
            if each not in before and not each.looking:
                self._schedule(each, self._clock.monotonic())

    def _next_look(self, waiting: Waiting) -> float:
        age, times = self._age(waiting), self._times[waiting.kind]
        if times.known or waiting in self._scouts(waiting.kind):
            return self._at(waiting, times.next_look(age, waiting=len(self._jobs)))
        return self._at(waiting, max(UNSCOUTED, age * _UNSCOUTED_AGAIN))

    def _learn(self, waiting: Waiting, age: float) -> None:
        """Note how long a job took. The first and the fastest of a kind say of the others when to look at them.

        Where that cannot be told, and the scouts still render, others take their place.
        """
        times, scouts = self._times[waiting.kind], self._scouts(waiting.kind)
        known, fastest = times.known, times.fastest if times.known else float("inf")
        times.ended(age, running=waiting.running)
        if times.known and times.fastest < fastest:
            for each in self._of_kind(waiting.kind):
                if not each.looking and (each.running is None or not known):
                    self._schedule(each, self._at(each, times.earliest(self._age(each))))
        elif not known and waiting not in scouts:
            for each in scouts:
                self._jobs[each.job.request_id] = self._jobs.pop(each.job.request_id)
            self._send_scouts(waiting.kind, scouts)

    def _scouts(self, kind: Kind) -> list[Waiting]:
        return list(islice(self._of_kind(kind), SCOUTS))

    def _of_kind(self, kind: Kind) -> Iterator[Waiting]:
        return (each for each in self._jobs.values() if each.kind == kind)

    def _schedule(self, waiting: Waiting, due: float) -> None:
        """Look at it at that moment, or much later where its callback is relied on."""
        if waiting.patient():
            times = self._times[waiting.kind]
            due = max(due, self._at(waiting, times.patient_look(self._age(waiting), looked=waiting.looked)))
        self._push(waiting, due)

    def _push(self, waiting: Waiting, due: float) -> None:
        """Look at it at that moment, or when the first of those who wait has no more time."""
        waiting.due = min([due, *(waiter.until for waiter in waiting.waiters)])
        self._pushed += 1
        heapq.heappush(self._heap, (waiting.due, self._pushed, waiting))
        if self._heap[0][2] is waiting:
            self._changed.set()

    def _next(self) -> Waiting | None:
        """The job whose look is due first."""
        while self._heap:
            due, _, waiting = self._heap[0]
            if self._jobs.get(waiting.job.request_id) is waiting and waiting.due == due and not waiting.looking:
                return waiting
            heapq.heappop(self._heap)
        return None

    def _begin(self, waiting: Waiting) -> None:
        heapq.heappop(self._heap)
        self._budget.spend(self._clock.monotonic())
        waiting.looking = True
        look = asyncio.get_running_loop().create_task(self._look(waiting))
        self._looks.add(look)
        look.add_done_callback(self._looked)

    def _looked(self, look: asyncio.Task[None]) -> None:
        self._looks.discard(look)
        self._changed.set()

    async def _sleep(self, seconds: float) -> None:
        """Sleep so long, or until something has changed."""
        sleeping = asyncio.ensure_future(self._clock.sleep(seconds))
        changing = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait([sleeping, changing], return_when=asyncio.FIRST_COMPLETED)
            if sleeping.done():
                sleeping.result()
        finally:
            sleeping.cancel()
            changing.cancel()

    def _until_somebody_gives_up(self, now: float, closed: float) -> float:
        """Nobody may ask for so many seconds. Those who have no more time are not kept waiting for it."""
        if closed < _SHORT:
            return closed
        for waiting in self._jobs.values():
            if waiting.looked or self._budget.closed_until > now:
                waiting.give_up(now)
        limits = (waiter.until - now for each in self._jobs.values() for waiter in each.waiters)
        return min([closed, *(left for left in limits if left > 0)])

    async def _look(self, waiting: Waiting) -> None:
        """One look, and what follows for those who wait."""
        age = self._age(waiting)
        asked_to_wait = 0.0
        try:
            answer = await waiting.ask(age)
        except (errors.NotSent, errors.Busy, errors.ProtocolError) as error:
            if error.sent is False and not isinstance(error, errors.NotSent):  # a link that must not be asked at all
                waiting.fail(error)
            waiting.trouble, asked_to_wait = error, self._note(error)
        except errors.Expired as error:
            waiting.trouble = None
            if not is_young(waiting.job, self._clock.now()):
                waiting.fail(error)
        except Exception as error:  # noqa: BLE001 - a verdict, or an account that is refused: theirs, whatever it is
            waiting.fail(error)
        else:
            waiting.trouble = None
            self._budget.answered()
            if answer.result:
                self._budget.spend(self._clock.monotonic())
                self._learn(waiting, age)
                waiting.succeed(answer.result)
            else:
                waiting.running = age
                self._times[waiting.kind].rendering(age)
        waiting.looking, waiting.looked = False, True
        now = self._clock.monotonic()
        waiting.give_up(now)
        if any(not waiter.ended.done() for waiter in waiting.waiters):
            self._schedule(waiting, max(self._next_look(waiting), now + asked_to_wait))

    def _note(self, error: errors.ProviderError) -> float:
        """A broken poll fails no job. Seconds that the gateway asks this job to wait; it asks everybody."""
        retry_after = float(getattr(error, "retry_after", None) or 0.0)
        if retry_after or error.http_status == 429:
            self._budget.refused(self._clock.monotonic(), retry_after)
        return retry_after

    def _age(self, waiting: Waiting) -> float:
        return max((self._clock.now() - waiting.job.submitted_at).total_seconds(), 0.0)

    def _at(self, waiting: Waiting, age: float) -> float:
        """The moment at which a job has that age."""
        return self._clock.monotonic() + max(age - self._age(waiting), 0.0)
