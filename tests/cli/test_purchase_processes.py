"""Real processes on one library: together they buy each job once, and a killed one leaves nothing to guess."""

import asyncio
import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from prefect_storyboard.providers.clock import Clock
from prefect_storyboard.storyboards.keys import digest
from tests.unit.fakes import KEY, Gateway, ledger_in, order
from tests.unit.purchases import buy

ROOT = Path(__file__).parents[2]
KEYS = [digest(n) for n in range(20)]


@contextmanager
def buyer(folder: Path, how: str, *keys: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.cli.buyer", f"file://{folder}/library", str(folder / "meter"), how, *keys]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin
    process.stdin.write("go\n")
    process.stdin.flush()


def test_two_processes_send_one_post_a_job(tmp_path: Path) -> None:
    with ExitStack() as stack:
        buyers = [stack.enter_context(buyer(tmp_path, "quickly", *KEYS)) for _ in range(2)]
        assert [said(process) for process in buyers] == ["ready"] * 2
        for process in buyers:
            go(process)
        bought = [json.loads(said(process)) for process in buyers]
    states = Counter(state for each in bought for state, _ in each)
    assert states == {"Submitted": len(KEYS), "Reattached": len(KEYS)}
    assert len((tmp_path / "meter").read_text().splitlines()) == len(KEYS)
    assert bought[0] != bought[1]
    assert [request for _, request in bought[0]] == [request for _, request in bought[1]]


class Looking(Clock):
    """Tells when somebody waits."""

    def __init__(self) -> None:
        self.looked = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.looked.set()
        await super().sleep(min(seconds, 0.05))


async def test_a_process_killed_before_its_answer_came_leaves_a_job_that_is_found(tmp_path: Path) -> None:
    with buyer(tmp_path, "and hangs", KEY) as process:
        assert said(process) == "ready"
        go(process)
        assert said(process) == "billed"
        gateway, ledger = Gateway(), ledger_in(tmp_path / "library")
        gateway.bill(order())  # the job that the other process has bought, in the list that the provider shows
        clock = Looking()
        waiting = asyncio.create_task(buy(gateway, ledger, clock=clock))
        await clock.looked.wait()
        assert not waiting.done(), "it may still get its answer"
        process.send_signal(signal.SIGKILL)
        bought = await asyncio.wait_for(waiting, 60)
    assert (bought.state, bought.job.request_id) == ("Reattached", "r1")
    assert len(gateway.billed) == 1
