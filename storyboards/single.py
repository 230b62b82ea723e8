"""One scene without a storyboard: the same rules, the same key, and errors that name the argument."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from prefect_storyboard.storyboards.keys import identity, own_identity, scene_content, scene_key
from prefect_storyboard.storyboards.model import Model
from prefect_storyboard.storyboards.nouns import Character, Fit, Frozen
from prefect_storyboard.storyboards.outcomes import Casting, Clip, JsonObject
from prefect_storyboard.storyboards.shots import Shot, Table, shots
from prefect_storyboard.storyboards.text import Source, StoryboardError, validate

_SCENE, _PARENT, _FIRST_FRAME = "scene", "parent", "first-frame"


class SingleScene(Frozen):
    """A resolved scene with what its key hashes."""

    shot: Shot
    content: JsonObject
    copy_number: int

    @property
    def key(self) -> str:
        """Key of the job."""
        return scene_key(self.content, self.copy_number)

    @property
    def identity(self) -> str:
        """What is asked for, the parent included, without the take."""
        return identity(self.content, self.copy_number)

    @property
    def own_identity(self) -> str:
        """What the scene itself asks for, whatever its parent and take."""
        return own_identity(self.content, self.copy_number)


def single_shot(
    prompt: str,
    model: Model,
    table: Table,
    *,
    characters: Sequence[Casting] = (),
    seconds: int | None = None,
    aspect: str = "16:9",
    resolution: str | None = None,
    starts_from_picture: bool = False,
    remixes: Clip | None = None,
    fit: Fit = "exact",
    take: int = 1,
    fields: Mapping[str, JsonValue] | None = None,
) -> Shot:
    """Resolve one scene as a storyboard's scene is. Raises ValueError that names the argument and the remedy.

    `seconds=None` is the shortest length that the model sells. A remix is as long and as large as what it changes.
    """
    scene: dict[str, Any] = {"id": _SCENE, "prompt": prompt, "take": take, "fields": dict(fields or {})}
    scenes = [scene]
    if remixes:
        scenes = [_parent(remixes, model), scene | {"remixes": _PARENT}]
    else:
        scene |= {"characters": [casting.character for casting in characters]}
        scene |= {"image": _FIRST_FRAME} if starts_from_picture else {}
        scene |= {"seconds": min(model.seconds) if seconds is None else seconds, "aspect": aspect}
        scene |= {"resolution": resolution} if resolution else {}
    board = {"title": _SCENE, "model": model.name, "fit": fit, "cast": [*map(_member, characters)], "scenes": scenes}
    try:
        return shots(validate(board), table, Source())[-1]
    except StoryboardError as error:
        raise ValueError("; ".join(f"{_argument(each.field)}: {each.message}" for each in error.problems)) from None


def single_scene(
    shot: Shot,
    *,
    account: str,
    characters: Sequence[Casting],
    image: str | None,
    parent: Clip | None,
    copy: int,
) -> SingleScene:
    """Compute the key of a shot: `image` is the sha256 of the first frame, `parent` what is continued or remixed."""
    prints = {casting.character: casting.fingerprint or casting.id or "" for casting in characters}
    parent_identity = (parent.identity or parent.job_key) if parent else None
    remix = shot.operation == "remix"
    content = scene_content(
        provider=shot.model.provider,
        account=account,
        model=shot.model.name,
        prompt=shot.words,
        seconds=shot.seconds,
        aspect=shot.aspect,
        resolution=shot.resolution,
        characters=[prints[name] for name in shot.cast],
        image=image,
        continues=None if remix else parent_identity,
        remixes=parent_identity if remix else None,
        take=shot.scene.take,
        clips=[prints[sending.character] for sending in shot.sends if sending.clip],
        fields=shot.scene.fields,
    )
    return SingleScene(shot=shot, content=content, copy_number=copy)


def checked_character(facts: Mapping[str, Any]) -> Character:
    """A Character from arguments. Raises ValueError that names the argument and the remedy."""
    board = {"title": _SCENE, "model": "any", "cast": [facts], "scenes": [{"id": _SCENE, "prompt": "-"}]}
    try:
        return validate(board).cast[0]
    except StoryboardError as error:
        raise ValueError("; ".join(f"{_argument(each.field)}: {each.message}" for each in error.problems)) from None


def _member(casting: Casting) -> dict[str, Any]:
    """A cast member as a storyboard has it; one that is known by its id alone was made from a clip."""
    urls = [image.url for image in casting.images]
    clip = casting.clip.url if casting.clip else None if urls else "clip"
    facts = casting.model_dump(include={"start", "end", "reference", "description", "aliases"})
    return {"name": casting.character, "clip": clip, "images": urls, **facts}


def _parent(clip: Clip, model: Model) -> dict[str, Any]:
    asked = (
        clip.asked.model_dump() if clip.asked else {"seconds": min(model.seconds, key=lambda s: abs(s - clip.seconds))}
    )
    return {"id": _PARENT, "prompt": clip.prompt or "-", "model": clip.model, "characters": [], **asked}


def _argument(field: str) -> str:
    """`scenes[0].seconds` is the argument `seconds`; `cast[0].clip` is `clip`."""
    return field.rpartition(".")[2].partition("[")[0] or "model"
