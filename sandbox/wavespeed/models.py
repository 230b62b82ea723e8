"""The models that WaveSpeed sells here: what they accept, how large their clips are, and what they cost.

The inputs are strict: no coercion and no unknown field, and `size` is written with an asterisk. Where the documents
disagree the narrower reading counts, so that a client that passes here passes there.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

Seconds = Literal[4, 8, 12, 16, 20]
Size = Literal["720*1280", "1280*720"]
ProSize = Literal["720*1280", "1280*720", "1024*1792", "1792*1024", "1920*1080", "1080*1920"]
Cast = Annotated[list[str], Field(max_length=2)]


class Strict(BaseModel):
    """The base of everything that a client sends."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Input(Strict):
    """The flat body of a submit."""

    enable_sync_mode: bool = False


class Character(Input):
    """`openai/sora-2/characters`."""

    video: str
    name: str = Field(min_length=1, max_length=80)


class TextToVideo(Input):
    """`openai/sora-2/text-to-video`."""

    prompt: str = Field(min_length=1)
    size: Size = "720*1280"
    duration: Seconds = 4
    characters: Cast = []


class TextToVideoPro(Input):
    """`openai/sora-2/text-to-video-pro`; the newest documents list no characters for it."""

    prompt: str = Field(min_length=1)
    size: ProSize = "720*1280"
    duration: Seconds = 4


class ProTextToVideo(TextToVideoPro):
    """`openai/sora-2-pro/text-to-video`."""

    characters: Cast = []


class ImageToVideo(Input):
    """`openai/sora-2/image-to-video`; the output follows the image."""

    image: str
    prompt: str = Field(min_length=1)
    duration: Seconds = 4


class ImageToVideoPro(ImageToVideo):
    """Both spellings of the pro model."""

    resolution: Literal["720p", "1080p"] = "720p"


class Seedance(Input):
    """`bytedance/seedance-2.0/text-to-video` and its fast twin, with references."""

    prompt: str = Field(min_length=1)
    aspect_ratio: Literal["16:9", "9:16", "4:3", "3:4", "1:1", "21:9"] = "16:9"
    duration: int = Field(default=5, ge=4, le=15)
    resolution: Literal["480p", "720p", "1080p"] = "720p"
    reference_images: list[str] = []
    reference_videos: list[str] = []
    reference_audios: list[str] = []


class Element(Input):
    """`kwaivgi/kling-elements-advanced`: a character for Kling's models."""

    name: str = Field(min_length=1, max_length=20)
    description: str = Field(min_length=1, max_length=100)
    reference_type: Literal["image_refer", "video_refer"] = "image_refer"
    frontal_image: str | None = None
    refer_images: list[str] = Field(default=[], max_length=3)
    element_video_list: list[str] = []

    @model_validator(mode="after")
    def has_its_references(self) -> Self:
        """Each kind of reference needs its own fields."""
        if self.reference_type == "video_refer":
            missing = [] if self.element_video_list else ["element_video_list"]
        else:
            missing = [name for name in ("frontal_image", "refer_images") if not getattr(self, name)]
        if missing:
            raise PydanticCustomError("missing", "{name} is required", {"name": missing[0]})
        return self


class ElementId(Strict):
    """An element as a video cites it: the number as a string."""

    element_id: str


class KlingImageToVideo(Input):
    """`kwaivgi/kling-video-o3-pro/image-to-video`."""

    prompt: str = Field(min_length=1)
    image: str
    element_list: list[ElementId] = Field(default=[], max_length=3)
    duration: int = Field(default=5, ge=3, le=15)
    sound: bool = False


@dataclass(frozen=True)
class Model:
    """One model: its input, its type in the catalogue, and dollars per second (or run), by the value of one field."""

    accepts: type[Input]
    label: str
    type: str
    usd: Mapping[str, float] = field(default_factory=dict)
    priced_by: str = ""

    @property
    def kind(self) -> Literal["video", "character"]:
        """What it makes."""
        return "character" if self.accepts in {Character, Element} else "video"


