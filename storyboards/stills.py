"""The nouns of keyframes: a still is one drawn picture, a sheet the still that shows how somebody or something looks.

Both are results, as clips and castings are. A still is drawn by the task `draw`, from words and from references; a
sheet is what later stills are drawn from, so that a face, a coat or a room stays the same. Neither holds a provider's
link: their pictures are files of the library.
"""

from datetime import datetime

from pydantic import Field

from prefect_storyboard.storyboards.base import Kind
from prefect_storyboard.storyboards.outcomes import JsonObject, Media, Stored


class StillAsked(Stored):
    """Aspect, resolution, quality and file format with which a still was requested; empty where the model has none."""

    aspect: str
    resolution: str = ""
    quality: str = ""
    output_format: str = ""


class StillReference(Stored):
    """One reference of a still, in the order in which the prompt counts them.

    `fingerprint` is what the job's key holds of it: the content of a picture, the fingerprint of a casting, or the
    identity of what was asked of a still. `name` is who or what it shows, `role` what it is for, in the user's words.
    """

    fingerprint: str
    name: str = ""
    role: str = ""
    pictures: int = Field(default=1, description="How many pictures it is: each takes one of the model's places.")
    job_key: str | None = Field(default=None, description="Job of the still that it is, take and all.")
    media: tuple[Media, ...] = Field(default=(), description="Its files in the library, if it has any there.")


class Still(Stored):
    """A stored still: one picture in the library. `cost_usd` is None if the price is not published.

    `prompt` is in the user's own words; `sent` is the prompt as the provider received it, with its references cited.
    """

    scene: str = Field(description="The scene that it shows; for a sheet, the folder of its look.")
    take: int
    url: str
    sha256: str
    bytes: int
    width: int
    height: int
    job_key: str
    cost_usd: float | None
    provider: str
    account: str | None = None
    model: str
    request_id: str
    prompt: str
    sent: str
    references: tuple[StillReference, ...] = ()
    sheet_of: str = Field(default="", description="Whose sheet it is; empty for the still of a scene.")
    look: str = Field(default="", description="Which look that sheet shows; empty for the first one.")
    identity: str = Field(description="Identity of the request, without the take.")
    asked: StillAsked
    basis: JsonObject = Field(default={}, description="Everything that the job's key hashes.")
    seed: int | None = Field(default=None, description="The requested seed.")
    fields: JsonObject = Field(default={}, description="The gateway's own inputs that were set, by its own names.")
    facts: JsonObject = Field(default={}, description="The provider's facts about the take: seed, description, ...")
    stored_at: datetime

    @property
    def media(self) -> Media:
        """Its file in the library."""
        return Media(url=self.url, sha256=self.sha256)


class Sheet(Stored):
    """How a person, a place or a prop looks: the still from which later stills are drawn. It belongs to the user.

    `look` is a wardrobe or a state with a name of its own; empty for the first one.
    """

    name: str
    kind: Kind = "person"
    look: str = ""
    still: Still

    @property
    def fingerprint(self) -> str:
        """The content of its picture."""
        return self.still.sha256
