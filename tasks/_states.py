"""Named states: the UI shows at a glance where nothing was bought."""

from collections.abc import Awaitable
from typing import Any, TypeVar, cast

from prefect.client.schemas.objects import State
from prefect.states import Completed

T = TypeVar("T")


def named(name: str, message: str, value: T) -> T:
    """Return `value` from a task in a state of that name. Callers take it out with `plain`."""
    state: Any = Completed(name=name, message=message, data=value)
    return cast("T", state)


async def plain(call: Awaitable[T]) -> T:
    """What a task returned: Prefect hands on a state that a task returns as it is."""
    value: Any = await call
    return cast("T", await value.aresult() if isinstance(value, State) else value)
