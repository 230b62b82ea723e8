"""Ctrl-C and SIGTERM end a program with nodes in seconds, with all that was sent recorded, also under `.map`."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from prefect.server.api.server import SubprocessASGIServer

pytestmark = [pytest.mark.engine, pytest.mark.slow]
PROGRAM = Path(__file__).parent / "programs.py"
INT, TERM = signal.SIGINT, signal.SIGTERM
LATE = 90.0  # seconds; without the cure a program waits an hour. Alone it ends within three


@pytest.mark.parametrize(
    ("kind", "number", "jobs"),
    [
        ("plain map", INT, 3),
        ("plain map", TERM, 3),
        ("async map", TERM, 3),
        ("twin of a flow", TERM, 3),
        ("gathered", TERM, 3),
        ("script", INT, 1),
    ],
)
def test_a_signal_ends_the_program_when_what_was_sent_is_recorded(
    engine: None, tmp_path: Path, kind: str, number: signal.Signals, jobs: int
) -> None:
    facts = {**os.environ, "PREFECT_API_URL": SubprocessASGIServer().api_url}
    reading, writing = os.pipe()
    command = [sys.executable, str(PROGRAM), kind, str(writing)]
    with (
        os.fdopen(reading) as log,
        (tmp_path / "said").open("w") as output,
        subprocess.Popen(command, env=facts, stdout=output, stderr=output, pass_fds=[writing]) as program,
    ):
        os.close(writing)
        try:
            lines = []
            while sum(line.startswith("sent") for line in lines) < jobs:
                lines.append(log.readline())
                assert lines[-1], (tmp_path / "said").read_text()
            program.send_signal(number)
            began = time.monotonic()
            program.wait(timeout=LATE)
            print(f"{kind}: {time.monotonic() - began:.1f} s")
        finally:
            program.kill()
        lines += log.readlines()
    assert program.returncode not in {0, None}, (tmp_path / "said").read_text()
    sent, recorded = ({line.split()[1] for line in lines if line.startswith(word)} for word in ("sent", "recorded"))
    assert recorded == sent
    assert len(lines) == 2 * jobs, "nothing was sent twice"
