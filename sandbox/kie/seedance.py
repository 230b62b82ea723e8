"""`bytedance/seedance-2` and its two smaller models: clips that take their cast from pictures and clips of the caller.

Where Kie's documents are silent: a `@Image` or `@Video` without a reference is refused, a clip of no stated shape or
length is 720p, 16:9 and 5 seconds, and `return_last_frame` is taken but adds nothing, as its result is not published.
"""

import io
import re
from typing import Annotated, Literal, Self

import av
import av.error
from pydantic import Field, model_validator

from prefect_storyboard.sandbox import inputs
from prefect_storyboard.sandbox.exchange import Sandbox
from prefect_storyboard.sandbox.kie.inputs import SLACK, Failed, fetch, is_video, scaled
from prefect_storyboard.sandbox.kie.models import Input
from prefect_storyboard.sandbox.portraits import square, still
from prefect_storyboard.sandbox.state import Clip, Job

_SHORT = {"480p": 480, "720p": 720, "1080p": 1080, "4k": 2160}
_CITED = re.compile(r"@(Image|Video)(\d+)\b")
Media = Annotated[str, Field(pattern=r"^(https?|asset)://\S+$")]


class Seedance(Input):
    """The input; references and frames exclude each other."""

    prompt: str = Field(min_length=1)
    reference_image_urls: list[Media] = Field(default=[], max_length=9)
    reference_video_urls: list[Media] = Field(default=[], max_length=3)
    reference_audio_urls: list[Media] = Field(default=[], max_length=3)
    first_frame_url: Media | None = None
    last_frame_url: Media | None = None
    generate_audio: bool = True
    resolution: Literal["480p", "720p", "1080p", "4k"] = "720p"
    aspect_ratio: Literal["1:1", "4:3", "3:4", "16:9", "9:16", "21:9", "adaptive"] = "16:9"
    duration: int = Field(default=5, ge=4, le=15)
    return_last_frame: bool = False
    web_search: bool = False
    nsfw_checker: bool = False

    @property
    def tier(self) -> str:
        return f"{self.resolution} with video input" if self.reference_video_urls else self.resolution

    @property
    def units(self) -> int:
        return self.duration

    @property
    def cited(self) -> list[tuple[str, int]]:
        """The references that the prompt names, each once, in the order of naming."""
        return list(dict.fromkeys((kind, int(number)) for kind, number in _CITED.findall(self.prompt)))

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        references = [*self.reference_image_urls, *self.reference_video_urls, *self.reference_audio_urls]
        if references and (self.first_frame_url or self.last_frame_url):
            raise ValueError("reference_*_urls and first_frame_url/last_frame_url are mutually exclusive")
        given = {"Image": len(self.reference_image_urls), "Video": len(self.reference_video_urls)}
        for kind, number in self.cited:
            if not 1 <= number <= given[kind]:
                raise ValueError(f"@{kind}{number} has no reference")
        return self


async def clip(sandbox: Sandbox, job: Job, given: Seedance, label: str) -> Clip:
    """The clip that the task makes; raises `Failed` for a file that the model does not take."""
    pictures = [await _picture(sandbox, job, url) for url in given.reference_image_urls]
    videos = await _videos(sandbox, job, given.reference_video_urls)
    await _sounds(sandbox, job, given.reference_audio_urls)
    first, last = [
        await _picture(sandbox, job, url) if url else None for url in (given.first_frame_url, given.last_frame_url)
    ]
    portraits = []
    for kind, number in given.cited:
        data = (pictures if kind == "Image" else videos)[number - 1]
        face = await sandbox.in_pool(square if kind == "Image" else still, data)
        portraits.append(sandbox.state.keep(face) if face else None)
    leading = first or last or next(iter(pictures), None)
    width, height = scaled(sandbox, *await _frame(sandbox, given, leading))
    return Clip(
        width=width,
        height=height,
        seconds=given.duration,
        prompt=given.prompt,
        cast=tuple(f"{kind}{number}" for kind, number in given.cited),
        label=label,
        stamp=job.id[:8],
        image=sandbox.state.keep(first) if first else None,
        portraits=tuple(portraits),
    )


async def _frame(sandbox: Sandbox, given: Seedance, leading: bytes | None) -> tuple[int, int]:
    """Width and height; `adaptive` follows the first picture, within the widest and the tallest shape on offer."""
    if given.aspect_ratio == "adaptive":
        size = await inputs.picture_size(sandbox, leading) if leading else None
        wide, high = size or (16, 9)
    else:
        wide, high = map(int, given.aspect_ratio.split(":"))
    shape, short = min(max(wide / high, 9 / 16), 21 / 9), _SHORT[given.resolution]
    return (round(short * shape), short) if shape >= 1 else (short, round(short / shape))


async def _picture(sandbox: Sandbox, job: Job, url: str) -> bytes:
    data = await fetch(sandbox, job, url, 30)
    if await inputs.picture_size(sandbox, data) is None:
        raise Failed("422", f"The image could not be read: {url}")
    return data


async def _videos(sandbox: Sandbox, job: Job, urls: list[str]) -> list[bytes]:
    files, total = [], 0.0
    for url in urls:
        data = await fetch(sandbox, job, url, 50)
        found = await inputs.video(sandbox, data)
        if found is None or not is_video(found, "mp4"):
            raise Failed("422", f"The reference video must be mp4 or mov: {url}")
        if not 480 <= min(found.width, found.height) <= 720:
            raise Failed("422", f"The reference video must be 480p to 720p: {url}")
        files.append(data)
        total += found.seconds
    if total > 15 + SLACK:
        raise Failed("422", "The reference videos must not last longer than 15 seconds in total")
    return files


async def _sounds(sandbox: Sandbox, job: Job, urls: list[str]) -> None:
    total = 0.0
    for url in urls:
        seconds = await sandbox.in_pool(_sound_seconds, await fetch(sandbox, job, url, 50))
        if seconds is None:
            raise Failed("422", f"The reference audio could not be read: {url}")
        total += seconds
    if total > 15 + SLACK:
        raise Failed("422", "The reference audio must not last longer than 15 seconds in total")


def _sound_seconds(data: bytes) -> float | None:
    try:
        with av.open(io.BytesIO(data), "r") as container:
            return (container.duration or 0) / 1_000_000 if container.streams.audio else None
    except (av.error.FFmpegError, ValueError):
        return None
