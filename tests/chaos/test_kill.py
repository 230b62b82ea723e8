"""`kill -9` in the middle of a run: the next run pays for nothing twice, and no process is left behind."""

import json
import os
import select
import signal
import subprocess
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from prefect_storyboard.sandbox.documents import Clip
from prefect_storyboard.sandbox.render import render
from prefect_storyboard.sandbox.server import running

JOBS = 6  # a character and five scenes


@pytest.fixture
def board(tmp_path):
    """A storyboard of five scenes, one of which continues another, and one character."""
    clip = render(Clip(width=1280, height=720, seconds=1, prompt="Mara"), tmp_path, tmp_path)
    scenes = [{"id": f"s{n:02d}", "prompt": f"Mara climbs step {n}."} for n in range(1, 6)]
    scenes[4] |= {"continues": "s01"}
    path = tmp_path / "board.yaml"
    path.write_text(
        yaml.safe_dump(
            {"title": "Stairs", "model": "sora-2", "cast": [{"name": "Mara", "clip": clip.name}], "scenes": scenes}
        )
    )
    return path


def demo(folder, board, **options):
    """The demo as a process that leads its own session; its output line by line."""
    command = [sys.executable, "-m", "prefect_storyboard", "demo", "--folder", folder, "--board", board]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True, **options)


def left_behind(folder):
    """The processes that were started for this folder and still run, by their arguments or their environment."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            about = command + (process / "environ").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in about and int(process.name) != os.getpid():
            found[int(process.name)] = command.replace(b"\0", b" ").decode()
    return found


def wait_until_gone(*processes):
    """Wait until processes that need not be our children have ended."""
    for number in processes:
        with suppress(ProcessLookupError):
            ending = os.pidfd_open(number)
            try:
                assert select.select([ending], [], [], 300)[0], f"{number} still runs"
            finally:
                os.close(ending)


def in_group(number, group):
    """Whether a process gets the signals of that group; not one that has ended."""
    with suppress(ProcessLookupError):
        return os.getpgid(number) == group
    return False


@pytest.mark.parametrize("state", ["submitted", "storing"])
def test_a_killed_run_is_finished_by_the_next_one_for_the_price_of_one(tmp_path, board, state):
    folder = tmp_path / "demo"
    with demo(folder, board) as first:
        seen = []
        while not seen or seen[-1].split()[1:2] != [state]:
            line = first.stdout.readline()
            assert line, f"the run ended without the word {state}: {seen}"
            seen.append(line)
        os.kill(first.pid, signal.SIGKILL)
    while left := left_behind(folder):  # one that ends may have started another
        wait_until_gone(*left)
    with demo(folder, board, stderr=subprocess.PIPE) as second:
        out, err = second.communicate()
    assert (second.returncode, err) == (0, "")
    assert "5 scenes, 20 s" in out
    assert f"billed {JOBS} jobs" in out
    with running(folder / "sandbox") as base, urllib.request.urlopen(f"{base}/sandbox/meter") as reply:
        meter = json.load(reply)
    assert (meter["jobs_accepted"], meter["duplicates"]) == (JOBS, [])
    assert (meter["videos"], meter["characters"]) == (JOBS - 1, 1), "every job that was paid for ended well"
    assert left_behind(folder) == {}


def test_ctrl_c_ends_the_run_at_once_and_leaves_nobody_behind(tmp_path, board):
    """A terminal interrupts the whole group. The command gets it last here, when its own servers are gone already."""
    folder = tmp_path / "demo"
    with demo(folder, board, stderr=subprocess.PIPE) as run:
        try:  # a process that is stopped would be waited for without an end
            while "submitted" not in (line := run.stdout.readline()):
                assert line, "the run ended before it had submitted"
            os.kill(run.pid, signal.SIGSTOP)
            os.killpg(run.pid, signal.SIGINT)
            wait_until_gone(*(pid for pid in left_behind(folder) if pid != run.pid and in_group(pid, run.pid)))
            os.kill(run.pid, signal.SIGCONT)
            _, err = run.communicate(timeout=300)
        finally:
            run.kill()
    assert (run.returncode, err) == (
        130,
        "Stopped. Jobs that were paid for are in the ledger; run the command again to continue.\n",
    )
    assert left_behind(folder) == {}
