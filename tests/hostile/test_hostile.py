"""Whatever a storyboard, a file, a host, a gateway or a stranger's callback tries ends in one clear sentence."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile.servers import serving

SECONDS, MEMORY = 30.0, 400_000  # a case (10 s where the machine is idle), and kilobytes of the whole process
GROUPS = {"storyboards": 60, "sources": 100, "hosts": 50, "media": 50, "answers": 400, "signatures": 400}


@pytest.mark.parametrize("group", GROUPS)
def test_every_hostile_case_ends_in_one_clear_sentence(group, tmp_path):
    with serving() as (canary, calls), serving(canary) as (host, _):
        program = [sys.executable, str(Path(__file__).with_name("child.py")), group, str(tmp_path), host, canary]
        hidden = {k: v for k, v in os.environ.items() if "ALLOWED_HOSTS" not in k} | {"MALLOC_ARENA_MAX": "2"}
        done = subprocess.run(
            program, capture_output=True, timeout=120, env=hidden, stdin=subprocess.DEVNULL, cwd=tmp_path
        )
    assert done.returncode == 0, done.stderr.decode()[-2_000:]
    *cases, memory = map(json.loads, done.stdout.decode().splitlines())
    assert len(cases) >= GROUPS[group]
    assert [case for case in cases if case["ended"] not in case["may"]] == []
    assert [case for case in cases if case["seconds"] > SECONDS] == []
    assert [case for case in cases if case["ended"] == "named" and not 10 < len(case["said"]) < 5_000] == []
    assert calls == []
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "canary").exists()
    assert memory["kilobytes"] < MEMORY
