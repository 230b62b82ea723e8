"""One entry of the model table: what a model family is called, takes and costs at one provider."""

from datetime import date
from typing import Literal

from pydantic import Field

from prefect_storyboard.storyboards.nouns import Frozen

Operation = Literal["text", "image", "remix", "character"]


class ClipLimits(Frozen):
    """What a provider accepts as a reference clip. Sides in pixels, aspect as long side / short side."""

    containers: tuple[str, ...] = ()
    min_short_side: int | None = None
    max_aspect: float | None = None
    min_seconds: float | None = None
    max_seconds: float | None = None
    max_bytes: int | None = None


class Model(Frozen):
    """A model family at one provider. Prices in US dollars; a price that is not in the table is unknown, never 0."""

    name: str
    provider: str
    endpoints: dict[Operation, str]
    seconds: tuple[int, ...]
    aspects: tuple[str, ...]
    resolutions: tuple[str, ...] = Field(description="The first is the default.")
    max_characters: int = 0
    casting: str | None = Field(default=None, description="Family of castings; models of one family share characters.")
    names_in_prompt: bool = Field(default=False, description="Whether a character's name must occur in the prompt.")
    usd_per_second: dict[str, float] = Field(default={}, description="By resolution.")
    usd_per_character: float | None = None
    reference: ClipLimits = ClipLimits()
    retires_on: date | None = None
    successor: str | None = None

    def price(self, operation: Operation, seconds: int, resolution: str) -> float | None:
        """What one job costs, or None where nobody has published it."""
        if operation == "character":
            return self.usd_per_character
        if operation == "remix" or resolution not in self.usd_per_second:
            return None
        return round(self.usd_per_second[resolution] * seconds, 6)
