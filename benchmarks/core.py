"""What rendering many clips at once costs us, and the gateways' official clients. Prints a Markdown table.

    python -m benchmarks.core [--jobs 50 400] [--seconds 5] [--lost 0.0 0.2] [--clients ...]

Every client renders the same clips at one server on loopback (`loopback`), in a process of its own, one after the
other. The machine decides the seconds; the last columns are ratios within one run.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import IO, Any, NamedTuple

from benchmarks.core_clients import CLIENTS

HEAD = (
    "jobs", "replies lost", "client", "wall / limit", "CPU / wavespeed's", "status calls a job",
    "seen after, of render", "billed", "clips", "connections", "peak MB", "wall s", "CPU s",
)  # fmt: skip
_REFERENCE = "wavespeed"


class Market(NamedTuple):
    """The server of a run: its address, and how a measurement begins there."""

    base: str
    process: "subprocess.Popen[str]"

    def begin(self, seconds: float, lost: float) -> None:
        """Forget the jobs of the last measurement."""
        _stream(self.process.stdin).write(json.dumps({"seconds": seconds, "lost": lost}) + "\n")
        _stream(self.process.stdin).flush()
        _stream(self.process.stdout).readline()

    def facts(self) -> dict[str, Any]:
        """What the clients asked for."""
        with urllib.request.urlopen(f"{self.base}/stats", timeout=60) as reply:  # noqa: S310 - our loopback
            found: dict[str, Any] = json.load(reply)
        return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.core")
    parser.add_argument("--jobs", type=int, nargs="+", default=[50, 400])
    parser.add_argument("--seconds", type=float, default=5.0, help="that a job renders")
    parser.add_argument("--lost", type=float, nargs="+", default=[0.0, 0.2], help="share of the submits' replies")
    parser.add_argument("--clients", nargs="+", default=list(CLIENTS), choices=list(CLIENTS))
    given = parser.parse_args()
    os.environ |= {"NO_PROXY": "127.0.0.1"}
    print(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores\n")
    print("\n".join(_line(row) for row in (HEAD, ("---",) * len(HEAD))), flush=True)
    with _market() as market:
        for jobs in given.jobs:
            for lost in given.lost:
                _measured(market, given, jobs, lost)


def _measured(market: Market, given: argparse.Namespace, jobs: int, lost: float) -> None:
    reference: float | None = None
    for client in given.clients:
        market.begin(given.seconds, lost)
        with TemporaryDirectory(prefix="core-") as folder:
            command = [sys.executable, "-m", "benchmarks.core_clients", client, market.base, str(jobs), folder]
            said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600).stdout
        ran, asked = json.loads(said.splitlines()[-1]), market.facts()
        reference = ran["cpu"] if client == _REFERENCE else reference
        late = "" if asked["late"] is None else f"{100 * asked['late'] / given.seconds:.1f} %"
        row = (
            jobs, f"{lost:.0%}", client, f"{ran['wall'] / given.seconds:.2f}",
            f"{ran['cpu'] / reference:.2f}" if reference else "", f"{asked['looks']:.1f}", late, asked["billed"],
            ran["clips"], asked["connections"], f"{ran['megabytes']:.0f}", f"{ran['wall']:.1f}", f"{ran['cpu']:.1f}",
        )  # fmt: skip
        print(_line(row), flush=True)


@contextmanager
def _market() -> Iterator[Market]:
    command = [sys.executable, "-m", "benchmarks.loopback"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        port = int(_stream(process.stdout).readline())
        try:
            yield Market(f"http://127.0.0.1:{port}", process)
        finally:
            _stream(process.stdin).close()
            process.wait(10)


def _stream(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise TypeError("opened as a pipe")
    return pipe


def _line(row: tuple[Any, ...]) -> str:
    return "| " + " | ".join(map(str, row)) + " |"


if __name__ == "__main__":
    main()
