"""A cast member that must look the same in every scene: a person, a place or a prop."""

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from prefect_storyboard.storyboards.base import (
    FieldProblem,
    Fields,
    Frozen,
    Kind,
    Name,
    Remark,
    SceneId,
    Text,
    checked,
)
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
    kind: Kind = Field(
        default="person",
        title="Kind",
        description="A person, a place or a prop. With stills, it decides how the sheet is drawn, and who gets the "
        "model's reference slots first: people, then props, then the place.",
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
        description="Who this is and what they wear. Sent to a provider that asks for it; changing it buys nothing. "
        "With stills, it is drawn: a member may be these words alone, and changing them draws its sheet again.",
    )
    looks: dict[Name, Remark] = Field(
        default={},
        title="Looks",
        description="Wardrobe, weather or age, with stills: a name, and what differs from the first look. Each look is "
        "drawn once, from the first one's sheet; a scene chooses it with looks.",
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
    def has_media(self) -> bool:
        """Whether there is a clip, a scene or a picture that shows it; else it is words alone."""
        return self.is_filmed or bool(self.images)

    @property
    def slug(self) -> str:
        """The character's folder name in the library."""
        return slug(self.name)

    @property
    def lacks_media(self) -> str:
        """The problem of a member without clip and images, where no still is drawn."""
        return f"{self.name} needs a clip or images; add clip: path/to/{self.slug}.mp4"

    @model_validator(mode="after")
    def _has_a_reference(self) -> Self:
        def problems() -> Iterator[FieldProblem]:
            if self.clip and self.from_scene:
                yield ("from_scene",), f"{self.name} has a clip and from_scene; leave one of them out"
            if not self.has_media and not self.description:
                yield ("clip",), self.lacks_media
            for look, differs in self.looks.items():
                if not differs:
                    yield ("looks", look), f"says nothing; write what differs when {self.name} is {look}"
            if self.start is not None and self.end is not None and self.end <= self.start:
                yield ("end",), f"end ({self.end:g} s) must come after start ({self.start:g} s)"

        return checked(self, problems)
