"""What WaveSpeed says about the files of a job's input, and the portraits that are cut from them."""

from collections.abc import Callable

from prefect_storyboard.sandbox import inputs
from prefect_storyboard.sandbox.catalogue import BadFile
from prefect_storyboard.sandbox.documents import Job
from prefect_storyboard.sandbox.exchange import Sandbox
from prefect_storyboard.sandbox.portraits import square, still


class Failed(Exception):
    """A task that was accepted and then failed with a code of the error page."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


async def character(sandbox: Sandbox, job: Job, url: str) -> str | None:
    """Check a character's reference clip: an MP4 of at least 720p, no wider than 2.67:1. The hash of its portrait."""
    data = await _fetch(sandbox, job, url, "video")
    measured = await inputs.video(sandbox, data)
    if measured is None or "mp4" not in measured.containers:
        raise Failed(1401, "The reference video must be an MP4.")
    short, long = sorted((measured.width, measured.height))
    if short < 720:
        raise Failed(1401, f"The reference video must be at least 720p, got {short}p.")
    if long / short > 2.67:
        raise Failed(1401, "The aspect ratio of the reference video must not exceed 2.67:1.")
    return await _kept(sandbox, still, data)


async def first_frame(sandbox: Sandbox, job: Job, url: str) -> tuple[str, tuple[int, int]]:
    """The hash under which a first frame was kept, and its size."""
    data = await _fetch(sandbox, job, url, "image")
    size = await inputs.picture_size(sandbox, data)
    if size is None:
        raise Failed(1401, "The image could not be decoded.")
    return sandbox.state.keep(data), size


async def picture(sandbox: Sandbox, job: Job, url: str) -> str | None:
    """The portrait cut from a reference picture."""
    data = await _fetch(sandbox, job, url, "image")
    if await inputs.picture_size(sandbox, data) is None:
        raise Failed(1401, "The image could not be decoded.")
    return await _kept(sandbox, square, data)


async def clips(sandbox: Sandbox, job: Job, urls: list[str]) -> list[str | None]:
    """The portraits cut from the reference clips, which may last 15 seconds together."""
    found = [await _fetch(sandbox, job, url, "video") for url in urls]
    measured = [await inputs.video(sandbox, data) for data in found]
    seconds = [each.seconds for each in measured if each]
    if len(seconds) < len(found):
        raise Failed(1401, "The video could not be decoded.")
    if sum(seconds) > 15:
        raise Failed(1401, "The reference videos must not last longer than 15 seconds together.")
    return [await _kept(sandbox, still, data) for data in found]


def words(bad: BadFile) -> str:
    """What a task of a living model fails with for a file that it does not take."""
    kind, rules = bad.rules.kind, bad.rules
    if bad.problem == "download":
        return f"Failed to download {kind} from the provided URL."
    if bad.problem == "with output":
        return f"The reference videos and the output must not last longer than {bad.got} seconds together."
    if bad.together and rules.together:
        return f"The reference {kind}s must not last longer than {rules.together[1]:g} seconds together."
    if bad.problem in {"short", "long"} and rules.seconds:
        return f"The {kind} must last {rules.seconds[0]:g} to {rules.seconds[1]:g} seconds."
    return {
        "unreadable": f"The {kind} could not be decoded.",
        "format": f"The {kind} must be {' or '.join(rules.formats).upper()}.",
        "too large": f"The {kind} must not exceed {rules.megabytes:g} MB.",
    }.get(bad.problem, f"The size of the {kind} is not supported.")


async def _fetch(sandbox: Sandbox, job: Job, url: str, what: str) -> bytes:
    data = await inputs.fetch(sandbox, job.base, url)
    if data is None:
        raise Failed(1402, f"Failed to download {what} from the provided URL.")
    return data


async def _kept(sandbox: Sandbox, cut: Callable[[bytes], bytes | None], data: bytes) -> str | None:
    portrait = await sandbox.in_pool(cut, data)
    return None if portrait is None else sandbox.state.keep(portrait)
