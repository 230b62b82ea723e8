"""The live table on a terminal of 80 columns and 24 lines: it fits, and the totals are always there."""

import fcntl
import os
import pty
import struct
import termios
from io import StringIO

import pytest
from rich.console import Console

from prefect_storyboard.cli.progress_table import ProgressTable, watched
from prefect_storyboard.jobs.progress import Progress, emit_progress

SCENES = [f"s{number:02d}" for number in range(1, 41)]


def told(*changes):
    """The table after these changes."""
    with watched(Console(file=StringIO())) as table:
        for name in SCENES:
            emit_progress(Progress(subject=name, state="waiting", seconds=8))
        for change in changes:
            emit_progress(change)
    return table


def lines_of(table, width=80, height=24):
    table.over = False
    screen = Console(file=StringIO(), width=width, height=height)
    screen.print(table.frame(height))
    return screen.file.getvalue().splitlines()


@pytest.fixture
def busy():
    """Twelve stored, eight rendering, one failed, the others waiting."""
    stored = [Progress(subject=name, state="stored", take=1, cost_usd=0.56) for name in SCENES[:12]]
    running = [Progress(subject=name, state="running", take=1, cost_usd=0.56) for name in SCENES[12:20]]
    return told(*stored, *running, Progress(subject="s33", state="failed", cost_usd=0.0))


def test_forty_scenes_fit_and_the_totals_stand_last(busy):
    lines = lines_of(busy)
    assert len(lines) <= 23
    assert max(map(len, lines)) <= 80
    assert lines[-1].rstrip() == "done 12 of 40   rendering 8   failed 1   spent $11.20"


def test_what_failed_and_what_renders_is_shown_before_what_is_done(busy):
    lines = lines_of(busy)
    shown = {line.split()[0] for line in lines}
    assert {"s33", *SCENES[12:20]} <= shown
    assert lines[-2].rstrip() == "not shown: 8 waiting, 12 done"


def test_a_high_terminal_shows_every_scene_in_the_order_of_the_storyboard(busy):
    assert [line.split()[0] for line in lines_of(busy, height=60)[1:-1]] == SCENES


def test_once_the_run_is_over_every_scene_is_listed(busy):
    busy.over = True
    screen = Console(file=StringIO(), width=80, height=24)
    screen.print(busy.frame(24))
    assert [line.split()[0] for line in screen.file.getvalue().splitlines()[1:-1]] == SCENES


def test_a_price_that_nobody_publishes_is_not_counted_as_nothing():
    table = told(Progress(subject="s01", state="stored"), Progress(subject="s02", state="stored", cost_usd=0.4))
    assert table.totals().endswith("spent $0.40 and 1 job of unknown price")


@pytest.mark.parametrize("height", [1, 4, 5, 10])
def test_however_low_the_terminal_is_the_totals_are_there(busy, height):
    lines = lines_of(busy, height=height)
    assert lines[-1].startswith("done 12 of 40")
    assert len(lines) <= max(height - 1, 4)


def test_a_long_name_is_cut_and_takes_one_line():
    table = ProgressTable()
    table.lines = dict.fromkeys(["a scene whose name is much longer than its row " * 3], told().lines["s01"])
    assert len(lines_of(table)) == 3


def test_on_a_pseudo_terminal_a_frame_leaves_the_line_of_the_cursor_free(busy):
    """A frame is drawn over the one before: one that scrolls would leave rubbish above."""
    outer, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    columns, rows = os.get_terminal_size(inner)
    with os.fdopen(inner, "w") as terminal:
        Console(file=terminal, width=columns, height=rows).print(busy.frame(rows))
        drawn = os.read(outer, 1 << 16).decode()
    os.close(outer)
    assert drawn.count("\r\n") <= 23
    assert "done 12 of 40   rendering 8" in drawn.splitlines()[-1]
