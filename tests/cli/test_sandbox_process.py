"""The sandbox as a process: it says when it is ready, dies cleanly, and continues after a kill."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest

T2V = "fal-ai/sora-2/text-to-video"
KEY = {"Authorization": "Key sandbox:sandbox"}


@contextmanager
def started(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "prefect_storyboard.sandbox", "--state", str(folder), *options]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout
        try:
            line = process.stdout.readline()
            found = re.fullmatch(r"sandbox ready (http://127\.0\.0\.1:\d+)\n", line)
            assert found, line
            yield process, found[1]
        finally:
            process.kill()


def test_it_tells_how_to_point_the_tool_at_it(tmp_path: Path) -> None:
    with started(tmp_path) as (process, base):
        process.terminate()
        assert process.stdout
        told = process.stdout.read()
    for name in ("FAL_KEY=sandbox:sandbox", f"FAL_QUEUE_URL={base}/fal/queue", f"FAL_REST_URL={base}/fal/rest"):
        assert name in told


def test_it_accepts_calls_once_it_says_so(tmp_path: Path) -> None:
    with started(tmp_path) as (_, base):
        health = httpx.get(f"{base}/sandbox/health").json()
    assert health == {"sandbox": "prefect-storyboard", "state": str(tmp_path), "version": 1}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_without_a_word_even_while_a_call_waits(tmp_path: Path, number: signal.Signals) -> None:
    with started(tmp_path) as (process, base):
        httpx.post(f"{base}/sandbox/faults", json=[{"fault": "slow", "seconds": 60}])
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(
                f"{base}/fal/queue/{T2V}", json={"prompt": "p"}, headers=KEY, timeout=httpx.Timeout(60, read=0.2)
            )
        process.send_signal(number)
        errors = process.communicate(timeout=60)[1]
    assert (process.returncode, errors) == (0, "")


def test_it_goes_when_its_parent_is_gone(tmp_path: Path) -> None:
    with started(tmp_path, "--until-stdin-closes") as (process, _):
        assert process.stdin
        process.stdin.close()
        assert process.wait(timeout=60) == 0


def test_a_killed_sandbox_continues_where_it_was(tmp_path: Path) -> None:
    with started(tmp_path, "--render-seconds", "0.2") as (process, base):
        accepted = [
            httpx.post(f"{base}/fal/queue/{T2V}", json={"prompt": str(n)}, headers=KEY).json() for n in range(5)
        ]
        process.kill()
        process.wait()
    port = base.rsplit(":", 1)[1]
    with started(tmp_path, "--port", port) as (_, again):
        meter = httpx.get(f"{again}/sandbox/meter").json()
        statuses = [httpx.get(job["status_url"], headers=KEY).status_code for job in accepted]
    assert again == base
    assert meter["jobs_accepted"] == 5
    assert meter["posts"] >= 4, "the log of the very last call may die with the process, a job may not"
    assert set(statuses) <= {200, 202}


def test_it_starts_with_the_rules_of_a_file(tmp_path: Path) -> None:
    rules = tmp_path / "faults.json"
    rules.write_text('[{"fault": "locked", "match": {"route": "submit"}}]')
    with started(tmp_path / "state", "--faults", str(rules)) as (_, base):
        assert httpx.post(f"{base}/fal/queue/{T2V}", json={"prompt": "p"}, headers=KEY).status_code == 403


def test_its_clock_may_be_off(tmp_path: Path) -> None:
    with started(tmp_path, "--clock-skew", "-864000") as (_, base):
        (date,) = httpx.get(f"{base}/sandbox/health").headers.get_list("date") or [""]
        (asked,) = httpx.get(f"{base}/fal/queue/x").headers.get_list("date")
    assert date == ""
    assert 863_000 < time.time() - parsedate_to_datetime(asked).timestamp() < 865_000
