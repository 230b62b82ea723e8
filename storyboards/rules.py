"""The rules between the parts of a storyboard: names, ids, beginnings, and chains without cycles."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prefect_storyboard.storyboards.base import FieldProblem
from prefect_storyboard.storyboards.names import folded, suggest

if TYPE_CHECKING:
    from prefect_storyboard.storyboards.nouns import Scene, Storyboard


def cast_problems(board: "Storyboard") -> Iterator[FieldProblem]:
    folders: dict[str, int] = {}
    bearers: dict[str, int] = {}
    for at, character in enumerate(board.cast):
        forms = [(character.name, ("name",)), *((alias, ("aliases", n)) for n, alias in enumerate(character.aliases))]
        for form, field in forms:
            first = bearers.setdefault(folded(form), at)
            if first != at:
                other = f"cast[{first}] ({board.cast[first].name})"
                yield ("cast", at, *field), f"{form} is already a name or alias of {other}; use another one"
        first = folders.setdefault(character.slug, at)
        if first != at and folded(character.name) != folded(board.cast[first].name):
            other = f"cast[{first}] ({board.cast[first].name})"
            yield ("cast", at, "name"), f"{character.name} would share the folder of {other}; rename one of the two"


def scene_problems(board: "Storyboard") -> Iterator[FieldProblem]:
    if not board.scenes:
        yield ("scenes",), "is empty; a storyboard needs at least one scene"
    ids: dict[str, int] = {}
    cast = [form for character in board.cast for form in (character.name, *character.aliases)]
    for at, scene in enumerate(board.scenes):
        first = ids.setdefault(scene.id.casefold(), at)
        if first != at:
            yield (
                ("scenes", at, "id"),
                f"{scene.id} is already the id of scenes[{first}] (case is ignored); use another one",
            )
        for name in scene.characters or ():
            if name not in cast:
                yield ("scenes", at, "characters"), f"{name} is not in the cast; {suggest(name, cast)}"
        yield from _look_problems(board, at, scene)
        starts = [field for field in ("image", "continues", "remixes") if getattr(scene, field)]
        if len(starts) > 1:
            yield ("scenes", at, starts[1]), f"a scene has one beginning: keep either {' or '.join(starts)}"
    yield from _parent_problems(board)


def _look_problems(board: "Storyboard", at: int, scene: "Scene") -> Iterator[FieldProblem]:
    """Looks of a scene that no cast member has."""
    members = {character.name: character for character in board.cast}
    for name, look in scene.looks.items():
        place = ("scenes", at, "looks", name)
        if name not in members:
            yield place, f"{name} is not in the cast; {suggest(name, members)}"
        elif look not in members[name].looks:
            yield place, f"{name} has no look {look}; {suggest(look, members[name].looks)}"


def _parent_problems(board: "Storyboard") -> Iterator[FieldProblem]:
    parents = {scene.id: scene.parent for scene in board.scenes}
    rooted: set[str] = set()  # scenes whose chain is known to have no cycle
    for at, scene in enumerate(board.scenes):
        field = "continues" if scene.continues else "remixes"
        if scene.parent is None:
            continue
        if scene.parent not in parents:
            yield ("scenes", at, field), f"no scene has the id {scene.parent}; {suggest(scene.parent, parents)}"
            continue
        chain = {scene.id: None}  # in order
        ancestor: str | None = scene.parent
        while ancestor is not None and ancestor not in chain and ancestor not in rooted:
            chain[ancestor] = None
            ancestor = parents.get(ancestor)
        if ancestor is None or ancestor in rooted:
            rooted.update(chain)
        elif ancestor == scene.id:
            circle = " -> ".join([*chain, ancestor])
            yield ("scenes", at, field), f"is circular: {circle}; remove one of these links"
            rooted.update(chain)  # reported once
