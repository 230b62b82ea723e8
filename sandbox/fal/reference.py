"""fal's living reference models: Seedance 2.0, Kling O3 and Veo 3.1. The cast comes with the order; Wan is in `wan`.

Each writes a duration in its own way (`"5"`, `"8s"`), cites files in its own way and has its own limits.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from prefect_storyboard.sandbox.fal import wan
from prefect_storyboard.sandbox.fal.cast import SHORT_SIDE, Reference, Rules, Sold, Total, Wanted, numbered
from prefect_storyboard.sandbox.fal.schema import Endpoint, Input, Where, refusal

_MB = 1_000_000

# --- Seedance 2.0

_SEEDANCE_IMAGE = Rules(kind="image", formats=("jpeg", "png", "webp"), most_bytes=30 * _MB)
_SEEDANCE_VIDEO = Rules(kind="video", formats=("mp4", "mov"), pixels=(640 * 640, 834 * 1112))  # "~480p to ~720p"
_SEEDANCE_AUDIO = Rules(kind="audio", formats=("mp3", "wav"), most_bytes=15 * _MB)
_AUTO_SECONDS = 5  # real "auto" follows the prompt


class Seedance(Reference):
    """`bytedance/seedance-2.0/reference-to-video`: files are cited as @Image1, @Video1, @Audio1."""

    prompt: str = Field(min_length=1)
    image_urls: Annotated[list[str], Field(max_length=9)] | None = None
    video_urls: Annotated[list[str], Field(max_length=3)] | None = None
    audio_urls: Annotated[list[str], Field(max_length=3)] | None = None
    resolution: Literal["480p", "720p", "1080p", "4k"] = "720p"
    duration: Literal["auto", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"] = "auto"
    aspect_ratio: Literal["auto", "21:9", "16:9", "4:3", "1:1", "3:4", "9:16"] = "auto"
    bitrate_mode: Literal["standard", "high"] = "standard"
    end_user_id: str | None = None
    extra_outputs: ClassVar = ("seed",)
    totals: ClassVar = {"video": Total((2, 15), 50 * _MB), "audio": Total((0, 15))}

    def prompts(self) -> dict[Where, str]:
        """The one prompt."""
        return {("prompt",): self.prompt}

    def files(self) -> list[Wanted]:
        """Images, videos and sounds."""
        pictures = numbered("image_urls", self.image_urls, _SEEDANCE_IMAGE)
        videos = numbered("video_urls", self.video_urls, _SEEDANCE_VIDEO)
        return pictures + videos + numbered("audio_urls", self.audio_urls, _SEEDANCE_AUDIO)

    def sold(self) -> Sold:
        """Sound is free."""
        seconds = _AUTO_SECONDS if self.duration == "auto" else int(self.duration)
        return Sold(seconds, self.resolution, self.resolution)

    def billed_seconds(self, video_seconds: float) -> float:
        """With videos, their seconds count too, and all of it costs 0.6 of the price."""
        return 0.6 * (self.sold().seconds + video_seconds) if video_seconds else self.sold().seconds

    def check(self) -> None:
        """At most 12 files, and no sound alone."""
        if self.audio_urls and not (self.image_urls or self.video_urls):
            raise refusal("value_error", ("audio_urls",), "Audio needs at least one reference image or video.")
        if len(self.files()) > 12:
            raise refusal("value_error", (), "At most 12 files in all are allowed.")


class SeedanceSmall(Seedance):
    """The tiers `fast` and `mini`."""

    resolution: Literal["480p", "720p"] = "720p"


# --- Kling O3

_KLING_PART = Rules(kind="image", most_bytes=10 * _MB, least_side=300, aspect=(0.40, 2.50))
_KLING_VIDEO = Rules(kind="video", formats=("mp4", "mov"))
_KLING_STYLE = Rules(kind="image")
Words = Annotated[str, Field(min_length=1, max_length=2500)]


class Element(Input):
    """A character or thing: a frontal picture with up to three others, or a clip."""

    frontal_image_url: str | None = None
    reference_image_urls: Annotated[list[str], Field(min_length=1, max_length=3)] | None = None
    video_url: str | None = None
    voice_id: str | None = None

    def files(self, place: int) -> list[Wanted]:
        """Its files, of which the first shows who it is."""
        where, name = ("elements", place), f"Element {place + 1}"
        files = []
        if self.frontal_image_url:
            files.append(Wanted((*where, "frontal_image_url"), self.frontal_image_url, _KLING_PART, name))
        if self.video_url:
            clip_of = None if files else name
            files.append(Wanted((*where, "video_url"), self.video_url, _KLING_VIDEO, clip_of))
        others = enumerate(self.reference_image_urls or [])
        return files + [Wanted((*where, "reference_image_urls", each), url, _KLING_PART) for each, url in others]


class Shot(Input):
    """One of several shots."""

    prompt: Words
    duration: Literal["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"] = "5"


class Kling(Reference):
    """`fal-ai/kling-video/o3/pro/reference-to-video`: @Element1 is one of the cast, @Image1 a style."""

    prompt: Words | None = None
    multi_prompt: Annotated[list[Shot], Field(min_length=1)] | None = None
    elements: list[Element] | None = None
    image_urls: list[str] | None = None
    start_image_url: str | None = None
    end_image_url: str | None = None
    generate_audio: bool = False
    duration: Literal["3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"] = "5"
    aspect_ratio: Literal["16:9", "9:16", "1:1"] = "16:9"
    shot_type: Literal["customize", "intelligent"] = "customize"
    size: ClassVar = "1080p"
    most: ClassVar = 7
    most_with_video: ClassVar = 4

    def prompts(self) -> dict[Where, str]:
        """The prompt, or that of each shot."""
        if self.prompt is not None:
            return {("prompt",): self.prompt}
        return {("multi_prompt", place, "prompt"): shot.prompt for place, shot in enumerate(self.multi_prompt or [])}

    def files(self) -> list[Wanted]:
        """Elements and styles; the first frame is no part of the cast."""
        parts = [file for place, each in enumerate(self.elements or []) for file in each.files(place)]
        last = [Wanted(("end_image_url",), self.end_image_url, _KLING_STYLE)] if self.end_image_url else []
        return parts + numbered("image_urls", self.image_urls, _KLING_STYLE) + last

    def shown(self) -> set[str]:
        """Every element, and the styles that are cited."""
        return super().shown() | {f"Element {place + 1}" for place in range(len(self.elements or []))}

    def sold(self) -> Sold:
        """Several shots are as long as they are together."""
        seconds = sum(int(shot.duration) for shot in self.multi_prompt) if self.multi_prompt else int(self.duration)
        return Sold(seconds, self.size, "sound" if self.generate_audio else "silent")

    def check(self) -> None:
        """One way to prompt, elements with a face, and few enough of everything."""
        if (self.prompt is None) == (self.multi_prompt is None):
            raise refusal("value_error", ("prompt",), "Either prompt or multi_prompt must be provided, but not both.")
        if not 3 <= self.sold().seconds <= 15:
            raise refusal("value_error", ("multi_prompt",), "All shots together must last 3 to 15 seconds.")
        elements = self.elements or []
        for place, each in enumerate(elements):
            if not (each.frontal_image_url or each.video_url):
                raise refusal("value_error", ("elements", place), "An element needs frontal_image_url or video_url.")
        clips = [place for place, each in enumerate(elements) if each.video_url]
        if len(clips) > 1:
            raise refusal("value_error", ("elements", clips[1], "video_url"), "Only one element may have a video.")
        most = self.most_with_video if clips else self.most
        if len(elements) + len(self.image_urls or []) > most:
            raise refusal("value_error", ("elements",), f"At most {most} elements and images in all are allowed.")


class KlingStandard(Kling):
    """`fal-ai/kling-video/o3/standard/reference-to-video`."""

    size: ClassVar = "720p"


class Kling4k(Kling):
    """`fal-ai/kling-video/o3/4k/reference-to-video`."""

    size: ClassVar = "4k"
    most_with_video: ClassVar = 7


# --- Veo 3.1


class Veo(Reference):
    """`fal-ai/veo3.1/reference-to-video`: pictures of subjects that the prompt describes and never cites."""

    prompt: str = Field(min_length=1)
    image_urls: Annotated[list[str], Field(min_length=1, max_length=3)]
    duration: Literal["8s"] = "8s"
    resolution: Literal["720p", "1080p", "4k"] = "720p"
    aspect_ratio: Literal["16:9", "9:16"] = "16:9"
    auto_fix: bool = False
    safety_tolerance: Literal["1", "2", "3", "4", "5", "6"] = "4"

    def prompts(self) -> dict[Where, str]:
        """The one prompt."""
        return {("prompt",): self.prompt}

    def files(self) -> list[Wanted]:
        """The pictures."""
        return numbered("image_urls", self.image_urls, Rules(kind="image", most_bytes=8 * _MB))

    def shown(self) -> set[str]:
        """Everyone."""
        return {file.name for file in self.files() if file.name}

    def sold(self) -> Sold:
        """4k and sound cost more."""
        size = "4k" if self.resolution == "4k" else "base"
        return Sold(8, self.resolution, f"{size} with sound" if self.generate_audio else size)


def _by_pixels(usd: float) -> dict[str, float]:
    """Seedance's prices per second from that of 720p: tokens, and so dollars, are counted by pixels."""
    prices = {size: round(usd * (short / 720) ** 2, 4) for size, short in SHORT_SIDE.items()}
    return {"base": usd, **prices}


