"""The table of all benchmarks: its rows, and their Markdown."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple


class Row(NamedTuple):
    """One measurement, as ratios to a reference in the same run.

    `wall` and `cpu` are multiples of the reference `beside`; `requests` is per job or scene; `mb` is peak memory.
    """

    benchmark: str
    case: str
    beside: str = ""
    wall: float | None = None
    cpu: float | None = None
    requests: float | None = None
    mb: float | None = None
    note: str = ""


KEPT = "STORYBOARD_BENCH_ROWS"  # the variable that names the file of a whole run
HEAD = ("benchmark", "case", "beside", "wall", "CPU", "requests", "MB", "")
RULE = ("---", "---", "---", "---:", "---:", "---:", "---:", "---")


def head() -> str:
    """The first two lines of the table."""
    return f"{_joined(HEAD)}\n{_joined(RULE)}"


def line(row: Row) -> str:
    """One row of the table."""
    figures = (_shown(row.wall), _shown(row.cpu), _shown(row.requests), "" if row.mb is None else f"{row.mb:.0f}")
    return _joined((row.benchmark, row.case, row.beside, *figures, row.note))


def show(rows: Iterable[Row]) -> None:
    """Print each row as soon as it is measured, and append it to the file of the whole run, if there is one."""
    print(head(), flush=True)
    for row in rows:
        print(line(row), flush=True)
        if kept := os.environ.get(KEPT):
            with Path(kept).open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")


def read(file: Path) -> list[Row]:
    """The rows of a whole run."""
    return [Row(*json.loads(each)) for each in file.read_text(encoding="utf-8").splitlines()]


def _shown(figure: float | None) -> str:
    if figure is None:
        return ""
    return f"{figure:.2f}" if figure < 10 else f"{figure:.1f}"


def _joined(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
