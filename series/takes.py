"""The takes of a storyboard's scenes: all that there are, the one that a person picks, and an order for more.

A reroll is an order on record before anything is bought: its takes are named after it in their keys, so that whoever
carries it out finds what is bought already. An order is open until it has been carried out, which is recorded last. The
same words for the same scene, while such an order is open, are that order: after a crash they buy what is missing.
"""

import getpass
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal
from uuid import uuid4

from prefect_storyboard.ledger import Attempt, Choice, Ledger, Unreadable, deciding
from prefect_storyboard.series.choosing import Choices, Node, is_about, question
from prefect_storyboard.series.made_of import made_of
from prefect_storyboard.storyboards import Clip, Frozen, Plan, PlannedScene, PlannedStill, Still
from prefect_storyboard.storyboards.again import is_again
from prefect_storyboard.storyboards.currency import changes
from prefect_storyboard.storyboards.names import suggest
from prefect_storyboard.storyboards.shots import still_name

Of = Literal["clip", "still"]
_last_acts: ContextVar[list[Callable[[], object]] | None] = ContextVar("last_acts", default=None)


class TakeLine(Frozen):
    """One take of a scene, or of its still. `shown` in the reel or not; of today's storyboard where `why` is empty.

    One that is `kept` is shown only until the next run renders the scene as it is asked for today.
    """

    scene: str
    take: int
    shown: bool
    kept: bool = False
    picked: bool = False
    why: tuple[str, ...] = ()
    note: str = ""
    clip: Clip | None = None
    still: Still | None = None

    @property
    def name(self) -> str:
        """Of what it is a take."""
        return still_name(self.scene) if self.still else self.scene


def board_takes(plan: Plan, ledger: Ledger) -> tuple[TakeLine, ...]:
    """All takes of all scenes, in the order of the storyboard; the plan has its standing takes. Blocks."""
    choices = ledger.choices(plan.storyboard.slug)
    nodes: tuple[Node, ...] = (*plan.stills, *plan.scenes)
    return tuple(line for node in nodes for line in _lines(node, plan, ledger, choices))


def pick(plan: Plan, ledger: Ledger, scene_id: str, number: int, *, of: Of = "clip", by: str = "") -> Choice:
    """Record that a take of a scene's clip, or of its still, is to stand, whoever runs it and wherever. Blocks.

    `by` has chosen; left out, this user and machine.
    Raises ValueError where there is no such take, or it has no file: nothing was changed.
    """
    scene = node_of(plan, scene_id, of)
    keys = ledger.take_keys(plan.storyboard.slug, scene_id, scene.room)
    if not 1 <= number <= len(keys):
        there = f"has takes 1 to {len(keys)}" if keys else "has no take yet"
        raise ValueError(f"take: {scene.name} {there}, not {number}; nothing was changed")
    if clip_or_still(deciding(ledger.history(keys[number - 1]))) is None:
        what = "picture" if of == "still" else "clip"
        raise ValueError(f"take: take {number} of {scene.name} has no {what}; nothing was changed")
    wanted = _choice("picked", scene, plan, by).model_copy(update={"key": keys[number - 1], "take": number})

    def choose(known: tuple[Choice, ...]) -> Choice:
        last = next((each for each in reversed(known) if each.kind == "picked" and is_about(each, scene)), None)
        same = last is not None and (last.key, _asks(last)) == (wanted.key, _asks(wanted))
        return last if last and same else wanted

    return ledger.choose(plan.storyboard.slug, choose)


def order(
    plan: Plan,
    ledger: Ledger,
    scene_id: str,
    *,
    takes: int,
    note: str = "",
    name: str = "",
    of: Of = "clip",
    by: str = "",
) -> Choice:
    """The order for further takes of a scene: the open one of the same words or the same name, else a new one. Blocks.

    They are takes `of` its clip or of its still.

    Raises ValueError for a name that was given to other words: nothing was bought.
    """
    if takes < 1:
        raise ValueError(f"takes: has to be 1 or more; found {takes}")
    scene = node_of(plan, scene_id, of)
    words = {"take": scene.scene.take, "takes": takes, "note": note.strip(), "name": name}
    wanted = _choice("asked", scene, plan, by).model_copy(update=words)

    def choose(known: tuple[Choice, ...]) -> Choice:
        done = {each.id for each in known if each.kind == "carried out"}
        orders = [each for each in known if each.kind == "asked"]
        if named := next((each for each in orders if name and each.name == name), None):
            if _words(named) != _words(wanted):
                raise ValueError(
                    f"the order {name} was given for other words; nothing was bought; give it another name"
                )
            return named
        own = (each for each in orders if each.id not in done and not is_again(each.id))
        return next((each for each in own if _words(each) == _words(wanted)), wanted)

    return ledger.choose(plan.storyboard.slug, choose)


