"""A refused scene: report which one and why, and deliver the rest.

Every error says whether it was charged and what to do. The refusal is recorded: the next run raises it again and sends
nothing. Costs $2.42 at fal.ai in November 2026, once; the refused scene costs nothing. On the sandbox, which refuses
the knife:

    python -m prefect_storyboard.examples.flows.refused
"""

import asyncio

from prefect import flow

from prefect_storyboard import sync
from prefect_storyboard.errors import ProviderError
from prefect_storyboard.examples.flows.sandboxed import sandboxed
from prefect_storyboard.storyboards import Clip, FailedScene, Reel
from prefect_storyboard.tasks import assemble, render

MODEL, FAL, LIBRARY = "seedance-2", "fal-credentials/production", "storyboard-library/main"
PROMPTS = ["A table in the lamp room.", "A knife on the table.", "The table is empty."]


@flow
async def delivered(prompts: list[str]) -> Reel:
    """Render all prompts; the reel's page lists those that have no clip."""
    scenes = (render(prompt, model=MODEL, credentials=FAL, library=LIBRARY) for prompt in prompts)
    ended = await asyncio.gather(*scenes, return_exceptions=True)
    clips = [each for each in ended if isinstance(each, Clip)]
    failed = [
        failure(prompt, error) for prompt, error in zip(prompts, ended, strict=True) if isinstance(error, ProviderError)
    ]
    if unforeseen := [each for each in ended if not isinstance(each, Clip | ProviderError)]:
        raise unforeseen[0]
    return await assemble(clips, failed=failed, title="The table", library=LIBRARY)


@flow
def plain_delivered(prompts: list[str]) -> Reel:
    """The same without `await`."""
    clips: list[Clip] = []
    failed: list[FailedScene] = []
    for prompt in prompts:
        try:
            clips.append(sync.render(prompt, model=MODEL, credentials=FAL, library=LIBRARY))
        except ProviderError as error:
            failed.append(failure(prompt, error))
    return sync.assemble(clips, failed=failed, title="The table", library=LIBRARY)


def failure(prompt: str, error: ProviderError) -> FailedScene:
    """What the page says about a scene without a clip."""
    return FailedScene(scene=prompt, error=str(error), charged=error.charged, remedy=error.remedy)


if __name__ == "__main__":
    with sandboxed(refuse="knife"):
        reel = asyncio.run(delivered(PROMPTS))
        print(reel.url, *(f"{each.scene} {each.error} {each.remedy}" for each in reel.failed), sep="\n")
