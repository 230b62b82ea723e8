"""One entry of the table of image models: a family at one provider, what it takes and what a picture costs."""

from typing import Literal

from pydantic import Field

from prefect_storyboard.storyboards.model import PictureLimits
from prefect_storyboard.storyboards.retiring import Retiring

ImageMode = Literal["text", "edit"]  # from words alone, or from words and reference pictures


class ReferencePictures(PictureLimits):
    """The reference pictures that one request takes: at least `least`, at most `most`."""

    most: int
    least: int = 0


class ImageModel(Retiring):
    """An image model at one provider. Prices in US dollars; a price that is not in the table is unknown, not 0."""

    endpoints: dict[ImageMode, str] = Field(default={}, description="A mode that is not here is not sold.")
    refused: str = Field(default="", description="Why the model is known and not sold here.")
    unsure: str = Field(default="", description="Why an order is sent only if the gateway's catalogue agrees with it.")
    aspects: tuple[str, ...] = Field(default=(), description='"auto" is the shape of the first reference.')
    resolutions: tuple[str, ...] = Field(default=(), description="Tiers, the first is the default; empty: no choice.")
    qualities: tuple[str, ...] = Field(default=(), description="The first is the default; empty: no choice.")
    formats: tuple[str, ...] = Field(default=(), description="Of the file, the first is the default; empty: no choice.")
    references: ReferencePictures = ReferencePictures(most=0)
    cite: str = Field(default="Image {}", description="How a prompt names the n-th reference.")
    replaces_names: bool = Field(
        default=False,
        description="Whether the citation stands in the place of a name, as in @Image1 climbs the stairs.",
    )
    min_prompt: int = Field(default=1, description="Shortest prompt in characters, as sent.")
    max_prompt: int | None = Field(default=None, description="Longest prompt in characters, as sent.")
    takes_seed: bool = False
    takes_fields: tuple[str, ...] = Field(
        default=(), description="Further inputs of the gateway that are known: any other is refused, not sent."
    )
    pixels: dict[str, dict[str, tuple[int, int]]] = Field(
        default={}, description="Width and height by resolution and aspect, if the gateway takes pixels."
    )
    usd: dict[str, float] = Field(default={}, description="Of one picture, by resolution.")
    usd_per_reference: float = Field(default=0.0, description="For each reference picture beyond the free ones.")
    free_references: int = 0

    def mode(self, pictures: int) -> ImageMode:
        """The mode for that many reference pictures; a model with one endpoint for both has one mode."""
        return "edit" if pictures and "edit" in self.endpoints else "text" if "text" in self.endpoints else "edit"

    def price(self, resolution: str, pictures: int) -> float | None:
        """What one picture costs with so many reference pictures; None if no price is published."""
        price = self.usd.get(resolution)
        extra = max(pictures - self.free_references, 0) * self.usd_per_reference
        return None if price is None else round(price + extra, 6)
