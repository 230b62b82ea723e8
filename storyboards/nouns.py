"""What a person writes: a storyboard with its cast and scenes. Frozen, checked, and free of any provider."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from prefect_storyboard.storyboards.folders import slug
from prefect_storyboard.storyboards.names import composed, folded, named_in, one_line, suggest

_LONGEST = 20_000  # characters of a prompt; gateways take up to about 10,000
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4_000)]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120), AfterValidator(one_line)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80), AfterValidator(one_line)]
Prompt = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=_LONGEST), AfterValidator(composed)
]
Remark = Annotated[str, StringConstraints(strip_whitespace=True, max_length=_LONGEST)]
SCENE_ID = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
SceneId = Annotated[str, StringConstraints(pattern=SCENE_ID)]
Fit = Literal["exact", "nearest"]
Aspect = Literal["16:9", "9:16", "1:1", "4:3", "3:4", "21:9", "auto"]  # auto: as the first frame has it
Prefer = Literal["cast", "frame"]
Fields = Annotated[dict[str, JsonValue], WithJsonSchema({"type": "object", "additionalProperties": True})]

Problem = tuple[tuple[str | int, ...], str]  # where, what
Noun = TypeVar("Noun", bound=BaseModel)


class Frozen(BaseModel):
    """Base of every noun: immutable, and a key that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Character(Frozen):
    """Somebody who must look the same in every scene. Belongs to the user, not to a provider."""

    name: Name = Field(title="Name", description="How the prompts call this character; at most 80 characters.")
    aliases: tuple[Name, ...] = Field(
        default=(),
        max_length=50,
        title="Aliases",
        description="Other words by which prompts call this character: a short form, a title, a genitive. Adding one "
        "buys only the scenes whose cast it changes.",
    )
    clip: Text | None = Field(
        default=None,
        title="Reference clip",
        description="Path or URL of a short clip that shows the character, at least 720p; relative to the storyboard.",
    )
    images: tuple[Text, ...] = Field(
        default=(), max_length=50, title="Reference images", description="Paths or URLs of pictures of the character."
    )
    start: float | None = Field(
        default=None,
        ge=0,
        allow_inf_nan=False,
        title="Start",
        description="Second at which the used part of the clip begins.",
    )
    end: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        title="End",
        description="Second at which the used part of the clip ends.",
    )
    reference: Literal["images", "clip"] = Field(
        default="images",
        title="Reference",
        description="What a model without characters of its own is shown: images (yours, or drawn from the clip), or "
        "the clip itself, which shows how they move and may cost more.",
    )
    description: Remark = Field(
        default="",
        title="Description",
        description="Who this is and what they wear. Told to a provider that asks for it; changing it buys nothing.",
    )
    fields: Fields = Field(
        default={},
        title="Fields",
        description="The gateway's own inputs for the creation, by its own names; changing one creates anew.",
    )

    @property
    def slug(self) -> str:
        """The character's folder name in the library."""
        return slug(self.name)

    @model_validator(mode="after")
    def _has_a_reference(self) -> Self:
        def problems() -> Iterator[Problem]:
            if not self.clip and not self.images:
                yield ("clip",), f"{self.name} needs a clip or images; add clip: path/to/{self.slug}.mp4"
            if self.start is not None and self.end is not None and self.end <= self.start:
                yield ("end",), f"end ({self.end:g} s) must come after start ({self.start:g} s)"

        return _checked(self, problems)


class Scene(Frozen):
    """One generation: one prompt, one clip."""

    id: SceneId = Field(
        title="Id",
        description="Short and unique, safe as a file name: letters, digits, - and _; for example s01. Renaming it "
        "buys nothing but the scenes that continue or remix it.",
    )
    prompt: Prompt = Field(
        title="Prompt", description="What happens, in your own words and with the characters' names."
    )
    characters: tuple[Name, ...] | None = Field(
        default=None,
        title="Characters",
        description="Who is in the scene; [] for nobody. Left out: every cast member whom the prompt mentions by name, "
        "by an alias, or as @Name. Those whom it does not mention are put in front of it: With Mara.",
    )
    seconds: int | None = Field(default=None, ge=1, title="Seconds", description="Length; else the storyboard's.")
    aspect: Aspect | None = Field(default=None, title="Aspect", description="Picture shape; else the storyboard's.")
    resolution: Text | None = Field(
        default=None, title="Resolution", description="For example 720p or 1080p; else the storyboard's."
    )
    model: Text | None = Field(default=None, title="Model", description="Model family; else the storyboard's.")
    image: Text | None = Field(
        default=None, title="First frame", description="Path or URL of a picture that the scene starts from."
    )
    continues: SceneId | None = Field(
        default=None, title="Continues", description="Id of the scene whose last frame this one starts from."
    )
    remixes: SceneId | None = Field(
        default=None, title="Remixes", description="Id of the scene whose video this one changes by its prompt."
    )
    prefer: Prefer | None = Field(
        default=None,
        title="Prefer",
        description="Where a model takes either a first frame or characters: cast shows the characters, and the frame "
        "is one more reference; frame begins exactly there, and the frame has to show them. Else the storyboard's.",
    )
    take: int = Field(
        default=1, ge=1, title="Take", description="Raise it by one to render the scene again; earlier takes stay."
    )
    fields: Fields = Field(
        default={},
        title="Fields",
        description="The gateway's own inputs, by its own names; changing one renders the scene again.",
    )

    @property
    def parent(self) -> str | None:
        """The scene that must be finished before this one can start."""
        return self.continues or self.remixes


