"""What Kie's Sora 2 models accept. createTask checks it at once; the living models are data, in `rows`.

The inputs are strict: no coercion (`10` is not an `n_frames`) and no unknown field. A required field that is missing is
code 500 with a complaint (`aspect_ratio is required`), as at Kie; any other mistake is code 422 with a message of
pydantic's, because Kie's own are not known. Other tasks and files are checked when the task runs.
"""

from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

_HIGH = {"landscape": (1792, 1024), "portrait": (1024, 1792)}
_STANDARD = {"landscape": (1280, 720), "portrait": (720, 1280)}
Url = Annotated[str, Field(pattern=r"^https?://\S+$")]
OneUrl = Annotated[list[Url], Field(min_length=1, max_length=1)]
Instruction = Annotated[str, Field(max_length=5000)]


class Input(BaseModel):
    """The `input` of a task. `tier` names its row in the price table, `units` is how often that price is due."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    @property
    def tier(self) -> str:
        return ""

    @property
    def units(self) -> int:
        return 1


class Task(Input):
    """The body of createTask; four models report progress, too."""

    model: str = Field(min_length=1)
    input: dict[str, Any]
    callback: Url | None = Field(default=None, alias="callBackUrl")
    progress: Url | None = Field(default=None, alias="progressCallBackUrl")


class Sora(Input):
    """What the models that make a video share."""

    aspect_ratio: Literal["portrait", "landscape"] = "landscape"
    n_frames: Literal["10", "15", "25"] = "10"
    upload_method: Literal["s3", "oss"] = "s3"

    @property
    def text(self) -> str:
        return ""

    @property
    def frame(self) -> tuple[int, int]:
        return _STANDARD[self.aspect_ratio]

    @property
    def picture(self) -> str | None:
        """The address of the first frame."""
        return next(iter(getattr(self, "image_urls", None) or ()), None)

    @property
    def tier(self) -> str:
        return f"{self.n_frames}.0s"


class Stable(Sora):
    """`sora-2-text-to-video-stable`."""

    prompt: str = Field(min_length=1, max_length=10_000)
    n_frames: Literal["10", "15"] = "10"
    character_id_list: list[str] = Field(default=[], max_length=5)

    @property
    def text(self) -> str:
        return self.prompt

    @property
    def tier(self) -> str:
        return f"Stable-{self.n_frames}.0s"


class StableImage(Stable):
    """`sora-2-image-to-video-stable`; the image is the first frame."""

    image_urls: OneUrl


class Standard(Stable):
    """`sora-2-text-to-video`."""

    remove_watermark: bool = True

    @property
    def tier(self) -> str:
        return f"Standard-{self.n_frames}.0s"


class StandardImage(Standard):
    """`sora-2-image-to-video`."""

    image_urls: OneUrl


class Pro(Standard):
    """`sora-2-pro-text-to-video`."""

    size: Literal["standard", "high"] = "high"

    @property
    def frame(self) -> tuple[int, int]:
        return (_HIGH if self.size == "high" else _STANDARD)[self.aspect_ratio]

    @property
    def tier(self) -> str:
        return f"{self.size.capitalize()}-{self.n_frames}.0s"


class ProImage(Pro):
    """`sora-2-pro-image-to-video`."""

    image_urls: OneUrl
    size: Literal["standard", "high"] = "standard"


class Shot(Input):
    """One shot of a storyboard; its `Scene` is written with a capital."""

    scene: str = Field(alias="Scene", min_length=1)
    duration: float = Field(ge=0.1, le=15)


class Storyboard(Sora):
    """`sora-2-pro-storyboard`."""

    n_frames: Literal["10", "15", "25"]
    shots: list[Shot] = Field(min_length=1, max_length=10)
    image_urls: list[Url] = Field(default=[], max_length=1)

    @property
    def text(self) -> str:
        return " / ".join(shot.scene for shot in self.shots)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if round(sum(shot.duration for shot in self.shots), 3) > int(self.n_frames):
            raise ValueError("the shots last longer than n_frames")
        return self


class WatermarkRemover(Input):
    """`sora-watermark-remover`; takes only videos that were shared on Sora's own site."""

    video_url: str = Field(max_length=500)
    upload_method: Literal["s3", "oss"] = "s3"

    @model_validator(mode="after")
    def _shared(self) -> Self:
        if not self.video_url.startswith("https://sora.chatgpt.com/p/s_"):
            raise ValueError("post is null")
        return self


class FromClip(Input):
    """`sora-2-characters`: an array of one address, despite the name of the field."""

    character_file_url: OneUrl
    character_prompt: Instruction = ""
    safety_instruction: Instruction = ""


class FromTask(Input):
    """`sora-2-characters-pro`: seconds x to y of a finished video."""

    origin_task_id: str = Field(min_length=1, max_length=100)
    timestamps: str = Field(pattern=r"^\d+(\.\d+)?,\d+(\.\d+)?$")
    character_prompt: str = Field(min_length=1, max_length=5000)
    character_user_name: str | None = Field(default=None, min_length=1, max_length=40)
    safety_instruction: Instruction = ""

    @property
    def span(self) -> tuple[float, float]:
        first, last = self.timestamps.split(",")
        return float(first), float(last)

    @model_validator(mode="after")
    def _long_enough(self) -> Self:
        first, last = self.span
        if not 1 <= round(last - first, 3) <= 4:
            raise ValueError("timestamps must span 1 to 4 seconds")
        return self


Form = TypeVar("Form", bound=BaseModel)


class Invalid(Exception):
    """A createTask that is refused: the envelope's code and words."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def parse(form: type[Form], body: Any) -> Form:
    """The typed body; raises `Invalid` with the first complaint."""
    try:
        return form.model_validate(body)
    except ValidationError as error:
        raise complaint(error) from None


def complaint(error: ValidationError) -> Invalid:
    """The first complaint, as Kie words it."""
    reason = error.errors(include_url=False)[0]
    where = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in reason["loc"])[1:]
    if reason["type"] == "missing":
        return Invalid(500, f"{where} is required" if where else reason["msg"])
    if reason["type"] == "value_error":  # a sentence of our own, about more than one field
        return Invalid(422, str(reason["ctx"]["error"]))
    return Invalid(422, f"{where or 'body'}: {reason['msg']}")
