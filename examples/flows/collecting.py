"""Submit in one process, collect in another: no process waits while the scenes render.

The library holds everything that the second process needs, so the two may run on two machines, an hour apart.
`collect_jobs` polls every open job once and buys nothing; run it until nothing is waiting. Costs $2.42 at fal.ai
in November 2026, once. Both processes on the sandbox, then one at a time on your own account:

    python -m prefect_storyboard.examples.flows.collecting
    python -m prefect_storyboard.examples.flows.collecting submit
    python -m prefect_storyboard.examples.flows.collecting collect
"""

import asyncio
import subprocess
import sys

from prefect import flow

from prefect_storyboard import sync
from prefect_storyboard.examples.flows.sandboxed import sandboxed
from prefect_storyboard.flows import Collected, collect_jobs
from prefect_storyboard.tasks import generate

MODEL, FAL, LIBRARY = "seedance-2", "fal-credentials/production", "storyboard-library/main"
PROMPTS = ["Waves at the foot of the tower.", "A light far out."]


@flow
async def submit(prompts: list[str]) -> None:
    """Buy the scenes, and exit."""
    jobs = (generate(prompt, reel="Tower", model=MODEL, credentials=FAL, library=LIBRARY) for prompt in prompts)
    _ = await asyncio.gather(*jobs)


@flow
def plain_submit(prompts: list[str]) -> None:
    """The same without `await`."""
    for prompt in prompts:
        _ = sync.generate(prompt, reel="Tower", model=MODEL, credentials=FAL, library=LIBRARY)


@flow
async def collect() -> Collected:
    """Store the results of ended jobs. A job that still renders is among `waiting`."""
    return await collect_jobs([FAL], LIBRARY)


@flow
def plain_collect() -> Collected:
    """The same without `await`."""
    return sync.collect_jobs([FAL], LIBRARY)


def in_a_process(step: str) -> None:
    """Run `submit` or `collect` as a program of its own."""
    command = [sys.executable, "-m", "prefect_storyboard.examples.flows.collecting", step]
    _ = subprocess.run(command, check=True)  # noqa: S603 - our own module


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["submit"]:
            asyncio.run(submit(PROMPTS))
        case ["collect"]:
            print(*(clip.url for clip in asyncio.run(collect()).clips), sep="\n")
        case _:
            with sandboxed():
                in_a_process("submit")
                in_a_process("collect")
