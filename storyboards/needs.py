"""What one scene needs of a model, and whether a model sells it."""

from collections.abc import Iterable

from pydantic import ValidationError

from prefect_storyboard.storyboards.base import Frozen
from prefect_storyboard.storyboards.model import Model
from prefect_storyboard.storyboards.nouns import Storyboard
from prefect_storyboard.storyboards.offers import Offer, offers


class Need(Frozen):
    """One scene. What is None is left to the model: nobody in it, or one, its shortest length, its default size."""

    characters: int | None = None
    seconds: int | None = None
    aspect: str | None = None
    resolution: str | None = None
    silent: bool = False
    max_usd: float | None = None


def meeting(need: Need, models: Iterable[Model]) -> tuple[Offer, ...]:
    """The models that sell such a scene exactly, with its price, cheapest first. Raises ValueError for no such aspect.

    Under `max_usd`, a model without a published price is left out.
    """
    found = [offer for model in models for offer in _offer(need, model)]
    if need.max_usd is not None:
        found = [offer for offer in found if offer.usd is not None and offer.usd <= need.max_usd]
    return tuple(sorted(found, key=lambda each: (each.usd is None, each.usd or 0.0, each.model.name)))


def _offer(need: Need, model: Model) -> tuple[Offer, ...]:
    """The model's offer, if it sells such a scene exactly; some make nothing without a character."""
    for count in (0, 1) if need.characters is None else (need.characters,):
        found = offers(_scene(need, model, count), [model])
        if found and not found[0].fitted:
            return found
    return ()


def _scene(need: Need, model: Model, characters: int) -> Storyboard:
    """A storyboard of one such scene. Those who are in it have a clip, of which a model may take pictures."""
    cast = [{"name": f"Character {number}", "clip": "clip"} for number in range(1, characters + 1)]
    scene = {
        "id": "scene",
        "prompt": "-",
        "characters": [each["name"] for each in cast],
        "seconds": need.seconds or min(model.seconds),
        "aspect": need.aspect or model.aspects[0],
        "resolution": need.resolution,
        "audio": False if need.silent else None,
    }
    try:
        return Storyboard.model_validate({"title": "need", "cast": cast, "scenes": [scene]})
    except ValidationError as error:
        field, why = error.errors()[0]["loc"][-1], error.errors()[0]["msg"]
        raise ValueError(f"{field}: {why}") from None
