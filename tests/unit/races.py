"""Races for one key after another, between threads or between processes; what each writer saw."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier
from typing import Any

from prefect_storyboard.ledger import Storage

Seen = list[list[str]]  # by writer, then by key


def of_threads(storage: Storage, *, writers: int = 8, keys: int) -> Seen:
    barrier = Barrier(writers)

    def write(name: str) -> list[str]:
        seen = []
        for n in range(keys):
            barrier.wait(30)
            seen.append(storage.create_once(name.encode(), "race", f"{n:03d}.json").decode())
        return seen

    with ThreadPoolExecutor(writers) as pool:
        return list(pool.map(write, _names(writers)))


def of_processes(url: str, options: dict[str, Any], *, writers: int, keys: int) -> Seen:
    with ExitStack() as stack:
        racers = []
        for name in _names(writers):
            command = [sys.executable, str(Path(__file__).with_name("racer.py")), url, json.dumps(options), name]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
            racers.append(stack.enter_context(subprocess.Popen([*command, str(keys)], **pipes)))
        for racer in racers:
            assert racer.stdout.readline() == "ready\n"
        for racer in racers:
            racer.stdin.write("go\n")
            racer.stdin.flush()
        return [json.loads(racer.communicate(timeout=60)[0]) for racer in racers]


def check(seen: Seen, storage: Storage) -> None:
    """All agree about every key, the winner is one of them, and its whole body is what is stored."""
    names = _names(len(seen))
    for n, views in enumerate(zip(*seen, strict=True)):
        assert len(set(views)) == 1, f"key {n} has several owners: {set(views)}"
        assert views[0] in names
        assert storage.read("race", f"{n:03d}.json") == views[0].encode()


def _names(writers: int) -> list[str]:
    return [f"writer {n} " + "x" * 200 for n in range(writers)]
