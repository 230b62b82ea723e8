"""One entry of the model table: a model family at one provider, what it takes and what it costs."""

from typing import Literal

from pydantic import Field

from prefect_storyboard.storyboards.nouns import Frozen
from prefect_storyboard.storyboards.retiring import Retiring

Operation = Literal["text", "image", "remix", "character", "character_from_video"]
Mode = Literal[
    "text", "image", "frames", "references"
]  # what a scene is made from; each mode may have its own endpoint
Choice = Literal["seconds", "aspect", "resolution"]
_WITH_CAST: tuple[Mode, ...] = (
    "references",
    "image",
    "text",
)  # for scenes with reference media, the first of these that exists


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
        default=None, description="Longer clips are accepted; only so much of them is used."
    )
    max_bytes: int | None = None
    sound: bool = Field(default=False, description="The clip must have a sound track.")
    motion: bool = Field(default=False, description="The clip must show motion.")


class PictureLimits(Frozen):
    """What a provider accepts as a picture."""

    formats: tuple[Literal["jpeg", "png", "webp"], ...] = ("jpeg", "png", "webp")

    min_side: int | None = Field(default=None, description="In pixels.")
    max_side: int | None = Field(default=None, description="In pixels; larger pictures are scaled down.")
    max_aspect: float | None = Field(default=None, description="Long side / short side.")
    max_bytes: int | None = None
    sizes: tuple[tuple[int, int], ...] = Field(default=(), description="Exactly one of these, in pixels.")


class References(PictureLimits):
    """Reference media of the characters that are sent with every scene, for a model without character ids.

    Counts are the most of one scene. `each` is the least and the most of pictures of one character.
    """

    images: int
    each: tuple[int, int] = (1, 1)
    clips: int = 0
    free_clips: bool = Field(
        default=False, description="Reference clips cost nothing: only the seconds of the result do."
    )
    free: int | None = Field(default=None, description="Pictures of a scene that are free, if more cost extra.")
    most_seconds: int | None = Field(
        default=None, description="The most seconds of the clips and of the result together."
    )


class Narrower(Frozen):
    """What differs in one mode; fields that are left out are as in the other modes."""

    seconds: tuple[int, ...] | None = None
    resolutions: tuple[str, ...] | None = None
    usd_per_second: dict[str, float] | None = None
    unsure: str = ""


