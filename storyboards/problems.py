"""Problems of a storyboard, each with file, line, field and what to write instead."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from prefect_storyboard.addresses import bare
from prefect_storyboard.storyboards.base import Frozen, Place

_LONGEST = 600  # characters of a message
_SHOWN = 50  # problems in one message; `problems` has all


class Problem(Frozen):
    """One thing to fix in a storyboard."""

    source: str
    line: int | None
    field: str
    message: str

    def __str__(self) -> str:
        where = f"{self.source}:{self.line}" if self.line else self.source
        return f"{where}: {self.field}: {self.message}" if self.field else f"{where}: {self.message}"


class StoryboardError(ValueError):
    """The storyboard cannot be used as it is; nothing was sent or bought. `problems` has one entry for each mistake."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems = problems

    def __str__(self) -> str:
        more = len(self.problems) - _SHOWN
        lines = [*map(str, self.problems[:_SHOWN]), *([f"and {more} more problems"] if more > 0 else [])]
        return "\n".join(lines)


@dataclass(frozen=True)
class Source:
    """The source of a storyboard: the file's name, and the line of every key and item by its path.

    `warnings` are about texts that were probably meant otherwise; `files` name the files that parts of it came from.
    `overridden` are the keys that the run's own arguments replace: the file has no line to correct for them.
    """

    name: str = "storyboard"
    lines: Mapping[Place, int] = field(default_factory=dict)
    warnings: tuple[Problem, ...] = ()
    files: Mapping[Place, str] = field(default_factory=dict)
    overridden: frozenset[str] = frozenset()

    def problem(self, place: Place, message: str) -> Problem:
        """A problem at the line of the path, or of the nearest enclosing one that has a line."""
        if len(place) == 1 and place[0] in self.overridden:
            return Problem(source="given to the run", line=None, field=_dotted(place), message=_short(message))
        sizes = range(len(place), 0, -1)
        line = next((self.lines[place[:size]] for size in sizes if place[:size] in self.lines), None)
        name = self.files.get(place[:2], self.name)
        return Problem(source=name, line=line, field=_dotted(place), message=_short(message))


def unreadable(name: str, line: int | None, message: str) -> Problem:
    """A problem of the text as a whole, or of one line of it."""
    return Problem(source=bare(name), line=line, field="", message=_short(message))


def _short(message: str) -> str:
    """The message without signatures; a very long one is cut in the middle."""
    text = bare(message)
    return text if len(text) <= _LONGEST else f"{text[:300]} ... {text[-200:]}"


def _dotted(place: Place) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".")
