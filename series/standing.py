"""Standing takes: a reel's take of a scene that depends on another scene which has changed since.

A scene that continues or remixes another belongs to that parent, and one that shows a character made from a scene to
that scene. If one of these is edited or rendered again, the scene's take is stale: it is kept and reported, and
rendered again only with `cascade`. A storyboard alone does not tell which take stands in its reel, so the ledger's
takes of this reel and scene are read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from prefect_storyboard.ledger import Attempt, Choice, Ledger, Unreadable, deciding
from prefect_storyboard.series.again import spent_before, take_after
from prefect_storyboard.series.choosing import Choices, is_paid, question
from prefect_storyboard.series.made_of import (
    Needed,
    Take,
    as_it_stands,
    explain,
    identity_of,
    is_of,
    keys_of,
    made_of,
    own_identity_of_draft,
)
from prefect_storyboard.storyboards import Damage, Plan, PlannedCharacter, PlannedScene, PlannedStill, Storyboard
from prefect_storyboard.storyboards.currency import changes

Node = PlannedStill | PlannedScene
_UNUSED = {"refused", "abandoned"}


def with_standing(plan: Plan, ledger: Ledger, *, cascade: bool = False, attempts: int = 1) -> Plan:
    """The plan with the standing takes of its reel; with `cascade`, stale ones become new jobs. Blocks.

    A scene that needs no other, and of which nobody has chosen anything, is left as it is: its key says everything. One
    whose takes cannot be read has `damage`. Further takes that the storyboard asks for become the plan's `takes`.
    So does a take in the place of a bad one, if a scene may be rendered again and bought so many `attempts` times.
    A character is made from the take that its scene has in this run, if a scene is rendered that shows it.
    """
    slug = plan.storyboard.slug
    reel = _Reel(plan.storyboard, ledger, cascade, Choices(ledger, slug, ledger.choices(slug)), attempts)
    found = _settled(plan, reel)
    takes = {name: _take(name, each) for name, each in found.items()}
    scenes = tuple(each.stands for each in found.values() if isinstance(each.stands, PlannedScene))
    further = tuple(take for each in found.values() for take in each.further if isinstance(take, PlannedScene))
    stale = tuple(f"{each.stands.name} {each.stands.stale}" for each in found.values() if each.stands.stale)
    made = {
        "stills": tuple(each.stands for each in found.values() if isinstance(each.stands, PlannedStill)),
        "scenes": scenes,
        "takes": further,
        "still_takes": tuple(t for each in found.values() for t in each.further if isinstance(t, PlannedStill)),
        "characters": tuple(_characters(plan, (*scenes, *further), takes)),
    }
    return plan.model_copy(update=made | {"warnings": (*plan.warnings, *stale)})


def _settled(plan: Plan, reel: "_Reel") -> "dict[str, _Settled]":
    """Every still and scene as this run makes or keeps it, by name, in the order of the plan."""
    nodes: list[PlannedStill | PlannedScene] = [*plan.stills, *plan.scenes]
    settled: dict[str, _Settled] = {}
    waiting = nodes
    while waiting:
        for node in [node for node in waiting if all(name in settled for name in node.needs)]:
            needed = {name: _take(name, settled[name]) for name in node.needs}
            settled[node.name] = reel.settle(node, needed)
        waiting = [node for node in waiting if node.name not in settled]
    return {node.name: settled[node.name] for node in nodes}


def _take(name: str, found: "_Settled") -> Take:
    return Take(name, found.identity or found.stands.identity, found.stands.key)


def _characters(plan: Plan, scenes: tuple[PlannedScene, ...], takes: Needed) -> Iterator[PlannedCharacter]:
    """The creations of the plan, those that are made from a scene from its take; not those that only stale takes show.

    Two scenes with one character and one model family share its creation.
    """
    shown = {(name, scene.model.casting) for scene in scenes if not scene.standing for name in scene.cast}
    for planned in plan.characters:
        who = planned.character
        if who.from_scene is None:
            yield planned
        elif (who.name, planned.model.casting) in shown:
            yield planned.made_of(takes[who.from_scene].key, plan.account)


class _Settled(NamedTuple):
    """The node as this run makes or keeps it, its further takes, and the identity of a take that is kept stale."""

    stands: PlannedStill | PlannedScene
    further: tuple[PlannedStill | PlannedScene, ...] = ()
    identity: str | None = None


@dataclass(frozen=True)
class _Reel:
    board: Storyboard
    ledger: Ledger
    cascade: bool
    choices: Choices
    attempts: int

    def settle(self, scene: Node, needed: Needed) -> _Settled:
        """Decide which take of a scene or still the reel shows, and which others are requested."""
        if needed:
            scene = scene.made_of({name: take.identity for name, take in needed.items()})
        try:
            return self._without_bad(scene, self._chosen(scene, needed))
        except Unreadable as error:
            damage = Damage(error=error.what, remedy=error.remedy)
            return _Settled(scene.model_copy(update={"damage": damage}))

    def _without_bad(self, scene: Node, found: _Settled) -> _Settled:
        """Where the take that stands is bad and nobody has picked it, with the take that is to be in its place."""
        stands = found.stands
        if not (isinstance(scene, PlannedScene) and isinstance(stands, PlannedScene)) or self.attempts == 1:
            return found
        if stands.picked or stands.stale or not self.board.rerolls(scene.scene):
            return found
        if spent := spent_before(self.choices, scene, stands.key):
            stands = stands.model_copy(update={"most": max(self.attempts - spent, 1)})
        take = take_after(self.choices, scene, stands.key, self.attempts)
        return found._replace(stands=stands, further=(*found.further, *([take] if take else ())))

    def _chosen(self, scene: Node, needed: Needed) -> _Settled:
        """The picked take, else the newest one that matches today's storyboard, else a stale one."""
        first, identity = self._settle(scene, needed) if needed else (scene, None)
        asked = [] if first.stale else [*self._asked_for(scene, first, needed)]
        paid = [take for take in self.choices.rerolls(scene) if any(self._of(take, needed))]
        current = [*asked, *paid]
        pick = self.choices.picked(scene)
        answers = pick is not None and pick.made_of == question(keys_of(needed))
        if pick and (answers or (first.stale and not any(map(self._is_bought, current)))):
            return self._picked(scene, pick, current, needed)
        if not current:
            return _Settled(first, identity=identity)
        stands = self.choices.newest(current)
        further = tuple(take.model_copy(update={"further": True}) for take in asked if take.key != stands.key)
        return _Settled(as_it_stands(scene, stands) if stands in paid else stands, further)

    def _picked(self, scene: Node, pick: Choice, current: Sequence[Node], needed: Needed) -> _Settled:
        """The picked take, which counts as one of those that the storyboard asks for."""
        others = [take for take in current if take.key != pick.key and not take.reroll]
        others.sort(key=lambda take: not self._is_bought(take))
        further = tuple(take.model_copy(update={"further": True}) for take in others[: scene.scene.takes - 1])
        same = next((take for take in current if take.key == pick.key and not take.reroll), None)
        if same:
            return _Settled(same.model_copy(update={"picked": True}), further)
        held = next(self._paid(pick.key), None)
        if held is None:
            raise self.choices.lost(pick)
        stands = scene.model_copy(update={"key": pick.key, "standing": True, "picked": True})
        why = changes(made_of(held), stands, keys_of(needed))
        stale = f"was picked, but does not match today's storyboard ({'; '.join(why)}); it is kept" if why else None
        return _Settled(stands.model_copy(update={"stale": stale}), further, identity_of(held) if why else None)

    def _asked_for(self, scene: Node, first: Node, needed: Needed) -> Iterator[Node]:
        """As many takes as the storyboard asks for, made of just what the scene needs; the first is the lowest one."""
        yield first
        found = 1
        while found < scene.scene.takes:
            if scene.key != first.key and (not needed or self._may_be(scene, needed)):
                found += 1
                yield scene
            scene = scene.with_take(scene.take + 1)

    def _may_be(self, take: Node, needed: Needed) -> bool:
        """Whether a take is made of these takes, or may still be."""
        last = deciding(self.ledger.history(take.key))
        return last is None or is_of(last, take, needed) or (last.end is not None and last.end.kind in _UNUSED)

    def _of(self, take: Node, needed: Needed) -> Iterator[Attempt]:
        """The job of a take if it is paid for and made of these takes."""
        return (held for held in self._paid(take.key) if not needed or is_of(held, take, needed))

    def _is_bought(self, take: Node) -> bool:
        return any(self._paid(take.key))

    def _settle(self, scene: Node, needed: Needed) -> tuple[Node, str | None]:
        """The take if nobody has picked one: the current take, else the stale one that is kept, else a new one."""
        if current := self._current(scene, needed):
            key = current.intent.key
            return scene.model_copy(update={"key": key, "standing": key != scene.key}), None
        held = self._stale(scene)
        if held is None:
            return scene, None
        if self.cascade:
            return self._next_take(scene, needed), None
        stale = explain(scene, held, needed)
        return scene.model_copy(update={"key": held.intent.key, "standing": True, "stale": stale}), identity_of(held)

    def _current(self, scene: Node, needed: Needed) -> Attempt | None:
        """The job that is paid for and made of just these takes; the lowest take where there are more."""
        takes = (take.key for take in self._takes(scene))
        asked = self._paid(*takes, *([scene.legacy] if scene.legacy else []))
        found = next((held for held in asked if is_of(held, scene, needed)), None)
        # A parent of 0.1.0 that has become stale has another identity, but its children are still made of it.
        return found or next((held for held in self._standing(scene) if is_of(held, scene, needed)), None)

    def _stale(self, scene: Node) -> Attempt | None:
        """The paid job of the same scene made from other takes than it needs; the newest one in the reel."""
        elsewhere = self._paid(*(take.key for take in self._takes(scene)))
        return next(self._standing(scene), None) or next(elsewhere, None) or next(self._rendering(scene), None)

    def _standing(self, scene: Node) -> Iterator[Attempt]:
        """The takes of this reel and scene that match the scene's own request, newest first."""
        taken = self._paid(*reversed(self.ledger.take_keys(self.board.slug, scene.scene.id, scene.room)))
        return (held for held in taken if self._asked(held, scene))

    def _asked(self, held: Attempt, scene: Node) -> bool:
        """Whether the scene as it is now, apart from its parent, matches this take.

        Version 0.1.0 recorded no identities, and confused the children of another storyboard's scene with this reel's.
        """
        draft = held.intent.draft
        if draft is None or draft.take < scene.scene.take:
            return False
        if held.intent.key == scene.legacy:
            return draft.parent_key in self.ledger.take_keys(self.board.slug, scene.scene.parent or "")
        return own_identity_of_draft(draft) == scene.own_identity

    def _rendering(self, scene: Node) -> Iterator[Attempt]:
        """The paid jobs of this reel and scene that have not ended. One listing."""
        wanted = self.board.slug, scene.scene.id, scene.room, scene.own_identity
        for held in self.ledger.open():
            draft = held.intent.draft if isinstance(held, Attempt) and held.job else None
            found = draft and (draft.reel, draft.scene, draft.room, own_identity_of_draft(draft))
            if isinstance(held, Attempt) and found == wanted:
                yield held

    def _takes(self, scene: Node) -> Iterator[Node]:
        """The scene as written, then its further takes, as far as they have jobs."""
        while self.ledger.history(scene.key):
            yield scene
            scene = scene.with_take(scene.take + 1)

    def _next_take(self, scene: Node, needed: Needed) -> Node:
        """The first take that is free, or was begun for just these takes and has not succeeded."""
        while history := self.ledger.history(scene.key):
            last = deciding(history) or history[-1]
            if is_of(last, scene, needed) or (last.end and last.end.kind in _UNUSED):
                break
            scene = scene.with_take(scene.take + 1)
        return scene

    def _paid(self, *keys: str) -> Iterator[Attempt]:
        """The paid jobs that have a clip or may still get one."""
        for key in keys:
            last = deciding(self.ledger.history(key))
            if last and is_paid(last):
                yield last
