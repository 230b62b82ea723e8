"""Render storyboards under faults, with us and with the gateways' official clients. Prints a Markdown table.

    python -m benchmarks.official_clients [--sessions 50] [--seed 1] [--runs 10] [--at-once 16] [--no-kill]

A session is a storyboard of three to five scenes, the faults of `Session.faults` and the moment of a kill, all drawn
from the seed and its number. Every client of a gateway (see `buyers`) gets the same sessions, each at a separate
sandbox with the same rules. Its first run is killed by SIGKILL; then it is run again until every scene has its clip, at
most `--runs` times. At the end the sandbox's meter is compared with the clips that were kept.
"""

import argparse
import logging
import multiprocessing
import os
import shutil
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from importlib.metadata import version
from pathlib import Path

from tests.chaos.engine import prefect_server

OURS = "`storyboard_series`"
BUYERS = (
    ("fal", OURS),
    ("fal", "`subscribe`"),
    ("fal", "`submit`, ids on disk"),
    ("wavespeed", OURS),
    ("wavespeed", "`run`"),
)
CLIENTS = {"fal": "fal-client", "wavespeed": "wavespeed"}
HEAD = ("gateway", "buyer", "scenes wanted", "clips", "missing", "jobs billed", "paid again", "paid and lost", "s")


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.official_clients")
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=10, help="runs after the one that is killed")
    parser.add_argument("--at-once", type=int, default=16)
    parser.add_argument("--no-kill", action="store_true", help="faults only: the first run is not killed either")
    parser.add_argument("--folder", type=Path, help="working folder, which is kept")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="clients-"))
    folder.mkdir(parents=True, exist_ok=True)
    os.environ |= {"NO_PROXY": "127.0.0.1"}
    try:
        with prefect_server(folder):  # before anything imports Prefect
            print(_table(_played(given, folder)))
    finally:
        if not given.folder:
            shutil.rmtree(folder, ignore_errors=True)


def _played(given: argparse.Namespace, folder: Path) -> dict[tuple[str, str], Counter[str]]:
    from benchmarks.sessions import Session, paint_quickly, play

    logging.disable()  # sandboxes that start in parallel would re-enable each other's logging
    context = multiprocessing.get_context(
        "forkserver"
    )  # processes start without the seconds of importing, for every client
    context.set_forkserver_preload(["benchmarks.buyers", "prefect.flow_engine", "prefect.task_engine"])
    first = context.Process(target=int)  # it waits for the imports, so that no later process has to
    first.start()
    first.join()
    paint_quickly(folder / "films")
    sums = {who: Counter[str]() for who in BUYERS}
    with ThreadPoolExecutor(given.at_once) as pool:
        plays = {
            pool.submit(
                play,
                context,
                folder / f"{number}-{at}",
                Session(given.seed, number, not given.no_kill),
                who,
                given.runs,
            ): who
            for number in range(given.sessions)
            for at, who in enumerate(BUYERS)
        }
        for over, each in enumerate(as_completed(plays), 1):
            sums[plays[each]] += each.result()
            print(f"{over}/{len(plays)} {' '.join(plays[each])}: {dict(each.result())}", file=sys.stderr, flush=True)
    return sums


def _table(sums: dict[tuple[str, str], Counter[str]]) -> str:
    rows = [HEAD, ("---",) * 2 + ("---:",) * (len(HEAD) - 2)]
    for (gateway, buyer), found in sums.items():
        name = buyer if buyer == OURS else f"{CLIENTS[gateway]} {version(CLIENTS[gateway])}, {buyer}"
        numbers = [str(found[each]) for each in ("wanted", "clips", "missing", "billed", "again", "lost")]
        rows.append((gateway, name, *numbers, f"{found['milliseconds'] / 1000 / found['sessions']:.1f}"))
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


if __name__ == "__main__":
    main()
