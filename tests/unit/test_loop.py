"""The one loop by itself, without Prefect's engine around it."""

import asyncio
import os
import signal
import threading
from contextvars import ContextVar
from functools import partial

import pytest

from prefect_storyboard.tasks._loop import on_loop, run_on_loop

LISTENER: ContextVar[str] = ContextVar("listener", default="nobody")


async def where() -> tuple[int, str, str]:
    return id(asyncio.get_running_loop()), threading.current_thread().name, LISTENER.get()


async def test_async_and_plain_callers_of_any_thread_meet_on_one_loop() -> None:
    seen = [
        await on_loop(where),
        await asyncio.to_thread(run_on_loop, where),
        await asyncio.to_thread(asyncio.run, on_loop(where)),
        await on_loop(partial(on_loop, where)),
    ]
    assert len({loop for loop, _, _ in seen}) == 1
    assert {thread for _, thread, _ in seen} == {"storyboard-loop"}


async def test_context_variables_travel_along() -> None:
    LISTENER.set("the terminal")
    assert (await on_loop(where))[2] == (await asyncio.to_thread(run_on_loop, where))[2] == "the terminal"


async def test_what_the_work_raises_reaches_the_caller_also_what_would_end_a_loop() -> None:
    async def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        await on_loop(leave)
    with pytest.raises(SystemExit):
        await asyncio.to_thread(run_on_loop, leave)
    assert (await on_loop(where))[1] == "storyboard-loop"


async def test_a_cancelled_caller_waits_until_its_work_has_ended_and_cancels_it_once() -> None:
    begun, free, ended, cancellations = threading.Event(), threading.Event(), [], []

    async def stubborn() -> None:
        begun.set()
        while not free.is_set():
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                cancellations.append(1)
        ended.append(1)

    caller = asyncio.create_task(on_loop(stubborn))
    await asyncio.to_thread(begun.wait)
    for _ in range(5):
        caller.cancel()
        await asyncio.sleep(0)
    while not cancellations:  # noqa: ASYNC110 - they come from another thread
        await asyncio.sleep(0)
    assert not caller.done()
    free.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert (len(cancellations), len(ended)) == (1, 1)


async def test_work_that_is_cancelled_before_it_begins_never_begins() -> None:
    begun: list[int] = []

    async def work() -> None:
        begun.append(1)

    blocked, free = threading.Event(), threading.Event()
    run = asyncio.create_task(on_loop(partial(_blocked, blocked, free)))
    await asyncio.to_thread(blocked.wait)
    caller = asyncio.create_task(on_loop(work))
    await asyncio.sleep(0)
    caller.cancel()
    await asyncio.sleep(0)
    free.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await run
    assert not begun


async def _blocked(blocked: threading.Event, free: threading.Event) -> None:
    blocked.set()
    free.wait()  # on purpose: the loop is busy


def test_an_exception_in_the_waiting_thread_waits_for_the_work_too() -> None:
    begun, ended = threading.Event(), []

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(10):
                await asyncio.sleep(0)
            ended.append(1)

    def interrupt() -> None:
        begun.wait()
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        run_on_loop(work)
    assert ended == [1]


async def test_a_plain_call_on_the_loop_itself_is_an_error() -> None:
    async def work() -> None:
        run_on_loop(where)

    with pytest.raises(RuntimeError, match="would wait for itself; nothing was sent"):
        await on_loop(work)
