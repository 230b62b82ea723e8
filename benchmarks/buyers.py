"""The clients of `official_clients`: four scripts for the same storyboard, each as its user would write it.

Each runs as a process that may be killed, and is run again until every scene has its clip. The scripts render one scene
after the other, so that a kill costs them least; a scene that fails is reported, and the next one is tried.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import fal_client
import requests
import wavespeed
from fal_client import client as fal_module

from prefect_storyboard.blocks import Library
from prefect_storyboard.blocks.credentials import BY_PROVIDER
from prefect_storyboard.flows import storyboard_series
from prefect_storyboard.sandbox.variables import environment

FAL, WAVESPEED = "fal-ai/sora-2/text-to-video", "openai/sora-2/text-to-video"
SIZE = {"aspect": "16:9", "resolution": "720p", "seconds": 4}


class Errand(NamedTuple):
    """The task of a process. `scenes` are prompts by id; all its files are in `folder`."""

    buyer: str
    gateway: str
    base: str
    folder: Path
    scenes: dict[str, str]


def fal_subscribe(errand: Errand, scene: str, clip: Path) -> None:
    """Uses `subscribe`, as fal's model pages show it, with the client's default retries."""
    client = fal_client.SyncClient(key="sandbox:sandbox")
    result = client.subscribe(FAL, arguments=_fal_arguments(errand.scenes[scene]))
    _download(result["video"]["url"], clip)


def fal_submit(errand: Errand, scene: str, clip: Path) -> None:
    """Uses `submit` as carefully as possible: writes the id to disk first, and a later run continues with it."""
    client, kept = fal_client.SyncClient(key="sandbox:sandbox"), clip.with_suffix(".id")
    if kept.exists():
        handle = client.get_handle(FAL, kept.read_text())
    else:
        handle = client.submit(FAL, arguments=_fal_arguments(errand.scenes[scene]))
        kept.write_text(handle.request_id)
    _download(handle.get()["video"]["url"], clip)


def wavespeed_run(errand: Errand, scene: str, clip: Path) -> None:
    """Uses `run`, as its README shows it, with default retries. No public call returns the id before the job ends."""
    client = wavespeed.Client(api_key="sandbox", base_url=f"{errand.base}/wavespeed")
    arguments = {"prompt": errand.scenes[scene], "size": "1280*720", "duration": SIZE["seconds"]}
    _download(client.run(WAVESPEED, arguments)["outputs"][0], clip)


SCRIPTS: dict[str, Callable[[Errand, str, Path], None]] = {
    "`subscribe`": fal_subscribe,
    "`submit`, ids on disk": fal_submit,
    "`run`": wavespeed_run,
}


def buy(errand: Errand) -> None:
    """One run of a client, in a separate process: exit code 0 if every scene has its clip."""
    log = os.open(errand.folder / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    if errand.buyer in SCRIPTS:
        sys.exit(not _scripted(errand))
    asyncio.run(_series(errand))


def clips(folder: Path) -> list[Path]:
    """The clips that a client has kept."""
    return [*folder.glob("*.mp4"), *folder.glob("library/reels/*/scenes/*/take-*.mp4")]


def _scripted(errand: Errand) -> bool:
    fal_module.QUEUE_URL_FORMAT = f"{errand.base}/fal/queue/"  # it has no option for plain http
    complete = True
    for scene in errand.scenes:
        clip = errand.folder / f"{scene}.mp4"
        if clip.exists():
            continue
        try:
            SCRIPTS[errand.buyer](errand, scene, clip)
        except Exception as error:  # noqa: BLE001 - a script that reports the error and continues with the next scene
            print(f"{scene} failed: {error!r}", flush=True)
            complete = False
    return complete


def _fal_arguments(prompt: str) -> dict[str, str | int | bool]:
    size = {"aspect_ratio": SIZE["aspect"], "resolution": SIZE["resolution"], "duration": SIZE["seconds"]}
    return {"prompt": prompt, **size, "delete_video": False}


def _download(url: str, clip: Path) -> None:
    reply = requests.get(url, timeout=60)
    reply.raise_for_status()
    partial = clip.with_suffix(".part")
    partial.write_bytes(reply.content)
    partial.rename(clip)


async def _series(errand: Errand) -> None:
    scenes = [{"id": scene, "prompt": prompt} for scene, prompt in errand.scenes.items()]
    given = BY_PROVIDER[errand.gateway].from_environment(environment(errand.base))
    library = Library(url=str(errand.folder / "library"))
    board = {"title": "Pier", "model": "sora-2", **SIZE, "scenes": scenes}
    await storyboard_series(board, given, library, allow_retired=True, on_unknown="resubmit")
