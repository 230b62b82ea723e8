"""A nightly schedule: render the new lines of a list of prompts, every night at three.

The flow needs no memory: a prompt that was rendered on an earlier night is found, not bought. `max_cost_usd`
bounds what all nights together may cost. Costs $2.42 at fal.ai in November 2026, once; a new line costs one clip more.
One night on the sandbox, then the schedule on your own account:

    python -m prefect_storyboard.examples.flows.nightly
    python -m prefect_storyboard.examples.flows.nightly serve
"""

import asyncio
import sys
from pathlib import Path

from prefect import aserve, flow
from prefect.deployments.runner import RunnerDeployment

from prefect_storyboard import sync
from prefect_storyboard.examples.flows.sandboxed import MEDIA, sandboxed
from prefect_storyboard.storyboards import Reel
from prefect_storyboard.tasks import assemble, render

FILE = MEDIA / "flows" / "nightly.txt"
MODEL, FAL, LIBRARY = "seedance-2", "fal-credentials/production", "storyboard-library/main"


def prompts(file: Path) -> list[str]:
    """One prompt per line."""
    return file.read_text(encoding="utf-8").splitlines()


@flow
async def nightly(file: Path = FILE, max_cost_usd: float = 20.0) -> Reel:
    """Render every line of the file, and join the clips in the order of the lines."""
    scenes = [
        render(line, reel="Every night", max_cost_usd=max_cost_usd, model=MODEL, credentials=FAL, library=LIBRARY)
        for line in prompts(file)
    ]
    return await assemble(await asyncio.gather(*scenes), title="Every night", library=LIBRARY)


@flow
def plain_nightly(file: Path = FILE, max_cost_usd: float = 20.0) -> Reel:
    """The same without `await`."""
    clips = [
        sync.render(line, reel="Every night", max_cost_usd=max_cost_usd, model=MODEL, credentials=FAL, library=LIBRARY)
        for line in prompts(file)
    ]
    return sync.assemble(clips, title="Every night", library=LIBRARY)


async def schedule() -> RunnerDeployment:
    """The deployment, to serve or to apply."""
    return await nightly.ato_deployment("three-o-clock", cron="0 3 * * *", concurrency_limit=1, tags=["storyboard"])


async def serve() -> None:
    """Run it every night, from this process."""
    await aserve(await schedule())


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        asyncio.run(serve())
    else:
        with sandboxed():
            print(asyncio.run(nightly()).url)
