"""The take that stands in a reel, where the scene that it was made of has been changed since.

A scene that continues or remixes another belongs to that parent. Where the parent is edited or rendered again, the
child's take is stale: it is kept and named, and rendered again only on request (`cascade`). A storyboard alone cannot
say which take stands in its reel, so the ledger's takes of this reel and scene are read.
"""

from dataclasses import dataclass

from prefect_storyboard.ledger import Ledger, deciding
from prefect_storyboard.ledger.records import Attempt
from prefect_storyboard.storyboards import Plan, PlannedScene
from prefect_storyboard.storyboards.keys import scene_key
from prefect_storyboard.storyboards.money import price


def with_standing(plan: Plan, ledger: Ledger, *, cascade: bool = False) -> Plan:
    """The plan with the takes that stand in its reel; with `cascade`, stale ones become new jobs. Blocks.

    Parentless scenes are left as they are: their key says everything.
    """
    reel = _Reel(plan.storyboard.slug, ledger, cascade)
    settled: dict[str, PlannedScene] = {}
    parents: dict[str, _Parent] = {}
    waiting = list(plan.scenes)
    while waiting:
        ready = [scene for scene in waiting if not scene.scene.parent or scene.scene.parent in parents]
        for scene in ready:
            name = scene.scene.id
            settled[name], made_of = reel.settle(scene, parents.get(scene.scene.parent or ""))
            parents[name] = _Parent(made_of or settled[name].identity, settled[name].key)
        waiting = [scene for scene in waiting if scene not in ready]
    scenes = tuple(settled[scene.scene.id] for scene in plan.scenes)
    stale = tuple(f"{scene.scene.id} {scene.stale}" for scene in scenes if scene.stale)
    return plan.model_copy(update={"scenes": scenes, "warnings": (*plan.warnings, *stale)})


@dataclass(frozen=True)
class _Parent:
    """Identity and job key of the take that a child is made of in this run."""

    identity: str
    key: str


@dataclass(frozen=True)
class _Reel:
    slug: str
    ledger: Ledger
    cascade: bool

    def settle(self, scene: PlannedScene, parent: _Parent | None) -> tuple[PlannedScene, str | None]:
        """The scene as this run renders or keeps it; and the identity of a take that is kept although it is stale."""
        if parent is None:
            return scene, None
        scene = _made_of(scene, parent)
        held = self._standing(scene) or _last_done(self.ledger, scene.key) or self._legacy(scene, parent)
        if held is None:
            return scene, None
        if _is_of(held, parent):
            return scene.model_copy(update={"key": held.intent.key, "standing": held.intent.key != scene.key}), None
        if self.cascade:
            return (scene.with_take(_take(held) + 1) if held.intent.key == scene.key else scene), None
        kept = {"key": held.intent.key, "standing": True, "stale": _explain(scene)}
        return scene.model_copy(update=kept), _identity(held)

    def _standing(self, scene: PlannedScene) -> Attempt | None:
        """The newest finished take of this reel and scene that the scene itself, whatever its parent, asks for."""
        for key in reversed(self.ledger.take_keys(self.slug, scene.scene.id)):
            held = _last_done(self.ledger, key)
            draft = held.intent.draft if held else None
            if draft is None or draft.take < scene.scene.take:
                continue
            if draft.own_identity == scene.own_identity or key == scene.legacy:
                return held
        return None

    def _legacy(self, scene: PlannedScene, parent: _Parent) -> Attempt | None:
        """A job that 0.1.0 bought for this scene and for this very parent, finished or not."""
        last = deciding(self.ledger.history(scene.legacy)) if scene.legacy else None
        return last if last and last.job and _is_of(last, parent) else None


def _made_of(scene: PlannedScene, parent: _Parent) -> PlannedScene:
    """The scene with the key that it has as a child of that parent."""
    begins = "continues" if scene.scene.continues else "remixes"
    content = {**scene.content, begins: parent.identity}
    return scene.model_copy(update={"content": content, "key": scene_key(content, scene.copy_number)})


def _last_done(ledger: Ledger, key: str) -> Attempt | None:
    last = deciding(ledger.history(key))
    return last if last and last.end and last.end.clip else None


def _is_of(held: Attempt, parent: _Parent) -> bool:
    """Whether a take was made of that take of that parent. 0.1.0 recorded the parent's job alone."""
    draft = held.intent.draft
    return draft is not None and draft.parent in {None, parent.identity} and draft.parent_key == parent.key


def _take(held: Attempt) -> int:
    return held.intent.draft.take if held.intent.draft else 1


def _identity(held: Attempt) -> str:
    """What was asked of a take that is kept, as tasks.generate takes it from the clip."""
    draft = held.intent.draft
    return (draft and draft.identity) or held.intent.key


def _explain(scene: PlannedScene) -> str:
    """Why the take is stale, and what a new one costs."""
    parent = scene.scene.parent
    was = f"begins where an older take of {parent} ended" if scene.scene.continues else f"is made of an older {parent}"
    return f"{was}; it is kept, and --cascade renders it again for {price(scene.usd)}"
