"""Nodes: Prefect tasks whose body runs on the one loop, that end in a named state and return a plain value.

The body of a node is an `async def` that returns its value. If nothing was bought it calls `name_state("Cached", ...)`:
the UI shows the name, and the caller gets the value, from `await`, `.submit().result()`, `.map()` and `.delay()`, on
the first run and on every later one.
"""

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, Generic, Literal, ParamSpec, Self, TypeVar, overload
from weakref import WeakKeyDictionary

from prefect import unmapped
from prefect.blocks.core import Block
from prefect.client.schemas.objects import State
from prefect.context import TaskRunContext
from prefect.futures import PrefectDistributedFuture, PrefectFuture, PrefectFutureList
from prefect.states import Completed
from prefect.tasks import OneOrManyFutureOrResult, Task, TaskOptions, TaskRunNameCallbackWithParameters
from prefect.utilities.annotations import opaque
from pydantic import BaseModel
from typing_extensions import Unpack

from prefect_storyboard.storyboards import Frozen
from prefect_storyboard.tasks._loop import on_loop
from prefect_storyboard.tasks._own_keys import own_keys
from prefect_storyboard.tasks._retries import begin_attempt, note_retry_after

P = ParamSpec("P")
R = TypeVar("R")
Body = Callable[P, Coroutine[Any, Any, R]]
StateName = Literal["Cached", "Reattached"]
WaitFor = OneOrManyFutureOrResult[Any] | None

_LONGEST_NAME = 200  # characters of a run's name


@dataclass
class Attempt:
    """One attempt of a body, and the name of the state in which it ends."""

    name: str = ""
    message: str = ""


_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
_attempt: ContextVar[Attempt | None] = ContextVar("attempt", default=None)


def name_state(name: StateName, message: str) -> None:
    """Make this body's task run end in a completed state of that name."""
    if attempt := _attempt.get():
        attempt.name, attempt.message = name, message


def node(**options: Unpack[TaskOptions]) -> Callable[[Body[P, R]], "Node[P, R]"]:
    """Make a node of an `async def`; the options are those of `prefect.task`.

    `task_run_name` may be a template or a callable. If it fails on a wrong argument, the run is named after the task,
    and the body then reports the mistake in one sentence.
    """

    def decorate(fn: Body[P, R]) -> Node[P, R]:
        given: TaskOptions = {**options}
        if run_name := given.get("task_run_name"):
            given["task_run_name"] = _RunName(run_name, given.get("name") or fn.__name__)
        return Node(_async_body(fn), **given)

    return decorate


class TypedTask(Task[P, Any], Generic[P, R]):
    """A task whose futures return R, whose `with_options` keeps its class, and whose cache keys are its own."""

    def __init__(self, fn: Callable[P, Any], **options: Unpack[TaskOptions]) -> None:
        super().__init__(fn, **options)
        vars(self).update(cache_policy=own_keys(self.cache_policy, _owner(self)))

    @overload  # type: ignore[override] # Prefect has more overloads, and types an async task's future with a coroutine
    def submit(self, *args: P.args, **kwargs: P.kwargs) -> PrefectFuture[R]: ...

    @overload
    def submit(self, *args: Any, return_state: Literal[True], wait_for: WaitFor = None, **kwargs: Any) -> State[R]: ...

    @overload
    def submit(
        self, *args: Any, wait_for: WaitFor, return_state: Literal[False] = False, **kwargs: Any
    ) -> PrefectFuture[R]: ...

    def submit(self, *args: Any, **kwargs: Any) -> Any:
        """Run in the flow's task runner. `.result()` of the future returns the plain value."""
        return super().submit(*map(_closed, args), **{name: _closed(value) for name, value in kwargs.items()})

    @overload  # type: ignore[override] # likewise
    def map(
        self, *args: Any, return_state: Literal[True], wait_for: WaitFor = None, **kwargs: Any
    ) -> list[State[R]]: ...

    @overload
    def map(
        self, *args: Any, return_state: Literal[False] = False, wait_for: WaitFor = None, **kwargs: Any
    ) -> PrefectFutureList[R]: ...

    def map(self, *args: Any, **kwargs: Any) -> Any:
        """Run once for each element of the iterable arguments; `unmapped(...)` passes one whole.

        Blocks, clips and other models are always passed whole, and so are mappings such as `fields`.
        """
        return super().map(*map(_whole, args), **{name: _whole(value) for name, value in kwargs.items()})

    def delay(self, *args: P.args, **kwargs: P.kwargs) -> PrefectDistributedFuture[R]:
        """Run in a task worker."""
        return super().delay(*args, **kwargs)

    def with_options(self, **options: Unpack[TaskOptions]) -> Self:  # type: ignore[override] # the same, as one mapping
        """The same task with other options; options that are not given stay as they are."""
        given: dict[str, Any] = {"version": self.version, **options}
        version = given.pop("version")  # which Prefect does not accept here
        return like(self, super().with_options(**given), version=version)