def _by_sound(silent: float, sound: float) -> dict[str, float]:
    return {"base": silent, "silent": silent, "sound": sound}


_KLING = "fal-ai/kling-video/o3"
_VEO_USD = {"base": 0.20, "base with sound": 0.40, "4k": 0.40, "4k with sound": 0.60}
REFERENCE_ENDPOINTS: Mapping[str, Endpoint] = {
    "bytedance/seedance-2.0/reference-to-video": Endpoint(Seedance, "seedance 2.0", _by_pixels(0.3024)),
    "bytedance/seedance-2.0/fast/reference-to-video": Endpoint(SeedanceSmall, "seedance 2.0 fast", _by_pixels(0.2419)),
    "bytedance/seedance-2.0/mini/reference-to-video": Endpoint(SeedanceSmall, "seedance 2.0 mini"),  # price not known
    f"{_KLING}/standard/reference-to-video": Endpoint(KlingStandard, "kling o3 standard", _by_sound(0.084, 0.112)),
    f"{_KLING}/pro/reference-to-video": Endpoint(Kling, "kling o3 pro", _by_sound(0.112, 0.14)),
    f"{_KLING}/4k/reference-to-video": Endpoint(Kling4k, "kling o3 4k", _by_sound(0.42, 0.42)),
    "fal-ai/veo3.1/reference-to-video": Endpoint(Veo, "veo 3.1", _VEO_USD),
    "fal-ai/wan/v2.7/reference-to-video": Endpoint(wan.Wan, "wan 2.7", wan.USD),
}
