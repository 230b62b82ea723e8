"""The files of an order as ToAPIs sees them: checked when the task runs, so that a bad one fails the task."""

import re
from collections.abc import Callable
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from prefect_storyboard.sandbox import inputs
from prefect_storyboard.sandbox.catalogue import BadFile
from prefect_storyboard.sandbox.documents import Job
from prefect_storyboard.sandbox.exchange import Sandbox
from prefect_storyboard.sandbox.portraits import still
from prefect_storyboard.sandbox.toapis.errors import Failed


def words(bad: BadFile) -> str:
    """What a task of a living model fails with for a file that it does not take."""
    kind = bad.rules.kind
    if bad.problem == "download":
        return "failed to download an input file"
    if bad.problem in {"unreadable", "format"}:
        return f"an input {kind} cannot be decoded"
    return f"an input {kind} is not supported: {bad.problem}"


async def anything(sandbox: Sandbox, job: Job, url: str) -> bytes:
    """The bytes behind an address. There is no library, so `asset://` leads nowhere."""
    data = await inputs.fetch(sandbox, job.base, url)
    if data is None:
        raise Failed("failed to download an input file")
    return data


async def video(sandbox: Sandbox, job: Job, url: str) -> tuple[bytes, inputs.Video]:
    """A clip and its measures."""
    data = await anything(sandbox, job, url)
    measured = await inputs.video(sandbox, data)
    if measured is None:
        raise Failed("an input video cannot be decoded")
    return data, measured


async def picture(sandbox: Sandbox, job: Job, url: str) -> tuple[bytes, tuple[int, int]]:
    """A picture and its size."""
    data = await anything(sandbox, job, url)
    size = await inputs.picture_size(sandbox, data)
    if size is None:
        raise Failed("an input image cannot be decoded")
    return data, size


async def of_clip(sandbox: Sandbox, data: bytes) -> str:
    """The stored portrait of the character in a clip."""
    return await _kept(sandbox, still, data)


async def _kept(sandbox: Sandbox, make: Callable[[bytes], bytes | None], data: bytes) -> str:
    portrait: bytes | None = await sandbox.in_pool(make, data)
    if portrait is None:
        raise Failed("no character was recognised")
    return sandbox.state.keep(portrait)


def name_of(url: str) -> str:
    """The character's name, taken from the file's name: a ToAPIs request has no field for it."""
    stem = PurePosixPath(unquote(urlsplit(url).path)).stem
    return re.sub(r"[\W_]+", " ", stem).strip().title() or "Guest"
