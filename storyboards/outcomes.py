"""The results of a run: jobs, castings, clips and the reel."""

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field, JsonValue

from prefect_storyboard.storyboards.nouns import Frozen
from prefect_storyboard.storyboards.verdicts import Verdict

JsonObject = dict[str, JsonValue]
SceneState = Literal["failed", "rendering", "waiting"]


class Stored(Frozen):
    """Base of everything stored in a library: a field that a newer version wrote is ignored, not refused."""

    model_config = ConfigDict(extra="ignore")


class Job(Stored):
    """One paid request at a provider, as the provider knows it."""

    provider: str
    endpoint: str
    request_id: str
    submitted_at: datetime
    urls: dict[str, str] = Field(default={}, description="Status, result and cancel links, exactly as returned.")


class Media(Stored):
    """A file in the library: its URL, and the sha256 of its content in hex."""

    url: str
    sha256: str


class MadeOf(Stored):
    """The take of a scene from which a character was made: its identity, and the key of its job."""

    identity: str
    job_key: str


class Casting(Stored):
    """A character's realisation at one provider, with the reference media that it was made from.

    `id` is what generations refer to; None if the model receives the media with every scene. `mention` is what the
    prompt must contain in place of the name, if that differs. `family` names the models that share the id. Media are
    files of the library, so that a casting is valid on every machine.
    """

    character: str
    id: str | None = None
    mention: str | None = None
    provider: str | None = None
    account: str | None = None
    family: str | None = None
    fingerprint: str | None = Field(
        default=None, description="Hash of name, content of the media, and range: the character's identity."
    )
    made_of: MadeOf | None = Field(default=None, description="Set if the character is made from a scene.")
    clip: Media | None = None
    images: tuple[Media, ...] = ()
    start: float | None = None
    end: float | None = None
    reference: Literal["images", "clip"] = "images"
    description: str = ""
    aliases: tuple[str, ...] = ()
    files: dict[str, str] = Field(default={}, description="Small files beside the media, such as a profile picture.")
    facts: JsonObject = Field(default={}, description="The provider's facts about it: display_name, remark, ...")

    @property
    def bare(self) -> "Casting":
        """The casting without its media, as the ledger records it."""
        names = {"character", "id", "mention", "provider", "account", "family", "fingerprint", "made_of"}
        kept = self.model_dump(include=names)
        return Casting.model_validate(kept)


class Asked(Stored):
    """Length, aspect and resolution with which a take was requested."""

    seconds: int
    aspect: str
    resolution: str


class Clip(Stored):
    """A stored take: one media file in the library. `cost_usd` is None if the price is not published."""

    scene: str
    take: int
    url: str
    sha256: str
    bytes: int
    seconds: float
    width: int
    height: int
    job_key: str
    cost_usd: float | None
    provider: str
    account: str | None = None
    model: str
    request_id: str
    prompt: str
    characters: tuple[Casting, ...] = ()
    handle: str | None = Field(default=None, description="The provider's own id of the video, for a remix.")
    parent_key: str | None = Field(default=None, description="Job of the take whose last frame this one starts from.")
    identity: str | None = Field(default=None, description="Identity of the request, without the take.")
    parent: str | None = Field(default=None, description="Identity of the parent from which this take was made.")
    asked: Asked | None = None
    basis: JsonObject = Field(default={}, description="Everything that the job's key hashes.")
    silent: bool = Field(default=False, description="Whether a silent clip was requested of a model that makes sound.")
    seed: int | None = Field(default=None, description="The requested seed.")
    negative: str = Field(default="", description="The requested negative prompt.")
    fields: JsonObject = Field(default={}, description="The gateway's own inputs that were set, by its own names.")
    files: dict[str, str] = Field(default={}, description="Small files beside the take, such as a thumbnail, by kind.")
    facts: JsonObject = Field(default={}, description="The provider's facts about the take: seed, actual_prompt, ...")
    verdict: Verdict | None = Field(default=None, description="What was seen in it; None if nobody has looked.")
    ending: str = Field(default="", description="Its last picture as a few grey fields, for what continues it.")
    stored_at: datetime

    @property
    def is_bad(self) -> bool:
        """Whether its verdict is bad."""
        return self.verdict is not None and self.verdict.state == "bad"


class FailedScene(Stored):
    """A scene without a clip: why, whether it was charged (None: unknown), and what to do.

    If it is `rendering`, its job goes on after the run; if it is `waiting`, it continues such a scene.
    """

    scene: str
    state: SceneState = "failed"
    error: str
    charged: bool | None
    remedy: str


class Costs(Stored):
    """`cost_usd` is what a reel's jobs of known price cost in all, `bought_usd` what this run spent."""

    cost_usd: float = 0.0
    bought_usd: float = 0.0
    bought: int = Field(default=0, description="Jobs that this run submitted.")
    bought_unpriced: int = Field(default=0, description="Those of them without a published price; not in bought_usd.")
    unpriced: int = Field(default=0, description="Jobs of this reel without a published price; not in cost_usd.")


class Reel(Costs):
    """The assembled series: its clips in order, one MP4 and a page to look at, and what they cost."""

    title: str
    url: str | None = Field(default=None, description="The assembled MP4; None if there is no clip.")
    page: str | None = Field(default=None, description="index.html beside it.")
    clips: tuple[Clip, ...]
    failed: tuple[FailedScene, ...] = ()
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    gains: dict[str, float] = Field(
        default={}, description="The gain in dB with which the reel plays a scene's sound, by scene; none is left out."
    )
    variants: tuple["Reel", ...] = Field(
        default=(),
        description="The reels of a matrix; then `clips` are those of all reels, `url` and `page` those of the first.",
    )
