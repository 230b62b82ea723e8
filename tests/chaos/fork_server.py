"""Real processes, quickly: one process imports everything once, and every run is a fork of it that may be killed.

    python -m tests.chaos.fork_server      reads one request a line, replies with its pid, then with its exit status

A fork is a process like any other: its own pid, its own event loop, connections and files of its own, no parent that
would clean up behind it. What it saves is the two to ten seconds of importing Prefect.
"""

import asyncio
import importlib
import json
import os
import select
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

RunRequest = dict[str, Any]
# What Prefect and its friends import when the first flow runs, and every fork would import anew.
_LATE = (
    "PIL.JpegImagePlugin",
    "PIL.PngImagePlugin",
    "anyio._backends._asyncio",
    "av.subtitles.stream",
    "prefect.concurrency._asyncio",
    "prefect.flow_engine",
    "prefect.task_engine",
    "prefect.telemetry.run_telemetry",
    "prefect.utilities.visualization",
)


class ForkServer:
    """The near end: start runs, wait for them, end them."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._born: dict[int, asyncio.Future[int]] = {}
        self._gone: dict[int, asyncio.Future[int]] = {}
        self._requests = 0

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.chaos.fork_server"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=self._environment,
            start_new_session=True,
            cwd=Path(__file__).parents[2],
        )
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        for pid, gone in self._gone.items():
            if not gone.done():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self._process.stdin.close()
        await self._process.wait()
        await self._reader

    async def start(self, run_request: RunRequest) -> int:
        """Fork; the pid of the run."""
        self._requests += 1
        born = self._born[self._requests] = asyncio.get_running_loop().create_future()
        self._process.stdin.write(json.dumps({**run_request, "run_request": self._requests}).encode() + b"\n")
        return await born

    async def wait(self, pid: int) -> int:
        """The exit status of a run, negative for a signal."""
        return await asyncio.shield(self._gone[pid])

    def ended(self, pid: int) -> bool:
        return self._gone[pid].done()

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        async for line in self._process.stdout:
            told = json.loads(line)
            if "run_request" in told:
                self._gone[told["pid"]] = loop.create_future()
                self._born.pop(told["run_request"]).set_result(told["pid"])
            else:
                self._gone[told["pid"]].set_result(told["status"])


def _serve() -> RunRequest | None:
    """Fork for every request. Returns the request in the fork, and None in the parent once its stdin is closed."""
    alive: set[int] = set()
    buffer, asked = b"", True
    while asked or alive:
        if asked and select.select([0], [], [], 0.02)[0]:
            block = os.read(0, 1 << 16)
            asked, buffer = bool(block), buffer + block
        elif not asked:
            select.select([], [], [], 0.02)
        *lines, buffer = buffer.split(b"\n")
        for line in lines:
            run_request = json.loads(line)
            if not (pid := os.fork()):
                return run_request
            alive.add(pid)
            _say({"run_request": run_request["run_request"], "pid": pid})
        for pid in list(alive):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                alive.discard(pid)
                _say({"pid": pid, "status": os.waitstatus_to_exitcode(status)})
    return None


def _say(told: dict[str, Any]) -> None:
    os.write(1, json.dumps(told).encode() + b"\n")


def _detach(run_request: RunRequest) -> None:
    """A life of its own: session, output, environment."""
    os.setsid()
    log = os.open(run_request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ |= run_request["environment"]


def main() -> None:
    from tests.chaos import runs

    for late in _LATE:
        importlib.import_module(late)
    runs.shorten_waits()
    if run_request := _serve():
        _detach(run_request)
        runs.run_requested(run_request)


if __name__ == "__main__":
    main()
