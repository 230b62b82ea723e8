"""Variants: every combination of a storyboard's matrix, in one plan, with a reel for each."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import NamedTuple

from prefect_storyboard.storyboards.base import Frozen
from prefect_storyboard.storyboards.nouns import Scene, Storyboard
from prefect_storyboard.storyboards.problems import Problem, Source, StoryboardError

_LONGEST = 64  # characters of a scene's id
_TITLE = 120


class Variant(Frozen):
    """One reel of a matrix: its title and its scenes, by their ids in the plan."""

    title: str
    scenes: tuple[str, ...]


class Expanded(NamedTuple):
    """A storyboard with its matrix expanded: the scenes of all variants, and the reels that each belongs to."""

    board: Storyboard
    source: Source
    variants: tuple[Variant, ...] = ()


class _Choice(NamedTuple):
    """One variant's values from the matrix; None leaves a field to the storyboard."""

    aspect: str | None
    model: str | None

    @property
    def label(self) -> str:
        """The variant's values as part of titles and ids: 9x16-veo-3-1."""
        parts = (self.aspect or "").replace(":", "x"), (self.model or "").replace(".", "-")
        return "-".join(filter(None, parts))


def expanded(board: Storyboard, source: Source, most: int) -> Expanded:
    """The storyboard with its scenes once for each variant. Raises StoryboardError for more than `most` scenes.

    A scene that is identical in several variants, including its parents, occurs once and belongs to all of them.
    """
    if board.matrix is None:
        return Expanded(board, source)
    scenes: dict[object, Scene] = {}
    places: dict[str, int] = {}
    variants: list[Variant] = []
    problems: list[Problem] = []
    for choice in _choices(board):
        names: dict[str, str] = {}
        for at, scene in _parents_first(board):
            made = _varied(scene, choice, board, names)
            same = made.model_copy(update={"id": scene.id}).model_dump_json()
            names[scene.id] = scenes.setdefault(same, made).id
            places.setdefault(names[scene.id], at)
        problems += _origins(board, source, names)
        title = f"{board.title[: _TITLE - len(choice.label) - 1].rstrip()} {choice.label}".rstrip()
        variants.append(Variant(title=title, scenes=tuple(names[scene.id] for scene in board.scenes)))
    found = tuple(scenes.values())
    problems += _problems(found, source, most)
    if problems:
        raise StoryboardError(*dict.fromkeys(problems))
    lines = {place: line for place, line in source.lines.items() if place[:1] != ("scenes",)}
    for at, scene in enumerate(found):
        old = ("scenes", places[scene.id])
        lines |= {("scenes", at, *place[2:]): line for place, line in source.lines.items() if place[:2] == old}
    board = board.model_copy(update={"scenes": found, "matrix": None})
    return Expanded(board, replace(source, lines=lines), tuple(variants))


def _choices(board: Storyboard) -> Iterator[_Choice]:
    matrix = board.matrix
    aspects = dict.fromkeys(matrix.aspect) if matrix and matrix.aspect else [None]
    models = dict.fromkeys(matrix.model) if matrix and matrix.model else [None]
    return (_Choice(aspect, model) for aspect, model in product(aspects, models))


def _parents_first(board: Storyboard) -> Iterator[tuple[int, Scene]]:
    """The scenes with their paths, each after the one that it continues or remixes."""
    waiting, done = [*enumerate(board.scenes)], set[str]()
    while waiting:
        for at, scene in [*waiting]:
            if scene.parent is None or scene.parent in done:
                done.add(scene.id)
                waiting.remove((at, scene))
                yield at, scene


def _varied(scene: Scene, choice: _Choice, board: Storyboard, names: dict[str, str]) -> Scene:
    """The scene in one variant. Fields that a remix inherits from its origin are left alone."""
    parents = {field: names[parent] for field in ("continues", "remixes") if (parent := getattr(scene, field))}
    chosen = {"model": scene.model or choice.model or board.model}
    if not scene.remixes:
        chosen["aspect"] = scene.aspect or choice.aspect or board.aspect
    own = scene.aspect is not None, scene.model is not None
    varies = choice if parents else _Choice(None if own[0] else choice.aspect, None if own[1] else choice.model)
    name = f"{scene.id}-{varies.label}" if varies.label else scene.id
    return scene.model_copy(update={"id": name, **chosen, **parents})


def _origins(board: Storyboard, source: Source, names: dict[str, str]) -> Iterator[Problem]:
    """A character's scene must be the same in all variants, because the variants share the character."""
    for at, who in enumerate(board.cast):
        if who.from_scene and names[who.from_scene] != who.from_scene:
            own = f"give {who.from_scene} an aspect and a model of its own, so that all variants share it"
            yield source.problem(
                ("cast", at, "from_scene"), f"{who.from_scene} is another scene in every variant; {own}"
            )


def _problems(scenes: tuple[Scene, ...], source: Source, most: int) -> Iterator[Problem]:
    if len(scenes) > most:
        yield source.problem(("matrix",), f"makes {len(scenes)} scenes, more than {most}; remove some of its values")
    for scene in scenes:
        if len(scene.id) > _LONGEST:
            yield source.problem(("matrix",), f"makes the id {scene.id}, which is too long; shorten the scene's id")
