"""A budget: buy as many scenes as the money allows, and deliver the finished clips.

With `reel`, `max_cost_usd` bounds everything that the library has recorded for that reel, in any run; a
paid job is never refused. `OverBudget` is raised before anything is sent. Costs $2.42 at fal.ai in November
2026, once, of the $3.63 that all three scenes would cost. On the sandbox:

    python -m prefect_storyboard.examples.flows.budget
"""

import asyncio

from prefect import flow

from prefect_storyboard import sync
from prefect_storyboard.errors import OverBudget
from prefect_storyboard.examples.flows.sandboxed import sandboxed
from prefect_storyboard.storyboards import Clip, Reel
from prefect_storyboard.tasks import assemble, render

MODEL, FAL, LIBRARY = "seedance-2", "fal-credentials/production", "storyboard-library/main"
PROMPTS, DOLLARS = ["The lamp wakes.", "Fog over the shore.", "A gull on the rail."], 3.0


@flow
async def within(prompts: list[str], dollars: float) -> Reel:
    """Render in the order of importance until the budget is reached."""
    clips: list[Clip] = []
    try:
        for prompt in prompts:
            clip = await render(prompt, reel="Fog", max_cost_usd=dollars, model=MODEL, credentials=FAL, library=LIBRARY)
            clips.append(clip)
    except OverBudget as error:
        print(f"{len(prompts) - len(clips)} scenes were left out: {error}. {error.remedy}")
    return await assemble(clips, title="Fog", library=LIBRARY)


@flow
def plain_within(prompts: list[str], dollars: float) -> Reel:
    """The same without `await`."""
    clips: list[Clip] = []
    try:
        for prompt in prompts:
            clip = sync.render(prompt, reel="Fog", max_cost_usd=dollars, model=MODEL, credentials=FAL, library=LIBRARY)
            clips.append(clip)
    except OverBudget as error:
        print(f"{len(prompts) - len(clips)} scenes were left out: {error}. {error.remedy}")
    return sync.assemble(clips, title="Fog", library=LIBRARY)


if __name__ == "__main__":
    with sandboxed():
        print(asyncio.run(within(PROMPTS, DOLLARS)).url)
