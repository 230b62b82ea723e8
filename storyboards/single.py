"""One scene without a storyboard: the same rules, the same key, and errors that name the argument."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from prefect_storyboard.storyboards.keys import identity, own_identity, scene_content, scene_key
from prefect_storyboard.storyboards.model import Model
from prefect_storyboard.storyboards.nouns import Character, Fit, Frozen, Prefer
from prefect_storyboard.storyboards.offers import no_model
from prefect_storyboard.storyboards.outcomes import Casting, Clip, JsonObject
from prefect_storyboard.storyboards.problems import Source, StoryboardError
from prefect_storyboard.storyboards.resolve import shots
from prefect_storyboard.storyboards.shots import Shot, Table
from prefect_storyboard.storyboards.stills import Still
from prefect_storyboard.storyboards.text import validate

_YAML = re.compile(r"\b(write(?: for example)?|or|add) ([a-z_]+): (\"[^\"]*\"|\[[^\]]*\]|[^\s,;]+)")
_SCENE, _PARENT, _FIRST_FRAME, _STILL = "scene", "parent", "first-frame", "still"


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
    def basis(self) -> JsonObject:
        """All that the key hashes."""
        return {**self.content, "copy": self.copy_number}

    @property
    def identity(self) -> str:
        """The identity of the request, including the parent, without the take."""
        return identity(self.content, self.copy_number)

    @property
    def own_identity(self) -> str:
        """The identity of the scene's own request, without its parent and take."""
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
    still: bool = False,
    remixes: Clip | None = None,
    fit: Fit = "exact",
    prefer: Prefer = "cast",
    take: int = 1,
    fields: Mapping[str, JsonValue] | None = None,
    **says: JsonValue,
) -> Shot:
    """Resolve one scene like a storyboard's scene. Raises ValueError that names the argument and the remedy.

    `says` are the scene's optional fields: audio, seed, negative, ends, quality. `seconds=None` is the shortest length
    that the model sells. A remix has the length and size of the clip that it changes. One that begins with a `still`
    shows characters without media by that alone.
    """
    scene: dict[str, Any] = {"id": _SCENE, "prompt": prompt, "take": take, "fields": dict(fields or {}), **says}
    scenes = [scene]
    if remixes:
        scenes = [_parent(remixes, model), scene | {"remixes": _PARENT}]
    else:
        scene |= {"characters": [casting.character for casting in characters]}
        scene |= {"prefer": prefer} if still else {"image": _FIRST_FRAME} if starts_from_picture else {}
        shown = bool(characters) and not ((starts_from_picture or still) and prefer == "frame")
        scene |= {"seconds": _shortest(model, scene, shown=shown) if seconds is None else seconds, "aspect": aspect}
        scene |= {"resolution": resolution} if resolution else {}
    board = {
        "title": _SCENE,
        "model": model.name,
        "fit": fit,
        "prefer": prefer,
        "stills": _STILL if still else None,
        "cast": [_member(casting, model, still=still) for casting in characters],
        "scenes": scenes,
    }
    try:
        return shots(validate(board), table, Source())[-1]
    except StoryboardError as error:
        raise _of_arguments(error, cast="characters") from None


def no_single_model(sold: Iterable[Model], seller: str, characters: Iterable[str], **scene: Any) -> ValueError:
    """The error of a call without a model: the account's offers for this scene, cheapest first, on one line.

    `characters` are the names of the characters in it, `scene` its other fields; None is a field that was left out.
    """
    cast = [{"name": name, "clip": "clip"} for name in characters]
    given = {name: value for name, value in scene.items() if value is not None}
    whole = {"id": _SCENE, "prompt": "-", "characters": [each["name"] for each in cast], **given}
    try:
        board = validate({"title": _SCENE, "cast": cast, "scenes": [whole]})
    except StoryboardError as error:
        return _of_arguments(error, cast="characters")
    problem = no_model(board, sold, seller, Source(), before=None)
    lines = [" ".join(line.split()) for line in problem.message.splitlines()]
    text = f"{lines[0]} {'; '.join(lines[1:])}"
    return _of_arguments(StoryboardError(problem.model_copy(update={"message": text})))


