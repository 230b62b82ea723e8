"""The bodies of the living models as the wire contract prints them, and files that stand behind their addresses."""

import io
import json
import re
import wave
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image

from prefect_storyboard.sandbox.documents import File
from tests.sandbox.in_process import BASE, Box
from tests.sandbox.still_clips import still_clip

FOLDER = Path(__file__).parent / "living"
_ADDRESS = re.compile(r"https://[\w.-]+/\S*?\.(png|jpg|mp4|mp3)")
CLIP_SECONDS = 4


def bodies(gateway: str) -> Any:
    """Every body that the contract prints for a gateway."""
    return json.loads((FOLDER / f"{gateway}.json").read_text())


def filled(box: Box, body: Any) -> Any:
    """The body with addresses behind which there are files: a picture, a clip of 4 seconds, a sound of 3."""
    urls = {kind: published(box, kind) for kind in ("png", "mp4", "mp3")} | {"jpg": published(box, "png")}
    return json.loads(_ADDRESS.sub(lambda found: urls[found[1]], json.dumps(body)))


def published(box: Box, kind: str, data: bytes | None = None) -> str:
    """The address of a file on the sandbox's CDN."""
    data = data if data is not None else {"png": picture, "mp4": clip, "mp3": sound}[kind]()
    digest = box.app.state.sandbox.state.keep(data)
    name = f"mara.{kind}"
    file = File(id=digest[:12], name=name, content_type="x/y", sha256=digest, created_at=0, expires_at=9e15)
    box.app.state.sandbox.state.publish(file)
    return f"{BASE}/fal/cdn/files/b/{file.id}/{name}"


@cache
def picture(size: tuple[int, int] = (1280, 720), form: str = "png") -> bytes:
    target = io.BytesIO()
    Image.new("RGB", size, "teal").save(target, form)
    return target.getvalue()


@cache
def clip(seconds: int = CLIP_SECONDS, size: tuple[int, int] = (1280, 720), fps: int = 24) -> bytes:
    return still_clip(seconds, size, "teal", fps=fps)


@cache
def sound(seconds: int = 3) -> bytes:
    """A WAV, which every model takes that takes a sound."""
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(1000)
        file.writeframes(bytes(1000 * seconds))
    return target.getvalue()
