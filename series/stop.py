"""SIGTERM stops a flow as a cancellation does: requests in flight to a provider are recorded first."""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

from prefect.exceptions import TerminationSignal
from prefect.utilities import engine

_NAME = "_prefect_sigterm_handler"
_PREFECTS = vars(engine).get(_NAME)
_running: set[asyncio.Task[Any]] = set()
_stopped: WeakSet[asyncio.Task[Any]] = WeakSet()


@contextmanager
def stoppable() -> Iterator[None]:
    """Let SIGTERM cancel this task, and raise TerminationSignal when the cancellation is complete.

    Prefect's own handler raises in whatever code is running. In the event loop's own code that stops the loop, and
    every task is cancelled separately, also one that waits for the reply to a submit. In another task or in a callback,
    asyncio keeps the exception, and the flow goes on buying. So until the block ends another handler takes its place.
    It takes its name too, because Prefect looks for the name when a worker asks it to cancel.
    """
    task, theirs = asyncio.current_task(), vars(engine).get(_NAME)
    main = threading.current_thread() is threading.main_thread()
    if task is None or theirs is None or not main or signal.getsignal(signal.SIGTERM) is not theirs:
        yield  # outside Prefect's engine, or in a version that handles SIGTERM differently
        return
    _replace(theirs, _stop)
    _running.add(task)
    try:
        yield
    except asyncio.CancelledError:
        if task not in _stopped:
            raise
    finally:
        _running.discard(task)
        if not _running:
            _replace(_stop, _PREFECTS)
    if task in _stopped:
        raise TerminationSignal(signal.SIGTERM)


def _replace(handler: object, other: Any) -> None:
    if signal.getsignal(signal.SIGTERM) is handler:
        signal.signal(signal.SIGTERM, other)
    vars(engine)[_NAME] = other


def _stop(*_: object) -> None:
    for task in _running.difference(_stopped):
        _stopped.add(task)
        task.get_loop().call_soon_threadsafe(task.cancel)
