"""The nouns that the user writes: a storyboard with its cast and scenes.

Frozen, validated, independent of providers.
"""

from typing import Self

from pydantic import Field, model_validator

from prefect_storyboard.storyboards.base import (
    SCENE_ID,
    Aspect,
    Fit,
    Frozen,
    Negative,
    OnBad,
    Prefer,
    Quality,
    Remark,
    Seed,
    Text,
    Title,
    Transition,
    TransitionSeconds,
    checked,
)
from prefect_storyboard.storyboards.cards import Cards
from prefect_storyboard.storyboards.character import Character
from prefect_storyboard.storyboards.folders import slug
from prefect_storyboard.storyboards.names import named_in
from prefect_storyboard.storyboards.origins import origin_problems
from prefect_storyboard.storyboards.rules import cast_problems, scene_problems
from prefect_storyboard.storyboards.scene import Scene

__all__ = [
    "SCENE_ID",
    "Aspect",
    "Cards",
    "Character",
    "Fit",
    "Frozen",
    "Matrix",
    "Prefer",
    "Quality",
    "Scene",
    "Storyboard",
]


class Matrix(Frozen):
    """Variants of a storyboard: every combination of these values."""

    aspect: tuple[Aspect, ...] = Field(default=(), max_length=10, title="Aspect", description="Aspect ratios.")
    model: tuple[Text, ...] = Field(default=(), max_length=20, title="Model", description="Model families.")


class Storyboard(Frozen):
    """A title, a cast and the scenes in the order of the reel."""

    title: Title = Field(
        title="Title", description="Title of the reel and name of its folder in the library. Changing it buys nothing."
    )
    model: Text | None = Field(
        default=None,
        title="Model",
        description="Model family of the scenes that name none, for example seedance-2. There is no default: left out, "
        "plan and run list what the account sells for this storyboard, with prices, and buy nothing.",
    )
    stills: Text | None = Field(
        default=None,
        title="Stills",
        description="Image model, for example nano-banana-2.1: every cast member gets a sheet and every scene a still "
        "drawn from the sheets, and its clip begins with the still. Left out: nothing is drawn.",
    )
    aspect: Aspect = Field(default="16:9", title="Aspect", description="Aspect ratio.")
    seconds: int = Field(default=4, ge=1, title="Seconds", description="Length of a scene that names none.")
    resolution: Text | None = Field(
        default=None, title="Resolution", description="For example 720p. Left out: the model's own default."
    )
    fit: Fit = Field(
        default="exact",
        title="Fit",
        description="If a model does not sell the given seconds, aspect or resolution, or takes no seed, last "
        "frame or sound: exact refuses, nearest takes the nearest size and leaves out the rest. The plan shows it.",
    )
    audio: bool | None = Field(
        default=None, title="Audio", description="Whether scenes have sound. Left out: the model's default."
    )
    seed: Seed | None = Field(default=None, title="Seed", description="The seed of scenes that name none.")
    negative: Negative | None = Field(
        default=None, title="Negative", description="Negative prompt of scenes that have none."
    )
    prefer: Prefer = Field(
        default="cast",
        title="Prefer",
        description="What is kept if a model takes either a first frame or characters: cast or frame.",
    )
    quality: Quality = Field(
        default="final",
        title="Quality",
        description="A draft renders every scene with the cheapest tier and size of its model's family that has a "
        "published price, as a separate reel beside the final one.",
    )
    on_bad: OnBad = Field(
        default="keep",
        title="On a bad clip",
        description="What to do about a clip whose verdict is bad: keep it, or reroll: render the scene again, within "
        "the attempts and the budget of the run. All takes stay.",
    )
    reel: bool = Field(
        default=True,
        title="Reel",
        description="Whether the clips are assembled into a reel; false stores the clips only.",
    )
    burn: bool = Field(
        default=False,
        title="Burn",
        description="Whether the captions are drawn into the picture of the reel as well. Changing it buys nothing.",
    )
    cards: Cards | None = Field(
        default=None,
        title="Cards",
        description="Texts on black before the first scene and after the last. Changing them buys nothing.",
    )
    matrix: Matrix | None = Field(
        default=None, title="Matrix", description="Renders every combination of these, each as a separate reel."
    )
    loudness: bool = Field(
        default=True,
        title="Loudness",
        description="Whether the reel plays every clip equally loud (-16 LUFS); the clips themselves stay as they are.",
    )
    music: Text | None = Field(
        default=None,
        title="Music",
        description="Path or URL of a sound file that plays under the whole reel, softer where a clip is heard.",
    )
    transition: Transition = Field(
        default="cut",
        title="Transition",
        description="How each scene follows the one before: cut, fade through black, or dissolve, by which the reel "
        "gets shorter. Changing it buys nothing; a reel with only cuts of like clips is copied without loss.",
    )
    transition_seconds: TransitionSeconds = Field(
        default=0.5,
        title="Transition seconds",
        description="Length of a fade or dissolve; at most half of the shorter of its two clips is used.",
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
        return checked(self, lambda: (*cast_problems(self), *scene_problems(self), *origin_problems(self)))

    @property
    def slug(self) -> str:
        """The reel's folder name: the title in lower case, digits and hyphens."""
        return slug(self.title)

    def scene(self, scene_id: str) -> Scene:
        return next(scene for scene in self.scenes if scene.id == scene_id)

    def character(self, name: str) -> Character:
        return next(character for character in self.cast if character.name == name)

    def rerolls(self, scene: Scene) -> bool:
        """Whether the scene is rendered again if its clip is bad."""
        return (scene.on_bad or self.on_bad) == "reroll"

    def has_still(self, scene: Scene) -> bool:
        """Whether a still is drawn for the scene: with stills, unless it begins with a picture or changes a video."""
        return self.stills is not None and not scene.image and not scene.remixes

    @property
    def aliases(self) -> dict[str, tuple[str, ...]]:
        """The aliases of every character, by name, in the order of the cast."""
        return {character.name: character.aliases for character in self.cast}

    def characters_of(self, scene: Scene) -> tuple[str, ...]:
        """Names in the scene: those given, by name or alias, else all whom the prompt or the still mentions.

        A character that is made from the scene is not included: the prompt describes it.
        """
        if scene.characters is not None:
            bearers = {form: name for name, forms in self.aliases.items() for form in (*forms, name)}
            return tuple(dict.fromkeys(bearers[form] for form in scene.characters))
        said = f"{scene.prompt}\n{scene.still}" if scene.still else scene.prompt
        found = named_in(said, self.aliases, self.aliases)
        made_of_it = {character.name for character in self.cast if character.from_scene == scene.id}
        return tuple(name for name in self.aliases if name in found and name not in made_of_it)
