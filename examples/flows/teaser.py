"""A teaser from a list of prompts: one character, one opening scene in three steps, the rest at once.

Costs $4.84 at fal.ai in November 2026, once. Try it on the sandbox, for nothing:

    python -m prefect_storyboard.examples.flows.teaser
"""

import asyncio
from typing import Any

from prefect import flow

from prefect_storyboard import sync
from prefect_storyboard.blocks import FalCredentials, Library
from prefect_storyboard.examples.flows.sandboxed import sandboxed
from prefect_storyboard.storyboards import Reel
from prefect_storyboard.tasks import assemble, create_character, generate, poll, render, store

PROMPTS = ["Mara climbs the stairs with a lantern.", "Mara lights the lamp."]


@flow
async def teaser(prompts: list[str]) -> Reel:
    """Render the opening and one scene for each prompt, and join them."""
    on: Any = {"credentials": await FalCredentials.aload("production"), "library": await Library.aload("main")}
    mara = await create_character("Mara", "clips/mara.mp4", model="seedance-2", **on)
    job = await generate("Mara opens the door.", model="seedance-2", characters=[mara], seconds=8, **on)
    opening = await store(job, await poll(job, **on), **on)
    rest = await asyncio.gather(*(render(p, model="seedance-2", characters=[mara], **on) for p in prompts))
    return await assemble([opening, *rest], title="Teaser", library=on["library"])


@flow
def plain_teaser(prompts: list[str]) -> Reel:
    """The same without `await`; it finds the clips that the async flow has bought."""
    on: Any = {"credentials": FalCredentials.load("production"), "library": Library.load("main")}
    mara = sync.create_character("Mara", "clips/mara.mp4", model="seedance-2", **on)
    job = sync.generate("Mara opens the door.", model="seedance-2", characters=[mara], seconds=8, **on)
    opening = sync.store(job, sync.poll(job, **on), **on)
    rest = [sync.render.submit(p, model="seedance-2", characters=[mara], **on) for p in prompts]
    return sync.assemble([opening, *(each.result() for each in rest)], title="Teaser", library=on["library"])


if __name__ == "__main__":
    with sandboxed():
        print(asyncio.run(teaser(PROMPTS)).url)
