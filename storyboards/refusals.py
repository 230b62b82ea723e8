"""The fields of a scene that its model does not take, and what to write instead."""

from collections.abc import Iterator
from contextlib import suppress

from prefect_storyboard.storyboards.fit import nearest_seconds
from prefect_storyboard.storyboards.model import Model
from prefect_storyboard.storyboards.nouns import Scene, Storyboard
from prefect_storyboard.storyboards.shots import Shot, Table, origin_of


def refusals(storyboard: Storyboard, shot: Shot) -> Iterator[tuple[str, str]]:
    """Every field of a scene that its model does not take, and what to write instead."""
    model, scene = shot.model, shot.scene
    name = f"{model.name} at {model.provider}"
    if shot.operation == "text" and shot.endpoint is None:
        yield "characters", f"{name} needs a picture to start from; name a character or give the scene an image"
    elif shot.endpoint is None:
        field = "stills" if shot.still else next(f for f in ("remixes", "continues", "image") if getattr(scene, f))
        yield field, f"{name} cannot start a scene this way; leave {field} out or choose another model"
    if scene.remixes:
        yield from _fixed(storyboard, scene)
        return
    lengths = model.lengths(shot.mode)
    if shot.seconds not in lengths and not model.chooses_itself("seconds", shot.mode):
        sold, near = ", ".join(map(str, lengths)), nearest_seconds(shot.seconds, lengths)
        yield "seconds", f"{name} sells {sold} seconds, not {shot.seconds}; write seconds: {near}, or fit: nearest"
    aspects, resolutions = model.sizes(shot.mode)
    for field, value, offered in (("aspect", shot.aspect, aspects), ("resolution", shot.resolution, resolutions)):
        if value not in offered:
            yield (
                field,
                f'{name} offers {", ".join(offered)}, not {value}; write {field}: "{offered[0]}", or fit: nearest',
            )
    yield from _miscast(storyboard, shot, name)


def _miscast(storyboard: Storyboard, shot: Shot, name: str) -> Iterator[tuple[str, str]]:
    """Too many characters, or characters without the media that the model needs."""
    model = shot.model
    if shot.characters and model.max_characters and shot.operation == "text" and "text" not in model.casts:
        yield "characters", f"{name} shows characters only beside a first frame; give the scene an image"
    if len(shot.cast) > model.max_characters:
        few = f"characters: [{', '.join(shot.cast[: model.max_characters])}]"
        yield (
            "characters",
            f"{name} takes {model.max_characters} characters a scene, not {', '.join(shot.cast)}; write {few}",
        )
    for character in map(storyboard.character, shot.cast):
        if model.casting and not character.is_filmed:
            yield "characters", f"{name} makes characters from a clip, and {character.name} has none; give it a clip"
        elif model.references and not character.is_filmed and len(character.images) < model.references.each[0]:
            least, most = model.references.each
            few = f"{least} to {most} pictures of a character, and {character.name} has {len(character.images)}"
            yield "characters", f"{name} takes {few}; give it more images, or a clip to take them from"


def parent_refusals(storyboard: Storyboard, scene: Scene, own: Model, table: Table) -> Iterator[str]:
    """A remix needs a parent whose model can be remixed."""
    if not scene.remixes or "remix" not in own.endpoints:
        return
    parent = storyboard.scene(scene.remixes)
    with suppress(KeyError):
        model = table(parent.model or storyboard.model or own.name)
        if "remix" not in model.endpoints:
            yield f"{model.name} at {model.provider}, which renders {parent.id}, makes no videos that can be remixed"


def _fixed(storyboard: Storyboard, scene: Scene) -> Iterator[tuple[str, str]]:
    """Fields that a remix cannot change: they would have no effect."""
    origin = origin_of(storyboard, scene)
    for field in ("seconds", "aspect", "resolution"):
        kept = getattr(origin, field) or getattr(storyboard, field)
        if getattr(scene, field) not in {None, kept}:
            yield field, f"a remix keeps the {field} of {origin.id}; leave {field} out, or change it in {origin.id}"
    if scene.characters:
        yield "characters", f"a remix keeps the characters of {origin.id}; leave characters out"
