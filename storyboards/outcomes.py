"""What a run leaves behind: jobs, castings, clips and the reel."""

from datetime import datetime

from pydantic import ConfigDict, Field, JsonValue

from prefect_storyboard.storyboards.nouns import Frozen


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


class Casting(Stored):
    """A character's realisation at one provider.

    `id` is what generations refer to; None for a named reference, whose media go along with every scene. `mention`
    is what the prompt has to say in the place of the name, where that is something else.
    """

    character: str
    id: str | None = None
    mention: str | None = None


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
    model: str
    request_id: str
    prompt: str
    characters: tuple[Casting, ...] = ()
    handle: str | None = Field(default=None, description="The provider's own id of the video, for a remix.")
    parent_key: str | None = Field(default=None, description="Job of the take whose last frame this one starts from.")
    stored_at: datetime


class FailedScene(Stored):
    """A scene without a clip: why, whether it was charged (None: nobody knows), and what to do."""

    scene: str
    error: str
    charged: bool | None
    remedy: str


class Reel(Stored):
    """The assembled series. `cost_usd` is what its known-priced jobs cost in all, `bought_usd` what this run spent."""

    title: str
    url: str | None = Field(default=None, description="The assembled MP4; None where there is no clip.")
    page: str | None = Field(default=None, description="index.html beside it.")
    clips: tuple[Clip, ...]
    failed: tuple[FailedScene, ...] = ()
    seconds: float = 0.0
    cost_usd: float = 0.0
    bought_usd: float = 0.0
    bought: int = Field(default=0, description="Jobs that this run submitted.")
    bought_unpriced: int = Field(default=0, description="Those of them whose price is unknown; not in bought_usd.")
    unpriced: int = Field(default=0, description="Jobs of this reel whose price is unknown; not in cost_usd.")
    warnings: tuple[str, ...] = ()


JsonObject = dict[str, JsonValue]
