"""Choose the take that the reel shows of a scene with several takes: the one that a person picked, else the newest.

A take whose verdict is bad does not stand as long as there is another one.

A choice answers a question: what the scene asked for when it was made, and which takes of other scenes it was made of.
As long as the question is the same, the pick stands. Where a scene that it needs has another take since, it stands
until a take that is made of that one is bought; where the scene itself is edited, it says nothing any more.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from prefect_storyboard.ledger import Attempt, Choice, Ledger, Unreadable, deciding
from prefect_storyboard.storyboards import PlannedScene, PlannedStill
from prefect_storyboard.storyboards.keys import digest

Node = PlannedStill | PlannedScene


@dataclass(frozen=True)
class Choices:
    """What has been chosen of a reel, oldest first."""

    ledger: Ledger
    reel: str
    made: tuple[Choice, ...]

    def picked(self, scene: PlannedScene | PlannedStill) -> Choice | None:
        """The last pick of a take of this scene or still, if the scene or still has not been edited since."""
        picks = (each for each in reversed(self.made) if each.kind == "picked" and is_about(each, scene))
        last = next(picks, None)
        return last if last and last.own_identity == scene.own_identity else None

    def rerolls(self, scene: Node) -> Iterator[Node]:
        """The further takes that people have requested of the scene or still in its present form, oldest first."""
        for choice in self.made:
            same = choice.own_identity == scene.own_identity and choice.take == scene.scene.take
            if choice.kind == "asked" and is_about(choice, scene) and same:
                yield from (scene.with_reroll(name, choice.note) for name in choice.rerolls)

    def lost(self, pick: Choice) -> Unreadable:
        """The error for a pick whose take has no record any more."""
        of = f"{pick.scene} still" if pick.still else pick.scene
        what = f"take {pick.take} of {of} was picked, and its job {pick.key[:12]} is not in this ledger"
        return Unreadable(f"{what}; nothing was bought", "Run `storyboard repair`, or pick another take")

    def kept(self, scene: Node) -> Attempt | None:
        """The take that the reel goes on to show of a scene that was edited, until the edited scene is rendered.

        It is the one that a person picked last, else the newest that is not bad, else the newest.
        """
        picks = [each.key for each in reversed(self.made) if each.kind == "picked" and is_about(each, scene)]
        keys = self.ledger.take_keys(self.reel, scene.scene.id, scene.room)
        found = [held for key in (*picks[:1], *reversed(keys)) if (held := self._with_result(key))]
        picked = found[:1] if found and found[0].intent.key in picks[:1] else []
        return next(iter([*picked, *(held for held in found if not is_bad(held)), *found]), None)

    def _with_result(self, key: str) -> Attempt | None:
        with suppress(Unreadable):
            last = deciding(self.ledger.history(key))
            return last if last and last.end and last.end.made else None
        return None

    def newest(self, takes: Sequence[Node]) -> Node:
        """The newest of these takes that is neither failed nor bad, else that has not failed: the one ordered last.

        One that is not ordered yet is newer than all that are, and not bad. Takes that were asked for together are
        ordered at once, and count as ordered in their turn, whichever download ends first: else another one would stand
        in the next run.
        """
        if len(takes) == 1:
            return takes[0]
        known = {take.key: self.ledger.history(take.key) for take in takes}
        ordered = {take.key: at for turn in _turns(takes) for take, at in _ordered(turn, known)}
        there = [take for take in takes if not _has_failed(deciding(known[take.key]))]
        good = [take for take in there if not is_bad(deciding(known[take.key]))]
        return max(enumerate(good or there or takes), key=lambda each: (ordered[each[1].key], each[0]))[1]


def question(needed: Mapping[str, str]) -> str:
    """The takes that a scene is made of, by the id of their scenes, in one word; empty where it needs none."""
    return digest(dict(needed)) if needed else ""


def is_bad(last: Attempt | None) -> bool:
    """Whether a job has made a clip whose verdict is bad."""
    clip = last.end.clip if last and last.end else None
    return clip is not None and clip.is_bad


def _ordered(turn: Sequence[Node], known: Mapping[str, Sequence[Attempt]]) -> Iterator[tuple[Node, datetime]]:
    """When each take was ordered, or the last one before it in its turn."""
    latest = datetime.min.replace(tzinfo=UTC)
    for take in turn:
        history = known[take.key]
        latest = max(latest, history[0].intent.at if history else datetime.max.replace(tzinfo=UTC))
        yield take, latest


def is_about(choice: Choice, node: PlannedScene | PlannedStill) -> bool:
    """Whether a choice concerns the takes of this clip or still."""
    return (choice.scene, choice.still) == (node.scene.id, isinstance(node, PlannedStill))


def is_paid(last: Attempt | None) -> bool:
    """Whether a job is paid for and has, or may still get, its clip or still."""
    return last is not None and last.job is not None and (last.end is None or last.end.made is not None)


def _turns(takes: Sequence[Node]) -> tuple[Sequence[Node], ...]:
    """The takes that the storyboard asks for, and those that people have asked for since."""
    return [take for take in takes if not take.reroll], [take for take in takes if take.reroll]


def _has_failed(last: Attempt | None) -> bool:
    return last is not None and last.end is not None and last.end.made is None
