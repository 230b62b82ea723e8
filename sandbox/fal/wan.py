"""`fal-ai/wan/v2.7/reference-to-video`: its output has the seed and the prompt that it used."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from prefect_storyboard.sandbox.fal.cast import Reference, Rules, Sold, Wanted, numbered
from prefect_storyboard.sandbox.fal.schema import Where, refusal

_IMAGE = Rules(kind="image", most_bytes=20_000_000)
_VIDEO = Rules(kind="video", formats=("mp4", "mov"), most_bytes=100_000_000)
USD = {"base": 0.10, "720p": 0.10, "1080p": 0.15}


class Wan(Reference):
    """Pictures and clips of subjects that the prompt describes and never cites."""

    prompt: str = Field(min_length=1, max_length=5000)
    reference_image_urls: list[str] | None = None
    reference_video_urls: list[str] | None = None
    negative_prompt: Annotated[str, Field(max_length=500)] | None = None
    duration: int = Field(default=5, ge=2, le=10)
    resolution: Literal["720p", "1080p"] = "1080p"
    aspect_ratio: Literal["16:9", "9:16", "1:1", "4:3", "3:4"] = "16:9"
    multi_shots: bool = False
    seed: int | None = Field(default=None, ge=0)
    enable_safety_checker: bool = True
    extra_outputs: ClassVar = ("seed", "actual_prompt")

    def prompts(self) -> dict[Where, str]:
        """The one prompt."""
        return {("prompt",): self.prompt}

    def files(self) -> list[Wanted]:
        """Pictures and clips."""
        pictures = numbered("reference_image_urls", self.reference_image_urls, _IMAGE)
        return pictures + numbered("reference_video_urls", self.reference_video_urls, _VIDEO)

    def shown(self) -> set[str]:
        """Everyone."""
        return {file.name for file in self.files() if file.name}

    def sold(self) -> Sold:
        """Both resolutions have a price."""
        return Sold(self.duration, self.resolution, self.resolution)

    def billed_seconds(self, video_seconds: float) -> float:
        """The seconds of the reference clips are billed, too."""
        return self.duration + video_seconds

    def check(self) -> None:
        """It has no switch for sound."""
        if "generate_audio" in self.model_fields_set:
            raise refusal("extra_forbidden", ("generate_audio",), "Extra inputs are not permitted")
