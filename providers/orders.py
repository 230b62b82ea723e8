"""The requests to a gateway, and the order that an adapter builds from one."""

from datetime import datetime

from pydantic import Field

from prefect_storyboard.providers.attachments import Attachment
from prefect_storyboard.storyboards import Casting, Frozen, Mode, Model, Operation
from prefect_storyboard.storyboards.drawing import Drawing
from prefect_storyboard.storyboards.keys import digest
from prefect_storyboard.storyboards.outcomes import JsonObject


class CharacterRequest(Frozen):
    """Create a character of that name from the seconds `start` to `end` of a clip or of a finished video.

    `clip_url` must be readable by the provider without a key; `video_id` is the provider's own id of a video.
    """

    model: Model
    name: str
    description: str = ""
    clip_url: str | None = None
    video_id: str | None = None
    start: float = 0.0
    end: float = 0.0
    fields: JsonObject = Field(default={}, description="The gateway's own inputs, by its own names.")

    @property
    def operation(self) -> Operation:
        """Which of the model's endpoints creates it."""
        return "character_from_video" if self.video_id else "character"


class Reference(Frozen):
    """Media of one character that are sent with a scene, readable by the provider without a key."""

    character: str
    image_urls: tuple[str, ...] = ()
    clip_url: str | None = None
    description: str = Field(default="", description="Who this is, for a model that takes a description.")


class SceneRequest(Frozen):
    """Generate one scene. `image_url` is the first frame; `remix_of` the provider's id of an earlier video.

    Optional: `last_frame_url` is the picture that the scene ends with, `audio` whether it has sound, `seed` the random
    seed, and `negative` the negative prompt.
    """

    model: Model
    prompt: str
    seconds: int
    aspect: str
    resolution: str
    job_key: str = ""
    castings: tuple[Casting, ...] = ()
    references: tuple[Reference, ...] = ()
    image_url: str | None = None
    last_frame_url: str | None = None
    audio: bool = True
    seed: int | None = None
    negative: str = ""
    remix_of: str | None = None
    remixable: bool = Field(default=True, description="Whether the provider must keep the video for a later remix.")
    fields: JsonObject = Field(default={}, description="The gateway's own inputs, by its own names.")

    @property
    def operation(self) -> Operation:
        """Which of the model's endpoints renders it."""
        return "remix" if self.remix_of else "image" if self.image_url else "text"

    @property
    def mode(self) -> Mode:
        """What the scene is made from."""
        return self.model.mode(
            shown=bool(self.references), frame=bool(self.image_url), last_frame=bool(self.last_frame_url)
        )


class StillRequest(Frozen):
    """Draw one picture. `pictures` are links to each reference's pictures, readable by the provider without a key."""

    drawing: Drawing
    pictures: tuple[tuple[str, ...], ...] = ()
    job_key: str = ""


class Order(Frozen):
    """Exactly what will be POSTed, and where. `usd` is its price, if the model table has one.

    `callback` is the URL to which the gateway posts when the job has ended. It is not part of the digest: its token
    differs from attempt to attempt, and the provider's list does not show it. `files` are sent as parts of a form;
    `form` says that the body is a form even without a file. `shown` are the fields by which the provider's list shows
    the order, if the list holds no whole bodies.
    """

    endpoint: str
    body: JsonObject
    usd: float | None = None
    callback: str | None = Field(default=None, repr=False)
    files: tuple[Attachment, ...] = ()
    form: bool = False
    shown: JsonObject = Field(default={}, repr=False)

    def body_with_callback(self, field: str) -> JsonObject:
        """The body with the callback in this field, unless the user's own fields set it."""
        return {field: self.callback, **self.body} if self.callback else self.body

    @property
    def digest(self) -> str:
        """The digest by which the order is found among the requests that a provider lists. Reads the files."""
        if not self.files:
            return digest(self.body)
        return digest({**self.body, "files": {each.field: each.sha256 for each in self.files}})


class Sought(Frozen):
    """An order whose response was lost, as recorded in the ledger. `shown` is that of `Order`."""

    endpoint: str
    digest: str
    since: datetime
    shown: JsonObject = Field(default={}, repr=False)
