"""What is judged of one schedule, when all is quiet: the sandbox's meter, the library, and what the last run said."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from prefect_storyboard.flows.collect import Collected
from prefect_storyboard.jobs.settle import line
from prefect_storyboard.ledger import Attempt, LibraryError
from prefect_storyboard.providers.images import draws
from prefect_storyboard.storyboards import Reel
from tests.chaos.stage import Stage

_FORGOTTEN = re.compile(r"by job ([0-9a-f]{12}), of which the ledger has no record")


@dataclass
class Case:
    """What is judged: the stage, the last run's reel, and what `collect_jobs` said last.

    A ledger that has lost records is judged twice. Before it is `mended` the jobs that nobody can read have to be named
    by the run, and nothing is bought for them; afterwards everything has to be there that anything tells of.
    """

    stage: Stage
    reel: Reel
    collected: Collected
    mended: bool = True
    problems: list[str] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)

    @cached_property
    def meter(self) -> dict[str, Any]:
        return self.stage.meter()

    @cached_property
    def attempts(self) -> list[Attempt]:
        """Every attempt in the ledger. A job that does not read is a problem, where no record was taken away."""
        storage, ledger = self.stage.storage, self.stage.ledger
        folders = [name for name in storage.names("ledger") if len(name) == 2]
        keys = [key for folder in folders for key in storage.names("ledger", folder)]
        found: list[Attempt] = []
        for key in keys:
            try:
                found += ledger.history(key)
            except LibraryError as error:
                self.unreadable[key] = str(error)
                if not self.stage.schedule.loses:
                    self.problems.append(f"the ledger does not read: {error}")
        return found

    @property
    def scenes(self) -> list[str]:
        return [scene for scene, _ in self.stage.schedule.scenes]

    @property
    def said(self) -> str:
        """Everything that the last run, and the last repair, said to a person."""
        told = [*(each.error for each in self.reel.failed), *self.reel.warnings, *self.stage.damaged]
        return "\n".join([*told, *(each.note for each in self.collected.unknown)])

    @property
    def nameless(self) -> int:
        """How many jobs were bought that the ledger cannot tell of, and the run has named for it."""
        if not self.stage.lost:
            return 0
        return len({key[:12] for key in self.unreadable} | set(_FORGOTTEN.findall(self.said)))

    @property
    def accepted(self) -> set[str]:
        return {each for order in self.meter["orders"] for each in order["request_ids"]}

    @property
    def billed(self) -> set[str]:
        return {bill["request_id"] for bill in self.meter["billed"]}

    @cached_property
    def ids(self) -> dict[str, str]:
        return self.stage.ids()

    def id_of(self, attempt: Attempt) -> str:
        """The sandbox's id of an attempt's job, which may have another one too."""
        return self.ids.get(attempt.job.request_id, attempt.job.request_id)

    @property
    def held(self) -> dict[str, Attempt]:
        """Attempts by the sandbox's id of their job."""
        return {self.id_of(attempt): attempt for attempt in self.attempts if attempt.job}

    @property
    def lost(self) -> set[str]:
        """Jobs that were accepted, and that the ledger does not know.

        Of a character that was rebuilt from a take, the ledger knows the id, and the request by its claim. Where the
        claim was lost as well, nothing says which request it was: then one that created a character counts as known.
        """
        storage, rebuilt = self.stage.storage, set(self.rebuilt_castings.values())
        known, claimed = set(), set()
        for name in storage.names("ledger", "requests", self.stage.schedule.gateway):
            place = ("ledger", "requests", self.stage.schedule.gateway, name)
            key = json.loads(storage.read(*place) or b"{}").get("key")
            if key in rebuilt:
                request_id = unquote(name.removesuffix(".json"))
                request_id = self.ids.get(request_id, request_id)
                known.add(request_id)
                claimed |= {key} if request_id in self.accepted else set()  # repair claims by the character's id
        orders = (order for order in self.meter["orders"] if "character" in order["endpoint"])
        created = {each for order in orders for each in order["request_ids"]} - set(self.held) - known
        known.update(sorted(created)[: len(rebuilt - claimed)])
        return self.accepted - set(self.held) - known

    @property
    def rebuilt_castings(self) -> dict[str, str]:
        """Ids of the characters whose job was rebuilt from a take, in the place of a request's, with the job's key."""
        ended = ((each.intent.key, each.job, each.end) for each in self.attempts if each.intent.character)
        return {
            job.request_id: key
            for key, job, end in ended
            if job and end and end.casting and end.casting.id == job.request_id
        }

    def counts(self, *, pictures: bool) -> dict[str, int]:
        """What became of the jobs for pictures, or of all others: of the meter's, and of the attempts by state."""
        mine = [attempt for attempt in self.attempts if is_picture(attempt) == pictures]
        asked = self.stage.schedule.pictures() if pictures else self.stage.schedule.motion()
        accepted = (order for order in self.meter["orders"] if self.is_of_pictures(order) == pictures)
        states = Counter(line(attempt).state for attempt in mine)
        return {
            "asked": max(asked, len({attempt.intent.key for attempt in mine})),
            "accepted": len({each for order in accepted for each in order["request_ids"]}),
            "billed": sum((bill["kind"] == "picture") == pictures for bill in self.meter["billed"]),
            "stored": states["done"],
            "unknown": states["unknown"],
            "failed": states["failed"],
            "waiting": states["rendering"],
        }

    def is_of_pictures(self, order: Mapping[str, Any]) -> bool:
        """Whether an order of the meter is for a picture."""
        return draws(self.stage.schedule.gateway, order["endpoint"])


def is_picture(attempt: Attempt) -> bool:
    """Whether an attempt is for a picture."""
    return attempt.intent.draft is not None and attempt.intent.draft.still is not None
