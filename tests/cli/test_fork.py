"""A process that forks, as some workers do, has a loop of its own in the child."""

import os
import threading

import pytest

from prefect_storyboard.tasks._loop import run_on_loop


async def thread() -> str:
    return threading.current_thread().name


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_after_a_fork_the_child_has_a_loop_of_its_own() -> None:
    run_on_loop(thread)
    child = os.fork()
    if not child:
        os._exit(0 if run_on_loop(thread) == "storyboard-loop" else 1)
    assert os.waitpid(child, 0)[1] == 0
