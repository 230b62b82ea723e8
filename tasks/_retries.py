"""When Prefect may retry a task, and after how long."""

from contextvars import ContextVar
from typing import Any, SupportsIndex, overload

from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task, exponential_backoff

from prefect_storyboard.providers.errors import Busy, NotSent

TRIES = 4
BACKOFF = exponential_backoff(backoff_factor=1)  # 1, 2, 4, 8 s; a provider's Retry-After closes the submit gate besides

_LONGEST = 300.0  # seconds: the longest Retry-After that is obeyed

_asked: ContextVar[float | None] = ContextVar("retry_after", default=None)


def nothing_was_bought(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Retry only if that cannot buy twice: nothing was accepted, or only the result of a paid job is missing."""
    return isinstance(state.data, NotSent | Busy) and state.data.charged is not None


def retry_safely(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Retry as `nothing_was_bought` says, and after time-outs: the work is recorded before Prefect decides."""
    return isinstance(state.data, TimeoutError) or nothing_was_bought(task, run, state)


class RetryAfter(list[float]):
    """Delays for `retry_delay_seconds`, or the provider's Retry-After if that is longer.

    Prefect reads the delay in the context in which the attempt ran (task_engine.py, handle_retry), so that concurrent
    tasks each wait as long as they were asked to.
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
    """Forget the Retry-After of the previous attempt."""
    _asked.set(None)


def note_retry_after(error: Exception) -> None:
    """Remember the provider's Retry-After, if it sent one."""
    _asked.set(getattr(error, "retry_after", None))
