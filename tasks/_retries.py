"""When a task may be tried again by Prefect, and how long it waits."""

from typing import Any

from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task, exponential_backoff

from prefect_storyboard.providers.errors import Busy, NotSent

TRIES = 4
BACKOFF = exponential_backoff(backoff_factor=1)  # 1, 2, 4, 8 s; a provider's Retry-After closes the submit gate besides


def nothing_was_bought(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Only where it is known what a repeat buys: nothing was accepted, or it is paid for and only on its way home."""
    return isinstance(state.data, NotSent | Busy) and state.data.charged is not None
