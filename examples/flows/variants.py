"""Variants of an ad from a CSV file: one clip per row, with `.map`.

`.map` calls the task once for each element of every list, so wrap a list that all rows share in
`unmapped(...)`. Costs $3.63 at fal.ai in November 2026, once; each further row costs one clip more. On the sandbox:

    python -m prefect_storyboard.examples.flows.variants
"""

import asyncio
import csv
from pathlib import Path

from prefect import flow, unmapped

from prefect_storyboard import sync
from prefect_storyboard.examples.flows.sandboxed import MEDIA, sandboxed
from prefect_storyboard.storyboards import Clip
from prefect_storyboard.tasks import create_character, render

FILE = MEDIA / "flows" / "variants.csv"
MODEL, FAL, LIBRARY = "seedance-2", "fal-credentials/production", "storyboard-library/main"


def rows(file: Path) -> list[dict[str, str]]:
    """The rows of the file: `id`, `place`, `aspect`."""
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@flow
async def variants(file: Path) -> list[Clip]:
    """Render every row of the file."""
    mara = await create_character("Mara", "clips/mara.mp4", model=MODEL, credentials=FAL, library=LIBRARY)
    return render.map(
        [f"Mara raises a lantern {row['place']}." for row in rows(file)],
        aspect=[row["aspect"] for row in rows(file)],
        reel="Lantern ads",
        scene=[row["id"] for row in rows(file)],
        characters=unmapped([mara]),
        model=MODEL,
        credentials=FAL,
        library=LIBRARY,
    ).result()


@flow
def plain_variants(file: Path) -> list[Clip]:
    """The same without `await`."""
    mara = sync.create_character("Mara", "clips/mara.mp4", model=MODEL, credentials=FAL, library=LIBRARY)
    return sync.render.map(
        [f"Mara raises a lantern {row['place']}." for row in rows(file)],
        aspect=[row["aspect"] for row in rows(file)],
        reel="Lantern ads",
        scene=[row["id"] for row in rows(file)],
        characters=unmapped([mara]),
        model=MODEL,
        credentials=FAL,
        library=LIBRARY,
    ).result()


if __name__ == "__main__":
    with sandboxed():
        for clip in asyncio.run(variants(FILE)):
            print(clip.scene, clip.url)
