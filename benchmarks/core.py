"""Compare our cost of rendering many clips at once with that of the official clients. Prints a Markdown table.

    python -m benchmarks.core [--jobs 50 400] [--seconds 5] [--lost 0.0 0.2] [--clients ...]

Every client renders the same clips at one loopback server (`loopback`), in separate processes, one after the other. The
table shows ratios within one run: wall time as a multiple of a job's render time, CPU time as a multiple of that of
WaveSpeed's client.

`openai at the sandbox` is OpenAI's client at the sandbox's strict server, whose meter counts the billed jobs. That
server is slower than the client, so its times are left out.
"""

import argparse
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, NamedTuple

from benchmarks.core_clients import CLIENTS
from benchmarks.stand import measured, sandbox
from benchmarks.table import Row, show

_REFERENCE = "wavespeed"


class Market(NamedTuple):
    """The server of a run."""

    base: str
    process: "subprocess.Popen[str]"

    def begin(self, seconds: float, lost: float) -> None:
        """Begin a measurement: the server drops the jobs of the last one."""
        _stream(self.process.stdin).write(json.dumps({"seconds": seconds, "lost": lost}) + "\n")
        _stream(self.process.stdin).flush()
        _stream(self.process.stdout).readline()

    def facts(self) -> dict[str, Any]:
        """The server's statistics."""
        return _get(f"{self.base}/stats")


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.core")
    parser.add_argument("--jobs", type=int, nargs="+", default=[50, 400])
    parser.add_argument("--seconds", type=float, default=5.0, help="render time of a job")
    parser.add_argument(
        "--lost", type=float, nargs="+", default=[0.0, 0.2], help="share of submits whose reply is lost"
    )
    parser.add_argument("--clients", nargs="+", default=list(CLIENTS), choices=list(CLIENTS))
    given = parser.parse_args()
    show(rows(given.jobs, given.seconds, given.lost, given.clients))


def rows(
    loads: Sequence[int] = (50, 400),
    seconds: float = 5.0,
    losses: Sequence[float] = (0.0, 0.2),
    clients: Sequence[str] = tuple(CLIENTS),
) -> Iterator[Row]:
    """A row for each client, load and share of lost replies."""
    os.environ |= {"NO_PROXY": "127.0.0.1"}
    with _market() as market:
        for jobs in loads:
            for lost in losses:
                yield from _compared(market, jobs, lost, seconds, clients)
    if "openai" in clients:
        for jobs in loads:
            yield from (_at_the_sandbox(jobs, lost, seconds) for lost in losses)


def _compared(market: Market, jobs: int, lost: float, seconds: float, clients: Sequence[str]) -> Iterator[Row]:
    reference: float | None = None
    for client in clients:
        market.begin(seconds, lost)
        ran = _ran(client, market.base, jobs)
        asked = market.facts()
        reference = ran["cpu"] if client == _REFERENCE else reference
        late = "" if asked["late"] is None else f"seen {100 * asked['late'] / seconds:.1f} % late, "
        yield Row(
            _name(jobs, lost),
            client,
            "limit; wavespeed's CPU",
            wall=ran["wall"] / seconds,
            cpu=ran["cpu"] / reference if reference else None,
            requests=asked["looks"],
            mb=ran["megabytes"],
            note=f"{late}{asked['billed']} billed, {ran['clips']} clips, {asked['connections']} connections",
        )


def _at_the_sandbox(jobs: int, lost: float, seconds: float) -> Row:
    """Measure OpenAI's client at a server that checks every field of every form."""
    with TemporaryDirectory(prefix="core-") as folder, sandbox(Path(folder), seconds) as base:
        if lost:
            rule = {"match": {"gateway": "openai", "route": "submit"}, "fault": "drop_after", "probability": lost}
            _post(f"{base}/sandbox/faults", [{**rule, "seed": 1}])
        ran = _ran("openai", base, jobs)
        billed = _get(f"{base}/sandbox/meter")["jobs_accepted"]
    return Row(_name(jobs, lost), "openai at the sandbox", note=f"{billed} billed, {ran['clips']} clips")


def _name(jobs: int, lost: float) -> str:
    return f"core, {jobs} jobs" + (f", {lost:.0%} of replies lost" if lost else "")


def _ran(client: str, base: str, jobs: int) -> dict[str, Any]:
    with TemporaryDirectory(prefix="core-") as folder:
        return measured("benchmarks.core_clients", client, base, jobs, folder)


def _get(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url, timeout=60) as reply:  # noqa: S310 - our loopback
        found: dict[str, Any] = json.load(reply)
    return found


def _post(url: str, body: Any) -> None:
    urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode()), timeout=60).close()  # noqa: S310 - our loopback


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


if __name__ == "__main__":
    main()
