"""Standing takes: a reel's take of a scene that depends on another scene which has changed since.

A scene that continues or remixes another belongs to that parent, and one that shows a character made from a scene to
that scene. If one of these is edited or rendered again, the scene's take is stale: it is kept and reported, and
rendered again only with `cascade`. A storyboard alone does not tell which take stands in its reel, so the ledger's
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
    """The plan with the standing takes of its reel; with `cascade`, stale ones become new jobs. Blocks.

    A scene that depends on no other is left as it is: its key determines the take. One whose takes cannot be read has
    `damage`. A character is made from the take that its scene has in this run, if a scene that shows it is rendered.
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
    """Scene, identity and job key of a take from which others are made in this run."""

    scene: str
    identity: str
    key: str


_Needed = Mapping[str, _Take]  # by the id of the scene


def _characters(plan: Plan, scenes: tuple[PlannedScene, ...], takes: _Needed) -> Iterator[PlannedCharacter]:
    """The plan's characters, those from a scene with its take in this run; without those that only stale takes show.

    Two scenes with one character and one model family share its creation.
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
        """The scene as this run renders or keeps it, and the identity of a stale take that is kept."""
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
        """The paid job made from exactly these takes; the lowest take if there are several."""
        takes = (take.key for take in self._takes(scene))
        asked = self._paid(*takes, *([scene.legacy] if scene.legacy else []))
        found = next((held for held in asked if _is_of(held, scene, needed)), None)
        # A stale parent of 0.1.0 has another identity, but its children are still made from it.
        return found or next((held for held in self._standing(scene) if _is_of(held, scene, needed)), None)

    def _stale(self, scene: PlannedScene) -> Attempt | None:
        """The paid job of the same scene made from other takes than it needs; the newest one in the reel."""
        elsewhere = self._paid(*(take.key for take in self._takes(scene)))
        return next(self._standing(scene), None) or next(elsewhere, None) or next(self._rendering(scene), None)

    def _standing(self, scene: PlannedScene) -> Iterator[Attempt]:
        """The takes of this reel and scene that match the scene's own request, newest first."""
        taken = self._paid(*reversed(self.ledger.take_keys(self.slug, scene.scene.id)))
        return (held for held in taken if self._asked(held, scene))

    def _asked(self, held: Attempt, scene: PlannedScene) -> bool:
        """Whether the scene as it is now, apart from its parent, matches this take.

        Version 0.1.0 recorded no identities, and confused the children of another storyboard's scene with this reel's.
        """
        draft = held.intent.draft
        if draft is None or draft.take < scene.scene.take:
            return False
        if held.intent.key == scene.legacy:
            return draft.parent_key in self.ledger.take_keys(self.slug, scene.scene.parent or "")
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

    def _next_take(self, scene: PlannedScene, needed: _Needed) -> PlannedScene:
        """The first take that is free, or that was submitted for exactly these takes and has not succeeded."""
        while history := self.ledger.history(scene.key):
            last = deciding(history) or history[-1]
            if _is_of(last, scene, needed) or (last.end and last.end.kind in _UNUSED):
                break
            scene = scene.with_take(scene.take + 1)
        return scene

    def _paid(self, *keys: str) -> Iterator[Attempt]:
        """The paid jobs that have a clip or may still get one."""
        for key in keys:
            last = deciding(self.ledger.history(key))
            if last and last.job and (last.end is None or last.end.clip):
                yield last


def _is_of(held: Attempt, scene: PlannedScene, needed: _Needed) -> bool:
    """Whether a job was submitted with exactly these takes: its key holds their identities."""
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
    """The identity of a kept take, as tasks.generate reads it from the clip."""
    draft = held.intent.draft
    return (draft and draft.identity) or held.intent.key


def _explain(scene: PlannedScene, held: Attempt, needed: _Needed) -> str:
    """Why the take is stale, and what a new one costs."""
    parent, draft = scene.scene.parent, held.intent.draft
    was = f"begins where another take of {parent} ended" if scene.scene.continues else f"is made of another {parent}"
    if draft and _is_child(draft, scene, needed) and (others := [*_others(draft, scene, needed)]):
        was = f"shows {others[0].character} made from another take of {others[0].scene}"
    return f"{was}; it is kept, and --cascade renders it again for {price(scene.usd)}"
