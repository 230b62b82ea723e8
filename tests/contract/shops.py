"""One gateway of the sandbox with its real adapter, as somebody who calls the tasks has it, and what it was asked."""

import json
import shutil
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from PIL import Image

from prefect_storyboard.blocks import Credentials, Library
from prefect_storyboard.blocks.credentials import BY_PROVIDER
from prefect_storyboard.sandbox.exchange import Pace
from prefect_storyboard.sandbox.server import environment, running
from prefect_storyboard.storyboards import Casting, Clip

GATEWAYS = ("fal", "kie", "openai", "toapis", "wavespeed")


@dataclass(frozen=True)
class Shop:
    """One gateway of the sandbox, and what a caller of it has at hand."""

    gateway: str
    base: str
    folder: Path

    @property
    def credentials(self) -> Credentials:
        return BY_PROVIDER[self.gateway].from_environment(environment(self.base))

    @property
    def on(self) -> dict[str, Any]:
        return {"credentials": self.credentials, "library": Library(url=str(self.folder / "library"))}

    def casting(self, **facts: Any) -> Casting:
        made = {"id": "char_1", "provider": self.gateway, "account": "default", "family": "sora-2"}
        return Casting.model_validate({"character": "Mara", "fingerprint": "a" * 64, **made, **facts})

    def clip(self, **facts: Any) -> Clip:
        stored = {"scene": "s01", "take": 1, "url": "clips/s01.mp4", "sha256": "c" * 64, "bytes": 9, "seconds": 4.0}
        stored |= {"width": 1280, "height": 720, "job_key": "d" * 64, "cost_usd": 0.4, "model": "sora-2"}
        stored |= {"request_id": "r1", "prompt": "The sea.", "stored_at": "2026-01-01T00:00:00Z"}
        return Clip.model_validate({**stored, "provider": self.gateway, "handle": "v1", **facts})

    def requests(self) -> list[str]:
        with urllib.request.urlopen(f"{self.base}/sandbox/requests", timeout=60) as reply:
            return [f"{each['method']} {each['path']}" for each in json.load(reply)]

    def billed(self) -> int:
        with urllib.request.urlopen(f"{self.base}/sandbox/meter", timeout=60) as reply:
            return int(json.load(reply)["jobs_accepted"])


@contextmanager
def opened(gateway: str, folder: Path) -> Iterator[Shop]:
    """The shop with a picture, two clips and a text in its folder; nothing is waited for."""
    Image.new("RGB", (1280, 720), (30, 60, 120)).save(folder / "dawn.png")
    (folder / "notes.mp4").write_text("no video at all")
    for name in ("mara.mp4", "otto.mp4"):  # somebody moves in them and is heard, as ToAPIs wants it
        shutil.copy(str(files("prefect_storyboard.examples") / "clips" / name), folder)
    pace = Pace(queue_seconds=0.0, render_seconds=0.0, character_seconds=0.0, clip_scale=0.15)
    with running(folder / "sandbox", pace=pace) as base:
        yield Shop(gateway, base, folder)
