"""One entry of the model table: what a model family is called, takes and costs at one provider."""

from datetime import UTC, date, datetime
from typing import Literal

from pydantic import Field

from prefect_storyboard.storyboards.nouns import Frozen

Operation = Literal["text", "image", "remix", "character", "character_from_video"]
Mode = Literal["text", "image", "frames", "references"]  # what a scene is made from; each may have an endpoint


class ClipLimits(Frozen):
    """What a provider accepts as a reference clip. Sides in pixels, aspect as long side / short side."""

    containers: tuple[str, ...] = ()
    min_short_side: int | None = None
    max_short_side: int | None = None
    max_aspect: float | None = None
    min_area: int | None = Field(default=None, description="Width times height; smaller pictures are scaled up.")
    max_area: int | None = None
    min_fps: int | None = Field(default=None, description="Other rates are resampled.")
    max_fps: int | None = None
    min_seconds: float | None = None
    max_seconds: float | None = None
    used_seconds: float | None = Field(
        default=None, description="Longer clips are taken; only so much of them is used."
    )
    max_bytes: int | None = None
    sound: bool = Field(default=False, description="The clip must have a sound track.")
    motion: bool = Field(default=False, description="Something in the clip must move.")


class PictureLimits(Frozen):
    """What a provider accepts as a picture: JPEG, PNG or WebP."""

    min_side: int | None = Field(default=None, description="In pixels.")
    max_side: int | None = Field(default=None, description="In pixels; larger pictures are scaled down.")
    max_aspect: float | None = Field(default=None, description="Long side / short side.")
    max_bytes: int | None = None
    sizes: tuple[tuple[int, int], ...] = Field(default=(), description="Exactly one of these, in pixels.")


class References(PictureLimits):
    """Media of the characters that go along with every scene, where a model knows no characters of its own.

    Counts are the most that one scene may carry. `each` is the least and the most of pictures of one character.
    """

    images: int
    each: tuple[int, int] = (1, 1)
    clips: int = 0
    needed: bool = Field(default=False, description="The model makes nothing of a prompt alone.")


class Model(Frozen):
    """A model family at one provider. Prices in US dollars; a price that is not in the table is unknown, never 0."""

    name: str
    provider: str
    codec: str = Field(default="sora", description="Which form of a request body the adapter builds.")
    endpoints: dict[Operation, str]
    seconds: tuple[int, ...]
    aspects: tuple[str, ...]
    resolutions: tuple[str, ...] = Field(description="The first is the default.")
    frame_aspects: tuple[str, ...] = Field(default=(), description="More of them for a scene with a first frame.")
    frame_resolutions: tuple[str, ...] = Field(default=(), description="More of them for a scene with a first frame.")
    max_characters: int = 0
    casting: str | None = Field(default=None, description="Family of castings; models of one family share characters.")
    casts: tuple[Operation, ...] = Field(default=("text", "image"), description="Operations that take characters.")
    names_in_prompt: bool = Field(default=False, description="Whether a character's name must occur in the prompt.")
    max_prompt: int | None = Field(default=None, description="Most characters of a prompt as sent, mentions included.")
    references: References | None = Field(default=None, description="Set where characters are media, not castings.")
    first_frame: Literal["exact", "cited", "cited with cast"] = Field(
        default="exact",
        description="cited: a picture to start from is one more reference, and the scene begins only much like it.",
    )
    frame: PictureLimits = Field(default=PictureLimits(), description="What a picture to start from has to be.")
    sound: Literal["always", "never", "switch"] = Field(
        default="always", description="Whether clips have sound; switch: as the request says."
    )
    takes_last_frame: tuple[Mode, ...] = Field(default=(), description="Modes that take a picture of the last frame.")
    takes_seed: tuple[Mode, ...] = Field(default=(), description="Modes that take a seed.")
    takes_negative: tuple[Mode, ...] = Field(default=(), description="Modes that take what must not be seen.")
    usd_per_second: dict[str, float] = Field(default={}, description="By resolution; with sound, where that costs.")
    usd_per_second_silent: dict[str, float] = Field(default={}, description="By resolution, where silence is cheaper.")
    usd_per_second_with_clips: dict[str, float] = Field(
        default={}, description="By resolution, of the seconds of all clips that go in and of the one that comes out."
    )
    usd_per_clip: dict[str, dict[int, float]] = Field(default={}, description="By resolution and seconds.")
    usd_per_character: float | None = None
    reference: ClipLimits = ClipLimits()
    retires_on: date | None = None
    successor: str | None = None

    def sizes(self, operation: Operation) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The aspects and the resolutions that an operation takes."""
        more = operation == "image"
        return self.aspects + self.frame_aspects * more, self.resolutions + self.frame_resolutions * more

    def mode(self, *, shown: bool, frame: bool, last_frame: bool = False) -> Mode:
        """What a scene is made from: `shown` are characters as media, the frames pictures it begins and ends with."""
        if shown:
            return "references"
        if last_frame:
            return "frames"
        return "image" if frame else "text"

    @property
    def ended(self) -> bool:
        """Whether the model's maker has switched it off."""
        return self.retires_on is not None and self.retires_on <= datetime.now(UTC).date()

    @property
    def ending(self) -> str:
        """When the maker switches it off, and what comes after; empty for a model without a date."""
        if self.retires_on is None:
            return ""
        successor = f"; its successor is {self.successor}" if self.successor else ""
        return f"{self.name} is switched off by its maker on {self.retires_on}{successor}"

    @property
    def replacement(self) -> str:
        """What to take in its place, as a sentence."""
        return f"Its successor is {self.successor}" if self.successor else "Choose another model"

    @property
    def character_from_video(self) -> bool:
        """Whether a character can be made of a finished video by its id; else it is made of the stored file."""
        return "character_from_video" in self.endpoints

    def price(
        self, operation: Operation, seconds: int, resolution: str, clip_seconds: float = 0.0, *, audio: bool = True
    ) -> float | None:
        """What one job costs, or None where no price is published. `clip_seconds`: length of the clips that go in."""
        if operation in {"character", "character_from_video"}:
            return self.usd_per_character
        if operation == "remix":
            return None
        if resolution in self.usd_per_clip:
            return self.usd_per_clip[resolution].get(seconds)
        rates = self.usd_per_second_with_clips if clip_seconds else self.usd_per_second
        if not audio and not clip_seconds:
            rates = {**rates, **self.usd_per_second_silent}
        return round(rates[resolution] * (seconds + clip_seconds), 6) if resolution in rates else None
