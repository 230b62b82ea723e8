"""The models that WaveSpeed sells here: what they accept, how large their clips are, and what they cost.

The living models are data, in `rows`; Sora and the makers of characters and elements are here.

The inputs are strict: no coercion and no unknown field, and `size` is written with an asterisk. Where the documents
disagree the narrower reading counts, so that a client that passes here passes there.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from prefect_storyboard.sandbox.catalogue import Broken, Order, draft, form, order, quoted, read
from prefect_storyboard.sandbox.catalogue import Model as Row
from prefect_storyboard.sandbox.catalogue.prices import cost

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


class PictureInput(Input):
    """The flat body of a submit to an image model."""

    enable_base64_output: bool = False


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


@dataclass(frozen=True)
class Model:
    """One model: its input, its type in the catalogue, and dollars per second (or run), by the value of one field.

    A living model has a `row`, which says what it accepts, and all the rest.
    """

    accepts: type[Input]
    label: str
    type: str
    usd: Mapping[str, float] = field(default_factory=dict)
    priced_by: str = ""
    row: Row | None = None

    @property
    def kind(self) -> Literal["video", "character", "picture"]:
        """What it makes."""
        if self.row is not None and self.row.makes == "picture":
            return "picture"
        return "character" if self.accepts in {Character, Element} else "video"


def _living(row: Row) -> Model:
    accepts = PictureInput if row.makes == "picture" else Input
    return Model(accepts, row.label, row.type or row.name.rpartition("/")[2], row=row)


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
    "kwaivgi/kling-elements-advanced": Model(Element, "element", "image-to-text", {"": 0.01}),
    **{name: _living(row) for name, row in read(Path(__file__).parent / "rows").items()},
}


class Refused(Exception):
    """An input that is refused at submit: 1400 for what is missing, 1401 for what is wrong."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def parse(model: Model, body: Any) -> Input | Order:
    """The typed input, of a living model an order; raises `Refused` with the first reason."""
    try:
        return model.accepts.model_validate(body) if model.row is None else order(model.row, body, base=model.accepts)
    except Broken as broken:
        raise Refused(1401, f"invalid parameter: {broken}") from None
    except ValidationError as error:
        reason = error.errors(include_url=False)[0]
    missing = reason["type"] == "missing"
    where = ".".join(str(each) for each in reason["loc"])
    raise Refused(
        1400 if missing else 1401, f"{'missing' if missing else 'invalid'} parameter: {where} {reason['msg']}"
    )


def price(model: Model, given: Input | Order) -> float | None:
    """Dollars for one run, before its files are measured; None if the documents do not say."""
    if isinstance(given, Order):
        usd = quoted(given) if given.model.makes == "picture" else _clip_price(given)
        return None if usd is None else round(usd, 4)
    rate = model.usd.get(str(getattr(given, model.priced_by, "")))
    return None if rate is None else round(rate * int(getattr(given, "duration", 1)), 4)


def _clip_price(given: Order) -> float | None:
    return cost(given, given.seconds) if given.seconds is not None else None


def quote(model: Model, inputs: Mapping[str, Any]) -> float | None:
    """The price of inputs that need not be whole."""
    if model.row is not None:
        return price(model, draft(model.row, inputs))
    return price(model, model.accepts.model_construct(None, **inputs))


def input_schema(model: Model) -> dict[str, Any]:
    """The JSON schema of a model's input."""
    accepts = model.accepts if model.row is None else form(model.row, model.accepts)
    schema: dict[str, Any] = accepts.model_json_schema()
    return schema


def formula(model: Model) -> str | None:
    """The price as the catalogue's JSONata expression; None if it takes more than one."""
    if model.row is not None:
        return _living_formula(model.row)
    rate = f"$lookup({json.dumps(model.usd)}, {model.priced_by})" if model.priced_by else f"{model.usd['']:g}"
    return f"{rate} * duration" if "duration" in model.accepts.model_fields else rate


def _living_formula(row: Row) -> str | None:
    rates, per = dict(row.price.rates), " * duration" if row.price.per == "second" else ""
    if row.quality:
        return f"$lookup({json.dumps(rates)}, {row.quality})"
    if set(rates) == {"any"}:
        return f"{rates['any']:g}{per}"
    if set(rates) == {"sound", "silent"}:
        return f"({row.sound} ? {rates['sound']:g} : {rates['silent']:g}){per}"
    return None if row.price.counts_videos else f"$lookup({json.dumps(rates)}, {row.resolution}){per}"


def frame(given: Input, image: tuple[int, int] | None) -> tuple[int, int]:
    """Width and height of a video; without a size or an aspect it follows the image."""
    if size := getattr(given, "size", None):
        width, height = size.split("*")
        return int(width), int(height)
    upright = image is not None and image[1] > image[0]
    across, down = map(int, getattr(given, "aspect_ratio", "9:16" if upright else "16:9").split(":"))
    scale = int(getattr(given, "resolution", "720p").removesuffix("p")) / min(across, down)
    return round(across * scale), round(down * scale)
