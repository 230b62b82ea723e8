"""The requirements of one scene, and the models that meet them."""

from collections.abc import Iterable

from pydantic import ValidationError

from prefect_storyboard.storyboards.base import Frozen
from prefect_storyboard.storyboards.model import Model
from prefect_storyboard.storyboards.nouns import Storyboard
from prefect_storyboard.storyboards.offers import Offer, offers


class Need(Frozen):
    """One scene's requirements. None leaves the choice to the model: characters, shortest length, default size."""

    characters: int | None = None
    seconds: int | None = None
    aspect: str | None = None
    resolution: str | None = None
    silent: bool = False
    max_usd: float | None = None


def meeting(need: Need, models: Iterable[Model]) -> tuple[Offer, ...]:
    """The models that sell such a scene exactly, with its price, cheapest first.

    Raises ValueError for an unknown aspect.

    With `max_usd`, models without a published price are left out.
    """
    found = [offer for model in models for offer in _offer(need, model)]
    if need.max_usd is not None:
        found = [offer for offer in found if offer.usd is not None and offer.usd <= need.max_usd]
    return tuple(sorted(found, key=lambda each: (each.usd is None, each.usd or 0.0, each.model.name)))


def _offer(need: Need, model: Model) -> tuple[Offer, ...]:
    """The model's offer, if it sells such a scene exactly; some models need a character."""
    for count in (0, 1) if need.characters is None else (need.characters,):
        found = offers(_scene(need, model, count), [model])
        if found and not found[0].fitted:
            return found
    return ()


def _scene(need: Need, model: Model, characters: int) -> Storyboard:
    """A storyboard with one such scene. Its characters have a clip, from which a model may take pictures."""
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
