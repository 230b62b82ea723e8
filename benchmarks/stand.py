"""Start what the benchmarks measure: the sandbox, and measured modules, each in a separate process."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_LONGEST = 900.0  # seconds of one measured process


@contextmanager
def sandbox(folder: Path, render_seconds: float = 5.0) -> Iterator[str]:
    """Run the sandbox in a separate process, so that its time is not measured; all clips are the same film."""
    command = [sys.executable, "-m", "benchmarks.stand", str(folder), str(render_seconds)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        first = process.stdout.readline() if process.stdout else ""
        if not first.startswith("sandbox ready "):
            raise RuntimeError(f"the sandbox did not start: {first}")
        yield first.split()[-1]
    finally:
        process.terminate()
        process.communicate()


def measured(*arguments: object, **environment: str) -> dict[str, Any]:
    """Run a module of the benchmarks in a separate process; return the JSON object in its last line of output."""
    command = [sys.executable, "-m", *map(str, arguments)]
    ended = subprocess.run(
        command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True, timeout=_LONGEST, check=True
    )
    facts: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return facts


def peak_mb() -> int:
    """Peak memory of this process in MB; unlike `getrusage`, without that of the parent process."""
    status = Path("/proc/self/status").read_text()
    return round(int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6)


def _serve(folder: Path, render_seconds: float) -> None:
    from prefect_storyboard.sandbox import exchange
    from prefect_storyboard.sandbox.exchange import Pace
    from prefect_storyboard.sandbox.server import run
    from tests.chaos.stage import copied, prepare

    prepare(folder / "films")
    exchange.render = copied(folder / "films")
    run(0, folder / "sandbox", pace=Pace(queue_seconds=0.0, render_seconds=render_seconds), until_stdin_closes=True)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), float(sys.argv[2]))
