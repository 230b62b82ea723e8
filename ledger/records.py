"""What the ledger holds of one attempt: intent, job, outcome, late, void. Each is created once and never changed."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from prefect_storyboard.storyboards import Asked, Casting, Clip, Job
from prefect_storyboard.storyboards.outcomes import JsonObject

LAYOUT = 2  # the newest that is read; version 0.1.0 wrote no number
PLAIN = 1  # of a record that stands by itself, and every version reads


class Record(BaseModel):
    """Base of the stored records. A field that a newer version wrote is ignored, not refused."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Layout(Record):
    """What is read of every record first."""

    layout: int = 1


class Owner(Record):
    """The process that wrote an intent. `token` is new for each intent; the rest tells whether it still runs."""

    token: str
    host: str
    pid: int
    started: str


class Draft(Record):
    """What the clip of a scene will say of itself: enough to store it without the storyboard.

    Without a `reel` the clip lies among the library's single clips. `identity`, `own_identity` and `parent` say what
    was asked for: all of it without the take, the same without the parent, and the parent; 0.1.0 recorded none of them.
    `basis` is all that the key hashes; versions before 0.3.0 recorded none.
    `remixable` is whether the provider was asked to keep the video for a remix.
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


class Intent(Record):
    """Written before the POST. Who created it may submit; everyone else re-attaches or waits.

    It is about a scene (`draft`) or a character (its name and fingerprint), and was written for a `reel`. `packed` is
    empty, but where the job was settled long ago: then it is all that the job's records said, and they are gone.
    """

    key: str
    owner: Owner
    at: datetime
    lease_until: datetime
    provider: str
    account: str
    endpoint: str
    order_digest: str
    label: str
    usd: float | None
    reel: str = ""
    draft: Draft | None = None
    character: str | None = None
    fingerprint: str | None = None
    packed: "tuple[Attempt, ...]" = ()


class Outcome(Record):
    """How an attempt ended. `refused` and `abandoned` bought nothing; `charged` is None where nobody knows."""

    kind: Literal["done", "refused", "failed", "abandoned"]
    at: datetime
    clip: Clip | None = None
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


class Holder(Record):
    """Says to which job something belongs of which there is one: a provider's request, the number of a take.

    A take belongs to one attempt at a job: two of them may have been billed. Version 0.1.0 did not record which.
    """

    key: str
    attempt: int | None = None


class Identity(Record):
    """Tells this library from another one that somebody puts in its place."""

    library: str


class Attempt(Record):
    """One numbered try at a job, as far as it got.

    `late` is how an abandoned attempt ended that had been bought after all. `void` takes back a casting that the
    provider has forgotten.
    """

    number: int
    intent: Intent
    job: Job | None = None
    outcome: Outcome | None = None
    late: Outcome | None = None
    void: Outcome | None = None

    @property
    def bought_after_all(self) -> bool:
        """Whether it was abandoned, and its submit then turned out to have been accepted."""
        return self.job is not None and self.outcome is not None and self.outcome.kind == "abandoned"

    @property
    def end(self) -> Outcome | None:
        """How it ended; None while it is open, and that is a job which was abandoned by mistake as well."""
        return self.late if self.bought_after_all else self.outcome


Intent.model_rebuild()
