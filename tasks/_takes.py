"""The takes of a scene in the library, and how one is published."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from prefect_storyboard.jobs.paid import PaidJob
from prefect_storyboard.ledger import Draft, Ledger, Outcome, Storage, surveyed
from prefect_storyboard.ledger.sidecars import inside, lies_in, takes_folder
from prefect_storyboard.media.sources import local_file
from prefect_storyboard.storyboards import Clip
from prefect_storyboard.tasks._extras import file_name


@dataclass(frozen=True)
class Takes:
    """The takes of one scene or single clip, and the job whose clip is one of them. All methods block."""

    storage: Storage
    draft: Draft
    job: PaidJob
    _free: list[int] = field(default_factory=list)  # the number that was free when read, and is not reserved yet

    @property
    def folder(self) -> tuple[str, ...]:
        """`reels/<reel>/scenes/<scene>`, or `clips/<scene>` without a reel."""
        return takes_folder(self.draft.reel, self.draft.scene)

    def stored(self) -> Clip | None:
        """The clip, if its sidecar and its file exist. After a crash its job may still be open."""
        survey = surveyed(self.storage)
        if self.job.state == "Submitted" and survey and survey.use(self.draft.reel, self.draft.scene):
            self._free.append(1)
            return None
        name = self._known() or self._seen()
        body = self.storage.read(*self.folder, f"{name}.json")
        if body is None:
            return None
        self._free.clear()
        try:
            clip = Clip.model_validate_json(body)
        except ValidationError:
            return None
        size = survey.size(*self.folder, f"{name}.mp4") if survey else None
        if clip.job_key != self.job.key or clip.bytes != (size or self.storage.size(*self.folder, f"{name}.mp4")):
            return None
        clip = self._placed(clip, name)
        self._close(clip)
        return clip

    def fetch_elsewhere(self, file: Path) -> Clip | None:
        """Copy the clip from another place in the library; None if it is not there, or was removed or changed."""
        clip = self.job.outcome.clip if self.job.outcome else None
        if clip is None:
            return None
        try:
            self.storage.fetch(file, *inside(clip.url))
        except FileNotFoundError:
            return None
        return clip if local_file(file).sha256 == clip.sha256 else None

    def publish(self, file: Path, made: Clip, extras: dict[str, Path]) -> Clip:
        """Publish the take, then its sidecar, then close the job: after a crash, the next run completes these steps."""
        name = self._reserved()
        self.storage.publish(file, *self.folder, f"{name}.mp4")
        files = {kind: self._publish_extra(extra, name, kind) for kind, extra in extras.items()}
        clip = self._placed(made, name).model_copy(update={"files": files})
        self.storage.write(clip.model_dump_json(indent=2).encode(), *self.folder, f"{name}.json")
        self._close(clip)
        return clip

    def _publish_extra(self, file: Path, name: str, kind: str) -> str:
        return self.storage.publish(file, *self.folder, file_name(kind, file, before=f"{name}."))

    def _placed(self, clip: Clip, name: str) -> Clip:
        """The clip at its present place. The library may have moved, and 0.1.0 did not record the request."""
        here = {"scene": self.draft.scene, "take": int(name.removeprefix("take-"))}
        here |= {"url": self.storage.link(*self.folder, f"{name}.mp4")}
        asked = {field: getattr(self.draft, field) for field in ("identity", "parent", "asked", "basis")}
        return clip.model_copy(update=here | {field: value for field, value in asked.items() if value})

    def _known(self) -> str:
        """The take number from the job's own record, if the clip was stored here."""
        clip = self.job.outcome.clip if self.job.outcome else None
        here = clip is not None and lies_in(clip, self.draft.reel, self.draft.scene)
        return inside(clip.url)[-1].removesuffix(".mp4") if clip and here else ""

    def _seen(self) -> str:
        """The take number that the job has or would get, from the scene's take records."""
        draft, job = self.draft, self.job
        number = Ledger(self.storage).take(draft.reel, draft.scene, job.key, attempt=job.attempt, reserve=False)
        self._free[:] = [number]
        return f"take-{number:03d}"

    def _reserved(self) -> str:
        """Reserve the take's number for this job."""
        ledger, place = Ledger(self.storage), (self.draft.reel, self.draft.scene, self.job.key)
        if self._free:
            number = ledger.reserve_take(*place, attempt=self.job.attempt, number=self._free.pop())
        else:
            number = ledger.take(*place, attempt=self.job.attempt, reserve=True)
        return f"take-{number:03d}"

    def _close(self, clip: Clip) -> None:
        if not self.job.outcome:
            done = Outcome(kind="done", at=datetime.now(UTC), clip=clip, cost_usd=clip.cost_usd, charged=True)
            Ledger(self.storage).close(self.job.key, self.job.attempt, done)
