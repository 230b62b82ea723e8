"""The take that stands in a reel, where the scene that it was made of has been changed since.

A scene that continues or remixes another belongs to that parent, and one that shows a character made from a scene to
that scene. Where one of these is edited or rendered again, the scene's take is stale: it is kept and named, and
rendered again only on request (`cascade`). A storyboard alone cannot say which take stands in its reel, so the ledger's
takes of this reel and scene are read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prefect_storyboard.ledger import Attempt, Draft, Ledger, Unreadable, deciding
from prefect_storyboard.storyboards import Damage, Plan, PlannedCharacter, PlannedScene
from prefect_storyboard.storyboards.money import price
from prefect_storyboard.storyboards.origins import Origin

_UNUSED = {"refused", "abandoned"}


def with_standing(plan: Plan, ledger: Ledger, *, cascade: bool = False) -> Plan:
    """The plan with the takes that stand in its reel; with `cascade`, stale ones become new jobs. Blocks.

    A scene that needs no other is left as it is: its key says everything. One whose takes cannot be read has `damage`.
    A character is made from the take that its scene has in this run, if a scene is rendered that shows it.
    """
    reel = _Reel(plan.storyboard.slug, ledger, cascade)
    settled: dict[str, PlannedScene] = {}
    takes: dict[str, _Take] = {}
    waiting = list(plan.scenes)
    while waiting:
        ready = [scene for scene in waiting if all(name in takes for name in scene.needs)]
        for scene in ready:
            name = scene.scene.id
            settled[name], made_of = reel.settle(scene, {needed: takes[needed] for needed in scene.needs})
            takes[name] = _Take(name, made_of or settled[name].identity, settled[name].key)
        waiting = [scene for scene in waiting if scene.scene.id not in settled]
    scenes = tuple(settled[scene.scene.id] for scene in plan.scenes)
    stale = tuple(f"{scene.scene.id} {scene.stale}" for scene in scenes if scene.stale)
    characters = tuple(_characters(plan, scenes, takes))
    return plan.model_copy(update={"scenes": scenes, "characters": characters, "warnings": (*plan.warnings, *stale)})


@dataclass(frozen=True)
class _Take:
    """Scene, identity and job key of a take that others are made of in this run."""

    scene: str
    identity: str
    key: str


_Needed = Mapping[str, _Take]  # by the id of the scene


def _characters(plan: Plan, scenes: tuple[PlannedScene, ...], takes: _Needed) -> Iterator[PlannedCharacter]:
    """The creations of the plan, those that are made from a scene from its take; not those that only stale takes show.

    Two scenes of one character and one family of models share its creation.
    """
    shown = {(name, scene.model.casting) for scene in scenes if not scene.standing for name in scene.cast}
    for planned in plan.characters:
        who = planned.character
        if who.from_scene is None:
            yield planned
        elif (who.name, planned.model.casting) in shown:
            yield planned.made_of(takes[who.from_scene].key, plan.account)


@dataclass(frozen=True)
class _Reel:
    slug: str
    ledger: Ledger
    cascade: bool

    def settle(self, scene: PlannedScene, needed: _Needed) -> tuple[PlannedScene, str | None]:
        """The scene as this run renders or keeps it; and the identity of a take that is kept although it is stale."""
        if not needed:
            return scene, None
        scene = scene.made_of({name: take.identity for name, take in needed.items()})
        try:
            return self._settle(scene, needed)
        except Unreadable as error:
            damage = Damage(error=error.what, remedy=error.remedy)
            return scene.model_copy(update={"damage": damage}), None

    def _settle(self, scene: PlannedScene, needed: _Needed) -> tuple[PlannedScene, str | None]:
        if current := self._current(scene, needed):
            key = current.intent.key
            return scene.model_copy(update={"key": key, "standing": key != scene.key}), None
        held = self._stale(scene)
        if held is None:
            return scene, None
        if self.cascade:
            return self._next_take(scene, needed), None
        stale = _explain(scene, held, needed)
        return scene.model_copy(update={"key": held.intent.key, "standing": True, "stale": stale}), _id(held)

    def _current(self, scene: PlannedScene, needed: _Needed) -> Attempt | None:
        """The job that is paid for and made of just these takes; the lowest take where there are more."""
        takes = (take.key for take in self._takes(scene))
        asked = self._paid(*takes, *([scene.legacy] if scene.legacy else []))
        found = next((held for held in asked if _is_of(held, scene, needed)), None)
        # A parent of 0.1.0 that has become stale has another identity, but its children are still made of it.
        return found or next((held for held in self._standing(scene) if _is_of(held, scene, needed)), None)

    def _stale(self, scene: PlannedScene) -> Attempt | None:
        """The paid job that the scene itself asks for, made of other takes than it needs; the newest of the reel."""
        elsewhere = self._paid(*(take.key for take in self._takes(scene)))
        return next(self._standing(scene), None) or next(elsewhere, None) or next(self._rendering(scene), None)

    def _standing(self, scene: PlannedScene) -> Iterator[Attempt]:
        """The takes of this reel and scene that the scene itself asks for, newest first."""
        taken = self._paid(*reversed(self.ledger.take_keys(self.slug, scene.scene.id)))
        return (held for held in taken if self._asked(held, scene))

    def _asked(self, held: Attempt, scene: PlannedScene) -> bool:
        """Whether today's scene, whatever its parent, asks for this take.

        Version 0.1.0 recorded no identities, and took the children of another storyboard's scene for this reel's own.
        """
        draft = held.intent.draft
        if draft is None or draft.take < scene.scene.take:
            return False
        if held.intent.key == scene.legacy:
            return draft.parent_key in self.ledger.take_keys(self.slug, scene.scene.parent or "")
        return draft.own_identity == scene.own_identity

    def _rendering(self, scene: PlannedScene) -> Iterator[Attempt]:
        """Jobs of this reel and scene that are paid for and have not ended. One listing."""
        wanted = self.slug, scene.scene.id, scene.own_identity
        for held in self.ledger.open():
            draft = held.intent.draft if isinstance(held, Attempt) and held.job else None
            if isinstance(held, Attempt) and draft and (draft.reel, draft.scene, draft.own_identity) == wanted:
                yield held

    def _takes(self, scene: PlannedScene) -> Iterator[PlannedScene]:
        """The scene as it is asked for, then as its further takes, as far as there are jobs of them."""
        while self.ledger.history(scene.key):
            yield scene
            scene = scene.with_take(scene.take + 1)

    def _next_take(self, scene: PlannedScene, needed: _Needed) -> PlannedScene:
        """The first take that is free, or was begun for just these takes and has not succeeded."""
        while history := self.ledger.history(scene.key):
            last = deciding(history) or history[-1]
            if _is_of(last, scene, needed) or (last.end and last.end.kind in _UNUSED):
                break
            scene = scene.with_take(scene.take + 1)
        return scene

    def _paid(self, *keys: str) -> Iterator[Attempt]:
        """The jobs that are paid for, and have a clip or may yet have one."""
        for key in keys:
            last = deciding(self.ledger.history(key))
            if last and last.job and (last.end is None or last.end.clip):
                yield last


def _is_of(held: Attempt, scene: PlannedScene, needed: _Needed) -> bool:
    """Whether a job was ordered with just these takes: their keys say all that was asked of them."""
    draft = held.intent.draft
    return draft is not None and _is_child(draft, scene, needed) and not [*_others(draft, scene, needed)]


def _is_child(draft: Draft, scene: PlannedScene, needed: _Needed) -> bool:
    parent = scene.scene.parent
    return parent is None or draft.parent_key == needed[parent].key


def _others(draft: Draft, scene: PlannedScene, needed: _Needed) -> Iterator[Origin]:
    """The characters that were made from another take of their scene."""
    made = {casting.character: casting.made_of.job_key for casting in draft.characters if casting.made_of}
    return (origin for origin in scene.origins if made.get(origin.character) != needed[origin.scene].key)


def _id(held: Attempt) -> str:
    """What was asked of a take that is kept, as tasks.generate takes it from the clip."""
    draft = held.intent.draft
    return (draft and draft.identity) or held.intent.key


def _explain(scene: PlannedScene, held: Attempt, needed: _Needed) -> str:
    """Why the take is stale, and what a new one costs."""
    parent, draft = scene.scene.parent, held.intent.draft
    was = f"begins where another take of {parent} ended" if scene.scene.continues else f"is made of another {parent}"
    if draft and _is_child(draft, scene, needed) and (others := [*_others(draft, scene, needed)]):
        was = f"shows {others[0].character} made from another take of {others[0].scene}"
    return f"{was}; it is kept, and --cascade renders it again for {price(scene.usd)}"
