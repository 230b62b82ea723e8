"""Files that a job's input points to: fetched as a gateway would fetch them, decoded, and measured."""

import base64
import binascii
import io
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import av
import av.error
import httpx
from PIL import Image

from prefect_storyboard.sandbox import cdn
from prefect_storyboard.sandbox.exchange import Sandbox

_OWN = re.compile(r"/[a-z]+/cdn/files/b/(.+)")
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True)
class Video:
    """What a clip is, as shown: `containers` in FFmpeg's names."""

    width: int
    height: int
    seconds: float
    sound: bool
    containers: frozenset[str]
    fps: float = 0.0


async def fetch(sandbox: Sandbox, base: str, url: str) -> bytes | None:
    """The bytes behind a public address, a `data:` URI, or one of the sandbox's own (`base`); None for none."""
    if url.startswith("data:"):
        return _inline(url)
    own = _OWN.fullmatch(url.removeprefix(base).split("?")[0]) if url.startswith(f"{base}/") else None
    if own:
        found = await cdn.find(sandbox, unquote(own[1]))
        return found.path.read_bytes() if found else None
    if urlsplit(url).scheme not in {"http", "https"}:
        return None
    try:
        # A proxy of the environment must not see loopback addresses.
        trust = urlsplit(url).hostname not in _LOOPBACK
        async with httpx.AsyncClient(follow_redirects=True, timeout=20, trust_env=trust) as client:
            reply = await client.get(url)
    except (httpx.HTTPError, httpx.InvalidURL):
        return None
    return reply.content if reply.is_success else None


async def video(sandbox: Sandbox, data: bytes) -> Video | None:
    """Measure a clip; None for what has no decodable picture."""
    measured: Video | None = await sandbox.in_pool(_measure, data)
    return measured


async def picture_size(sandbox: Sandbox, data: bytes) -> tuple[int, int] | None:
    """Width and height of a picture; None for what is none."""
    size: tuple[int, int] | None = await sandbox.in_pool(_size, data)
    return size


def _inline(url: str) -> bytes | None:
    head, _, text = url.partition(",")
    try:
        return base64.b64decode(text, validate=True) if head.endswith(";base64") else unquote(text).encode()
    except (binascii.Error, ValueError):
        return None


def _measure(data: bytes) -> Video | None:
    try:
        with av.open(io.BytesIO(data), "r") as container:
            if not container.streams.video:
                return None
            first: Any = next(container.decode(video=0))
            upright = int(first.rotation) % 180 == 0
            return Video(
                width=first.width if upright else first.height,
                height=first.height if upright else first.width,
                seconds=(container.duration or 0) / 1_000_000,
                sound=bool(container.streams.audio),
                containers=frozenset(container.format.name.split(",")),
                fps=float(container.streams.video[0].average_rate or 0),
            )
    except (av.error.FFmpegError, StopIteration, ValueError):
        return None


def _size(data: bytes) -> tuple[int, int] | None:
    try:
        with Image.open(io.BytesIO(data)) as picture:
            picture.load()
            return picture.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
