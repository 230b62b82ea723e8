"""Names of task runs in the UI, made from what they work on."""

from collections.abc import Callable
from typing import Any

from prefect.tasks import TaskRunNameCallbackWithParameters

_LONGEST = 40


class RunName(TaskRunNameCallbackWithParameters):
    """A task_run_name from the arguments of the call."""

    def __init__(self, make: Callable[..., str]) -> None:
        self._make = make

    def __call__(self, parameters: dict[str, Any]) -> str:
        return self._make(**parameters)


def fixed_name(text: str) -> RunName:
    """A literal name: in a string task_run_name, Prefect takes braces for a placeholder."""
    return RunName(lambda **_: text)


def scene_name(verb: str) -> RunName:
    """The name of a run for one scene: its id, or the beginning of its prompt."""

    def make(prompt: str, scene: str | None = None, take: int = 1, **_: object) -> str:
        return f"{verb} {scene or short(prompt)}" + (f" take {take}" if take > 1 else "")

    return RunName(make)


def short(text: str) -> str:
    """The beginning of a text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."
