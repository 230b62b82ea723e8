"""Standing takes: a reel's take of a scene whose parent has been changed since.

A scene that continues or remixes another belongs to that parent. If the parent is edited or rendered again, the child's
take is stale: it is kept and reported, and rendered again only with `cascade`. A storyboard alone does not tell which
take stands in its reel, so the ledger's takes of this reel and scene are read.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from prefect_storyboard.ledger import Attempt, Ledger, Unreadable, deciding
from prefect_storyboard.storyboards import Damage, Plan, PlannedScene
from prefect_storyboard.storyboards.keys import scene_key
from prefect_storyboard.storyboards.money import price

_UNUSED = {"refused", "abandoned"}


def with_standing(plan: Plan, ledger: Ledger, *, cascade: bool = False) -> Plan:
    """The plan with the standing takes of its reel; with `cascade`, stale ones become new jobs. Blocks.

    Scenes without a parent are left as they are: their key determines the take. A scene whose takes cannot be read has
    `damage`.
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
            parents[name] = _Parent(name, made_of or settled[name].identity, settled[name].key)
        waiting = [scene for scene in waiting if scene.scene.id not in settled]
    scenes = tuple(settled[scene.scene.id] for scene in plan.scenes)
    stale = tuple(f"{scene.scene.id} {scene.stale}" for scene in scenes if scene.stale)
    return plan.model_copy(update={"scenes": scenes, "warnings": (*plan.warnings, *stale)})


@dataclass(frozen=True)
class _Parent:
    """Id, identity and job key of the parent's take in this run."""

    scene: str
    identity: str
    key: str


@dataclass(frozen=True)
class _Reel:
    slug: str
    ledger: Ledger
    cascade: bool

    def settle(self, scene: PlannedScene, parent: _Parent | None) -> tuple[PlannedScene, str | None]:
        """The scene as this run renders or keeps it, and the identity of a stale take that is kept."""
        if parent is None:
            return scene, None
        scene = _made_of(scene, parent)
        try:
            return self._settle(scene, parent)
        except Unreadable as error:
            damage = Damage(error=error.what, remedy=error.remedy)
            return scene.model_copy(update={"damage": damage}), None

    def _settle(self, scene: PlannedScene, parent: _Parent) -> tuple[PlannedScene, str | None]:
        if current := self._current(scene, parent):
            key = current.intent.key
            return scene.model_copy(update={"key": key, "standing": key != scene.key}), None
        held = self._stale(scene, parent)
        if held is None:
            return scene, None
        if self.cascade:
            return self._next_take(scene, parent), None
        return scene.model_copy(update={"key": held.intent.key, "standing": True, "stale": _explain(scene)}), _id(held)

    def _current(self, scene: PlannedScene, parent: _Parent) -> Attempt | None:
        """The paid job made from exactly this take of the parent; the lowest take if there are several."""
        takes = (take.key for take in self._takes(scene))
        asked = self._paid(*takes, *([scene.legacy] if scene.legacy else []))
        found = next((held for held in asked if _is_of(held, parent)), None)
        # A stale parent of 0.1.0 has another identity, but its children are still made from it.
        return found or next((held for held in self._standing(scene, parent) if _is_of(held, parent)), None)

    def _stale(self, scene: PlannedScene, parent: _Parent) -> Attempt | None:
        """The paid job of the same scene made from another take of its parent; the newest one in the reel."""
        elsewhere = self._paid(*(take.key for take in self._takes(scene)))
        return next(self._standing(scene, parent), None) or next(elsewhere, None) or next(self._rendering(scene), None)

    def _standing(self, scene: PlannedScene, parent: _Parent) -> Iterator[Attempt]:
        """The takes of this reel and scene that match the scene's own request, newest first."""
        taken = self._paid(*reversed(self.ledger.take_keys(self.slug, scene.scene.id)))
        return (held for held in taken if self._asked(held, scene, parent))

    def _asked(self, held: Attempt, scene: PlannedScene, parent: _Parent) -> bool:
        """Whether the scene as it is now, apart from its parent, matches this take.

        Version 0.1.0 recorded no identities, and confused the children of another storyboard's scene with this reel's.
        """
        draft = held.intent.draft
        if draft is None or draft.take < scene.scene.take:
            return False
        if held.intent.key == scene.legacy:
            return draft.parent_key in self.ledger.take_keys(self.slug, parent.scene)
        return draft.own_identity == scene.own_identity

    def _rendering(self, scene: PlannedScene) -> Iterator[Attempt]:
        """The paid jobs of this reel and scene that have not ended. One listing."""
        wanted = self.slug, scene.scene.id, scene.own_identity
        for held in self.ledger.open():
            draft = held.intent.draft if isinstance(held, Attempt) and held.job else None
            if isinstance(held, Attempt) and draft and (draft.reel, draft.scene, draft.own_identity) == wanted:
                yield held

    def _takes(self, scene: PlannedScene) -> Iterator[PlannedScene]:
        """The scene as written, then its further takes, as far as they have jobs."""
        while self.ledger.history(scene.key):
            yield scene
            scene = scene.with_take(scene.take + 1)

    def _next_take(self, scene: PlannedScene, parent: _Parent) -> PlannedScene:
        """The first take that is free, or that was submitted for this take of the parent and has not succeeded."""
        while history := self.ledger.history(scene.key):
            last = deciding(history) or history[-1]
            if _is_of(last, parent) or (last.end and last.end.kind in _UNUSED):
                break
            scene = scene.with_take(scene.take + 1)
        return scene

    def _paid(self, *keys: str) -> Iterator[Attempt]:
        """The paid jobs that have a clip or may still get one."""
        for key in keys:
            last = deciding(self.ledger.history(key))
            if last and last.job and (last.end is None or last.end.clip):
                yield last


def _made_of(scene: PlannedScene, parent: _Parent) -> PlannedScene:
    """The scene with its key as a child of that parent."""
    begins = "continues" if scene.scene.continues else "remixes"
    content = {**scene.content, begins: parent.identity}
    return scene.model_copy(update={"content": content, "key": scene_key(content, scene.copy_number)})


def _is_of(held: Attempt, parent: _Parent) -> bool:
    """Whether a job was submitted with that take of that parent: its key holds the parent's identity."""
    return held.intent.draft is not None and held.intent.draft.parent_key == parent.key


def _id(held: Attempt) -> str:
    """The identity of a kept take, as tasks.generate reads it from the clip."""
    draft = held.intent.draft
    return (draft and draft.identity) or held.intent.key


def _explain(scene: PlannedScene) -> str:
    """Why the take is stale, and what a new one costs."""
    parent = scene.scene.parent
    was = f"begins where another take of {parent} ended" if scene.scene.continues else f"is made of another {parent}"
    return f"{was}; it is kept, and --cascade renders it again for {price(scene.usd)}"
