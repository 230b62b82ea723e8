"""What fal says about the files of a job's input."""

from prefect_storyboard.sandbox import inputs
from prefect_storyboard.sandbox.catalogue import BadFile
from prefect_storyboard.sandbox.documents import Job
from prefect_storyboard.sandbox.exchange import Sandbox
from prefect_storyboard.sandbox.fal.schema import Unprocessable, Where, refusal
from prefect_storyboard.sandbox.portraits import still

_LIMIT = 512 * 1024 * 1024


async def video(sandbox: Sandbox, job: Job, url: str, name: str) -> str | None:
    """Check a character's reference clip: an MP4 of at least 720p, no wider than 2.67:1. The hash of its portrait."""
    data = await _fetch(sandbox, job, url, (name,))
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
    data = await _fetch(sandbox, job, url, (name,))
    size = await inputs.picture_size(sandbox, data)
    if size is None:
        raise refusal("image_load_error", (name,), "Failed to load the image.")
    return sandbox.state.keep(data), size


def refused(bad: BadFile) -> Unprocessable:
    """What fal says about a file that a living model does not take."""
    rules, where = bad.rules, bad.wanted.where
    kind, got = rules.kind, bad.got
    if bad.problem in {"download", "too large"}:
        words = {"download": "Failed to download the file.", "too large": "The file is too large."}[bad.problem]
        return refusal({"download": "file_download_error"}.get(bad.problem, "file_too_large"), where, words)
    if bad.problem in {"unreadable", "format"}:
        if kind == "image" and bad.problem == "unreadable":
            return refusal("image_load_error", where, "Failed to load the image.")
        formats = list(rules.formats)
        return refusal(f"unsupported_{kind}_format", where, f"Unsupported {kind} format.", supported_formats=formats)
    if bad.problem in {"short", "long"}:
        return _length(bad)
    if bad.problem == "small" and kind == "image" and rules.side:
        limits = {"min_width": rules.side[0], "min_height": rules.side[0]}
        return refusal("image_too_small", where, f"The image is too small, got {got[0]}x{got[1]}.", **limits)
    if bad.problem == "aspect" and rules.aspect:
        ratios = {"min_aspect_ratio": rules.aspect[0], "max_aspect_ratio": rules.aspect[1]}
        return refusal("value_error", where, f"Unsupported aspect ratio, got {got[0]}x{got[1]}.", **ratios)
    words = "frame rate" if bad.problem == "fps" else f"resolution, got {got[0]}x{got[1]}"
    return refusal("value_error", where, f"Unsupported {words}.")


def _length(bad: BadFile) -> Unprocessable:
    """Too short or too long: one file, or all of its kind together."""
    kind, limits = bad.rules.kind, (bad.rules.together if bad.together else bad.rules.seconds) or (0, 0)
    where = bad.wanted.where[:1] if bad.together else bad.wanted.where
    name, limit = ("min", limits[0]) if bad.problem == "short" else ("max", limits[1])
    words = f"The {kind} is too {bad.problem}" + (" in all." if bad.together else ".")
    ctx = {f"{name}_duration": limit, "provided_duration": bad.got}
    return refusal(f"{kind}_duration_too_{bad.problem}", where, words, **ctx)


async def _fetch(sandbox: Sandbox, job: Job, url: str, where: Where) -> bytes:
    data = await inputs.fetch(sandbox, job.base, url)
    if data is None:
        raise refusal("file_download_error", where, "Failed to download the file.")
    if len(data) > _LIMIT:
        raise refusal("file_too_large", where, "The file is too large.", max_size=_LIMIT)
    return data
