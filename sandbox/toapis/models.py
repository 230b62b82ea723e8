"""What ToAPIs' models accept. The five of the Sora 2 family are dead upstream; the living ones are data, in `rows`.

The inputs are strict: no coercion (`"10"` is not a duration) and no field that the model's page does not list. Where a
page is silent the sandbox had to choose: sora-2-vip takes the durations of its remix, and a clip without an
`aspect_ratio` is 16:9.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from prefect_storyboard.sandbox import catalogue
from prefect_storyboard.sandbox.catalogue import Broken, form, read
from prefect_storyboard.sandbox.catalogue import Model as Row
from prefect_storyboard.sandbox.toapis.errors import Refused, no_channel

Url = Annotated[str, Field(pattern=r"^https?://\S+$")]
Task = Literal["video", "character", "remix", "picture"]
Style = Literal["thanksgiving", "comic", "news", "selfie", "nostalgic", "anime"]
_TIMESTAMPS = re.compile(r"\d+(\.\d+)?,\d+(\.\d+)?")


@dataclass(frozen=True)
class Model:
    """A model: the durations it takes, the default first, and whether it makes characters and plain remixes.

    A living model has a `row`, which says the rest.
    """

    seconds: tuple[int, ...] = ()
    characters: bool = False
    row: Row | None = None

    @property
    def draws(self) -> bool:
        """Whether it makes pictures, at an address of their own."""
        return self.row is not None and self.row.makes == "picture"


MODELS: Mapping[str, Model] = {
    "sora-2": Model((10, 15), characters=True),
    "sora-2-pro": Model((15, 25), characters=True),
    "sora-2-vip": Model((10, 15), characters=True),
    "sora-2-vvip": Model((4, 8, 12)),
    "sora-2-official": Model((4, 8, 12)),
    **{name: Model(row=row) for name, row in read(Path(__file__).parent / "rows").items()},
}
OFFICIAL = "sora-2-official"


class Input(BaseModel):
    """A body, or a part of one."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Order(Input):
    """What everything that can be bought shares; task ids begin with `prefix`."""

    prefix: ClassVar[str] = "video"
    model: str


class Character(Order):
    """`timestamps` instead of a prompt: a character from a clip or from a finished task."""

    prefix = "task"
    timestamps: str
    url: Url | None = None
    from_task: str | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not MODELS[self.model].characters:
            raise ValueError(f"{self.model} makes no characters")
        if (self.url is None) == (self.from_task is None):
            raise ValueError("url 与 from_task 必须二选一")
        _check_span(self.timestamps, 1, 3)
        return self


class Video(Order):
    """What all generations share."""

    prompt: str = Field(min_length=1)
    duration: int | None = None
    callback_url: Url | None = None
    client_business_id: str | None = None

    @property
    def seconds(self) -> int:
        """The requested length, or the model's default."""
        return self.duration or MODELS[self.model].seconds[0]

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        _check_duration(self.model, self.duration)
        return self


class Metadata(Input):
    """The nested options. `character_url` is the address of a clip here; at the top level it is a task's id."""

    n: int = Field(default=1, ge=1, le=4)
    watermark: bool = False
    hd: bool = False
    private: bool = False
    style: Style | None = None
    storyboard: bool = False
    character_url: Url | None = None
    character_timestamps: str | None = None
    character_create: bool = False
    character_from_task: str | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.character_timestamps is not None:
            _check_span(self.character_timestamps, 2, 2)
        return self


class Sora(Video):
    """A Sora generation."""

    aspect_ratio: Literal["16:9", "9:16"] | None = None
    image_urls: list[Url] = []
    thumbnail: bool = False
    character_url: str | None = Field(default=None, pattern=r"^[^/:]+$")
    metadata: Metadata = Metadata()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.metadata.hd and (self.model != "sora-2-pro" or self.seconds == 25):
            raise ValueError("hd is for sora-2-pro, and not with 25 s")
        return self

    @property
    def frame(self) -> tuple[int, int]:
        """Width and height of the clip."""
        aspect = self.aspect_ratio or ("9:16" if self.model == OFFICIAL else "16:9")
        short, long = (1024, 1792) if self.metadata.hd else (720, 1280)
        return (long, short) if aspect == "16:9" else (short, long)


class Living(Order):
    """A generation of a living model; its row says what else there is."""

    prefix = "tsk_vid"
    prompt: str = Field(min_length=1)
    callback_url: Url | None = None
    client_business_id: str | None = None


class Drawing(Living):
    """A picture of an image model; its row says what else there is."""

    prefix = "tsk_img"


class Remix(Order):
    """Another version of a finished clip. `video_id` comes from the path."""

    video_id: str
    prompt: str = Field(min_length=1)
    duration: int | None = None
    aspect_ratio: Literal["16:9", "9:16", "1:1"] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        official = self.model == OFFICIAL
        if not (official or MODELS[self.model].characters):
            raise ValueError(f"{self.model} makes no remixes")
        if official and (self.duration or self.aspect_ratio):
            raise ValueError(f"a remix of {OFFICIAL} takes model and prompt only")
        _check_duration(self.model, self.duration)
        return self


def task_of(body: Any) -> Task:
    """What a body that was posted to `videos/generations` asks for."""
    return "character" if isinstance(body, dict) and "timestamps" in body and "prompt" not in body else "video"


def parse(body: Any, task: Task) -> Order:
    """The typed order; raises `Refused` with what is wrong with it, or for a model that there is not."""
    model = body.get("model") if isinstance(body, dict) else None
    if not isinstance(model, str):
        raise Refused(400, "model")
    if model not in MODELS:
        raise no_channel(model)
    if MODELS[model].draws != (task == "picture"):
        raise Refused(400, "model")
    kinds: Mapping[Task, type[Order]] = {"character": Character, "remix": Remix, "video": Sora}
    row = MODELS[model].row
    try:
        if row is not None and task in {"video", "picture"}:
            living(body)
            made: Order = form(row, _base(row)).model_validate(body)
            return made
        return kinds[task].model_validate(body)
    except Broken as broken:
        raise Refused(400, str(broken)) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    raise Refused(400, f"{where} {first['msg'].removeprefix('Value error, ')}".strip())


def living(body: Any) -> catalogue.Order:
    """What a body asks of a living model."""
    row = MODELS[body["model"]].row
    assert row is not None  # noqa: S101 - the caller has checked
    return catalogue.order(row, body, base=_base(row))


def _base(row: Row) -> type[Living]:
    return Drawing if row.makes == "picture" else Living


def span(timestamps: str) -> tuple[float, float]:
    """Start and end in seconds of a well-formed `"start,end"`."""
    start, end = map(float, timestamps.split(","))
    return start, end


def _check_span(timestamps: str, least: int, most: int) -> None:
    start, end = span(timestamps) if _TIMESTAMPS.fullmatch(timestamps) else (0.0, 0.0)
    if not least <= round(end - start, 6) <= most:
        within = f"{least}-{most}" if least < most else str(least)
        raise ValueError(f"timestamps 时间范围必须在 {within} 秒之间")


def _check_duration(model: str, duration: int | None) -> None:
    accepted = MODELS[model].seconds
    if duration is not None and duration not in accepted:
        raise ValueError(f"duration of {model} must be one of {', '.join(map(str, sorted(accepted)))}")