class Model(Retiring):
    """A model family at one provider. Prices in US dollars; a price that is not in the table is unknown, not 0."""

    codec: str = Field(default="sora", description="Which format of a request body the adapter builds.")
    endpoints: dict[Operation | Mode, str] = Field(
        description="A mode without an endpoint uses that of the nearest mode."
    )
    seconds: tuple[int, ...]
    aspects: tuple[str, ...]
    resolutions: tuple[str, ...] = Field(description="The first is the default.")
    frame_aspects: tuple[str, ...] = Field(default=(), description="Further ones for a scene with a first frame.")
    frame_resolutions: tuple[str, ...] = Field(default=(), description="Further ones for a scene with a first frame.")
    max_characters: int = 0
    casting: str | None = Field(default=None, description="Family of castings; models of one family share characters.")
    casts: tuple[Operation, ...] = Field(default=("text", "image"), description="Operations that take characters.")
    names_in_prompt: bool = Field(default=False, description="Whether a character's name must occur in the prompt.")
    max_prompt: int | None = Field(
        default=None, description="Longest prompt in characters, as sent, including mentions."
    )
    references: References | None = Field(
        default=None, description="Set if characters are reference media, not castings."
    )
    frame_beside_cast: bool = Field(
        default=True, description="Whether a scene may both begin exactly with a picture and show characters."
    )
    chooses: dict[Mode, tuple[Choice, ...]] = Field(
        default={}, description="What the model chooses itself in a mode: that request has no field for it."
    )
    only: dict[Mode, Narrower] = Field(default={}, description="What differs in a mode.")
    unsure: str = Field(
        default="", description="Why an order is sent only if the gateway's own catalogue agrees with it."
    )
    frame: PictureLimits = Field(default=PictureLimits(), description="Limits of a picture to start from.")
    pixels: dict[str, dict[str, tuple[int, int]]] = Field(
        default={}, description="Width and height by resolution and aspect, if the gateway takes pixels."
    )
    sound: Literal["always", "never", "switch"] = Field(
        default="always", description="Whether clips have sound; switch: the request decides."
    )
    takes_last_frame: tuple[Mode, ...] = Field(default=(), description="Modes that take a picture of the last frame.")
    last_frame_alone: bool = Field(default=False, description="Whether there may be a last frame without a first one.")
    takes_seed: tuple[Mode, ...] = Field(default=(), description="Modes that take a seed.")
    takes_negative: tuple[Mode, ...] = Field(default=(), description="Modes that take a negative prompt.")
    usd_per_second: dict[str, float] = Field(default={}, description="By resolution; with sound, if that costs extra.")
    usd_per_second_silent: dict[str, float] = Field(
        default={}, description="By resolution, if a silent clip is cheaper."
    )
    usd_per_second_with_clips: dict[str, float] = Field(
        default={}, description="By resolution, for the seconds of all reference clips and of the result."
    )
    usd_per_clip: dict[str, dict[int, float]] = Field(default={}, description="By resolution and seconds.")
    usd_per_picture: float | None = Field(default=None, description="For each picture beyond the free ones.")
    usd_per_character: float | None = None
    reference: ClipLimits = ClipLimits()
    tiers: tuple[str, ...] = Field(default=(), description="The other models of its family at this provider.")

    @property
    def first_frame(self) -> Literal["exact", "cited", "cited with cast"]:
        """How a scene begins with a picture; "cited": as one more reference, so that it begins much like it."""
        if self.references is None or self.frame_beside_cast:
            return "exact"
        return "cited with cast" if "image" in self.endpoints else "cited"

    def mode(self, *, shown: bool, frame: bool, last_frame: bool = False) -> Mode:
        """The mode: `shown` are characters as reference media, the frames its first and last pictures."""
        if shown or (frame and not last_frame and self.first_frame == "cited"):
            return "references"
        if last_frame:
            return "frames"
        return "image" if frame else "text"

    def endpoint(self, mode: Mode) -> str | None:
        """The endpoint for a scene of that mode; None if the model has none."""
        order: dict[Mode, tuple[Mode, ...]] = {"frames": ("frames", "image"), "references": (*_WITH_CAST,)}
        return next((self.endpoints[each] for each in order.get(mode, (mode,)) if each in self.endpoints), None)

    def chooses_itself(self, choice: Choice, mode: Mode) -> bool:
        """Whether a request of that mode has no field for this, although requests of other modes have one."""
        return choice in self.chooses.get(mode, ())

    def doubt(self, mode: Mode) -> str:
        """Why an order of that mode is sent only if the gateway's own catalogue agrees; empty if we are sure."""
        return self.only.get(mode, Narrower()).unsure or self.unsure

    def lengths(self, mode: Mode) -> tuple[int, ...]:
        """The seconds that a mode takes."""
        return self.only.get(mode, Narrower()).seconds or self.seconds

    def sizes(self, mode: Mode) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The aspects and the resolutions that a mode takes."""
        more = mode in {"image", "frames"}
        resolutions = self.only.get(mode, Narrower()).resolutions or self.resolutions
        return self.aspects + self.frame_aspects * more, resolutions + self.frame_resolutions * more

    def size(self, aspect: str, resolution: str) -> tuple[int, int] | None:
        """Width and height in pixels; None where the model takes no pixels, or sells no such size."""
        return self.pixels.get(resolution, {}).get(aspect)

    def frame_of(self, aspect: str, resolution: str) -> PictureLimits:
        """What a picture to start from has to be: where the model takes pixels, as large as the clip."""
        size = self.size(aspect, resolution)
        return self.frame.model_copy(update={"sizes": (size,)}) if size else self.frame

    @property
    def character_from_video(self) -> bool:
        """Whether a character can be made from a finished video by its id; else it is made from the stored file."""
        return "character_from_video" in self.endpoints

    def price(
        self,
        operation: Operation,
        seconds: int,
        resolution: str,
        clip_seconds: float = 0.0,
        *,
        audio: bool = True,
        pictures: int = 0,
        mode: Mode = "text",
    ) -> float | None:
        """The price of one job, or None if no price is published.

        `clip_seconds` is the length of the reference clips, `pictures` the number of pictures.
        """
        if operation in {"character", "character_from_video"}:
            return self.usd_per_character
        if operation == "remix" or any(self.chooses_itself(choice, mode) for choice in ("seconds", "resolution")):
            return None
        if resolution in self.usd_per_clip:
            return self.usd_per_clip[resolution].get(seconds)
        if self.references and self.references.free_clips:
            clip_seconds = 0.0
        rate = self._rate(resolution, with_clips=bool(clip_seconds), audio=audio, mode=mode)
        free = self.references.free if self.references else None
        extra = max(pictures - free, 0) * (self.usd_per_picture or 0.0) if free is not None else 0.0
        return None if rate is None else round(rate * (seconds + clip_seconds) + extra, 6)

    def _rate(self, resolution: str, *, with_clips: bool, audio: bool, mode: Mode) -> float | None:
        """US dollars a second."""
        if with_clips:
            return self.usd_per_second_with_clips.get(resolution)
        rates = self.only.get(mode, Narrower()).usd_per_second or self.usd_per_second
        return rates.get(resolution) if audio else self.usd_per_second_silent.get(resolution, rates.get(resolution))
