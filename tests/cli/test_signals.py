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
    log = tmp_path / "log"
    log.touch()
    facts = {**os.environ, "PREFECT_API_URL": SubprocessASGIServer().api_url}
    command = [sys.executable, str(PROGRAM), kind, str(log)]
    with subprocess.Popen(command, env=facts, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as program:
        try:
            while log.read_text().count("sent") < jobs:
                assert program.poll() is None, program.communicate()
                time.sleep(0.05)
            program.send_signal(number)
            began = time.monotonic()
            said, _ = program.communicate(timeout=LATE)
            print(f"{kind}: {time.monotonic() - began:.1f} s")
        finally:
            program.kill()
    assert program.returncode not in {0, None}, said
    lines = log.read_text().splitlines()
    sent, recorded = ({line.split()[1] for line in lines if line.startswith(word)} for word in ("sent", "recorded"))
    assert recorded == sent
    assert len(lines) == 2 * jobs, "nothing was sent twice"
