"""The gateways' public CDNs: uploads and outputs at `/<gateway>/cdn/files/b/<id>/<name>`, readable without a key."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from PIL import Image
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response

from prefect_storyboard.sandbox.documents import Clip, Job, Picture
from prefect_storyboard.sandbox.exchange import Sandbox
from prefect_storyboard.sandbox.meter import is_billed

OUTPUTS = {"out.mp4": "video/mp4", "thumb.webp": "image/webp", "sheet.jpg": "image/jpeg"}


def picture_name(picture: Picture) -> str:
    """The name of a drawn picture's file."""
    return f"out.{'jpg' if picture.format == 'jpeg' else picture.format}"


def picture_of(job: Job) -> Picture:
    """The picture of a finished image job."""
    assert job.outcome is not None  # noqa: S101 - it has succeeded
    assert job.outcome.picture is not None  # noqa: S101 - it is a picture
    return job.outcome.picture


@dataclass(frozen=True)
class Found:
    """A file that the CDN can serve."""

    path: Path
    content_type: str


async def find(sandbox: Sandbox, path: str) -> Found | None:
    """The file at `<id>/<name>`, rendered if need be; None if there is none (any more)."""
    file_id, _, name = path.partition("/")
    now = sandbox.clock()
    file = sandbox.state.file(file_id)
    if file is not None:
        known = file.name == name and now < file.expires_at
        return Found(sandbox.state.files / file.sha256, file.content_type) if known else None
    job = sandbox.state.job(file_id)
    if job is None or not is_billed(job) or job.phase(now) != "COMPLETED" or _gone(job, now):
        return None
    assert job.outcome is not None  # noqa: S101 - is_billed has checked
    picture = job.outcome.picture
    if picture is not None and name == picture_name(picture):
        return Found(await sandbox.picture(picture), f"image/{picture.format}")
    if job.outcome.clip is None or name not in OUTPUTS:
        return None
    return Found(await _output(sandbox, job.outcome.clip, name), OUTPUTS[name])


async def download(sandbox: Sandbox, request: Request) -> Response:
    """`GET` or `HEAD` of a file. A key that is sent along is counted as a leak."""
    if "authorization" in request.headers:
        sandbox.state.count("leaks")
    found = await find(sandbox, request.path_params["path"])
    if found is None:
        return PlainTextResponse("Not Found", 404)
    return FileResponse(found.path, media_type=found.content_type)


def _gone(job: Job, now: float) -> bool:
    lifetime = job.options.get("output_seconds")
    return lifetime is not None and now > job.done_at + float(lifetime)


async def _output(sandbox: Sandbox, clip: Clip, name: str) -> Path:
    path = await sandbox.clip(clip)
    if name == "out.mp4":
        return path
    target = path.with_suffix(f".{name}")
    if not target.exists():
        await sandbox.in_pool(_picture, path, clip.seconds, target)
    return target


def _picture(path: Path, seconds: int, target: Path) -> None:
    """A thumbnail from the middle of the clip, or a sheet of four frames."""
    partial = target.with_suffix(f".{threading.get_ident()}{target.suffix}")
    if target.suffix == ".webp":
        small = _frame(path, seconds / 2)
        small.thumbnail((480, 480))
        small.save(partial, quality=80)
    else:
        frames = [_frame(path, seconds * place / 4) for place in range(4)]
        width, height = frames[0].width // 4, frames[0].height // 4
        sheet = Image.new("RGB", (width * 2, height * 2))
        for place, frame in enumerate(frames):
            sheet.paste(frame.resize((width, height)), (place % 2 * width, place // 2 * height))
        sheet.save(partial, quality=85)
    partial.replace(target)


def _frame(path: Path, at: float) -> Image.Image:
    """The key frame at or before a time."""
    with av.open(str(path)) as container:
        container.seek(int(at * 1_000_000))
        frame: Any = next(container.decode(video=0))
        picture: Image.Image = frame.to_image()
        return picture
