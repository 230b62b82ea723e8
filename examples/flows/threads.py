"""A plain flow with a ThreadPoolTaskRunner: `.submit` returns futures, and a future may be an argument.

However many threads there are, everything that touches the provider runs on one loop of the process, so that the limits
of an account hold. Costs $3.63 at fal.ai in November 2026, once. On the sandbox:

    python -m prefect_storyboard.examples.flows.threads
"""

from typing import Any

from prefect import flow
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from prefect_storyboard.examples.flows.sandboxed import sandboxed
from prefect_storyboard.storyboards import Reel
from prefect_storyboard.sync import assemble, generate, render, store

MODEL, FAL, LIBRARY = "seedance-2", "fal-credentials/production", "storyboard-library/main"
PROMPTS = ["Otto oils the gears.", "The gears turn.", "The beam sweeps the sea."]


def four() -> TaskRunner[Any]:
    """Four threads. In a function, because pyright refuses Prefect's own types otherwise."""
    return ThreadPoolTaskRunner(max_workers=4)


@flow(task_runner=four())
def gears(prompts: list[str]) -> Reel:
    """Render the first prompt step by step, the others with one task each, all at the same time."""
    first, *others = prompts
    rest = [render.submit(prompt, model=MODEL, credentials=FAL, library=LIBRARY) for prompt in others]
    job = generate.submit(first, model=MODEL, credentials=FAL, library=LIBRARY)
    clip = store.submit(job.result(), credentials=FAL, library=LIBRARY)
    return assemble([clip.result(), *(each.result() for each in rest)], title="Gears", library=LIBRARY)


if __name__ == "__main__":
    with sandboxed():
        print(gears(PROMPTS).url)
