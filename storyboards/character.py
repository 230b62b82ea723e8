"""A character that must look the same in every scene."""

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from prefect_storyboard.storyboards.base import FieldProblem, Fields, Frozen, Name, Remark, SceneId, Text, checked
from prefect_storyboard.storyboards.folders import slug


class Character(Frozen):
    """A character that must look the same in every scene. Belongs to the user, not to a provider."""

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
    from_scene: SceneId | None = Field(
        default=None,
        title="From scene",
        description="Id of a scene of this storyboard whose clip shows the character, instead of a file. It is "
        "rendered first, once; scenes that show the character follow its take.",
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
        description="What a model that takes reference media receives: images (yours, or frames of the clip), or "
        "the clip itself, which shows how they move and may cost more.",
    )
    description: Remark = Field(
        default="",
        title="Description",
        description="Who this is and what they wear. Sent to a provider that asks for it; changing it buys nothing.",
    )
    fields: Fields = Field(
        default={},
        title="Fields",
        description="The gateway's own inputs for the creation, by its own names; changing one creates it again.",
    )

    @property
    def is_filmed(self) -> bool:
        """Whether the character has a clip, or will have one when its scene is rendered."""
        return bool(self.clip or self.from_scene)

    @property
    def slug(self) -> str:
        """The character's folder name in the library."""
        return slug(self.name)

    @model_validator(mode="after")
    def _has_a_reference(self) -> Self:
        def problems() -> Iterator[FieldProblem]:
            if self.clip and self.from_scene:
                yield ("from_scene",), f"{self.name} has a clip and from_scene; leave one of them out"
            if not self.is_filmed and not self.images:
                yield ("clip",), f"{self.name} needs a clip or images; add clip: path/to/{self.slug}.mp4"
            if self.start is not None and self.end is not None and self.end <= self.start:
                yield ("end",), f"end ({self.end:g} s) must come after start ({self.start:g} s)"

        return checked(self, problems)
