"""The table of image models, as a section of the page of models."""

from collections.abc import Iterator

from prefect_storyboard.providers.gateways import gateways, title
from prefect_storyboard.providers.images import image_models
from prefect_storyboard.storyboards.image_model import ImageModel
from prefect_storyboard.storyboards.money import price

_HEAD = """
## Image models

For [sheets and stills](flows-of-your-own.md#sheets-and-stills): one request draws one picture. *References* is how many
pictures it may be drawn from, *cited* how the prompt that is sent names the first of them.

| gateway | model | aspects | resolutions | quality | files | references | cited | price |
|---|---|---|---|---|---|---|---|---|
"""


def images_text() -> str:
    """Render the section."""
    return _HEAD + "".join(_row(model) for name in gateways() for model in image_models(name).values())


def _row(model: ImageModel) -> str:
    name = f"`{model.name}`" + ("*" if model.unsure else "")
    if model.refused:
        return f"| {title(model.provider)} | {name} | not sold: {model.refused} | | | | | | |\n"
    least = f"{model.references.least} to " if model.references.least else "up to "
    cells = (
        title(model.provider),
        name,
        " ".join(model.aspects),
        " ".join(model.resolutions) or "one",
        " ".join(model.qualities),
        " ".join(model.formats) or "its own",
        f"{least}{model.references.most}",
        f"`{model.cite.format(1)}`",
        "<br>".join(_prices(model)) or "?",
    )
    return f"| {' | '.join(cells)} |\n"


def _prices(model: ImageModel) -> Iterator[str]:
    for resolution, usd in model.usd.items():
        yield f"{resolution}: {price(usd)}" if resolution else price(usd)
    if model.usd_per_reference:
        free = f" beyond {model.free_references}" if model.free_references else ""
        yield f"each reference{free}: ${model.usd_per_reference}"
