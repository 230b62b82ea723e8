"""What people have approved of a reel: a plan to buy, the stills that clips begin with, or the takes that it shows.

`ledger/approvals/<reel>/<number>.json`, numbered from 0001 without a gap and created exclusively, as choices are.
Nothing in it is ever changed. A reel of which nothing was approved costs one read.
"""

from datetime import datetime

from pydantic import Field

from prefect_storyboard.ledger.files import RecordFiles
from prefect_storyboard.ledger.records import Record


class Approval(Record):
    """One approval: who, when, of what, and within which budget. `hash` is the one of the question.

    `kind` is `plan`, `stills` or `takes`; of the latter two, `carried out` says that what it picks and makes again was
    done, and `dropped` that its scenes have changed before it was. `about` is what the scenes asked for then, in one
    word, and `asked` the same scene by scene. `name` is the question that was answered: the same answer, read again
    after a crash, is this approval. `run` is the flow run that asked.
    """

    kind: str
    hash: str
    name: str
    by: str
    at: datetime
    run: str = ""
    about: str = ""
    asked: dict[str, str] = Field(default={})
    max_cost_usd: float | None = None
    buy_unpriced: bool = False
    leave_out: tuple[str, ...] = ()
    takes: dict[str, int] = Field(default={})
    again: tuple[str, ...] = ()
    note: str = Field(default="", description="What the scenes that are rendered again are to change.")

    @property
    def orders(self) -> dict[str, str]:
        """The names of the orders for further takes, by scene."""
        return {scene: f"{self.name}-{scene}" for scene in self.again}


def read_approvals(files: RecordFiles, reel: str) -> tuple[Approval, ...]:
    """All approvals of a reel, oldest first. Raises Unreadable for one that is torn."""
    found: list[Approval] = []
    while approval := files.read(Approval, *_place(reel, len(found) + 1)):
        found.append(approval)
    return tuple(found)


def record_approval(files: RecordFiles, reel: str, approval: Approval) -> Approval:
    """Append an approval; returns it, or the one of the same kind and name that was there first."""
    while True:
        known = read_approvals(files, reel)
        if same := next((each for each in known if (each.kind, each.name) == (approval.kind, approval.name)), None):
            return same
        if files.create(approval, *_place(reel, len(known) + 1)) == approval:
            return approval


def _place(reel: str, number: int) -> tuple[str, ...]:
    return "ledger", "approvals", reel, f"{number:04d}.json"
