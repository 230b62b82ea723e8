"""Scenes that begin with a still: the rules of a storyboard for them, and what the clip's model is given. Pure."""

from collections.abc import Iterator

from prefect_storyboard.storyboards.base import FieldProblem
from prefect_storyboard.storyboards.character import Character
from prefect_storyboard.storyboards.model import Model
from prefect_storyboard.storyboards.nouns import Scene, Storyboard

_OF_STILLS = ("still", "motion", "looks")
_WITHOUT = "needs stills: name an image model, for example stills: nano-banana-2.1, or leave {} out"


def still_problems(board: Storyboard) -> Iterator[FieldProblem]:
    """Fields about stills in a storyboard that draws none, and stills that cannot be drawn."""
    if board.stills is None:
        yield from _without_stills(board)
        return
    for at, who in enumerate(board.cast):
        if who.from_scene:
            only = "a sheet is drawn from words, pictures or a clip"
            yield ("cast", at, "from_scene"), f"{only}; give {who.name} one of these, or leave stills out"
    for at, scene in enumerate(board.scenes):
        if board.has_still(scene):
            if (scene.aspect or board.aspect) == "auto":
                yield ("scenes", at, "aspect"), 'a still has a shape of its own; write for example aspect: "16:9"'
            continue
        begins = "begins with image" if scene.image else "is a remix"
        for field in _OF_STILLS:
            if getattr(scene, field):
                yield ("scenes", at, field), f"{scene.id} {begins}, so no still is drawn; leave {field} out"


def _without_stills(board: Storyboard) -> Iterator[FieldProblem]:
    for at, who in enumerate(board.cast):
        if not who.has_media:
            yield ("cast", at, "clip"), f"{who.lacks_media}, or stills: an image model that draws the description"
        if who.looks:
            yield ("cast", at, "looks"), _WITHOUT.format("looks")
    for at, scene in enumerate(board.scenes):
        for field in _OF_STILLS:
            if getattr(scene, field):
                yield ("scenes", at, field), _WITHOUT.format(field)


def only_drawn(board: Storyboard, scene: Scene, names: tuple[str, ...], model: Model) -> tuple[str, ...]:
    """The characters that the clip's model sees only in the still. It gets the others' media too, if it takes both.

    These are members in another look than that of their media, members without the media that the model asks for, and
    those beyond the number of characters that it takes.
    """
    shown = [name for name in names if not scene.look_of(name) and _has_what_it_takes(board.character(name), model)]
    return tuple(name for name in names if name not in shown[: model.max_characters])


def _has_what_it_takes(who: Character, model: Model) -> bool:
    if model.casting:
        return who.is_filmed
    return model.references is not None and (who.is_filmed or len(who.images) >= max(model.references.each[0], 1))


def without_parent(scene: Scene) -> Scene:
    """The scene for the clip's model, without a parent: the still continues the parent's last frame."""
    return scene.model_copy(update={"continues": None})
