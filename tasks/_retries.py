"""When a task may be tried again by Prefect, and how long it waits."""

from contextvars import ContextVar
from typing import Any, SupportsIndex, overload

from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task, exponential_backoff

from prefect_storyboard.providers.errors import Busy, NotSent

TRIES = 4
BACKOFF = exponential_backoff(backoff_factor=1)  # 1, 2, 4, 8 s; a provider's Retry-After closes the submit gate besides

_LONGEST = 300.0  # seconds that one answer may ask for

_asked: ContextVar[float | None] = ContextVar("retry_after", default=None)


def nothing_was_bought(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Only where it is known what a repeat buys: nothing was accepted, or it is paid for and only on its way home."""
    return isinstance(state.data, NotSent | Busy) and state.data.charged is not None


def retry_safely(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """What `nothing_was_bought` says, and time-outs: the work has ended and is on record before Prefect asks."""
    return isinstance(state.data, TimeoutError) or nothing_was_bought(task, run, state)


class RetryAfter(list[float]):
    """Delays for `retry_delay_seconds`; where the provider asked the last attempt to wait longer, that long.

    Prefect reads the delay in the context in which the attempt ran (task_engine.py, handle_retry), so that tasks that
    run side by side wait as long as each was asked to.
    """

    @overload
    def __getitem__(self, index: SupportsIndex) -> float: ...

    @overload
    def __getitem__(self, index: slice) -> list[float]: ...

    def __getitem__(self, index: SupportsIndex | slice) -> float | list[float]:
        if isinstance(index, slice):
            return super().__getitem__(index)
        return max(super().__getitem__(index), min(_asked.get() or 0.0, _LONGEST))


DELAYS = RetryAfter(BACKOFF(TRIES))


def begin_attempt() -> None:
    """Forget what the attempt before was asked to wait."""
    _asked.set(None)


def note_retry_after(error: Exception) -> None:
    """Remember how long the provider asked to wait, where it did."""
    _asked.set(getattr(error, "retry_after", None))
