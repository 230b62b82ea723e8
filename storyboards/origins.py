"""Characters that are made from a scene of the same storyboard: it is rendered first, and cycles are refused."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from prefect_storyboard.storyboards.base import FieldProblem, Frozen
from prefect_storyboard.storyboards.names import suggest

if TYPE_CHECKING:
    from prefect_storyboard.storyboards.model import ClipLimits, Model
    from prefect_storyboard.storyboards.nouns import Character, Scene, Storyboard
    from prefect_storyboard.storyboards.shots import Shot


class Origin(Frozen):
    """A scene's character that is made from another scene; `fingerprint` identifies it independently of that one."""

    character: str
    scene: str
    fingerprint: str = ""


def origins(board: "Storyboard", names: Iterable[str]) -> tuple[Origin, ...]:
    """The characters that are made from a scene, in the order of the names."""
    made = {who.name: who.from_scene for who in board.cast if who.from_scene}
    return tuple(Origin(character=name, scene=made[name]) for name in names if name in made)


def origin_problems(board: "Storyboard") -> Iterator[FieldProblem]:
    """A character that is made from no scene of the storyboard, or from one that needs the character itself."""
    made = [(at, who.name, who.from_scene) for at, who in enumerate(board.cast) if who.from_scene]
    if not made:
        return
    scenes = {scene.id: scene for scene in board.scenes}
    shown = {name: _shown(board, scene) for name, scene in scenes.items()}
    for at, name, source in made:
        place = ("cast", at, "from_scene")
        if source not in scenes:
            yield place, f"no scene has the id {source}; {suggest(source, scenes)}"
        elif circle := _circle(board, name, source, shown):
            yield place, _told(name, source, circle)


def range_problems(board: "Storyboard", shots: "Sequence[Shot]") -> Iterator[FieldProblem]:
    """Problems with a character's range of a scene that are known before the render: its end and its length."""
    by_id = {shot.scene.id: shot for shot in shots}
    for at, who in enumerate(board.cast):
        source = by_id.get(who.from_scene or "")
        if source is None or source.model.chooses_itself("seconds", source.mode):
            continue
        begin, end = who.start or 0.0, source.seconds if who.end is None else who.end
        field = "start" if who.end is None else "end"
        if begin >= source.seconds or end > source.seconds:
            yield ("cast", at, field), f"{who.from_scene} has {source.seconds} s; choose a range inside it"
            continue
        for model in {shot.model.name: shot.model for shot in shots if _takes_clip(shot, who.name)}.values():
            if fault := _too_little(who, source, end - begin, model):
                yield ("cast", at, field if who.start or who.end else "from_scene"), fault


def _too_little(who: "Character", source: "Shot", seconds: float, model: "Model") -> str | None:
    """What the model requires of a clip and the scene will not have."""
    least, side = model.reference.min_seconds or 0.0, model.reference.min_short_side or 0
    if seconds < least:
        is_short = f"{model.name} needs {least:g} s of {who.name}, and this is {seconds:g} s of {source.scene.id}"
        return f"{is_short}; choose a longer range, or a longer scene"
    lines = source.resolution.removesuffix("p")
    if lines.isdigit() and int(lines) < side:
        is_small = f"{model.name} needs {side} pixels on the shorter side of a clip of {who.name}"
        return f"{is_small}, and {source.scene.id} has {lines}; render {source.scene.id} in a larger resolution"
    return None


def clip_length(who: "Character", source: "Shot", limits: "ClipLimits") -> float:
    """How many seconds of the scene's clip are sent, if that is known before it is rendered."""
    end = float(source.seconds) if who.end is None else who.end
    return min(end - (who.start or 0.0), limits.max_seconds or float("inf"))


def _takes_clip(shot: "Shot", name: str) -> bool:
    """Whether the character is created from or shown by its clip; pictures may be taken from any range."""
    if name not in shot.cast:
        return False
    return shot.model.casting is not None or any(each.clip for each in shot.sends if each.character == name)


def _shown(board: "Storyboard", scene: "Scene") -> tuple[str, ...]:
    return () if scene.remixes else board.characters_of(scene)


def _circle(board: "Storyboard", name: str, source: str, shown: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The scenes from the character's own scene to one that shows the character; empty if there is none."""
    parents = {scene.id: scene.parent for scene in board.scenes}
    made = {who.name: who.from_scene for who in board.cast}
    seen = {source}
    waiting: list[tuple[str, ...]] = [(source,)]
    while waiting:
        path = waiting.pop(0)
        if name in shown[path[-1]]:
            return path
        for needed in (parents[path[-1]], *(made[each] for each in shown[path[-1]])):
            if needed and needed in shown and needed not in seen:
                seen.add(needed)
                waiting.append((*path, needed))
    return ()


def _told(name: str, source: str, path: tuple[str, ...]) -> str:
    shows = path[-1]
    others = f"take {name} out of the characters of {shows}, or make {name} from another scene"
    if len(path) == 1:
        return f"{name} is made from {source}, which shows {name} itself: nothing could begin; {others}"
    circle = " -> ".join((name, *path, name))
    return f"is circular: {circle}; {others}, for example characters: [] in {shows}"
