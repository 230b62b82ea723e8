"""The takes of a scene in the library, clips or stills, and how one is published."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from pydantic import ValidationError

from prefect_storyboard.jobs.paid import PaidJob
from prefect_storyboard.ledger import Draft, Ledger, Outcome, Storage, surveyed
from prefect_storyboard.ledger.sidecars import inside, lies_in, read_made, takes_folder
from prefect_storyboard.media.sources import local_file
from prefect_storyboard.storyboards import Clip, Still
from prefect_storyboard.tasks._extras import file_name

Made = Clip | Still


@dataclass(frozen=True)
class Takes:
    """The takes of one scene, single clip, still or sheet, and the job that made one of them. All methods block."""

    storage: Storage
    draft: Draft
    job: PaidJob
    _free: list[int] = field(default_factory=list)  # the number that was free when read, and is not reserved yet

    @property
    def noun(self) -> str:
        """What they are."""
        return "clip" if self.draft.still is None else "still"

    @property
    def folder(self) -> tuple[str, ...]:
        """The folder in which they lie."""
        return takes_folder(self.draft.reel, self.draft.scene, self.draft.room)

    def stored(self) -> Made | None:
        """The clip or still, if its sidecar and its file exist. After a crash its job may still be open."""
        survey = surveyed(self.storage)
        clips = self.draft.room == "scenes"
        if clips and self.job.state == "Submitted" and survey and survey.use(self.draft.reel, self.draft.scene):
            self._free.append(1)
            return None
        name = self._known() or self._seen()
        body = self.storage.read(*self.folder, f"{name}.json")
        if body is None:
            return None
        self._free.clear()
        try:
            made = read_made(body, self.draft.room)
        except ValidationError:
            return None
        file = f"{name}{_suffix(made)}"
        size = survey.size(*self.folder, file) if survey else None
        if made.job_key != self.job.key or made.bytes != (size or self.storage.size(*self.folder, file)):
            return None
        made = self._placed(made, name)
        self._close(made)
        return made

    def fetch_elsewhere(self, file: Path) -> Made | None:
        """Copy the file from another place in the library; None if it is not there, or was removed or changed."""
        made = self.job.outcome.made if self.job.outcome else None
        if made is None:
            return None
        try:
            self.storage.fetch(file, *inside(made.url))
        except FileNotFoundError:
            return None
        return made if local_file(file).sha256 == made.sha256 else None

    def publish(self, file: Path, made: Made, extras: dict[str, Path]) -> Made:
        """Publish the take, then its sidecar, then close the job: after a crash, the next run completes these steps."""
        name = self._reserved()
        self.storage.publish(file, *self.folder, f"{name}{_suffix(made)}")
        files = {kind: self._publish_extra(extra, name, kind) for kind, extra in extras.items()}
        stored = self._placed(made, name)
        stored = stored.model_copy(update={"files": files}) if isinstance(stored, Clip) else stored
        self.storage.write(stored.model_dump_json(indent=2).encode(), *self.folder, f"{name}.json")
        self._close(stored)
        return stored

    def _publish_extra(self, file: Path, name: str, kind: str) -> str:
        return self.storage.publish(file, *self.folder, file_name(kind, file, before=f"{name}."))

    def _placed(self, made: Made, name: str) -> Made:
        """The file at its present place. The library may have moved, and 0.1.0 did not record the request."""
        here = {"scene": self.draft.scene, "take": int(name.removeprefix("take-"))}
        here |= {"url": self.storage.link(*self.folder, f"{name}{_suffix(made)}")}
        if isinstance(made, Still):
            asked_of_it = self.draft.still or made
            return made.model_copy(update=here | {"sheet_of": asked_of_it.sheet_of, "look": asked_of_it.look})
        asked = {field: getattr(self.draft, field) for field in ("identity", "parent", "asked", "basis")}
        return made.model_copy(update=here | {field: value for field, value in asked.items() if value})

    def _known(self) -> str:
        """The take number from the job's own record, if the clip was stored here."""
        made = self.job.outcome.made if self.job.outcome else None
        here = made is not None and lies_in(made, self.draft.reel, self.draft.scene, self.draft.room)
        return PurePosixPath(inside(made.url)[-1]).stem if made and here else ""

    def _seen(self) -> str:
        """The take number that the job has or would get, from the scene's take records."""
        draft, job = self.draft, self.job
        ledger = Ledger(self.storage)
        number = ledger.take(draft.reel, draft.scene, job.key, attempt=job.attempt, reserve=False, room=draft.room)
        self._free[:] = [number]
        return f"take-{number:03d}"

    def _reserved(self) -> str:
        """Reserve the take's number for this job."""
        ledger, place = Ledger(self.storage), (self.draft.reel, self.draft.scene, self.job.key)
        attempt, room = self.job.attempt, self.draft.room
        if self._free:
            number = ledger.reserve_take(*place, attempt=attempt, number=self._free.pop(), room=room)
        else:
            number = ledger.take(*place, attempt=attempt, reserve=True, room=room)
        return f"take-{number:03d}"

    def _close(self, made: Made) -> None:
        if not self.job.outcome:
            what = {"clip": made} if isinstance(made, Clip) else {"still": made}
            done = Outcome(kind="done", at=datetime.now(UTC), cost_usd=made.cost_usd, charged=True)
            Ledger(self.storage).close(self.job.key, self.job.attempt, done.model_copy(update=what))


def _suffix(made: Made) -> str:
    """Of a clip always .mp4; of a still what its bytes are."""
    return ".mp4" if isinstance(made, Clip) else PurePosixPath(made.url).suffix
