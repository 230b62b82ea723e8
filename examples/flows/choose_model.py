"""Choose the model by a parameter: the same flow and the same character, on any model of the gateway.

A model that creates characters receives the clip once; one that takes reference media receives pictures of it. The code
is the same. The model is part of every key, so another model buys again. Costs $0.56 on kling-o3 and $1.21 on
seedance-2 at fal.ai in November 2026, once each. On the sandbox:

    python -m prefect_storyboard.examples.flows.choose_model [model]
"""

import asyncio
import sys

from prefect import flow

from prefect_storyboard import sync
from prefect_storyboard.examples.flows.sandboxed import sandboxed
from prefect_storyboard.storyboards import Clip
from prefect_storyboard.tasks import create_character, render

FAL, LIBRARY = "fal-credentials/production", "storyboard-library/main"
PROMPT = "Mara counts the ships."


@flow
async def audition(prompt: str, model: str = "kling-o3") -> Clip:
    """Render four seconds with one model of the table."""
    mara = await create_character("Mara", "clips/mara.mp4", model=model, credentials=FAL, library=LIBRARY)
    return await render(prompt, seconds=4, characters=[mara], model=model, credentials=FAL, library=LIBRARY)


@flow
def plain_audition(prompt: str, model: str = "kling-o3") -> Clip:
    """The same without `await`."""
    mara = sync.create_character("Mara", "clips/mara.mp4", model=model, credentials=FAL, library=LIBRARY)
    return sync.render(prompt, seconds=4, characters=[mara], model=model, credentials=FAL, library=LIBRARY)


if __name__ == "__main__":
    with sandboxed():
        print(asyncio.run(audition(PROMPT, *sys.argv[1:])).url)