_T2V, _I2V = "text-to-video", "image-to-video"
_PRO_SIZES = {"720*1280": 0.3, "1280*720": 0.3, "1024*1792": 0.5, "1792*1024": 0.5, "1080*1920": 0.7, "1920*1080": 0.7}
_PRO = {"720p": 0.3, "1080p": 0.7}  # the price of 1080p is hearsay
MODELS: Mapping[str, Model] = {
    "openai/sora-2/characters": Model(Character, "character", "video-to-text", {"": 0.001}),
    "openai/sora-2/text-to-video": Model(TextToVideo, "sora-2 · text to video", _T2V, {"": 0.1}),
    "openai/sora-2/text-to-video-pro": Model(
        TextToVideoPro, "sora-2-pro · text to video", _T2V, _PRO_SIZES, priced_by="size"
    ),
    "openai/sora-2-pro/text-to-video": Model(
        ProTextToVideo, "sora-2-pro · text to video", _T2V, _PRO_SIZES, priced_by="size"
    ),
    "openai/sora-2/image-to-video": Model(ImageToVideo, "sora-2 · image to video", _I2V, {"": 0.1}),
    "openai/sora-2/image-to-video-pro": Model(
        ImageToVideoPro, "sora-2-pro · image to video", _I2V, _PRO, priced_by="resolution"
    ),
    "openai/sora-2-pro/image-to-video": Model(
        ImageToVideoPro, "sora-2-pro · image to video", _I2V, _PRO, priced_by="resolution"
    ),
    "bytedance/seedance-2.0/text-to-video": Model(
        Seedance, "seedance 2.0 · text to video", _T2V, {"720p": 0.24}, priced_by="resolution"
    ),
    "bytedance/seedance-2.0-fast/text-to-video": Model(
        Seedance, "seedance 2.0 fast · text to video", _T2V, {"720p": 0.16}, priced_by="resolution"
    ),
    "kwaivgi/kling-elements-advanced": Model(Element, "element", "image-to-text", {"": 0.01}),
    "kwaivgi/kling-video-o3-pro/image-to-video": Model(KlingImageToVideo, "kling o3 pro · image to video", _I2V),
}


class Refused(Exception):
    """An input that is refused at submit: 1400 for what is missing, 1401 for what is wrong."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def parse(model: Model, body: Any) -> Input:
    """The typed input; raises `Refused` with the first reason."""
    try:
        return model.accepts.model_validate(body)
    except ValidationError as error:
        reason = error.errors(include_url=False)[0]
    missing = reason["type"] == "missing"
    where = ".".join(str(each) for each in reason["loc"])
    raise Refused(
        1400 if missing else 1401, f"{'missing' if missing else 'invalid'} parameter: {where} {reason['msg']}"
    )


def price(model: Model, given: Input) -> float | None:
    """Dollars for one run; None if the documents do not say."""
    rate = model.usd.get(str(getattr(given, model.priced_by, "")))
    return None if rate is None else round(rate * int(getattr(given, "duration", 1)), 4)


def formula(model: Model) -> str:
    """The price as the catalogue's JSONata expression."""
    rate = f"$lookup({json.dumps(model.usd)}, {model.priced_by})" if model.priced_by else f"{model.usd['']:g}"
    return f"{rate} * duration" if "duration" in model.accepts.model_fields else rate


def frame(given: Input, image: tuple[int, int] | None) -> tuple[int, int]:
    """Width and height of a video; without a size or an aspect it follows the image."""
    if size := getattr(given, "size", None):
        width, height = size.split("*")
        return int(width), int(height)
    upright = image is not None and image[1] > image[0]
    across, down = map(int, getattr(given, "aspect_ratio", "9:16" if upright else "16:9").split(":"))
    scale = int(getattr(given, "resolution", "720p").removesuffix("p")) / min(across, down)
    return round(across * scale), round(down * scale)
