"""Compare callbacks with polling, for the same jobs at the sandbox's fal. Prints a Markdown table.

    python -m benchmarks.callbacks [--jobs 50 400] [--seconds 10]

The callbacks server is a separate process. Jobs are submitted, awaited and stored by the tasks' functions, without
Prefect's engine. `requests` counts the requests for states and results from both processes.
"""

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.table import Row, show
from prefect_storyboard.blocks import FalCredentials
from prefect_storyboard.ledger import open_storage
from prefect_storyboard.ledger.callbacks import Callbacks
from prefect_storyboard.sandbox.exchange import Pace
from prefect_storyboard.sandbox.server import environment, running
from prefect_storyboard.storyboards import Clip
from prefect_storyboard.tasks import generate, poll, store


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.callbacks")
    parser.add_argument("--jobs", type=int, nargs="+", default=[50, 400])
    parser.add_argument("--seconds", type=float, default=10.0, help="render time of a job")
    given = parser.parse_args()
    show(rows(given.jobs, given.seconds))


def rows(loads: Sequence[int], seconds: float) -> Iterator[Row]:
    """One row for polling and one for callbacks, for each load."""
    os.environ |= {"NO_PROXY": "127.0.0.1", "PREFECT_LOGGING_LEVEL": "CRITICAL"}
    for jobs in loads:
        yield from (_measured(jobs, how, seconds) for how in ("polled", "called back"))


def _measured(jobs: int, how: str, seconds: float) -> Row:
    pace = Pace(queue_seconds=0.0, render_seconds=seconds, clip_scale=0.1)
    with TemporaryDirectory() as folder, running(f"{folder}/sandbox", pace=pace) as base:
        library, variables = f"{folder}/library", environment(base)
        if how == "polled":
            wall, clips = asyncio.run(_rendered(jobs, variables, library))
        else:
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            address = f"http://127.0.0.1:{port}"
            variables |= {"FAL_CALLBACK_URL": address}
            with _server(variables, library, port):
                Callbacks(open_storage(library)).note_last("fal", address, datetime.now(UTC))
                wall, clips = asyncio.run(_rendered(jobs, variables, library))
        states, results = (len(_read(base, f"requests?route={route}")) for route in ("status", "result"))
        billed = _read(base, "meter")["jobs_accepted"]
    return Row(
        f"callbacks, {jobs} jobs",
        how,
        "the render",
        wall=wall / seconds,
        requests=(states + results) / jobs,
        note=f"{states / jobs:.2f} states a job; {billed} billed, {len({clip.request_id for clip in clips})} clips",
    )


async def _rendered(jobs: int, variables: dict[str, str], library: str) -> tuple[float, list[Clip]]:
    account = FalCredentials.from_environment(variables).model_copy(update={"in_flight": jobs})

    async def scene(number: int) -> Clip:
        prompt = f"Wave {number}."
        job = await generate.fn(prompt, model="sora-2", seconds=4, credentials=account, library=library)
        result = await poll.fn(job, credentials=account, library=library)
        return await store.fn(job, result, credentials=account, library=library)

    began = time.monotonic()
    clips = await asyncio.gather(*map(scene, range(jobs)))
    return time.monotonic() - began, clips


@contextmanager
def _server(variables: dict[str, str], library: str, port: int) -> Iterator[None]:
    command = [
        sys.executable,
        "-m",
        "prefect_storyboard",
        "callbacks",
        "fal",
        "--port",
        str(port),
        "--library",
        library,
    ]
    Path(library).mkdir(parents=True)
    with subprocess.Popen(command, env={**os.environ, **variables}, stdout=subprocess.PIPE, text=True) as process:
        try:
            while process.stdout and "ready" not in process.stdout.readline():
                if process.poll() is not None:
                    raise SystemExit("the callbacks server did not start")
            yield
        finally:
            process.terminate()


def _read(base: str, path: str) -> dict[str, int]:
    with urllib.request.urlopen(f"{base}/sandbox/{path}", timeout=60) as reply:  # noqa: S310 - our loopback
        found: dict[str, int] = json.load(reply)
    return found


if __name__ == "__main__":
    main()
