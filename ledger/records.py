"""The ledger's records of one attempt: intent, job, outcome, late, void. Each is created once and never changed."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from prefect_storyboard.storyboards import Asked, Casting, Clip, Expected, Job, Still, StillAsked, StillReference
from prefect_storyboard.storyboards.outcomes import JsonObject
from prefect_storyboard.storyboards.planned import Room

LAYOUT = 2  # the newest layout that can be read; version 0.1.0 wrote no number
PLAIN = 1  # the layout of an unpacked record, which every version reads


class Record(BaseModel):
    """Base of the stored records. A field that a newer version wrote is ignored, not refused."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Layout(Record):
    """The part of every record that is read first."""

    layout: int = 1


class Owner(Record):
    """The process that wrote an intent.

    `token` is unique to the intent; the rest shows whether the process still runs.
    """

    token: str
    host: str
    pid: int
    started: str


class StillDraft(Record):
    """What the draft of a still has beside a clip's: sizes, references, the prompt as sent, and whose sheet it is."""

    asked: StillAsked
    sent: str
    references: tuple[StillReference, ...] = ()
    sheet_of: str = ""
    look: str = ""


class Draft(Record):
    """The metadata of a scene's clip or still: enough to store it without the storyboard.

    Without a `reel` the clip is one of the library's single clips. `identity` identifies the request without the take,
    `own_identity` the same without the parent, and `parent` the parent; 0.1.0 recorded none of them. `remixable` is
    whether the provider was asked to keep the video for a remix. `basis` is everything that the key hashes; versions
    before 0.3.0 recorded none. `expected` is what the clip is held to, and in no key.

    With `still` it is the draft of a picture. That of a sheet has the folder of the character as its reel, and that of
    the look as its scene.
    """

    reel: str
    scene: str
    model: str
    prompt: str
    characters: tuple[Casting, ...] = ()
    parent_key: str | None = None
    identity: str | None = None
    own_identity: str | None = None
    parent: str | None = None
    take: int = 1
    asked: Asked | None = None
    basis: JsonObject = {}
    silent: bool = False
    seed: int | None = None
    negative: str = ""
    fields: JsonObject = {}
    remixable: bool = True
    expected: Expected = Expected()
    still: StillDraft | None = None

    @property
    def room(self) -> Room:
        """The folder of the library that holds its takes."""
        if self.still is None:
            return "scenes"
        return "sheets" if self.still.sheet_of else "stills"


class Intent(Record):
    """Written before the POST. The process that creates it may submit; all others re-attach or wait.

    It is for a scene (`draft`) or a character (its name and fingerprint), and belongs to a `reel`. `packed` is empty
    unless the job was pruned: then it holds all of the job's records, and their files are gone.
    """

    key: str
    owner: Owner
    at: datetime
    lease_until: datetime
    provider: str
    account: str
    endpoint: str
    order_digest: str
    order_shown: JsonObject = {}
    label: str
    usd: float | None
    reel: str = ""
    draft: Draft | None = None
    character: str | None = None
    fingerprint: str | None = None
    packed: "tuple[Attempt, ...]" = ()


class Outcome(Record):
    """How an attempt ended. `refused` and `abandoned` bought nothing; `charged` is None if unknown."""

    kind: Literal["done", "refused", "failed", "abandoned"]
    at: datetime
    clip: Clip | None = None
    still: Still | None = None
    casting: Casting | None = None
    cost_usd: float | None = None
    error: str = ""
    message: str = ""
    field: str | None = None
    what: str | None = None
    remedy: str = ""
    charged: bool | None = False
    resubmittable: bool = False
    stale_upload: bool = False
    by_chance: bool = False

    @property
    def made(self) -> Clip | Still | None:
        """The file that was stored."""
        return self.clip or self.still


class Holder(Record):
    """The job that owns something unique: a provider's request, or the number of a take.

    A take belongs to one attempt at a job, because two attempts may have been billed. Version 0.1.0 did not record
    which.
    """

    key: str
    attempt: int | None = None


class Identity(Record):
    """Identifies this library, so that a replaced one is noticed."""

    library: str


class Attempt(Record):
    """One numbered attempt at a job, with the records that exist.

    `late` is the outcome of an abandoned attempt that had been bought. `void` withdraws a casting that the provider has
    forgotten.
    """

    number: int
    intent: Intent
    job: Job | None = None
    outcome: Outcome | None = None
    late: Outcome | None = None
    void: Outcome | None = None

    @property
    def bought_after_all(self) -> bool:
        """Whether it was abandoned although its submit had been accepted."""
        return self.job is not None and self.outcome is not None and self.outcome.kind == "abandoned"

    @property
    def end(self) -> Outcome | None:
        """Its outcome; None while it is open, which includes a job that was abandoned by mistake."""
        return self.late if self.bought_after_all else self.outcome


Intent.model_rebuild()
