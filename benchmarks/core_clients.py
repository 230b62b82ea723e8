"""The clients of `core`: each renders many clips at once at `loopback`, as its own documentation shows it.

    python -m benchmarks.core_clients <client> <base> <jobs> <folder>      prints one line of JSON

Each runs in a separate process, so that its CPU and memory can be measured; imports are not measured.
"""

import asyncio
import json
import logging
import resource
import sys
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

FAL, WAVESPEED = "fal-ai/sora-2/text-to-video", "openai/sora-2/text-to-video"


def _prompts(jobs: int) -> list[str]:
    return [f"Picture {n} of {jobs}: Mara climbs the stairs." for n in range(1, jobs + 1)]


def wavespeed(base: str, jobs: int, folder: Path) -> Callable[[], None]:
    """WaveSpeed's client with one thread per clip, because it has no other way to run several at once."""
    import requests
    import wavespeed as official

    client = official.Client(api_key="sandbox", base_url=f"{base}/wavespeed")

    def one(prompt: str) -> None:
        with suppress(Exception):  # the missing clip is counted
            made = client.run(WAVESPEED, {"prompt": prompt, "size": "1280*720", "duration": 4})
            url = made["outputs"][0]
            (folder / Path(url).name).write_bytes(requests.get(url, timeout=60).content)

    def work() -> None:
        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(one, _prompts(jobs)))

    return work


def fal(base: str, jobs: int, folder: Path) -> Callable[[], None]:
    """fal's asynchronous client, with all clips in one gather."""
    import fal_client
    import httpx
    from fal_client import client as module

    module.QUEUE_URL_FORMAT = f"{base}/fal/queue/"  # it has no option for plain http

    async def one(client: fal_client.AsyncClient, http: httpx.AsyncClient, prompt: str) -> None:
        with suppress(Exception):
            arguments = {"prompt": prompt, "resolution": "720p", "aspect_ratio": "16:9", "duration": 4}
            made = await client.subscribe(FAL, arguments=arguments)
            url = made["video"]["url"]
            (folder / Path(url).name).write_bytes((await http.get(url)).content)

    async def everything() -> None:
        client = fal_client.AsyncClient(key="sandbox:sandbox")
        async with httpx.AsyncClient(timeout=60) as http:
            await asyncio.gather(*(one(client, http, prompt) for prompt in _prompts(jobs)))

    return lambda: asyncio.run(everything())


def openai(base: str, jobs: int, folder: Path) -> Callable[[], None]:
    """OpenAI's asynchronous client, with all clips in one gather and the client's default poll interval."""
    import openai as official
    import openai.resources.videos

    async def one(client: official.AsyncOpenAI, prompt: str) -> None:
        with suppress(Exception):
            made = await client.videos.create_and_poll(model="sora-2", prompt=prompt, seconds="4", size="1280x720")
            content = await client.videos.download_content(made.id)
            (folder / f"{made.id}.mp4").write_bytes(content.read())

    async def everything() -> None:
        async with official.AsyncOpenAI(api_key="sk-sandbox", base_url=f"{base}/openai/v1") as client:
            await asyncio.gather(*(one(client, prompt) for prompt in _prompts(jobs)))

    return lambda: asyncio.run(everything())


def ours(gateway: str, base: str, jobs: int, folder: Path) -> Callable[[], None]:
    """The steps of our tasks without Prefect's engine: buy once, wait, download, store, close; ledger on disk."""
    from benchmarks.core_scene import Studio, render
    from prefect_storyboard.blocks.credentials import BY_PROVIDER
    from prefect_storyboard.ledger import Ledger, open_storage
    from prefect_storyboard.providers.protocol import SceneRequest
    from prefect_storyboard.providers.table import model
    from prefect_storyboard.sandbox.variables import environment

    given = (
        BY_PROVIDER[gateway].from_environment(environment(base)).model_copy(update={"in_flight": jobs, "submits": None})
    )
    ledger, sora = Ledger(open_storage(str(folder))), model(gateway, "sora-2")

    # Tables are read for the first order; like imports, this is not measured.
    warm = SceneRequest(model=sora, prompt="warm", seconds=4, aspect="16:9", resolution="720p")
    given.get_client().scene_order(warm)

    async def everything() -> None:
        async with given.session() as session:
            with TemporaryDirectory() as scratch:
                studio = Studio(session, ledger, sora, Path(scratch))
                await asyncio.gather(*(render(studio, prompt) for prompt in _prompts(jobs)), return_exceptions=True)

    return lambda: asyncio.run(everything())


CLIENTS: dict[str, Callable[[str, int, Path], Callable[[], None]]] = {
    "wavespeed": wavespeed,
    "fal-client": fal,
    "openai": openai,
    "ours at wavespeed": partial(ours, "wavespeed"),
    "ours at fal": partial(ours, "fal"),
}


def main(client: str, base: str, jobs: str, folder: str) -> None:
    """Measure one client, from the first request to the last clip."""
    logging.disable()
    warnings.simplefilter("ignore")  # one client warns at each call that its API will be closed
    work = CLIENTS[client](base, int(jobs), Path(folder))
    began, cpu = time.perf_counter(), time.process_time()
    work()
    facts: dict[str, Any] = {"wall": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    facts["megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    facts["clips"] = sum(1 for _ in Path(folder).rglob("*.mp4"))
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
