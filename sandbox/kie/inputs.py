"""What a task of Kie says about the files of its input."""

from prefect_storyboard.sandbox import inputs
from prefect_storyboard.sandbox.catalogue import BadFile
from prefect_storyboard.sandbox.documents import Job
from prefect_storyboard.sandbox.exchange import Sandbox

SLACK = 0.1  # seconds: the sound of a clip ends with a whole frame, a little after its picture
_SMALLEST = 128
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF")


class Failed(Exception):
    """A task that ends in `fail`: `failCode` and `failMsg`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


async def fetch(sandbox: Sandbox, job: Job, url: str, megabytes: int) -> bytes:
    """The file behind an address of the input."""
    data = await inputs.fetch(sandbox, job.base, url)
    if data is None:
        raise Failed("422", f"The file could not be downloaded: {url}")
    if len(data) > megabytes * 1024 * 1024:
        raise Failed("422", f"The file must not exceed {megabytes} MB: {url}")
    return data


def is_video(found: inputs.Video, *kinds: str) -> bool:
    """Whether a clip is in one of these containers."""
    return not found.containers.isdisjoint(kinds)


def words(bad: BadFile) -> str:
    """What a task of a living model fails with for a file that it does not take."""
    kind, url, rules = bad.rules.kind, bad.wanted.url, bad.rules
    if bad.problem == "with output":
        return f"The reference videos and the output must not last longer than {bad.got} seconds in total"
    if bad.together:
        kinds = {"video": "videos", "image": "images"}.get(kind, kind)
        limits = rules.together or (0, 0)
        longest = limits[1] if bad.problem == "long" else limits[0]
        compared = "longer" if bad.problem == "long" else "shorter"
        return f"The reference {kinds} must not last {compared} than {longest:g} seconds in total"
    if bad.problem in {"short", "long"} and rules.seconds:
        return f"The {kind} must last {rules.seconds[0]:g} to {rules.seconds[1]:g} seconds: {url}"
    if kind == "video" and bad.problem in {"unreadable", "format"}:
        return f"The reference video must be mp4 or mov: {url}"
    if kind == "video" and bad.problem == "pixels":
        return f"The reference video must be 480p to 720p: {url}"
    return {
        "download": f"The file could not be downloaded: {url}",
        "too large": f"The file must not exceed {rules.megabytes:g} MB: {url}",
        "unreadable": f"The {'reference audio' if kind == 'audio' else kind} could not be read: {url}",
        "format": f"The {kind} must be {', '.join(rules.formats)}: {url}",
        "fps": f"The frame rate of the {kind} is not supported: {url}",
    }.get(bad.problem, f"The size of the {kind} is not supported: {url}")


async def character_clip(sandbox: Sandbox, job: Job, url: str) -> bytes:
    """A character's reference clip: mp4, webm or avi, 1 to 4 seconds, at most 10 MB."""
    data = await fetch(sandbox, job, url, 10)
    found = await inputs.video(sandbox, data)
    if found is None or not is_video(found, "mp4", "webm", "avi"):
        raise Failed("422", "character_file_url must be an mp4, webm or avi video")
    if not 1 - SLACK <= found.seconds <= 4 + SLACK:
        raise Failed("422", f"The character video must last 1 to 4 seconds, not {found.seconds:.1f}")
    return data


async def first_frame(sandbox: Sandbox, job: Job, url: str) -> str:
    """The hash under which a first frame was kept: jpeg, png or webp, at most 10 MB."""
    data = await fetch(sandbox, job, url, 10)
    if not data.startswith(_PICTURES) or await inputs.picture_size(sandbox, data) is None:
        raise Failed("422", "image_urls must be a jpeg, png or webp image")
    return sandbox.state.keep(data)


def scaled(sandbox: Sandbox, width: int, height: int) -> tuple[int, int]:
    """The size of a clip at the sandbox's scale: even, as encoders want it, and no smaller than a card can be."""
    scale = max(sandbox.pace.clip_scale, _SMALLEST / min(width, height))
    return round(width * scale / 2) * 2, round(height * scale / 2) * 2
