"""One event loop for all work with providers, in one daemon thread of the process.

Prefect gives every call of `.map` and `.submit` a loop of its own, where gates, connections and pollers that are keyed
by loop would bound nothing. So async callers use `on_loop`, sync callers `run_on_loop`. Context variables are copied:
run contexts, the run logger, `prefect.runtime`, the progress listener.

A caller that is cancelled, timed out or interrupted cancels its work once, waits until the work has ended and its
requests are recorded, and then raises.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Generic, TypeVar

import anyio
from prefect.context import FlowRunContext, TaskRunContext

T = TypeVar("T")
Work = Callable[[], Coroutine[Any, Any, T]]

_STEP = 0.2  # seconds between two checks whether the task runner is stopping
_THREADS = 32  # asyncio's own default is 6 on two cores; an encoder must not block the ledger's writes
_LAST = 10.0  # seconds that the interpreter waits for work at exit

_lock = threading.Lock()
_loops: list[asyncio.AbstractEventLoop] = []  # the loop, created when first needed
_left_behind: list[asyncio.AbstractEventLoop] = []  # a parent process' loop: closing it here would disturb the parent
_open: set["_Call[Any]"] = set()
_last: list[Work[object]] = []


async def on_loop(work: Work[T]) -> T:
    """Run `work` on the one loop and return its value. A cancelled caller raises when the work has ended."""
    call = _Call(work)
    here, ended = asyncio.get_running_loop(), asyncio.Event()
    call.outcome.add_done_callback(lambda _: _wake(here, ended))
    call.begin()
    runner_stops, interrupted = _runner_stops(), None
    while not ended.is_set():
        try:
            # The shield is anyio's: it cancels again in every turn of the loop until the task has left the scope.
            with anyio.CancelScope(shield=interrupted is not None):
                await _turn(ended, None if interrupted else runner_stops)
        except asyncio.CancelledError as error:
            interrupted = interrupted or error
            call.cancel()
    if interrupted:
        raise interrupted
    return call.outcome.result()


def run_on_loop(work: Work[T]) -> T:
    """Run `work` on the one loop and block this thread on it. Raises RuntimeError on the loop's own thread."""
    if _running_loop() in _loops:
        raise RuntimeError(
            "a sync task or flow was called from async code on the providers' own event loop, where it would wait for "
            "itself; nothing was sent; await the async task or flow of the same name"
        )
    call, runner_stops = _Call(work), _runner_stops()
    interrupted: BaseException | None = None
    while not call.outcome.done():
        try:
            call.begin()  # inside the try: an exception may arrive as soon as the work has begun
            call.ended.wait(_STEP)  # in steps: Prefect raises its exceptions in this thread between two
            if interrupted is None and runner_stops and runner_stops.is_set():
                raise asyncio.CancelledError("the task runner stops")  # noqa: TRY301 - handled as an interruption
        except BaseException as error:  # noqa: BLE001 - Ctrl-C, SIGTERM and Prefect's time-out alike
            interrupted = interrupted or error
            call.cancel()
    if interrupted:
        raise interrupted
    return call.outcome.result()


def soon(callback: Callable[[], object]) -> None:
    """Schedule a call on the one loop without waiting for it; it cannot be cancelled."""
    _one_loop().call_soon_threadsafe(callback)


def at_exit(work: Work[object]) -> None:
    """Run a function on the one loop when the process ends."""
    _last.append(work)


class _Call(Generic[T]):
    """Work on the loop. `outcome` is set only when the work has ended, however often it is cancelled."""

    def __init__(self, work: Work[T]) -> None:
        self.outcome: Future[T] = Future()
        self.outcome.set_running_or_notify_cancel()  # from here on only the end of the work sets it
        self.ended = threading.Event()
        self._work = work
        self._begun = self._cancelled = False
        self._task: asyncio.Task[None] | None = None
        self._loop = _one_loop()

    def begin(self) -> None:
        """Begin the work in a copy of the caller's context; a second call does nothing."""
        if not self._begun:
            self._begun = True
            _open.add(self)
            self._loop.call_soon_threadsafe(self._begin)

    def cancel(self) -> None:
        """Cancel the work; a second call does nothing, so that its clean-up after the first is not interrupted."""
        self._loop.call_soon_threadsafe(self._cancel)

    def _begin(self) -> None:
        self._task = self._loop.create_task(self._run())
        self._task.add_done_callback(self._end)
        if self._cancelled:
            self._task.cancel()

    def _cancel(self) -> None:
        if self._task and not self._cancelled:
            self._task.cancel()
        self._cancelled = True

    async def _run(self) -> None:
        try:
            value = await self._work()
        except BaseException as error:  # noqa: BLE001 - also SystemExit, which must not end the loop
            self.outcome.set_exception(error)
        else:
            self.outcome.set_result(value)

    def _end(self, _task: asyncio.Task[None]) -> None:
        if not self.outcome.done():  # cancelled before it began
            self.outcome.set_exception(asyncio.CancelledError())
        _open.discard(self)
        self.ended.set()


async def _turn(ended: asyncio.Event, runner_stops: threading.Event | None) -> None:
    if runner_stops is None:
        await ended.wait()
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(_STEP):
            await ended.wait()
    if runner_stops.is_set() and not ended.is_set():
        raise asyncio.CancelledError("the task runner stops")


def _wake(loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    with suppress(RuntimeError):  # the caller's loop is closed: nothing waits there
        loop.call_soon_threadsafe(ended.set)


def _runner_stops() -> threading.Event | None:
    """The event that a ThreadPoolTaskRunner sets when its flow ends, its only signal to its threads.

    Private to Prefect (task_runners.py, `_cancel_events`), by task run; all are set together. A task that is called by
    a submitted one has no event of its own, so it watches another one.
    """
    flow, run = FlowRunContext.get(), TaskRunContext.get()
    events: dict[Any, threading.Event] = getattr(flow.task_runner, "_cancel_events", {}) if flow else {}
    if run and run.task_run.id in events:
        return events[run.task_run.id]
    return next(iter(list(events.values())), None)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _one_loop() -> asyncio.AbstractEventLoop:
    with _lock:
        if not _loops:
            loop = asyncio.new_event_loop()
            loop.set_default_executor(ThreadPoolExecutor(_THREADS, "storyboard"))
            threading.Thread(target=loop.run_forever, name="storyboard-loop", daemon=True).start()
            _loops.append(loop)
            # Before the interpreter stops the threads that write the ledger; Prefect does the same.
            getattr(threading, "_register_atexit", lambda _: None)(_drain)
        return _loops[0]


def _drain() -> None:
    """At the end of the process, wait until work in flight is recorded."""
    calls = list(_open)
    for call in calls:
        call.cancel()
    for call in calls:
        call.ended.wait(_LAST)
    for call in [_Call(work) for work in _last]:
        call.begin()
        call.ended.wait(_LAST)


def _forget() -> None:
    """In a forked child: the loop's thread exists only in the parent."""
    _left_behind.extend(_loops)
    _loops.clear()
    _open.clear()
    _lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_forget)
