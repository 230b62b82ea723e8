"""Prefect's server is killed in the middle of a run: the command ends soon, and what is paid for is on record."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from prefect_storyboard.sandbox.exchange import Pace
from prefect_storyboard.sandbox.server import environment, running

pytestmark = pytest.mark.slow
STARTED = 240.0  # seconds; ten on an idle machine
LATE = 150.0  # seconds; alone it ends within a minute, and without the cure not at all
SCENES = 3


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[str]:
    """A gateway whose jobs render for an hour."""
    with running(tmp_path / "sandbox", pace=Pace(queue_seconds=0.0, render_seconds=3600.0)) as base:
        yield base


@contextmanager
def prefect_server(home: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A Prefect server in a process of its own, and the address of its API."""
    facts = {**os.environ, "PREFECT_HOME": str(home), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    with socket.create_server(("127.0.0.1", 0)) as listening:  # a request waits there until the server takes it
        api = f"http://127.0.0.1:{listening.getsockname()[1]}/api"
        command = [sys.executable, "-m", "uvicorn", "--factory", "prefect.server.api.server:create_app"]
        command += ["--fd", str(listening.fileno()), "--log-level", "error"]
        server = subprocess.Popen(command, env=facts, pass_fds=[listening.fileno()])
    with server:
        try:
            with urllib.request.urlopen(f"{api}/health", timeout=STARTED) as reply:
                assert reply.status == 200
            yield server, api
        finally:
            server.kill()


def test_a_run_whose_server_is_killed_ends_soon_with_everything_on_record(sandbox: str, tmp_path: Path) -> None:
    board, library = tmp_path / "board.yaml", tmp_path / "library"
    scenes = [{"id": f"s{n:02d}", "prompt": f"Wave {n}."} for n in range(1, SCENES + 1)]
    board.write_text(yaml.safe_dump({"title": "The Sea", "model": "seedance-2", "scenes": scenes}))
    command = [sys.executable, "-m", "prefect_storyboard", "run", board, "--provider", "fal", "--library", library]
    with prefect_server(tmp_path / "prefect") as (server, api):
        facts = {**os.environ, **environment(sandbox), "PREFECT_API_URL": api}
        with subprocess.Popen(
            command, env=facts, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
        ) as run:
            try:
                lines = []
                while sum(line.split()[1:2] == ["submitted"] for line in lines) < SCENES:
                    lines.append(run.stdout.readline())
                    assert lines[-1], run.stderr.read()
                server.send_signal(signal.SIGKILL)
                began = time.monotonic()
                _, said = run.communicate(timeout=LATE)
                print(f"ended after {time.monotonic() - began:.0f} s")
            finally:
                run.kill()
    assert run.returncode == 1
    assert "Prefect's server no longer answers. Paid jobs are in the ledger" in said
    assert said.count("\n") == 1, "and nothing else is said"
    with urllib.request.urlopen(f"{sandbox}/sandbox/meter") as reply:
        assert json.load(reply)["jobs_accepted"] == SCENES
    assert len([*library.glob("ledger/??/*/001/job.json")]) == SCENES
