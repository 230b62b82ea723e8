"""What fal says about the files of a job's input."""

from prefect_storyboard.sandbox import inputs
from prefect_storyboard.sandbox.exchange import Sandbox
from prefect_storyboard.sandbox.fal_models import refusal
from prefect_storyboard.sandbox.portraits import still
from prefect_storyboard.sandbox.state import Job

_LIMIT = 512 * 1024 * 1024


async def video(sandbox: Sandbox, job: Job, url: str, name: str) -> str | None:
    """Check a character's reference clip: an MP4 of at least 720p, no wider than 2.67:1. The hash of its portrait."""
    data = await _fetch(sandbox, job, url, name)
    measured = await inputs.video(sandbox, data)
    if measured is None or "mp4" not in measured.containers:
        raise refusal("unsupported_video_format", (name,), "Unsupported video format.", supported_formats=["mp4"])
    short, long = sorted((measured.width, measured.height))
    if short < 720:
        raise refusal("value_error", (name,), f"Video must be at least 720p, got {short}p.", min_height=720)
    if long / short > 2.67:
        raise refusal("value_error", (name,), "Video aspect ratio must not exceed 2.67:1.", max_aspect_ratio=2.67)
    portrait = await sandbox.in_pool(still, data)
    return None if portrait is None else sandbox.state.keep(portrait)


async def image(sandbox: Sandbox, job: Job, url: str, name: str) -> tuple[str, tuple[int, int]]:
    """The hash under which a first frame was kept, and its size."""
    data = await _fetch(sandbox, job, url, name)
    size = await inputs.picture_size(sandbox, data)
    if size is None:
        raise refusal("image_load_error", (name,), "Failed to load the image.")
    return sandbox.state.keep(data), size


async def _fetch(sandbox: Sandbox, job: Job, url: str, name: str) -> bytes:
    data = await inputs.fetch(sandbox, job.base, url)
    if data is None:
        raise refusal("file_download_error", (name,), "Failed to download the file.")
    if len(data) > _LIMIT:
        raise refusal("file_too_large", (name,), "The file is too large.", max_size=_LIMIT)
    return data
