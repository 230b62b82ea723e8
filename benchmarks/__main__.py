"""Run all benchmarks one after the other, and write one table with the facts of the machine, and one plot.

    python -m benchmarks [--only core flow ...] [--quick] [--page docs/speed.md] [--plot docs/speed.svg]

Each benchmark is a separate process. With --page, the table replaces the one between the two marks in that file. A
benchmark that fails, for example because a program is missing, is named below the table.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import machine
from benchmarks.table import KEPT, Row, head, line, read

BEGIN, END = "<!-- make bench -->\n", "<!-- end of make bench -->\n"
ALL: dict[str, tuple[str, ...]] = {
    "core": (),
    "callbacks": (),
    "flow": ("--scenes", "20", "200", "1000"),
    "s3": (),
    "library": (),
    "assembly": (),
    "start_up": ("--demo", "--served"),
}
QUICK: dict[str, tuple[str, ...]] = {
    "core": ("--jobs", "50"),
    "callbacks": ("--jobs", "50"),
    "flow": ("--scenes", "20"),
    "s3": ("--megabytes", "5"),
    "library": ("--jobs", "2000", "--s3-jobs", "200"),
    "assembly": ("20", "1"),
    "start_up": ("--runs", "1", "--served"),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks")
    parser.add_argument("--only", nargs="+", choices=ALL, default=list(ALL))
    parser.add_argument(
        "--quick", action="store_true", help="small numbers: check whether it works, not how fast it is"
    )
    parser.add_argument("--page", type=Path, help="Markdown file in which to replace the table")
    parser.add_argument("--plot", type=Path, help="an SVG file")
    given = parser.parse_args()
    began, facts = time.monotonic(), machine.facts()
    with TemporaryDirectory() as folder:
        kept = Path(folder) / "rows"
        kept.touch()
        missing = [name for name in given.only if not _ran(name, (QUICK if given.quick else ALL)[name], kept)]
        rows = read(kept)
    text = written(rows, facts, missing, time.monotonic() - began)
    print(f"\n{text}")
    if given.page:
        replace(given.page, text)
    if given.plot:
        from benchmarks.plot import draw

        draw(rows, given.plot)


def written(rows: Sequence[Row], facts: str, missing: Sequence[str], seconds: float) -> str:
    """The facts, the table, and the benchmarks that are missing in it."""
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    note = f"\nNot measured in that run: {', '.join(missing)}.\n" if missing else ""
    table = "\n".join([head(), *map(line, rows)])
    return f"{facts} Measured on {day} in {seconds / 60:.0f} minutes.\n\n{table}\n{note}"


def replace(page: Path, text: str) -> None:
    """Put the text between the marks of the page. Raises ValueError if they are missing."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no lines {BEGIN.strip()} and {END.strip()}")
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def _ran(name: str, arguments: Sequence[str], kept: Path) -> bool:
    print(f"\n{name}", flush=True)
    command = [sys.executable, "-m", f"benchmarks.{name}", *arguments]
    return subprocess.run(command, env={**os.environ, KEPT: str(kept)}, check=False).returncode == 0


if __name__ == "__main__":
    main()
