"""A cast that two flows share: whichever runs first creates it, and the other one finds it.

Nothing is passed from one flow to the other. The same clip and the same name are the same character in every flow. A
model that takes reference media, like this one, creates no characters; one that creates them is paid once for each.
Costs $3.63 at fal.ai in November 2026, once. On the sandbox:

    python -m prefect_storyboard.examples.flows.shared_cast
"""

import asyncio

from prefect import flow

from prefect_storyboard import sync
from prefect_storyboard.examples.flows.sandboxed import sandboxed
from prefect_storyboard.storyboards import Casting, Clip
from prefect_storyboard.tasks import create_character, render

MODEL, FAL, LIBRARY = "seedance-2", "fal-credentials/production", "storyboard-library/main"
CAST = {"Mara": "clips/mara.mp4", "Otto": "clips/otto.mp4"}


async def both_of_them() -> list[Casting]:
    """Mara and Otto."""
    creations = (
        create_character(name, clip, model=MODEL, credentials=FAL, library=LIBRARY) for name, clip in CAST.items()
    )
    return await asyncio.gather(*creations)


@flow
async def trailer() -> Clip:
    """One scene with both."""
    both = await both_of_them()
    return await render("Otto follows Mara.", model=MODEL, characters=both, credentials=FAL, library=LIBRARY)


@flow
async def episode() -> list[Clip]:
    """Two scenes, of another flow, with the same two."""
    both = await both_of_them()
    prompts = ("Mara winds the clockwork.", "Otto holds the lantern.")
    scenes = (render(prompt, model=MODEL, characters=both, credentials=FAL, library=LIBRARY) for prompt in prompts)
    return await asyncio.gather(*scenes)


@flow
async def season() -> list[Clip]:
    """Both flows, as subflows."""
    return [await trailer(), *await episode()]


@flow
def plain_season() -> list[Clip]:
    """The three scenes without `await`."""
    both = [
        sync.create_character(name, clip, model=MODEL, credentials=FAL, library=LIBRARY) for name, clip in CAST.items()
    ]
    prompts = ("Otto follows Mara.", "Mara winds the clockwork.", "Otto holds the lantern.")
    return [sync.render(prompt, model=MODEL, characters=both, credentials=FAL, library=LIBRARY) for prompt in prompts]


if __name__ == "__main__":
    with sandboxed():
        for clip in asyncio.run(season()):
            print(clip.prompt, clip.url)
