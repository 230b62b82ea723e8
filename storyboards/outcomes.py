"""What a run leaves behind: jobs, castings, clips and the reel."""

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field, JsonValue

from prefect_storyboard.storyboards.nouns import Frozen

JsonObject = dict[str, JsonValue]
SceneState = Literal["failed", "rendering", "waiting"]


class Stored(Frozen):
    """Base of what is kept in a library: a field that a newer version wrote is ignored, not refused."""

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
    """The take of a scene that a character was made of: what was asked of it, and the key of its job."""

    identity: str
    job_key: str


class Casting(Stored):
    """A character's realisation at one provider, with the reference media that it was made of.

    `id` is what generations refer to; None where the model is shown the media with every scene. `mention` is what the
    prompt has to say in the place of the name, where that is something else. `family` names the models that share the
    id. Media are files of the library, so that a casting means the same on every machine.
    """

    character: str
    id: str | None = None
    mention: str | None = None
    provider: str | None = None
    account: str | None = None
    family: str | None = None
    fingerprint: str | None = Field(default=None, description="Name, content of the media and range: who this is.")
    made_of: MadeOf | None = Field(default=None, description="Where the character is made from a scene.")
    clip: Media | None = None
    images: tuple[Media, ...] = ()
    start: float | None = None
    end: float | None = None
    reference: Literal["images", "clip"] = "images"
    description: str = ""
    aliases: tuple[str, ...] = ()
    files: dict[str, str] = Field(default={}, description="Small files beside the media, such as a profile picture.")
    facts: JsonObject = Field(default={}, description="What the provider says of it: display_name, remark, ...")

    @property
    def bare(self) -> "Casting":
        """The casting without its media: what the records of a job keep."""
        names = {"character", "id", "mention", "provider", "account", "family", "fingerprint", "made_of"}
        kept = self.model_dump(include=names)
        return Casting.model_validate(kept)


class Asked(Stored):
    """Length, shape and resolution that a take was ordered with."""

    seconds: int
    aspect: str
    resolution: str


class Clip(Stored):
    """A stored take: one media file in the library. `cost_usd` is None where nobody has published the price."""

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
    identity: str | None = Field(default=None, description="What was asked for, without the take: a parent's identity.")
    parent: str | None = Field(default=None, description="Identity of the parent that this take was made of.")
    asked: Asked | None = None
    basis: JsonObject = Field(default={}, description="All that the job's key hashes: what the take was made of.")
    silent: bool = Field(default=False, description="Whether no sound was asked of a model that makes one.")
    seed: int | None = Field(default=None, description="The seed that was asked for.")
    negative: str = Field(default="", description="What must not be seen, as it was asked for.")
    fields: JsonObject = Field(default={}, description="The gateway's own inputs that were set, by its own names.")
    files: dict[str, str] = Field(default={}, description="Small files beside the take, such as a thumbnail, by kind.")
    facts: JsonObject = Field(default={}, description="What the provider says of the take: seed, actual_prompt, ...")
    stored_at: datetime


class FailedScene(Stored):
    """A scene without a clip: why, whether it was charged (None: nobody knows), and what to do.

    One that is `rendering` has a job that goes on after the run, and one that is `waiting` continues such a scene.
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
    bought_unpriced: int = Field(default=0, description="Those of them whose price is unknown; not in bought_usd.")
    unpriced: int = Field(default=0, description="Jobs of this reel whose price is unknown; not in cost_usd.")


class Reel(Costs):
    """The assembled series: its clips in order, one MP4 and a page to look at, and what they cost."""

    title: str
    url: str | None = Field(default=None, description="The assembled MP4; None where there is no clip.")
    page: str | None = Field(default=None, description="index.html beside it.")
    clips: tuple[Clip, ...]
    failed: tuple[FailedScene, ...] = ()
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    variants: tuple["Reel", ...] = Field(
        default=(), description="The reels of a matrix; then `clips` are those of all, `url` and `page` of the first."
    )
