"""A task that a gateway puts off is retried when the gateway says, not on our own schedule."""

import pytest

from prefect_storyboard.providers.errors import Busy
from prefect_storyboard.tasks import create_character, draw, generate, poll, store, upload
from prefect_storyboard.tasks._node import attempting

RETRIED = [create_character, draw, generate, poll, store, upload]


def delay_after(task, error, retry):
    """The seconds that Prefect waits; it reads the delay in the context in which the attempt ran."""
    with pytest.raises(type(error)), attempting():
        raise error
    return task.retry_delay_seconds[retry]


@pytest.mark.parametrize("task", RETRIED, ids=lambda task: task.name)
def test_a_longer_retry_after_is_obeyed(task):
    assert delay_after(task, Busy("later", retry_after=30.0), 0) == 30
    assert delay_after(task, Busy("later", retry_after=3600.0), 0) == 300, "no longer than five minutes"


@pytest.mark.parametrize("task", RETRIED, ids=lambda task: task.name)
def test_otherwise_each_delay_is_twice_the_one_before(task):
    assert [delay_after(task, Busy("later"), retry) for retry in range(task.retries)] == [1, 2, 4, 8]
    assert delay_after(task, Busy("later", retry_after=3.0), 3) == 8
