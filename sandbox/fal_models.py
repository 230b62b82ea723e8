"""The six Sora 2 endpoints of fal: what they accept, how large their clips are, and what they cost.

The inputs are strict: no coercion (`"4"` is not a duration) and no unknown field. Real fal may forgive more; a client
that passes here passes there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

APP = "fal-ai/sora-2"
Aspect = Literal["16:9", "9:16"]
AutoAspect = Literal["auto", "9:16", "16:9"]
ModelName = Literal["sora-2", "sora-2-2025-12-08", "sora-2-2025-10-06"]
_SHORT_AND_LONG = {"720p": (720, 1280), "1080p": (1024, 1792), "true_1080p": (1080, 1920)}


class Input(BaseModel):
    """The raw body of a submit."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


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


@dataclass(frozen=True)
class Endpoint:
    """One endpoint: its input, the name on its clips, and dollars per second (`base` = the listed price)."""

    accepts: type[Input]
    label: str
    usd: Mapping[str, float] = field(default_factory=dict)


_STANDARD = {"base": 0.10, "720p": 0.10}
_PRO = {"base": 0.50, "720p": 0.30, "1080p": 0.50, "true_1080p": 0.50}  # the price of true_1080p is not known
ENDPOINTS: Mapping[str, Endpoint] = {
    f"{APP}/characters": Endpoint(Character, "character"),  # no price is known: billed as 0, counted separately
    f"{APP}/text-to-video": Endpoint(TextToVideo, "sora-2 · text to video", _STANDARD),
    f"{APP}/text-to-video/pro": Endpoint(TextToVideoPro, "sora-2-pro · text to video", _PRO),
    f"{APP}/image-to-video": Endpoint(ImageToVideo, "sora-2 · image to video", _STANDARD),
    f"{APP}/image-to-video/pro": Endpoint(ImageToVideoPro, "sora-2-pro · image to video", _PRO),
    f"{APP}/video-to-video/remix": Endpoint(Remix, "sora-2 · remix", {"base": 0.10}),
}


class Unprocessable(Exception):
    """An input that the model refuses; `detail` is fal's list of reasons."""

    def __init__(self, detail: list[dict[str, Any]]) -> None:
        super().__init__(detail[0]["msg"])
        self.detail = detail


def refusal(kind: str, where: tuple[str | int, ...], message: str, **ctx: Any) -> Unprocessable:
    """A refusal for one reason, in the shape of a model error."""
    reason = {"loc": ["body", *where], "msg": message, "type": kind, "url": f"https://docs.fal.ai/errors/#{kind}"}
    return Unprocessable([{**reason, **({"ctx": ctx} if ctx else {})}])


def parse(endpoint: Endpoint, body: Any) -> Input:
    """The typed input; raises `Unprocessable` with pydantic's own reasons, as fal's runners do."""
    try:
        return endpoint.accepts.model_validate(body)
    except ValidationError as error:
        reasons = error.errors(include_url=False)
    raise Unprocessable([_reason(dict(reason)) for reason in reasons])


def _reason(reason: dict[str, Any]) -> dict[str, Any]:
    reason["loc"] = ["body", *reason["loc"]]
    if reason["type"] == "too_long":  # the one name that fal's documentation changes
        reason["type"] = "sequence_too_long"
        reason["ctx"] = {"max_length": reason["ctx"]["max_length"]}
    return reason


def frame(given: Input, image: tuple[int, int] | None) -> tuple[str, int, int]:
    """Resolution, width and height of a generation; `auto` follows the image."""
    resolution = getattr(given, "resolution", "720p")
    aspect = getattr(given, "aspect_ratio", "16:9")
    wide, high = image or (16, 9)
    if resolution == "auto":
        resolution = "1080p" if isinstance(given, ImageToVideoPro) and min(wide, high) >= 1024 else "720p"
    short, long = _SHORT_AND_LONG[resolution]
    upright = high > wide if aspect == "auto" else aspect == "9:16"
    return resolution, *((short, long) if upright else (long, short))