def _shortest(model: Model, scene: Mapping[str, Any], *, shown: bool) -> int:
    """The shortest length that the model sells of such a scene."""
    frames = {"frame": "image" in scene or "prefer" in scene, "last_frame": bool(scene.get("ends"))}
    return min(model.lengths(model.mode(shown=shown and model.references is not None, **frames)))


def single_scene(
    shot: Shot,
    *,
    account: str,
    characters: Sequence[Casting],
    image: str | None,
    ends: str | None = None,
    parent: Clip | None,
    still: Still | None = None,
    copy: int,
    reroll: str = "",
    note: str = "",
) -> SingleScene:
    """Compute the key of a shot; with `reroll`, of one more take of it, which `note` says how to change.

    `image` and `ends` are the sha256 of the first and the last frame, `parent` what is continued or remixed, `still`
    what it begins with.
    """
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
        silent=shot.silent,
        seed=shot.seed,
        negative=shot.negative,
        ends=ends,
        made_of={
            prints[each.character]: each.made_of.identity
            for each in characters
            if each.made_of and each.character in shot.cast
        },
        reroll=reroll,
        note=note,
        still=still.identity if still else None,
    )
    return SingleScene(shot=shot, content=content, copy_number=copy)


def checked_character(facts: Mapping[str, Any]) -> Character:
    """A Character from arguments. Raises ValueError that names the argument and the remedy."""
    board = {"title": _SCENE, "model": "any", "cast": [facts], "scenes": [{"id": _SCENE, "prompt": "-"}]}
    try:
        who = validate(board).cast[0]
    except StoryboardError as error:
        raise _of_arguments(error) from None
    if not who.has_media:
        raise _of_arguments(StoryboardError(Source().problem(("cast", 0, "clip"), who.lacks_media)))
    return who


def _member(casting: Casting, model: Model, *, still: bool) -> dict[str, Any]:
    """A cast member as in a storyboard; a casting with an id was made from a clip.

    One that has neither is known by name alone: a still shows it.
    """
    urls = [image.url for image in casting.images]
    if still and not (urls or casting.clip or casting.id):
        return {"name": casting.character, "description": casting.character, "aliases": casting.aliases}
    clip = casting.clip.url if casting.clip else None if urls and model.casting is None else "clip"
    facts = casting.model_dump(include={"start", "end", "reference", "description", "aliases"})
    return {"name": casting.character, "clip": clip, "images": urls, **facts}


def _parent(clip: Clip, model: Model) -> dict[str, Any]:
    asked = (
        clip.asked.model_dump() if clip.asked else {"seconds": min(model.seconds, key=lambda s: abs(s - clip.seconds))}
    )
    return {"id": _PARENT, "prompt": clip.prompt or "-", "model": clip.model, "characters": [], **asked}


def _of_arguments(error: StoryboardError, cast: str = "") -> ValueError:
    """The same problems with argument names, in Python's notation. `cast` is the argument of all cast members."""
    said = (f"{_argument(each.field, cast)}: {_in_python(each.message)}" for each in error.problems)
    return ValueError("; ".join(dict.fromkeys(said)))


def _argument(field: str, cast: str) -> str:
    """`scenes[0].seconds` is the argument `seconds`; `cast[0].clip` is `clip`, or what holds the cast."""
    if cast and field.startswith("cast["):
        return cast
    return re.sub(r"^(scenes|cast)\[\d+\]\.", "", field).partition("[")[0] or "model"


def _in_python(message: str) -> str:
    """`write seconds: 4` becomes `write seconds=4`; remarks on lines of a file become remarks on arguments."""
    spelled = _YAML.sub(lambda found: f"{found[1]} {found[2]}={_literal(found[3])}", message)
    return spelled.replace("leave the line out", "leave it out").replace(
        "begin each entry with a hyphen", "give a list"
    )


def _literal(value: str) -> str:
    if value.startswith(('"', "[")) or value.replace(".", "", 1).isdigit():
        return value
    return f'"{value}"'