class Storyboard(Frozen):
    """A title, a cast and the scenes in the order of the reel."""

    title: Title = Field(
        title="Title", description="Names the reel and its folder in the library. Changing it buys nothing."
    )
    model: Text = Field(default="sora-2", title="Model", description="Model family, for example sora-2 or sora-2-pro.")
    aspect: Aspect = Field(default="16:9", title="Aspect", description="Shape of the picture.")
    seconds: int = Field(default=4, ge=1, title="Seconds", description="Length of a scene that names none.")
    resolution: Text | None = Field(
        default=None, title="Resolution", description="For example 720p. Left out: the model's own default."
    )
    fit: Fit = Field(
        default="exact",
        title="Fit",
        description="Where a model does not sell the seconds, aspect or resolution asked for: exact refuses, nearest "
        "takes the nearest that it sells. The plan shows what is billed.",
    )
    prefer: Prefer = Field(
        default="cast",
        title="Prefer",
        description="What wins where a model takes either a first frame or characters: cast or frame.",
    )
    style: Remark = Field(default="", title="Style", description="Added to the end of every prompt.")
    cast: tuple[Character, ...] = Field(
        default=(), max_length=200, title="Cast", description="The characters of the series."
    )
    scenes: tuple[Scene, ...] = Field(
        title="Scenes", description="The scenes, in the order of the reel.", json_schema_extra={"minItems": 1}
    )

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        return _checked(self, lambda: (*_cast_problems(self), *_scene_problems(self)))

    @property
    def slug(self) -> str:
        """The reel's folder name: the title in lower case, digits and hyphens."""
        return slug(self.title)

    def scene(self, scene_id: str) -> Scene:
        return next(scene for scene in self.scenes if scene.id == scene_id)

    def character(self, name: str) -> Character:
        return next(character for character in self.cast if character.name == name)

    @property
    def aliases(self) -> dict[str, tuple[str, ...]]:
        """The aliases of every character, by name, in the order of the cast."""
        return {character.name: character.aliases for character in self.cast}

    def characters_of(self, scene: Scene) -> tuple[str, ...]:
        """Names in the scene: those given, by name or alias, else every cast member mentioned in the prompt."""
        if scene.characters is not None:
            bearers = {form: name for name, forms in self.aliases.items() for form in (*forms, name)}
            return tuple(dict.fromkeys(bearers[form] for form in scene.characters))
        found = named_in(scene.prompt, self.aliases, self.aliases)
        return tuple(name for name in self.aliases if name in found)


def _checked(noun: Noun, problems: Callable[[], Any]) -> Noun:
    """Raise every problem at once, each at its own field, so that a loader can name the line."""
    found: list[InitErrorDetails] = [
        {"type": PydanticCustomError("rule", "{message}", {"message": message}), "loc": loc, "input": None}
        for loc, message in problems()
    ]
    if found:
        raise ValidationError.from_exception_data(type(noun).__name__, found)
    return noun


def _cast_problems(board: Storyboard) -> Iterator[Problem]:
    folders: dict[str, int] = {}
    bearers: dict[str, int] = {}
    for at, character in enumerate(board.cast):
        forms = [(character.name, ("name",)), *((alias, ("aliases", n)) for n, alias in enumerate(character.aliases))]
        for form, field in forms:
            first = bearers.setdefault(folded(form), at)
            if first != at:
                other = f"cast[{first}] ({board.cast[first].name})"
                yield ("cast", at, *field), f"{form} is a name or alias of {other} already; write another"
        first = folders.setdefault(character.slug, at)
        if first != at and folded(character.name) != folded(board.cast[first].name):
            other = f"cast[{first}] ({board.cast[first].name})"
            yield ("cast", at, "name"), f"{character.name} would share the folder of {other}; rename one of the two"


def _scene_problems(board: Storyboard) -> Iterator[Problem]:
    if not board.scenes:
        yield ("scenes",), "is empty; a storyboard needs at least one scene"
    ids: dict[str, int] = {}
    cast = [form for character in board.cast for form in (character.name, *character.aliases)]
    for at, scene in enumerate(board.scenes):
        first = ids.setdefault(scene.id.casefold(), at)
        if first != at:
            yield (
                ("scenes", at, "id"),
                f"{scene.id} is the id of scenes[{first}] already (case does not count); write another",
            )
        for name in scene.characters or ():
            if name not in cast:
                yield ("scenes", at, "characters"), f"{name} is not in the cast; {suggest(name, cast)}"
        starts = [field for field in ("image", "continues", "remixes") if getattr(scene, field)]
        if len(starts) > 1:
            yield ("scenes", at, starts[1]), f"a scene has one beginning: keep either {' or '.join(starts)}"
    yield from _parent_problems(board)


def _parent_problems(board: Storyboard) -> Iterator[Problem]:
    parents = {scene.id: scene.parent for scene in board.scenes}
    rooted: set[str] = set()  # scenes whose chain is known to begin somewhere
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
            yield ("scenes", at, field), f"goes round in a circle: {circle}; take one link out"
            rooted.update(chain)  # said once
