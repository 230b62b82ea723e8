"""A library with many settled jobs against an empty one: the list, the plan, a budget, and a prune. Prints a table.

    python -m benchmarks.library [--jobs 100000]

Each is a process of its own: its processor time and its peak memory, and both beyond those of an empty library.
"""

import argparse
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.stand import measured, peak_mb

_OLD = datetime.now(UTC) - timedelta(days=100)
_REEL = "pier"


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.library")
    parser.add_argument("--jobs", type=int, default=100_000)
    jobs = parser.parse_args().jobs
    print(f"| {jobs:,} settled jobs | CPU s | beyond an empty library | MB | beyond |\n|---|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as name:
        large, empty = Path(name) / "large", Path(name) / "empty"
        settled(large, jobs)
        for work in (*WORKS, "jobs --all"):
            here, there = (measured("benchmarks.library", work, folder) for folder in (large, empty))
            cpu, mb = here["cpu_s"] - there["cpu_s"], here["peak_mb"] - there["peak_mb"]
            print(f"| {work} | {here['cpu_s']:.1f} | {cpu:+.1f} | {here['peak_mb']} | {mb:+d} |", flush=True)


def settled(folder: Path, jobs: int) -> None:
    """Write a library in which so many scenes were bought a hundred days ago: all records but the clips."""
    from prefect_storyboard.ledger import Draft, Intent, Outcome, Owner
    from prefect_storyboard.storyboards import Clip, Job

    key, prompt = "0" * 64, "The pier, once more. " * 10
    facts = {"model": "sora-2", "prompt": prompt, "scene": "s0001"}
    owner = Owner(token="t", host="another", pid=1, started="1.0")  # noqa: S106 - of an intent, not a secret
    common = {"key": key, "provider": "fal", "account": "default", "endpoint": "e", "order_digest": "d", "at": _OLD}
    draft = Draft(reel=_REEL, **facts)
    intent = Intent(owner=owner, lease_until=_OLD, label="scene", usd=0.4, reel=_REEL, draft=draft, **common)
    job = Job(provider="fal", endpoint="e", request_id="request-0", submitted_at=_OLD)
    sizes = {"bytes": 1, "seconds": 4.0, "width": 1280, "height": 720, "take": 1, "sha256": key, "url": "u"}
    clip = Clip(job_key=key, request_id="request-0", provider="fal", cost_usd=0.4, stored_at=_OLD, **sizes, **facts)
    outcome = Outcome(kind="done", at=_OLD, clip=clip, cost_usd=0.4, charged=True)
    records = {"intent": intent, "job": job, "outcome": outcome}
    bodies = {
        name: json.dumps({"layout": 1, **each.model_dump(mode="json")}, indent=1) for name, each in records.items()
    }
    ledger = folder / "ledger"
    for number in range(jobs):
        mine = hashlib.sha256(str(number).encode()).hexdigest()
        files = {f"{mine[:2]}/{mine}/001/{name}.json": body for name, body in bodies.items()}
        files[f"requests/fal/request-{number}.json"] = json.dumps({"key": key})
        files[f"spent/{_REEL}/20260820T000000.{number:06d}Z_{mine}_001_400000"] = "{}"
        for place, body in files.items():
            path = ledger / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(body.replace(key, mine).replace("request-0", f"request-{number}"))


def _jobs(library: str, *, every: bool) -> None:
    import asyncio

    from prefect_storyboard.cli.job_tables import show_jobs

    asyncio.run(show_jobs(library, every=every))


def _plan(library: str) -> None:
    import asyncio

    from prefect_storyboard.blocks import FalCredentials
    from prefect_storyboard.flows.plan import planned

    nowhere = {f"{name}_url": "http://127.0.0.1:9" for name in ("queue", "rest", "platform")}
    scenes = [{"id": f"s{n:02d}", "prompt": f"Picture {n}: the pier."} for n in range(1, 21)]
    board = {"title": "Pier", "model": "sora-2", "scenes": scenes}
    asyncio.run(planned(board, FalCredentials(api_key="a:b", **nowhere), library))


def _spent(library: str) -> None:
    from prefect_storyboard.ledger import Ledger, open_storage

    Ledger(open_storage(library)).journal.spent(_REEL, datetime.now(UTC) - timedelta(hours=1))


def _prune(library: str) -> None:
    from prefect_storyboard.ledger import Ledger, open_storage
    from prefect_storyboard.ledger.prune import prune

    for _ in prune(Ledger(open_storage(library)), datetime.now(UTC) - timedelta(days=90)):
        pass


WORKS: dict[str, Callable[[str], None]] = {
    "jobs": lambda library: _jobs(library, every=False),
    "plan of 20 scenes": _plan,
    "what a reel has spent": _spent,
    "jobs --all": lambda library: _jobs(library, every=True),
    "prune": _prune,
}


def _measure(work: str, library: str) -> dict[str, Any]:
    began = time.process_time()
    WORKS[work](library)
    return {"work": work, "cpu_s": round(time.process_time() - began, 2), "peak_mb": peak_mb()}


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[1] in WORKS:
        print(json.dumps(_measure(sys.argv[1], sys.argv[2])))
    else:
        main()
