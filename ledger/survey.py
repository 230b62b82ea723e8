"""The findings of a run about its reel at planning time, so that its scenes need not read the same files again.

A finding is never proof: intents and take numbers are still created exclusively, and a process that is not the first
reads for itself. An absent record counts as absent once, for the first scene that asks; after that the run itself may
have created it.
"""

from contextvars import ContextVar

from prefect_storyboard.ledger.records import Attempt
from prefect_storyboard.ledger.sidecars import lies_in
from prefect_storyboard.ledger.storage import Storage

_survey: ContextVar["Survey | None"] = ContextVar("survey", default=None)


class Survey:
    """The stored files of a reel by one listing, and the histories of jobs that the run has read."""

    def __init__(self, storage: Storage, reel: str) -> None:
        self._url, self._reel = storage.url, reel
        self._sizes = storage.sizes("reels", reel, "scenes")
        self._unused: set[str] = set()
        self._histories: dict[str, tuple[Attempt, ...]] = {}

    def is_of(self, storage: Storage) -> bool:
        """Whether it describes that library."""
        return self._url == storage.url

    def add(self, key: str, scene: str | None, history: tuple[Attempt, ...]) -> None:
        """Keep the history of a job; for a new job, also whether its scene has no take at all."""
        self._histories[key] = history
        if scene and not history and not self.takes(scene):
            self._unused.add(scene)

    def history(self, key: str) -> tuple[Attempt, ...] | None:
        """The history of a job that was new or done. None if it has to be read from the ledger."""
        history = self._histories.pop(key, None)
        settled = history is not None and (not history or (history[-1].end and history[-1].end.clip))
        return history if settled else None

    def takes(self, scene: str) -> list[str]:
        """Names of the sidecars of a scene."""
        found = (place[1] for place in self._sizes if len(place) == 2 and place[0] == scene)
        return sorted(name for name in found if name.startswith("take-") and name.endswith(".json"))

    def take(self, reel: str, scene: str, key: str) -> int | None:
        """The take number that a job has or will get; None if it has to be read from the ledger."""
        history = self._histories.get(key) or ()
        clip = history[-1].end.clip if history and history[-1].end else None
        if reel == self._reel and scene in self._unused:
            return 1
        return clip.take if clip and reel == self._reel and lies_in(clip, reel, scene) else None

    def use(self, reel: str, scene: str) -> bool:
        """Whether the scene had no stored take. True only once."""
        unused = reel == self._reel and scene in self._unused
        self._unused.discard(scene)
        return unused

    def size(self, *place: str) -> int | None:
        """Size in bytes of a file that was in the library; None if the storage has to be asked."""
        return self._sizes.get(place[3:]) if place[:3] == ("reels", self._reel, "scenes") else None


def surveyed(storage: Storage) -> Survey | None:
    """The calling run's findings about that library."""
    found = _survey.get()
    return found if found and found.is_of(storage) else None


def keep(survey: Survey) -> None:
    """Let the tasks of this run use it."""
    _survey.set(survey)