def carry_out(ledger: Ledger, reel: str, asked: Choice) -> None:
    """Record that an order has been carried out: the same words are another order from now on. Blocks.

    Inside `last_acts` it is recorded at the end.
    """
    done = asked.model_copy(update={"kind": "carried out", "at": datetime.now(UTC), "by": who()})

    def choose(known: tuple[Choice, ...]) -> Choice:
        return next((each for each in known if each.kind == "carried out" and each.id == asked.id), done)

    later = _last_acts.get()
    if later is None:
        ledger.choose(reel, choose)
    else:
        later.append(lambda: ledger.choose(reel, choose))


@contextmanager
def last_acts() -> Iterator[None]:
    """Record what was carried out inside at the end: a process that is killed before it has reported nothing."""
    acts: list[Callable[[], object]] = []
    token = _last_acts.set(acts)
    try:
        yield
        for act in acts:
            act()
    finally:
        _last_acts.reset(token)


def _lines(scene: Node, plan: Plan, ledger: Ledger, choices: tuple[Choice, ...]) -> Iterator[TakeLine]:
    keys = {each.name: each.key for each in (*plan.stills, *plan.scenes)}
    picks = [each for each in choices if each.kind == "picked" and is_about(each, scene)]
    shown = shown_key(scene, ledger, Choices(ledger, plan.storyboard.slug, choices))
    for number, key in enumerate(ledger.take_keys(plan.storyboard.slug, scene.scene.id, scene.room), 1):
        held, damage = read_take(ledger, key)
        if damage and isinstance(scene, PlannedStill):
            continue  # without its picture, nothing tells its line from one of the clip
        made = made_of(held) if held else None
        yield TakeLine(
            scene=scene.scene.id,
            take=number,
            shown=key == shown,
            kept=key == shown != scene.key,
            picked=bool(picks) and picks[-1].key == key,
            why=damage or (changes(made, scene.model_copy(update={"standing": True}), keys) if made else ()),
            note=str(made.basis.get("note", "")) if made else "",
            clip=found.model_copy(update={"take": number}) if isinstance(found := clip_or_still(held), Clip) else None,
            still=found.model_copy(update={"take": number}) if isinstance(found, Still) else None,
        )


def read_take(ledger: Ledger, key: str) -> tuple[Attempt | None, tuple[str, ...]]:
    """What became of a take; or why its records cannot be read, which holds up none of the others."""
    try:
        return deciding(ledger.history(key)), ()
    except Unreadable as error:
        return None, (error.what,)


def shown_key(scene: Node, ledger: Ledger, choices: Choices) -> str | None:
    """The key of the take that the reel shows; of an edited scene, the one that is kept until it is rendered."""
    if clip_or_still(read_take(ledger, scene.key)[0]):
        return scene.key
    held = choices.kept(scene)
    return held.intent.key if held else None


def scene_of(plan: Plan, scene_id: str) -> PlannedScene:
    scenes = {scene.scene.id: scene for scene in plan.scenes}
    if scene_id not in scenes:
        raise ValueError(f"no scene has the id {scene_id}; {suggest(scene_id, scenes)}")
    return scenes[scene_id]


def node_of(plan: Plan, scene_id: str, of: Of) -> Node:
    """The scene, or its still."""
    scene = scene_of(plan, scene_id)
    found = next((each for each in plan.stills if each.scene.id == scene_id), None)
    if of == "still" and found is None:
        raise ValueError(f"still: no still is drawn for {scene_id}; nothing was changed")
    return found if of == "still" and found else scene


def _choice(kind: str, scene: Node, plan: Plan, by: str) -> Choice:
    """A choice of today: what the scene or still asks for, and what it is made of."""
    keys = {each.name: each.key for each in (*plan.stills, *plan.scenes)}
    return Choice.model_validate(
        {
            "id": uuid4().hex[:12],
            "kind": kind,
            "scene": scene.scene.id,
            "still": isinstance(scene, PlannedStill),
            "at": datetime.now(UTC),
            "by": by or who(),
            "own_identity": scene.own_identity,
            "made_of": question({name: keys[name] for name in scene.needs}),
        }
    )


def _asks(choice: Choice) -> tuple[object, ...]:
    """The question that a choice answers."""
    return choice.scene, choice.still, choice.own_identity, choice.made_of


def _words(choice: Choice) -> tuple[object, ...]:
    """What was asked for, in the caller's words."""
    return *_asks(choice), choice.take, choice.takes, choice.note


def clip_or_still(last: Attempt | None) -> Clip | Still | None:
    return last.end.made if last and last.end else None


def who() -> str:
    """The user and the machine that choose."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        user = "somebody"
    return f"{user}@{platform.node()}"
