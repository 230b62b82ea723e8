"""Run one flow of the benchmark in a separate process, and print one line of JSON with its figures.

    python -m benchmarks.flow_run (floor | series) SCENES FOLDER [BASE [LIBRARY]]

`floor` is Prefect's own cost: three empty async tasks per scene, of which the middle one sleeps as long as a job
renders. `series` is `storyboard_series` against the sandbox at BASE. Imports are not measured; peak memory is that of
the whole process.
"""

import asyncio
import importlib
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
from prefect import flow, task

from benchmarks.stand import peak_mb
from benchmarks.watchdog import watching
from prefect_storyboard.jobs.progress import Progress, progress_listener

_RENDERS = 5.2  # seconds of a job, including its queue
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27,}|[0-9a-f]{16,}")
_CALLS: Counter[str] = Counter()
_loops: list[asyncio.AbstractEventLoop] = []
_begun: list[float] = []
_ended: list[float] = []


@task(task_run_name="generate")
async def _first() -> None: ...


@task(task_run_name="poll")
async def _second() -> None:
    await asyncio.sleep(_RENDERS)


@task(task_run_name="store")
async def _third() -> None: ...


@flow(name="floor")
async def floor(scenes: int) -> None:
    """Three empty tasks per scene, one after the other; the scenes in parallel."""

    async def scene() -> None:
        await _first()
        await _second()
        await _third()

    await asyncio.gather(*(scene() for _ in range(scenes)))


async def series(scenes: int, base: str, library: str) -> None:
    """`storyboard_series` with this many scenes of four seconds, all at once."""
    from prefect_storyboard.blocks import FalCredentials
    from prefect_storyboard.flows import storyboard_series
    from prefect_storyboard.sandbox.variables import environment

    board = {
        "title": "Pier",
        "model": "sora-2",
        "aspect": "16:9",
        "resolution": "720p",
        "seconds": 4,
        "scenes": [{"id": f"s{n:04d}", "prompt": f"Picture {n}: the pier."} for n in range(1, scenes + 1)],
    }
    account = FalCredentials.from_environment(environment(base)).model_copy(update={"in_flight": max(scenes, 20)})
    await storyboard_series(board, account, library, allow_retired=True)


def main() -> None:
    kind, scenes, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    _count_calls()
    if kind == "series":
        importlib.import_module("prefect_storyboard.flows")  # imports are measured in `start_up`
    library = sys.argv[5] if len(sys.argv) > 5 else str(folder / "library")
    work = floor(scenes) if kind == "floor" else series(scenes, sys.argv[4], library)
    with watching(("flow", _main_loop), ("providers", _our_loop)) as loops:
        wall, cpu = time.monotonic(), time.process_time()
        asyncio.run(_kept(work))
        ended, cpu = time.monotonic(), time.process_time() - cpu
    facts = {
        "kind": kind,
        "scenes": scenes,
        "wall_s": round(ended - wall, 2),
        "after_last_scene_s": round(ended - max(_ended), 2) if _ended else 0.0,
        "before_first_scene_s": round(min(_begun) - wall, 2) if _begun else 0.0,
        "cpu_s": round(cpu, 2),
        "peak_mb": peak_mb(),
        "calls": dict(_CALLS.most_common()),
        "loops": [asdict(each) | {"places": each.places.most_common(12)} for each in loops],
    }
    print(json.dumps(facts))


async def _kept(work: Coroutine[Any, Any, None]) -> None:
    """Run the work, and store its loop for the watchdog."""
    _loops.append(asyncio.get_running_loop())
    token = progress_listener.set(_note)
    try:
        await work
    finally:
        progress_listener.reset(token)


def _note(progress: Progress) -> None:
    times = _begun if progress.state == "checking" else _ended if progress.state in {"stored", "cached"} else []
    times.append(time.monotonic())


def _main_loop() -> asyncio.AbstractEventLoop | None:
    return _loops[0] if _loops else None


def _our_loop() -> asyncio.AbstractEventLoop | None:
    ours = sys.modules.get("prefect_storyboard.tasks._loop")
    return next(iter(ours._loops), None) if ours else None  # noqa: SLF001 - the one loop has no public name


def _count_calls() -> None:
    """Count the requests by method and route; ids in a path are replaced by *."""
    send = httpx.AsyncClient.send

    async def counted(self: httpx.AsyncClient, request: httpx.Request, **options: Any) -> httpx.Response:
        whose = "prefect" if "/api/" in request.url.path else "gateway"
        _CALLS[f"{whose} {request.method} {_ID.sub('*', request.url.path)}"] += 1
        return await send(self, request, **options)

    httpx.AsyncClient.send = counted  # type: ignore[method-assign] # Prefect's clients are of this class as well


if __name__ == "__main__":
    main()
