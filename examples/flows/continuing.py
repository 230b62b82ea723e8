"""A scene that continues another: it begins at the last frame of the previous clip.

The key of the second scene holds the identity of the first one. Change the first prompt, and both are new clips; the
old ones stay in the library. Costs $2.42 at fal.ai in November 2026, once. On the sandbox:

    python -m prefect_storyboard.examples.flows.continuing
"""

import asyncio

from prefect import flow

from prefect_storyboard import sync
from prefect_storyboard.examples.flows.sandboxed import sandboxed
from prefect_storyboard.storyboards import Reel
from prefect_storyboard.tasks import assemble, render

MODEL, FAL, LIBRARY = "seedance-2", "fal-credentials/production", "storyboard-library/main"
FIRST, THEN = "A boat leaves the harbour.", "The boat turns into the storm."


@flow
async def crossing(first: str, then: str) -> Reel:
    """Two scenes without a cut between them."""
    leaves = await render(first, model=MODEL, credentials=FAL, library=LIBRARY)
    turns = await render(then, continues=leaves, model=MODEL, credentials=FAL, library=LIBRARY)
    return await assemble([leaves, turns], title="The crossing", library=LIBRARY)


@flow
def plain_crossing(first: str, then: str) -> Reel:
    """The same without `await`."""
    leaves = sync.render(first, model=MODEL, credentials=FAL, library=LIBRARY)
    turns = sync.render(then, continues=leaves, model=MODEL, credentials=FAL, library=LIBRARY)
    return sync.assemble([leaves, turns], title="The crossing", library=LIBRARY)


if __name__ == "__main__":
    with sandboxed():
        print(asyncio.run(crossing(FIRST, THEN)).url)
