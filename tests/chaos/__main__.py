"""The long run: `make chaos N=1000 SEED=1`, or one schedule again: `make chaos SEED=1 ONLY=17`.

    python -m tests.chaos --schedules 1000 --seed 1 [--only 17,18] [--stills] [--workers 2] [--at-once 10]

Prints a line for each schedule, the promises that were broken with the command that repeats them, and a table.
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from _thread import interrupt_main
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from queue import Queue
from threading import Thread, main_thread
from typing import Any

from tests.chaos.engine import database, prefect_server

_NUMBERS = ("asked", "accepted", "billed", "stored", "unknown", "failed", "waiting", "faults", "runs")


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.chaos")
    parser.add_argument("--schedules", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="numbers of single schedules, 17 or 17,18")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--at-once", type=int, default=10, help="schedules at the same time in each worker")
    parser.add_argument("--folder", type=Path, help="where to work; what fails is kept there")
    parser.add_argument("--json", action="store_true", help="print one JSON object a schedule and nothing else")
    parser.add_argument("--stills", action="store_true", help="boards with stills only")
    parser.add_argument("--careless", help="numbers of schedules whose user says: buy again what may be bought")
    parser.add_argument("--spoil", help="numbers of schedules whose library is spoilt before it is judged")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        asyncio.run(_play_all(given))
        return 0
    return _lead(given)


def _lead(given: argparse.Namespace) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # by the way of all that must be put away
    folder = given.folder or Path(tempfile.mkdtemp(prefix="chaos-", dir=_quick()))
    numbers = [int(each) for each in given.only.split(",")] if given.only else list(range(given.schedules))
    began, verdicts = time.monotonic(), []
    folder.mkdir(parents=True, exist_ok=True)
    with prefect_server(folder):
        for verdict in _verdicts(given, folder, numbers):
            verdicts.append(verdict)
            print(
                json.dumps(verdict) if given.json else _line(verdict, len(verdicts), len(numbers), stills=given.stills),
                flush=True,
            )
            if len(verdicts) % 100 == 0 and not given.json:
                print(_table(verdicts, time.monotonic() - began), flush=True)
    leaks = _leaks(database(folder))
    broken = [verdict for verdict in verdicts if verdict["problems"]]
    missing = len(numbers) - len(verdicts)
    if not given.json:
        print(_table(verdicts, time.monotonic() - began))
        print(
            f"{len(broken)} of {len(verdicts)} schedules broke a promise"
            + (f"; {missing} were not played" * bool(missing))
        )
    for leak in leaks:
        print(f"BROKEN {leak}    kept: {folder}", file=sys.stderr)
    if not (broken or leaks):
        shutil.rmtree(folder, ignore_errors=True)
    return int(bool(broken or missing or leaks))


def _leaks(database: Path) -> list[str]:
    """What the database of all runs tells that it must not; a server that somebody else has started keeps its own."""
    from tests.chaos.telltales import told

    return list(told(database)) if database.exists() else []


def _quick() -> str | None:
    """Memory, where there is some: half of the time would go into fsync."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - a folder of its own in it


def _verdicts(given: argparse.Namespace, folder: Path, numbers: list[int]) -> Iterator[dict[str, Any]]:
    """What the workers report, as it comes."""
    told: Queue[str | None] = Queue()
    count = min(given.workers, len(numbers))
    workers = []
    for worker in range(count):
        share = ",".join(str(number) for number in numbers[worker::count])
        command = [sys.executable, "-m", "tests.chaos", "--worker", "--seed", str(given.seed), "--only", share]
        command += ["--at-once", str(given.at_once), "--folder", str(folder / f"worker-{worker}")]
        command += ["--stills"] * given.stills
        command += ["--careless", given.careless or "", "--spoil", given.spoil or ""]
        workers.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        Thread(target=_hear, args=(workers[-1], told), daemon=True).start()
    left = count
    while left:
        line = told.get()
        if line is None:
            left -= 1
        elif line.startswith("{"):
            yield json.loads(line)
        else:
            print(line, end="", file=sys.stderr)


