"""Libraries as earlier runs and accidents have left them, and what the next run does with each job, without Prefect."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from prefect_storyboard.jobs.buy import buy_once
from prefect_storyboard.jobs.estimate import estimate
from prefect_storyboard.jobs.purchase import PurchaseRequest
from prefect_storyboard.jobs.wait import await_result
from prefect_storyboard.ledger import Draft, Ledger, Outcome, Unreadable, open_storage
from prefect_storyboard.providers import errors
from prefect_storyboard.providers.table import model
from prefect_storyboard.series.known import with_states
from prefect_storyboard.series.standing import with_standing
from prefect_storyboard.storyboards import Clip, Plan, PlannedScene, Source, plan, shots, validate
from prefect_storyboard.tasks._takes import Takes

from .fakes import FakeClock, Gateway, intent, job, order, session_with, wording
from .purchases import dead

REEL = "pier"
NOW = datetime.now(UTC)
EARLIER = NOW - timedelta(days=1)


def ended(kind: str, **facts: Any) -> Outcome:
    return Outcome.model_validate({"kind": kind, "at": EARLIER, **facts})


FREE = ended("failed", error="GenerationFailed", charged=False, resubmittable=True)
STALE = FREE.model_copy(update={"stale_upload": True})
PAID = ended("failed", error="GenerationFailed", charged=True)
INPUT = ended("failed", error="Refused", charged=False, what="prompt")
OUTPUT = ended("failed", error="Refused", charged=False, what="output", resubmittable=True)
REFUSED, GIVEN_UP = ended("refused", error="Busy"), ended("abandoned")
BEFORE = {
    "free": (True, FREE),
    "stale upload": (True, STALE),
    "paid": (True, PAID),
    "input": (True, INPUT),
    "output": (True, OUTPUT),
    "refused": (False, REFUSED),
    "given up": (False, GIVEN_UP),
    "given up, and bought": (True, GIVEN_UP),
}
LAST = [*BEFORE, "done", "elsewhere", "open", "unknown", "nothing"]


def film(key: str, *, reel: str = REEL, scene: str = "s01") -> Clip:
    facts = {"url": f"memory://x/reels/{reel}/scenes/{scene}/take-001.mp4", "sha256": key, "bytes": 6, "seconds": 4.0}
    size = {"width": 1280, "height": 720, "cost_usd": 0.4, "provider": "fal", "model": "sora-2", "prompt": "p"}
    more = {"request_id": key[:8], "job_key": key, "stored_at": EARLIER, "scene": scene, "take": 1}
    return Clip.model_validate({**facts, **size, **more})


@dataclass
class LibraryState:
    """A library, a gateway that bills, and what `storyboard_series` does with both, without Prefect around it."""

    ledger: Ledger
    folder: Path
    gateway: Gateway = field(default_factory=lambda: Gateway(prefix=uuid4().hex))
    attempts: int = 1

    def plan(self, *scenes: dict[str, Any], cast: Any = ({"name": "Mara", "clip": "mara.mp4"},)) -> Plan:
        written = [{"id": f"s{number:02d}", "prompt": "p", **scene} for number, scene in enumerate(scenes, 1)]
        board = validate({"title": REEL, "model": "sora-2", "cast": [*cast], "scenes": written})
        made = shots(board, lambda name: model("fal", name), Source())
        asked = plan(board, made, provider="fal", account="default", content={"mara.mp4": "m" * 64})
        return with_standing(asked, self.ledger)

    def past(self, key: str, *attempts: str, scene: str = "s01", parent: str | None = None) -> None:
        """Write what earlier runs have left of a job; `nothing` ends what they did."""
        draft = Draft(reel=REEL, scene=scene, model="sora-2", prompt="p", parent_key=parent)
        for number, word in enumerate(attempts, 1):
            if word == "nothing":
                return
            owned = {"owner": dead(), "at": EARLIER, "draft": draft, "reel": REEL}
            self.ledger.intend(number, intent(key, **owned))
            accepted, end = BEFORE.get(word, (word != "unknown", None))
            if end is GIVEN_UP:
                self.ledger.close(key, number, end)
            if accepted:
                self.ledger.submitted(key, number, job(f"{key[:8]}-{number}", submitted_at=EARLIER))
            if end and end is not GIVEN_UP:
                self.ledger.close(key, number, end)
            if word in {"done", "elsewhere"}:
                clip = film(key, reel=REEL if word == "done" else "another", scene=scene)
                self.ledger.close(key, number, ended("done", clip=clip, charged=True))
                self.publish(clip, number)

    def publish(self, clip: Clip, attempt: int) -> None:
        """Store a clip with its sidecar, under its number."""
        place = clip.url.split("/")[-5:-1]
        if place[1] == REEL:
            self.ledger.take(REEL, clip.scene, clip.job_key, attempt=attempt, reserve=True)
        self.ledger.storage.write(b"a clip", *place, "take-001.mp4")
        self.ledger.storage.write(clip.model_dump_json().encode(), *place, "take-001.json")

    async def planned(self, *scenes: dict[str, Any]) -> list[str | None]:
        """The states of all jobs as the plan tells them."""
        asked = self.plan(*scenes)
        return [each.state for each in with_states(asked, await estimate(asked, self.ledger, self.attempts)).jobs]

    async def run(self, *scenes: dict[str, Any]) -> list[str]:
        """What a run does with every job: characters first, then the scenes, each after its parent."""
        asked = self.plan(*scenes)
        await estimate(asked, self.ledger, self.attempts)
        missing: set[str] = set()
        done = []
        for each in asked.jobs:
            needs = _needs(asked, each) if isinstance(each, PlannedScene) else set()
            word = await self.deed(each, blocked=bool(needs & missing))
            if word not in {"new", "cached", "reattached"}:
                missing.add(each.key)
            done.append(word)
        return done

    async def deed(self, each: Any, *, blocked: bool) -> str:
        """What a run does with one job, as series/render.py goes about it."""
        is_scene = isinstance(each, PlannedScene)
        draft = Draft(reel=REEL, scene=each.scene.id, model="sora-2", prompt="p") if is_scene else None
        wanted = PurchaseRequest(
            key=each.key,
            label="a job",
            account="default",
            usd=0.4,
            reel=REEL,
            attempts=self.attempts,
            since=NOW,
            draft=draft,
            character=None if is_scene else each.character.name,
        )
        session, before = session_with(self.gateway, clock=FakeClock()), len(self.gateway.billed)
        try:
            if draft:
                if each.damage:
                    return "unreadable"
                if blocked and not self._is_paid(each.key):
                    return "blocked"
                self.ledger.take(REEL, draft.scene, each.key, attempt=None, reserve=False)
            bought = await buy_once(session, self.ledger, wanted, wording(order(each.key)))
            if draft:
                takes = Takes(self.ledger.storage, draft, bought)
                if takes.stored() is None:
                    await await_result(session, self.ledger, bought)
                    file = self.folder / f"{uuid4().hex}.mp4"
                    file.write_bytes(b"a clip")
                    takes.publish(file, film(each.key, scene=draft.scene), {})
        except Unreadable:
            assert len(self.gateway.billed) == before, "what cannot be read is known before it is bought"
            return "unreadable"
        except errors.OutcomeUnknown:
            return "unknown"
        except errors.ProviderError:
            assert len(self.gateway.billed) == before
            return "failed"
        assert len(self.gateway.billed) - before == (bought.state == "Submitted")
        return {"Submitted": "new", "Cached": "cached", "Reattached": "reattached"}[bought.state]

    def _is_paid(self, key: str) -> bool:
        history = self.ledger.history(key)
        return any(each.job and (each.end is None or each.end.clip) for each in history[-1:])


def _needs(asked: Plan, scene: PlannedScene) -> set[str]:
    """Keys of the parent and the characters of a scene."""
    cast = {each.key for each in asked.characters if each.character.name in scene.cast}
    return cast | {each.key for each in asked.scenes if each.scene.id == scene.scene.parent}


@contextmanager
def a_library(folder: Path) -> Iterator[LibraryState]:
    """One with a library of its own, which goes: memory is searched from one end to the other."""
    storage = open_storage(f"memory://deeds/{uuid4().hex}")
    yield LibraryState(Ledger(storage), folder)
    if storage.fs.exists(storage.root):
        storage.fs.rm(storage.root, recursive=True)


def agree(said: list[str | None], done: list[str]) -> bool:
    """Whether a run did what was said.

    One that comes to no job that failed, because of its parent, buys nothing too.
    """
    kept = {("stale", "cached"), ("stale", "reattached"), ("failed", "blocked"), ("unknown", "blocked")}
    return all(one == other or (one, other) in kept for one, other in zip(said, done, strict=True))


def torn(state: LibraryState, *place: str) -> None:
    state.ledger.storage.write(b'{"layout": 1, "key', *place)


def lost(state: LibraryState, *place: str) -> None:
    state.ledger.storage.remove(*place)
