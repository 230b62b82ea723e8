"""Races for one key after another between processes; what each writer saw."""

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.unit.races import Seen, names


def of_processes(url: str, options: dict[str, Any], *, writers: int, keys: int) -> Seen:
    with ExitStack() as stack:
        racers = []
        for name in names(writers):
            command = [sys.executable, str(Path(__file__).with_name("racer.py")), url, json.dumps(options), name]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
            racers.append(stack.enter_context(subprocess.Popen([*command, str(keys)], **pipes)))
        for racer in racers:
            assert racer.stdout.readline() == "ready\n"
        for racer in racers:
            racer.stdin.write("go\n")
            racer.stdin.flush()
        return [json.loads(racer.communicate(timeout=60)[0]) for racer in racers]
