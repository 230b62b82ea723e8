"""Draw the plot of a run from the rows of its table."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

from benchmarks.table import Row

mpl.use("svg")
mpl.rcParams |= {"svg.hashsalt": "storyboard", "font.size": 8, "axes.spines.top": False, "axes.spines.right": False}

_OURS, _THEIRS = "#c2571a", "#8a94a6"


def draw(rows: Sequence[Row], file: Path) -> None:
    """Draw one panel for each entry of PANELS that has rows, as SVG; the same rows give the same file."""
    import matplotlib.pyplot as plt

    asked = [(title, found) for title, pick in PANELS if (found := pick(rows))]
    columns = 2
    lines = -(-len(asked) // columns)
    figure, axes = plt.subplots(lines, columns, figsize=(9, 2.3 * lines), squeeze=False, layout="constrained")
    for panel, (title, found) in zip(axes.flat, asked, strict=False):
        _panel(panel, title, found)
    for panel in axes.flat[len(asked) :]:
        panel.axis("off")
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)


def _panel(panel: Any, title: str, found: list[tuple[str, float]]) -> None:
    names, figures = [name for name, _ in found], [figure for _, figure in found]
    colours = [_OURS if _is_ours(name) else _THEIRS for name in names]
    bars = panel.barh(range(len(names)), figures, color=colours)
    panel.bar_label(bars, fmt="%.3g", padding=2)
    panel.set_yticks(range(len(names)), names)
    panel.invert_yaxis()
    panel.margins(x=0.15)
    panel.set_title(title, loc="left", fontweight="bold")


def _is_ours(name: str) -> bool:
    return not name.startswith(("wavespeed", "fal-client", "openai", "floor", "polled"))


def _of(benchmark: str, field: str) -> Callable[[Sequence[Row]], list[tuple[str, float]]]:
    """Select the cases of one benchmark that have this figure."""

    def pick(rows: Sequence[Row]) -> list[tuple[str, float]]:
        found = ((row.case, getattr(row, field)) for row in rows if row.benchmark == benchmark)
        return [(case, figure) for case, figure in found if figure is not None]

    return pick


def _flows(field: str) -> Callable[[Sequence[Row]], list[tuple[str, float]]]:
    def pick(rows: Sequence[Row]) -> list[tuple[str, float]]:
        mine = [row for row in rows if row.benchmark.startswith("flow, ")]
        found = ((f"{row.case}, {row.benchmark.removeprefix('flow, ')}", getattr(row, field)) for row in mine)
        return [(case, figure) for case, figure in found if figure is not None]

    return pick


def _requests(rows: Sequence[Row]) -> list[tuple[str, float]]:
    return [(row.case, row.requests) for row in rows if row.benchmark.startswith("S3 ") and row.requests is not None]


def _called(rows: Sequence[Row]) -> list[tuple[str, float]]:
    mine = [row for row in rows if row.benchmark.startswith("callbacks, ") and row.requests is not None]
    return [(f"{row.case}, {row.benchmark.removeprefix('callbacks, ')}", row.requests or 0.0) for row in mine]


PANELS: tuple[tuple[str, Callable[[Sequence[Row]], list[tuple[str, float]]]], ...] = (
    ("400 jobs: wall, of what a job renders", _of("core, 400 jobs", "wall")),
    ("400 jobs: CPU, of wavespeed's client", _of("core, 400 jobs", "cpu")),
    ("flow: wall without assembly, of the floor", _flows("wall")),
    ("flow: peak memory in MB", _flows("mb")),
    ("S3: requests a scene", _requests),
    ("callbacks: states and results asked a job", _called),
)
