"""What people have chosen of a reel: takes that were picked, and further takes that were asked for.

`ledger/choices/<reel>/<number>.json`, numbered from 0001 without a gap and created exclusively, so that all choices of
a reel have one order, whoever made them at the same moment. Nothing in it is ever changed: a later choice counts.
A reel without a choice costs one read.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from pydantic import Field

from prefect_storyboard.ledger.files import RecordFiles
from prefect_storyboard.ledger.records import Record

Kind = Literal["picked", "asked", "carried out"]


class Choice(Record):
    """One choice: `picked` a take, `asked` for more, or such an order `carried out`.

    `id` is new for each choice; of `carried out`, it is the one of the order. `own_identity` is what the scene itself
    asked for then, and `made_of` says which takes of the scenes that it needs stood: a choice answers that question.
    """

    id: str
    kind: Kind
    scene: str
    still: bool = Field(default=False, description="Whether it is about the scene's still, and not about its clip.")
    at: datetime
    by: str = ""
    own_identity: str = ""
    made_of: str = ""
    key: str = Field(default="", description="Picked: the job of the take.")
    take: int = Field(default=0, description="Picked: its number. Asked: the take of the storyboard that is rendered.")
    takes: int = Field(default=0, description="Asked: how many.")
    note: str = Field(default="", description="Asked: what to change, added to the prompt.")
    spent: int = Field(default=0, description="Asked for a bad clip: how often the scene had been bought by then.")
    name: str = Field(default="", description="Asked: the caller's own name of the order.")

    @property
    def rerolls(self) -> tuple[str, ...]:
        """Asked: the names that the takes have in their keys."""
        return tuple(f"{self.id}-{number}" for number in range(1, self.takes + 1))


Choose = Callable[[tuple[Choice, ...]], Choice]


def read_choices(files: RecordFiles, reel: str) -> tuple[Choice, ...]:
    """All choices of a reel, oldest first. Raises Unreadable for one that is torn."""
    found: list[Choice] = []
    while choice := files.read(Choice, *_place(reel, len(found) + 1)):
        found.append(choice)
    return tuple(found)


def record_choice(files: RecordFiles, reel: str, choose: Choose) -> Choice:
    """Append what `choose` makes of the choices so far; where that is one of them already, nothing is written.

    Where another one was first, `choose` is asked again with it.
    """
    while True:
        known = read_choices(files, reel)
        wanted = choose(known)
        if wanted in known or files.create(wanted, *_place(reel, len(known) + 1)) == wanted:
            return wanted


def _place(reel: str, number: int) -> tuple[str, ...]:
    return "ledger", "choices", reel, f"{number:04d}.json"
