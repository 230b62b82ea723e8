"""Reels of which every frame differs from all others, for tests of what an export says of them."""

from datetime import UTC, datetime
from pathlib import Path

import av
from test_media_kit import clip

from prefect_storyboard.export import Chosen, Take
from prefect_storyboard.media.reel import Part, assemble
from prefect_storyboard.storyboards import Clip, Scene

FOLDER = "clips of ä"
PROMPT = 'Mara says "=1 & <2>"\nto the sea.'


def stored(path: Path, scene: str, number: int = 1, folder: str = FOLDER) -> Take:
    kept = Clip(
        scene=scene, take=number, url=f"library/{path.name}", sha256="0" * 64, bytes=1, seconds=1.0, width=160, height=90,
        job_key="k" * 64, cost_usd=1.2096, provider="fal", model="seedance-2", request_id="r", prompt=PROMPT,
        stored_at=datetime(2026, 11, 29, tzinfo=UTC),
    )  # fmt: skip
    return Take(clip=kept, path=path, name_as=f"{folder}/{path.name}" if folder else path.name)


def chosen(
    folder: Path, *kinds: dict, captions: tuple[str, ...] = (), others: int = 0, within: str = FOLDER
) -> list[Chosen]:
    """A scene for each kind of clip; every frame of every clip differs from all others."""
    scenes = []
    for number, kind in enumerate(kinds, 1):
        name = f"s{number:02d}"
        files = [
            clip(folder / f"{name}-{take}.mp4", noise=10 * number + take, cue=None, **kind)
            for take in range(1, others + 2)
        ]
        takes = [stored(file, name, take, within) for take, file in enumerate(files, 1)]
        caption = captions[number - 1] if captions else ""
        scene = Scene(id=name, prompt=PROMPT, caption=caption)
        scenes.append(Chosen(scene=scene, shown=takes[-1], others=tuple(takes[:-1])))
    return scenes


def reel(folder: Path, scenes: list[Chosen]) -> Path:
    assemble([Part(each.shown.path, each.scene.id) for each in scenes], folder / "reel.mp4")
    return folder / "reel.mp4"


def frames(path: Path) -> list[bytes]:
    with av.open(path) as source:
        return [bytes(frame.reformat(format="yuv420p").planes[0]) for frame in source.decode(video=0)]
