"""Files that a job's input points to: fetched as fal would fetch them, decoded, and measured."""

import base64
import binascii
import io
from typing import Any
from urllib.parse import unquote, urlsplit

import av
import av.error
import httpx
from PIL import Image

from prefect_storyboard.sandbox import fal_files
from prefect_storyboard.sandbox.exchange import Sandbox
from prefect_storyboard.sandbox.fal_models import refusal
from prefect_storyboard.sandbox.portraits import still
from prefect_storyboard.sandbox.state import Job

_LIMIT = 512 * 1024 * 1024
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


async def video(sandbox: Sandbox, job: Job, url: str, name: str) -> str | None:
    """Check a character's reference clip: an MP4 of at least 720p, no wider than 2.67:1. The hash of its portrait."""
    data = await _fetch(sandbox, job, url, name)
    measured = await sandbox.in_pool(_measure, data)
    if measured is None:
        raise refusal("unsupported_video_format", (name,), "Unsupported video format.", supported_formats=["mp4"])
    short, long = sorted(measured)
    if short < 720:
        raise refusal("value_error", (name,), f"Video must be at least 720p, got {short}p.", min_height=720)
    if long / short > 2.67:
        raise refusal("value_error", (name,), "Video aspect ratio must not exceed 2.67:1.", max_aspect_ratio=2.67)
    portrait = await sandbox.in_pool(still, data)
    return None if portrait is None else sandbox.state.keep(portrait)


async def image(sandbox: Sandbox, job: Job, url: str, name: str) -> tuple[str, tuple[int, int]]:
    """The hash under which a first frame was kept, and its size."""
    data = await _fetch(sandbox, job, url, name)
    size = await sandbox.in_pool(_size, data)
    if size is None:
        raise refusal("image_load_error", (name,), "Failed to load the image.")
    return sandbox.state.keep(data), size


async def _fetch(sandbox: Sandbox, job: Job, url: str, name: str) -> bytes:
    failed = refusal("file_download_error", (name,), "Failed to download the file.")
    if url.startswith("data:"):
        return _inline(url, name)
    own = f"{job.base}/fal/cdn/files/b/"
    if url.startswith(own):
        found = await fal_files.find(sandbox, unquote(url.removeprefix(own)))
        if found is None:
            raise failed
        return found.path.read_bytes()
    if urlsplit(url).scheme not in {"http", "https"}:
        raise failed
    try:
        # A proxy of the environment must not see loopback addresses.
        trust = urlsplit(url).hostname not in _LOOPBACK
        async with httpx.AsyncClient(follow_redirects=True, timeout=20, trust_env=trust) as client:
            reply = await client.get(url)
            reply.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL):
        raise failed from None
    if len(reply.content) > _LIMIT:
        raise refusal("file_too_large", (name,), "The file is too large.", max_size=_LIMIT)
    return reply.content


def _inline(url: str, name: str) -> bytes:
    head, _, text = url.partition(",")
    try:
        return base64.b64decode(text, validate=True) if head.endswith(";base64") else unquote(text).encode()
    except (binascii.Error, ValueError):
        raise refusal("file_download_error", (name,), "Failed to decode the data URI.") from None


def _measure(data: bytes) -> tuple[int, int] | None:
    """Width and height as shown, or None for what is not an MP4 with a decodable picture."""
    try:
        with av.open(io.BytesIO(data), "r") as container:
            if "mp4" not in container.format.name or not container.streams.video:
                return None
            first: Any = next(container.decode(video=0))
            upright = int(first.rotation) % 180 == 0
            return (first.width, first.height) if upright else (first.height, first.width)
    except (av.error.FFmpegError, StopIteration, ValueError):
        return None


def _size(data: bytes) -> tuple[int, int] | None:
    try:
        with Image.open(io.BytesIO(data)) as picture:
            picture.load()
            return picture.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
