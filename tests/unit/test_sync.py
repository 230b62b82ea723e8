"""`prefect_storyboard.sync` has the names, the arguments and the options of the async ones."""

import inspect

import cloudpickle
import pytest
from prefect import Task

from prefect_storyboard import flows, sync, tasks


@pytest.mark.parametrize("name", sync.__all__)
def test_a_twin_takes_what_the_async_one_takes(name: str) -> None:
    twin = getattr(sync, name)
    work = getattr(tasks, name, None) or getattr(flows, name)
    assert inspect.signature(getattr(twin, "fn", twin)) == inspect.signature(inspect.unwrap(work.fn))
    assert inspect.getdoc(twin) == inspect.getdoc(work)


@pytest.mark.parametrize("name", tasks.__all__)
def test_every_task_has_a_twin_that_is_a_plain_task_of_the_same_name_and_options(name: str) -> None:
    twin, work = getattr(sync, name), getattr(tasks, name)
    assert isinstance(twin, Task)
    assert not twin.isasync
    assert (twin.name, twin.retries, twin.retry_condition_fn) == (work.name, work.retries, work.retry_condition_fn)


@pytest.mark.parametrize("name", tasks.__all__)
def test_nodes_and_their_twins_survive_a_pickle_as_process_dask_and_ray_runners_make_one(name: str) -> None:
    for work in (getattr(tasks, name), getattr(sync, name)):
        again = cloudpickle.loads(cloudpickle.dumps(work.with_options(retries=7)))
        assert (type(again), again.name, again.retries) == (type(work), work.name, 7)
        assert inspect.signature(again.fn) == inspect.signature(work.fn)