def _hear(worker: subprocess.Popen[str], told: "Queue[str | None]") -> None:
    for line in worker.stdout or ():
        told.put(line)
    worker.wait()
    told.put(None)


def _line(verdict: dict[str, Any], number: int, of: int, *, stills: bool) -> str:
    ends = ", ".join(f"{count} {end}" if count > 1 else end for end, count in Counter(verdict["ends"]).items())
    facts = " ".join(f"{name} {verdict[name]}" for name in _NUMBERS if verdict[name])
    kind = verdict["kind"] + ", stills" * verdict["stills"]
    text = f"{number}/{of} {verdict['name']} {verdict['gateway']}, {kind}: {facts} ({ends}; {verdict['seconds']} s)"
    if verdict["problems"]:
        seed, only = verdict["name"].split("-")
        text += "".join(f"\n  BROKEN {problem}" for problem in verdict["problems"])
        text += f"\n  again: make chaos SEED={seed} ONLY={only}{' STILLS=1' * stills}    kept: {verdict['folder']}"
    return text


def _table(verdicts: list[dict[str, Any]], seconds: float) -> str:
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    for verdict in verdicts:
        for row in (verdict["kind"], verdict["gateway"], "all"):
            sums[row] += Counter({"schedules": 1, "broken": bool(verdict["problems"])})
            sums[row] += Counter({name: verdict[name] for name in _NUMBERS})
        sums["all: pictures"] += Counter({"schedules": verdict["stills"], **verdict["pictures"]})
        motion = {name: verdict[name] - drawn for name, drawn in verdict["pictures"].items()}
        sums["all: motion"] += Counter({"schedules": 1, **motion})
    names = ("schedules", *_NUMBERS, "broken")
    rows = [["", *names], ["---"] * (len(names) + 1)]
    rows += [
        [row, *(str(sums[row][name]) for name in names)]
        for row in sorted(sums, key=lambda row: (row.startswith("all"), row))
    ]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(["", *lines, "", f"{len(verdicts)} schedules in {seconds / 60:.1f} minutes"])


def _follow() -> None:
    """End as by Ctrl-C when the leader has gone, however it went: mounted disks and processes are put away."""
    while os.read(0, 1):
        pass
    interrupt_main()
    main_thread().join(20)
    os._exit(1)


async def _play_all(given: argparse.Namespace) -> None:
    """One worker: a fork_server, and some schedules at the same time."""
    from tests.chaos import runs
    from tests.chaos.bucket import s3_server
    from tests.chaos.fork_server import ForkServer
    from tests.chaos.kinds import Phase
    from tests.chaos.scenarios import Props, play
    from tests.chaos.schedules import schedule
    from tests.chaos.stage import prepare

    Thread(target=_follow, daemon=True).start()
    given.folder.mkdir()
    runs.shorten_waits()
    films = given.folder / "films"
    prepare(films)
    careless, spoilt = (
        {int(each) for each in (given or "").split(",") if each} for given in (given.careless, given.spoil)
    )
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(48))
    gate = asyncio.Semaphore(given.at_once)
    with s3_server() as s3:
        async with ForkServer(dict(os.environ)) as fork_server:

            async def one(number: int) -> None:
                async with gate:
                    folder = given.folder / str(number)
                    planned = schedule(given.seed, number, stills=given.stills)
                    if number in careless:
                        lost = {"match": {"route": "submit"}, "fault": "drop_after", "times": 3}
                        planned = replace(planned, rules=(lost,), phases=(Phase(on_unknown="resubmit"),) * 2)
                    props = Props(films, fork_server, s3, spoil=number in spoilt)
                    verdict = await play(planned, folder, props)
                    if not verdict.problems:
                        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
                    print(json.dumps(verdict.as_dict()), flush=True)

            await asyncio.gather(*(one(int(number)) for number in given.only.split(",")))


if __name__ == "__main__":
    sys.exit(main())
