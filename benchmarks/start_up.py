"""Measure start-up: imports, the command line's help, and short runs. Prints a Markdown table.

    python -m benchmarks.start_up [--runs 5] [--demo] [--served]

CPU time, the least of a few runs in separate processes, is hardly affected by other programs. Compiled modules are kept
in a temporary folder, as in an installed package.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.stand import sandbox
from benchmarks.table import Row, show
from prefect_storyboard.sandbox.variables import environment
from tests.chaos.engine import prefect_server

_FLOW = "from prefect import flow\n@flow\nasync def one(a: int): ...\n"
_QUIET = "from prefect_storyboard.cli.prefect_server import prepare_environment as p; p(debug=False); "
PROGRAMS = {
    "`import prefect`": ["-c", "import prefect"],
    "a module with one flow": ["-c", _FLOW],
    "`import prefect_storyboard`, after `import prefect`": ["-c", "import prefect, prefect_storyboard"],
    "our blocks, which Prefect's server imports": ["-c", f"{_FLOW}import prefect_storyboard.blocks"],
    "our flows": ["-c", f"{_FLOW}import prefect_storyboard.flows"],
    "our flows, with PyAV, Pillow and s3fs": ["-c", f"{_FLOW}import prefect_storyboard.flows, av, PIL.Image, s3fs"],
    "the imports of `storyboard run`": [
        "-c",
        f"{_QUIET}import prefect_storyboard.cli.live, prefect_storyboard.cli.served",
    ],
    "`storyboard --help`": ["-m", "prefect_storyboard", "--help"],
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.start_up")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--demo", action="store_true", help="also measure the second run of the demo")
    parser.add_argument(
        "--served", action="store_true", help="also measure `storyboard run` with a running Prefect server"
    )
    given = parser.parse_args()
    more = [each for each, asked in ((_demo, given.demo), (_served, given.served)) if asked]
    show(rows(given.runs, *more))


def rows(runs: int, *more: Callable[[float], Row]) -> Iterator[Row]:
    """A row for each program, the least of its runs; then the rows of `more`, relative to `import prefect`."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PYTHONPYCACHEPREFIX"] = folder
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        taken = {name: min(_seconds(program) for _ in range(runs + 1)) for name, program in PROGRAMS.items()}
        one, floor = taken["`import prefect`"], taken["a module with one flow"]
        for name, seconds in taken.items():
            beyond = f"{1000 * (seconds - floor):+.0f} ms beyond a module with one flow"
            yield Row("start-up", name, "`import prefect`", cpu=seconds / one, note=f"{beyond}, {seconds:.2f} s")
        for each in more:
            yield each(one)


def _demo(one: float) -> Row:
    """The demo's second run, which finds everything in the library: sandbox, Prefect's server and two reels."""
    with tempfile.TemporaryDirectory() as name:
        command = ["-m", "prefect_storyboard", "demo", "--folder", f"{name}/demo"]
        _seconds(command)
        began = time.monotonic()
        taken = _seconds(command)
        wall = time.monotonic() - began
    return Row(
        "start-up", "`storyboard demo`, again", "`import prefect`", cpu=taken / one, note=f"{wall:.1f} s of wall time"
    )


def _served(one: float) -> Row:
    """`storyboard run` with a running Prefect server, for a reel that is in the library: it starts, checks and ends."""
    with tempfile.TemporaryDirectory() as name, prefect_server(Path(name)), sandbox(Path(name), 0.1) as base:
        board = Path(name) / "pier.yaml"
        board.write_text("title: Pier\nmodel: kling-o3\nscenes: [{id: s01, prompt: The pier.}]\n")
        os.environ |= environment(base)
        command = ["-m", "prefect_storyboard", "run", str(board), "--provider", "fal", "--library", f"{name}/library"]
        _seconds(command)
        began = time.monotonic()
        taken = _seconds(command)
        wall = time.monotonic() - began
    return Row(
        "start-up",
        "`storyboard run` beside a server, of one scene, again",
        "`import prefect`",
        cpu=taken / one,
        note=f"{wall:.1f} s of wall time, {taken:.1f} s of CPU, start to end",
    )


def _seconds(program: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *program], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