def _whole(value: Any) -> Any:
    """Wrap models in `unmapped`: Prefect would run the task once for each field of a model."""
    return unmapped(value) if isinstance(value, BaseModel | Mapping) else value


def _closed(value: Any) -> Any:
    """A model of ours, or a block, in which Prefect need not look for futures: it visits every field, twice a run.

    The run that returned it is found all the same, and drawn before this one.
    """
    return opaque(value) if isinstance(value, Frozen | Block) else value


def _owner(task: Task[..., Any]) -> str:
    return f"storyboard-{inspect.unwrap(task.fn).__name__}"


class Node(TypedTask[P, R]):
    """An async task that returns a plain value and ends in a named state; see the module."""

    @overload  # type: ignore[override] # as for submit
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]: ...

    @overload
    def __call__(
        self, *args: Any, return_state: Literal[True], wait_for: WaitFor = None, **kwargs: Any
    ) -> Coroutine[Any, Any, State[R]]: ...

    @overload
    def __call__(
        self, *args: Any, wait_for: WaitFor, return_state: Literal[False] = False, **kwargs: Any
    ) -> Coroutine[Any, Any, R]: ...

    def __call__(self, *args: Any, **kwargs: Any) -> Coroutine[Any, Any, Any]:
        """Run the task and return its value, or its state where `return_state` is true."""
        given = {name: _closed(value) for name, value in kwargs.items()}
        call = in_turn(super().__call__(*map(_closed, args), **given))
        return call if kwargs.get("return_state") else _unwrap(call)


def _async_body(fn: Body[P, R]) -> Callable[P, Coroutine[Any, Any, R | State[R]]]:
    @wraps(fn)
    async def body(*args: P.args, **kwargs: P.kwargs) -> R | State[R]:
        with attempting() as attempt:
            value = await on_loop(partial(fn, *args, **kwargs))
        return in_state(value, attempt, body)

    return body


@contextmanager
def attempting() -> Iterator[Attempt]:
    begin_attempt()
    attempt = Attempt()
    token = _attempt.set(attempt)
    try:
        yield attempt
    except Exception as error:
        note_retry_after(error)
        raise
    finally:
        _attempt.reset(token)


def in_state(value: R, attempt: Attempt, body: object) -> R | State[R]:
    """The value in the state that the body named; the plain value without Prefect's engine, as in `task.fn()`."""
    run = TaskRunContext.get()
    if not attempt.name or run is None or run.task.fn is not body:
        return value
    return Completed(name=attempt.name, message=attempt.message, data=value)


async def in_turn(call: Coroutine[Any, Any, R]) -> R:
    """Await a call that begins in a turn of the event loop of its own.

    Prefect starts a task run in one step of some milliseconds: hundreds of them in one turn hold the loop up for a
    second. A caller that is cancelled before its turn has begun nothing.
    """
    try:
        async with _turns.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
            await asyncio.sleep(0)
    except BaseException:
        call.close()
        raise
    return await call


async def _unwrap(call: Coroutine[Any, Any, Any]) -> Any:
    value = await call
    return await value.aresult() if isinstance(value, State) else value


N = TypeVar("N", bound="TypedTask[..., Any]")


def like(task: N, other: Task[..., Any], **changes: Any) -> N:
    """A copy of the task with all attributes of the other one, except its class and its cache keys."""
    made = copy(task)
    vars(made).update(vars(other), **changes)
    if not isinstance(other, TypedTask):
        vars(made).update(cache_policy=own_keys(other.cache_policy, _owner(made)))
    return made


class _RunName(TaskRunNameCallbackWithParameters):
    """Names a task run, even if its arguments are wrong."""

    def __init__(self, run_name: Any, fallback: str) -> None:
        self._run_name, self._fallback = run_name, fallback

    def __call__(self, parameters: dict[str, Any]) -> str:
        try:
            name = self._run_name
            text = name.format(**parameters) if isinstance(name, str) else self._called(parameters)
            return str(text)[:_LONGEST_NAME] or self._fallback
        except Exception:  # noqa: BLE001 - an argument may be anything; the body reports what is wrong with it
            return self._fallback

    def _called(self, parameters: dict[str, Any]) -> Any:
        takes = "parameters" in inspect.signature(self._run_name).parameters
        return self._run_name(parameters=parameters) if takes else self._run_name()
