"""Compare a library of many settled jobs with an empty one: listings, a plan, the start of a run, a budget, prune.

    python -m benchmarks.library [--jobs 100000] [--s3-jobs 2000]

Each case is a separate process, whose CPU time and peak memory are compared with those for an empty library. The S3
server is that of tests/s3; its requests are counted as well.
"""

import argparse
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.far import distant
from benchmarks.s3 import variables
from benchmarks.stand import measured, peak_mb
from benchmarks.table import Row, show
from tests.chaos.engine import prefect_server
from tests.s3.ceph import BUCKET, serving

_OLD = datetime.now(UTC) - timedelta(days=100)
_REEL = "pier"
_ON_S3 = ("jobs", "collect", "plan of 20 scenes", "start of a run of 20 scenes", "what a reel has spent")


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.library")
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--s3-jobs", type=int, default=2_000, help="0: without S3")
    given = parser.parse_args()
    show(rows(given.jobs, given.s3_jobs))


def rows(jobs: int, s3_jobs: int) -> Iterator[Row]:
    """All cases on local disk, then the cases of a run on S3."""
    with tempfile.TemporaryDirectory() as name, prefect_server(Path(name)):
        large, empty = Path(name) / "large", Path(name) / "empty"
        settled(large, jobs)
        for work in (*WORKS, "jobs --all"):
            there, here = (measured("benchmarks.library", work, folder) for folder in (empty, large))
            yield _row(f"library of {jobs:,} settled jobs", work, here, there)
        if s3_jobs:
            yield from _on_s3(Path(name) / "few", s3_jobs)


def _row(benchmark: str, work: str, here: dict[str, Any], there: dict[str, Any], note: str = "") -> Row:
    more = f"{here['cpu_s'] - there['cpu_s']:+.1f} s of CPU, {here['peak_mb'] - there['peak_mb']:+d} MB{note}"
    cpu = here["cpu_s"] / there["cpu_s"] if there["cpu_s"] else None
    return Row(benchmark, work, "an empty library", cpu=cpu, mb=here["peak_mb"], note=more)


def _on_s3(folder: Path, jobs: int) -> Iterator[Row]:
    import s3fs

    settled(folder, jobs)
    with ExitStack() as stack:
        server = stack.enter_context(serving())
        near = stack.enter_context(distant(server.endpoint, 0.0))
        store = s3fs.S3FileSystem(**server.options, skip_instance_cache=True)
        store.put(f"{folder}/", f"{BUCKET}/large", recursive=True, batch_size=32)
        for work in _ON_S3:
            found, asked = [], []
            for library in ("empty", "large"):
                before = near.requests.total()
                url = f"s3://{BUCKET}/{library}"
                found.append(measured("benchmarks.library", work, url, **variables(server, near.endpoint)))
                asked.append(near.requests.total() - before)
            yield _row(
                f"the same on S3, {jobs:,} jobs", work, found[1], found[0], f", {asked[1]} requests for {asked[0]}"
            )


def settled(folder: Path, jobs: int) -> None:
    """Write a library in which `jobs` scenes were bought a hundred days ago: all records, without the clips."""
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


def _board() -> dict[str, Any]:
    scenes = [{"id": f"s{n:02d}", "prompt": f"Picture {n}: the pier."} for n in range(1, 21)]
    return {"title": "Pier", "model": "sora-2", "scenes": scenes}


def _nowhere() -> Any:
    """An account whose gateway does not answer, because no case calls it."""
    from prefect_storyboard.blocks import FalCredentials

    nowhere = {f"{name}_url": "http://127.0.0.1:9" for name in ("queue", "rest", "platform")}
    return FalCredentials(api_key="a:b", **nowhere)


def _jobs(library: str, *, every: bool) -> None:
    import asyncio

    from prefect_storyboard.cli.job_tables import show_jobs

    asyncio.run(show_jobs(library, every=every))


def _plan(library: str) -> None:
    import asyncio

    from prefect_storyboard.flows.plan import planned

    asyncio.run(planned(_board(), _nowhere(), library))


def _start(library: str) -> None:
    import asyncio

    from prefect_storyboard.series.opening import opened

    async def begin() -> None:
        async with opened(_board(), _nowhere(), library):
            pass

    asyncio.run(begin())


def _collect(library: str) -> None:
    import asyncio

    from prefect_storyboard.flows import collect_jobs

    asyncio.run(collect_jobs([_nowhere()], library))


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
    "collect": _collect,
    "plan of 20 scenes": _plan,
    "start of a run of 20 scenes": _start,
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
