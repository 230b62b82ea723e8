"""Sync twins of the async tasks and flows: the same names, made by one function."""

import inspect
from collections.abc import Callable, Coroutine
from functools import partial, wraps
from types import CoroutineType
from typing import Any, Literal, ParamSpec, TypeVar, overload

from prefect import Flow, Task
from prefect.client.schemas.objects import State
from prefect.utilities.asyncutils import run_coro_as_sync
from prefect.utilities.engine import capture_sigterm

from prefect_storyboard.tasks._loop import run_on_loop
from prefect_storyboard.tasks._node import Body, Node, TypedTask, WaitFor, attempting, in_state, like

P = ParamSpec("P")
R = TypeVar("R")
# An `async def` returns a Coroutine to mypy and a CoroutineType to pyright, and Prefect's R takes no substitute.


class PlainNode(TypedTask[P, R]):
    """A sync task over the body of an async one; made by `sync_twin`."""

    @overload  # type: ignore[override] # as for submit
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...

    @overload
    def __call__(
        self, *args: Any, return_state: Literal[True], wait_for: WaitFor = None, **kwargs: Any
    ) -> State[R]: ...

    @overload
    def __call__(self, *args: Any, wait_for: WaitFor, return_state: Literal[False] = False, **kwargs: Any) -> R: ...

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task and return its value, or its state where `return_state` is true."""
        value = super().__call__(*args, **kwargs)
        if isinstance(value, State) and not kwargs.get("return_state"):
            return run_coro_as_sync(value.aresult())  # `value.result()` is a coroutine if a loop runs
        return value


@overload
def sync_twin(work: Node[P, R]) -> PlainNode[P, R]: ...


@overload
def sync_twin(
    work: "Task[P, Coroutine[Any, Any, R]] | Task[P, CoroutineType[Any, Any, R]]",
) -> PlainNode[P, R]: ...


@overload
def sync_twin(
    work: "Flow[P, Coroutine[Any, Any, R]] | Flow[P, CoroutineType[Any, Any, R]]",
) -> Callable[P, R]: ...


def sync_twin(work: Task[P, Any] | Flow[P, Any]) -> Any:
    """The same task or flow, called without `await`; the body is shared and runs on the one loop.

    A task becomes a sync Prefect task that shares its name, its options and its cached results. A flow becomes a
    function that runs the flow. Ctrl-C and SIGTERM take effect when sent requests are recorded.
    """
    if isinstance(work, Flow):
        return _plain_flow(work)
    body = _plain_body(inspect.unwrap(work.fn))
    return like(PlainNode(body, name=work.name), work, fn=body, isasync=False, __wrapped__=body)


def _plain_flow(flow: Flow[P, Coroutine[Any, Any, R]]) -> Callable[P, R]:
    @wraps(flow.fn)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with capture_sigterm():  # the flow's own engine cannot: it runs in the thread of the loop
            return run_on_loop(partial(flow, *args, **kwargs))

    run.__doc__ = flow.__doc__  # which documents each parameter
    return run


def _plain_body(fn: Body[P, R]) -> Callable[P, R | State[R]]:
    @wraps(fn)
    def body(*args: P.args, **kwargs: P.kwargs) -> R | State[R]:
        with attempting() as attempt:
            value = run_on_loop(partial(fn, *args, **kwargs))
        return in_state(value, attempt, body)

    return body
