"""The progress of a run: on a terminal a live table that fits it, with totals; elsewhere one line for each change."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from prefect_storyboard.jobs.progress import Progress, progress_listener
from prefect_storyboard.series.report import total
from prefect_storyboard.storyboards.money import price

_STYLES = {
    "stored": "green",
    "cached": "green",
    "created": "green",
    "failed": "red",
    "running": "cyan",
    "queued": "blue",
}
_DONE = {"stored", "cached", "created"}
_FRAME = 4  # lines around the rows: the header, the count of hidden rows, the totals, and the cursor's own
_PRIORITY = ("failed", "rendering", "waiting", "done")  # if not all rows fit, those of the first phases are shown


@dataclass
class Line:
    """One row of the table."""

    state: str = "waiting"
    take: int | None = None
    length: float | None = None
    cost: float | None = None
    since: float = field(default_factory=time.monotonic)
    ended: float | None = None

    def update(self, progress: Progress) -> None:
        """Apply a change."""
        if self.state == "waiting":
            self.since = time.monotonic()
        self.state = progress.state
        self.take = progress.take or self.take
        self.length = progress.seconds or self.length
        self.cost = progress.cost_usd if progress.cost_usd is not None else self.cost
        if progress.state in {*_DONE, "failed"}:
            self.ended = time.monotonic()

    @property
    def phase(self) -> str:
        """done, failed or waiting; every other state is rendering."""
        if self.state in _DONE:
            return "done"
        return self.state if self.state in {"failed", "waiting"} else "rendering"


class ProgressTable:
    """The rows of one run. While it lasts, the table takes no more lines than the terminal has."""

    def __init__(self) -> None:
        self.lines: dict[str, Line] = {}
        self.over = False
        self.live: Live | None = None

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Pause the live table inside the `with` block, so that a question can be asked."""
        if self.live:
            self.live.stop()
        try:
            yield
        finally:
            if self.live:
                self.live.start()

    def frame(self, height: int) -> RenderableType:
        """The rows that fit, how many do not, and the totals of all."""
        shown = [*self.lines] if self.over else self._shown(height - _FRAME)
        hidden = Counter(line.phase for name, line in self.lines.items() if name not in set(shown))
        parts: list[RenderableType] = [_table({name: self.lines[name] for name in shown})]
        if hidden:
            each = ", ".join(f"{hidden[phase]} {phase}" for phase in _PRIORITY if hidden[phase])
            parts.append(Text(f"not shown: {each}", style="dim"))
        return Group(*parts, Text(self.totals(), style="bold", no_wrap=True, overflow="ellipsis"))

    def totals(self) -> str:
        """How many jobs are done, and what the run has been charged so far."""
        phases = Counter(line.phase for line in self.lines.values())
        unpriced = sum(line.phase == "done" and line.cost is None for line in self.lines.values())
        spent = total(round(sum(line.cost or 0.0 for line in self.lines.values()), 6), unpriced)
        failed = f"   failed {phases['failed']}" if phases["failed"] else ""
        return f"done {phases['done']} of {len(self.lines)}   rendering {phases['rendering']}{failed}   spent {spent}"

    def _shown(self, room: int) -> list[str]:
        """The rows that matter most, in the order of the storyboard; of those that are done, the last ones."""
        ranked = sorted(
            self.lines, key=lambda name: (_PRIORITY.index(self.lines[name].phase), -(self.lines[name].ended or 0))
        )
        most = {*ranked[: max(room, 1)]}
        return [name for name in self.lines if name in most]


@contextmanager
def watched(screen: Console) -> Iterator[ProgressTable]:
    """Show every change of state until the `with` block ends."""
    table = ProgressTable()
    live = (
        Live(get_renderable=lambda: table.frame(screen.height), console=screen, refresh_per_second=4)
        if screen.is_terminal
        else None
    )

    def watch(progress: Progress) -> None:
        line = table.lines.setdefault(progress.subject, Line())
        changed = line.state != progress.state
        line.update(progress)
        if live is None and changed:
            screen.print(_plain(progress.subject, line))

    token = progress_listener.set(watch)
    try:
        if live:
            table.live = live
            with live:
                try:
                    yield table
                finally:
                    table.over = True  # the last frame stays, and scrolls as any output does
        else:
            yield table
    finally:
        progress_listener.reset(token)


def _table(lines: dict[str, Line]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("scene", no_wrap=True, overflow="ellipsis")
    table.add_column("state", no_wrap=True)
    for name in ("take", "seconds", "cost"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, line in lines.items():
        state = Text(line.state, style=_STYLES.get(line.state, ""))
        table.add_row(Text(name), state, "" if line.take is None else str(line.take), _elapsed(line), _price(line))
    return table


def _plain(name: str, line: Line) -> str:
    parts = [name, line.state]
    if line.take:
        parts.append(f"take {line.take}")
    if line.ended:
        parts += [_elapsed(line) + " s", _price(line)]
    return "  ".join(part for part in parts if part)


def _elapsed(line: Line) -> str:
    if line.state == "waiting":
        return ""
    return f"{(line.ended or time.monotonic()) - line.since:.1f}"


def _price(line: Line) -> str:
    if line.cost is not None:
        return price(line.cost)
    return "unknown" if line.ended and line.state != "failed" else ""
