"""fal's endpoints: the six of Sora 2, what they accept, how large their clips are and what they cost, and all others.

The living models are data, in `rows`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from prefect_storyboard.sandbox.catalogue import Model, read
from prefect_storyboard.sandbox.fal.schema import Endpoint, Input

_SORA = "fal-ai/sora-2"
Aspect = Literal["16:9", "9:16"]
AutoAspect = Literal["auto", "9:16", "16:9"]
ModelName = Literal["sora-2", "sora-2-2025-12-08", "sora-2-2025-10-06"]
KNOWN_PROPERTIES = ("darth vader", "mickey mouse", "pikachu", "spider-man")  # what fal blocks is not published
_SHORT_AND_LONG = {"720p": (720, 1280), "1080p": (1024, 1792), "true_1080p": (1080, 1920)}


class Generation(Input):
    """What the four generating endpoints share."""

    prompt: str = Field(min_length=1)
    duration: Literal[4, 8, 12, 16, 20] = 4
    delete_video: bool = True
    detect_and_block_ip: bool = False
    character_ids: Annotated[list[str], Field(max_length=2)] | None = None


class TextToVideo(Generation):
    """`text-to-video`."""

    resolution: Literal["720p"] = "720p"
    aspect_ratio: Aspect = "16:9"
    model: ModelName = "sora-2"


class TextToVideoPro(Generation):
    """`text-to-video/pro`; it has no `model`."""

    resolution: Literal["720p", "1080p", "true_1080p"] = "1080p"
    aspect_ratio: Aspect = "16:9"


class ImageToVideo(Generation):
    """`image-to-video`; the image is the first frame."""

    image_url: str
    resolution: Literal["auto", "720p"] = "auto"
    aspect_ratio: AutoAspect = "auto"
    model: ModelName = "sora-2"


class ImageToVideoPro(Generation):
    """`image-to-video/pro`."""

    image_url: str
    resolution: Literal["auto", "720p", "1080p", "true_1080p"] = "auto"
    aspect_ratio: AutoAspect = "auto"


class Remix(Input):
    """`video-to-video/remix`; takes the `video_id` of an earlier job, never a file."""

    video_id: str
    prompt: str = Field(min_length=1)
    delete_video: bool = True


class Character(Input):
    """`characters`."""

    video_url: str
    name: str = Field(min_length=1, max_length=80)


def _living(row: Model) -> Endpoint:
    listed = row.price.base
    return Endpoint(BaseModel, row.label, {} if listed is None else {"base": listed}, row)


_STANDARD = {"base": 0.10, "720p": 0.10}
_PRO = {"base": 0.50, "720p": 0.30, "1080p": 0.50, "true_1080p": 0.50}  # the price of true_1080p is not known
ENDPOINTS: Mapping[str, Endpoint] = {
    f"{_SORA}/characters": Endpoint(Character, "character"),  # no price is known: billed as 0, counted separately
    f"{_SORA}/text-to-video": Endpoint(TextToVideo, "sora-2 · text to video", _STANDARD),
    f"{_SORA}/text-to-video/pro": Endpoint(TextToVideoPro, "sora-2-pro · text to video", _PRO),
    f"{_SORA}/image-to-video": Endpoint(ImageToVideo, "sora-2 · image to video", _STANDARD),
    f"{_SORA}/image-to-video/pro": Endpoint(ImageToVideoPro, "sora-2-pro · image to video", _PRO),
    f"{_SORA}/video-to-video/remix": Endpoint(Remix, "sora-2 · remix", {"base": 0.10}),
    **{name: _living(row) for name, row in read(Path(__file__).parent / "rows").items()},
}


def known_property(prompt: str) -> bool:
    """Whether a prompt names one of the few properties that this sandbox knows."""
    return any(name in prompt.casefold() for name in KNOWN_PROPERTIES)


def frame(given: Generation, image: tuple[int, int] | None) -> tuple[str, int, int]:
    """Resolution, width and height of a generation; `auto` follows the image."""
    resolution = getattr(given, "resolution", "720p")
    aspect = getattr(given, "aspect_ratio", "16:9")
    wide, high = image or (16, 9)
    if resolution == "auto":
        resolution = "1080p" if isinstance(given, ImageToVideoPro) and min(wide, high) >= 1024 else "720p"
    short, long = _SHORT_AND_LONG[resolution]
    upright = high > wide if aspect == "auto" else aspect == "9:16"
    return resolution, *((short, long) if upright else (long, short))
