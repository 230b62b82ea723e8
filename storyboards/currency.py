"""Whether a clip matches today's storyboard: compare what it was made of with what is asked for now. Pure.

Computed whenever somebody looks, and never stored. Only the clip's own record and the storyboard count: what else
happens in the library, such as a character that is created again, makes nothing stale.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field, JsonValue

from prefect_storyboard.storyboards.nouns import Frozen
from prefect_storyboard.storyboards.outcomes import Asked, Casting, JsonObject
from prefect_storyboard.storyboards.plan import PlannedScene, PlannedStill

Currency = Literal["current", "stale", "missing", "rendering", "in doubt"]

# The names that people use for the parts of the hashed content. Any other part is reported as "settings".
_NAMES: Mapping[str, str] = {
    "prompt": "prompt",
    "model": "model",
    "seconds": "seconds",
    "aspect": "aspect",
    "resolution": "resolution",
    "image": "first frame",
    "ends": "last frame",
    "silent": "sound",
    "seed": "seed",
    "negative": "negative",
    "fields": "fields",
    "provider": "provider",
    "account": "account",
}
_CAST = ("characters", "clips")
_VALUES = {"model", "seconds", "aspect", "resolution", "seed", "provider", "account"}  # short enough to be shown
_OTHERS = {"schema", "operation", "copy", "take", "note", "reroll", *_CAST, *_NAMES}
_OTHERS |= {"continues", "remixes", "still", "made_of"}


class MadeOf(Frozen):
    """What a take was made of. Versions before 0.3.0 recorded no `basis`, and 0.1.0 no identity."""

    key: str
    basis: JsonObject = Field(default={})
    identity: str | None = None
    own_identity: str | None = None
    model: str = ""
    asked: Asked | None = None
    characters: tuple[Casting, ...] = ()
    parent_key: str | None = None
    take: int = 1


def changes(made: MadeOf, scene: PlannedStill | PlannedScene, keys: Mapping[str, str]) -> tuple[str, ...]:
    """The reasons why a take does not match today's storyboard, one sentence each; none if it does.

    `keys` has the job of the take that today's reel has of each scene and still, by name.
    """
    if made.key == scene.key and not scene.needs and not scene.standing:
        return ()
    return (*_own_changes(made, scene), *_of_needed(made, scene, keys))


def is_edited(made: MadeOf, scene: PlannedStill | PlannedScene) -> bool:
    """Whether the scene itself has been edited since the take was made. Edits of scenes that it needs do not count."""
    return any(_own_changes(made, scene))


def _of_needed(made: MadeOf, scene: PlannedStill | PlannedScene, keys: Mapping[str, str]) -> Iterator[str]:
    """What it is made of, where another take of that stands today."""
    parent = scene.begins_with
    if parent and made.parent_key not in {None, keys.get(parent)}:
        yield f"{'begins where' if scene.scene.continues else 'is made of'} another take of {parent}" + (
            " ended" if scene.scene.continues else ""
        )
    if isinstance(scene, PlannedStill):
        return
    sources = {casting.character: casting.made_of.job_key for casting in made.characters if casting.made_of}
    for origin in scene.origins:
        if sources.get(origin.character) not in {None, keys.get(origin.scene)}:
            yield f"shows {origin.character} made from another take of {origin.scene}"


def _own_changes(made: MadeOf, scene: PlannedStill | PlannedScene) -> Iterator[str]:
    """The changes of the scene itself, its cast and its settings."""
    if isinstance(scene, PlannedStill):
        yield from _of_still(made, scene)
    elif made.basis:
        yield from _of_basis(made, scene)
    elif made.own_identity:
        if made.own_identity != scene.own_identity:
            yield from _of_record(made, scene)
    elif made.key not in {scene.key, scene.legacy} and made.identity != scene.identity:
        yield from _of_record(made, scene)


def _of_basis(made: MadeOf, scene: PlannedScene) -> Iterator[str]:
    before, now = made.basis, scene.content
    for field, name in _NAMES.items():
        was, is_now = before.get(field), now.get(field)
        if was != is_now:
            yield f"{name} has changed" + (f": {_text(was)}, now {_text(is_now)}" if field in _VALUES else "")
    yield from _of_cast(made, scene)
    begins = [field for field in ("continues", "remixes", "still") if bool(before.get(field)) != bool(now.get(field))]
    if begins:
        yield "it starts from something else"
    if any(before.get(field) != now.get(field) for field in {*before, *now} - _OTHERS):
        yield "its settings have changed"


def _of_still(made: MadeOf, still: PlannedStill) -> Iterator[str]:
    """The changes of a still: its words, its sizes, and what it is drawn from."""
    if made.own_identity == still.own_identity:
        return
    before, now = made.basis, still.content
    for field, name in _NAMES.items():
        if before.get(field) != now.get(field):
            yield f"{name} has changed"
    was, is_now = _drawn_from(before), _drawn_from(now)
    yield from (f"the sheet of {name} has changed" for name in was if name in is_now and was[name] != is_now[name])
    yield from (f"{name} is not in it any more" for name in was if name not in is_now)
    yield from (f"{name} is new in it" for name in is_now if name not in was)


def _drawn_from(content: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The references of a still by whom they show."""
    found = content.get("references")
    listed = found if isinstance(found, list) else []
    return {str(each["name"]): each for each in listed if isinstance(each, dict) and each.get("name")}


def _of_cast(made: MadeOf, scene: PlannedScene) -> Iterator[str]:
    """The characters that were added, removed, or have other media than before."""
    before, now = made.basis, scene.content
    if all(before.get(field, []) == now.get(field, []) for field in _CAST):
        return
    prints = now.get("characters")
    todays = {*map(str, prints)} if isinstance(prints, list) else set()
    were = {each.character: each.fingerprint for each in made.characters}
    changed = [name for name, fingerprint in were.items() if name in scene.cast and fingerprint not in todays]
    gone = [name for name in were if name not in scene.cast]
    new = [name for name in scene.cast if name not in were]
    said = [
        *(f"the media of {name} have changed" for name in changed),
        *(f"{name} is not in it any more" for name in gone),
        *(f"{name} is new in it" for name in new),
    ]
    yield from said or ["the media of its cast have changed"]


def _of_record(made: MadeOf, scene: PlannedScene) -> Iterator[str]:
    """The changes of a take that was stored without a basis, as far as its record shows them."""
    found = []
    if made.model and made.model != scene.model.name:
        found.append(f"model has changed: {made.model}, now {scene.model.name}")
    if made.asked:
        now = Asked(seconds=scene.seconds, aspect=scene.aspect, resolution=scene.resolution)
        before = made.asked.model_dump()
        pairs = [(name, before[name], value) for name, value in now.model_dump().items() if before[name] != value]
        found += [f"{name} has changed: {was}, now {value}" for name, was, value in pairs]
    yield from found or ["its prompt, its cast or its settings have changed"]


def _text(value: JsonValue) -> str:
    return "none" if value is None else str(value)
