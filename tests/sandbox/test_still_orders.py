"""Every image model of the table on the sandbox: each order of ours is taken, and billed as the plan says."""

from collections.abc import Iterator
from itertools import product

import pytest

from prefect_storyboard.providers.images import image_models
from prefect_storyboard.providers.orders import Order, StillRequest
from prefect_storyboard.providers.protocol import DrawsStills
from prefect_storyboard.sandbox.catalogue import quoted
from prefect_storyboard.sandbox.fal import schema as fal_schema
from prefect_storyboard.sandbox.fal.models import ENDPOINTS as FAL_ENDPOINTS
from prefect_storyboard.sandbox.kie import table as kie_table
from prefect_storyboard.sandbox.toapis import models as toapis
from prefect_storyboard.sandbox.wavespeed import models as wavespeed
from prefect_storyboard.storyboards import Drawing, ImageModel, StillReference, drawing
from tests.sandbox.test_living_orders import CREDIT, adapter

LINK = "https://example.com/mara.png"
SOLD = [
    model
    for provider in ("fal", "kie", "toapis", "wavespeed")
    for model in image_models(provider).values()
    if not model.refused
]
DEARER = {("fal", "nano-banana-2.1")}  # somebody measured twice what fal's tokens come to: a plan counts that


def drawings(model: ImageModel) -> Iterator[Drawing]:
    """Every size, quality and format, with the least and the most references."""
    counts = {model.references.least, 1, 2, model.references.most} - ({0} if model.references.least else set())
    choices = (model.aspects, model.resolutions or ("",), model.qualities or ("",), model.formats or ("",))
    for count, aspect, tier, quality, form in product(sorted(counts), *choices):
        yield drawing(
            "Mara opens the gallery door.",
            model,
            references=[StillReference(fingerprint=str(number), name=f"Prop {number}") for number in range(count)],
            aspect=aspect,
            resolution=tier or None,
            quality=quality or None,
            output_format=form or None,
            seed=7 if model.takes_seed else None,
        )


def billed(provider: str, order: Order) -> float | None:
    """The sandbox's bill for an order, in US dollars; it raises for one that it does not take."""
    match provider:
        case "fal":
            return quoted(fal_schema.parse(FAL_ENDPOINTS[order.endpoint], order.body))
        case "kie":
            credits_ = quoted(kie_table.check(order.body)[1])
            return None if credits_ is None else credits_ * CREDIT
        case "toapis":
            return quoted(toapis.living(order.body))
    return quoted(wavespeed.parse(wavespeed.MODELS[order.endpoint], order.body))


@pytest.mark.parametrize("model", SOLD, ids=lambda model: f"{model.provider} {model.name}")
def test_every_order_of_ours_is_taken_and_billed_as_the_plan_says(model: ImageModel) -> None:
    gateway = adapter(model.provider)
    assert isinstance(gateway, DrawsStills)
    for drawn in drawings(model):
        pictures = tuple((LINK,) for _ in drawn.references)
        usd = billed(model.provider, gateway.still_order(StillRequest(drawing=drawn, pictures=pictures)))
        if drawn.usd is None and model.provider == "wavespeed":
            continue  # the plan asks WaveSpeed itself, whose price is the sandbox's
        if (model.provider, model.name) in DEARER:
            assert (drawn.usd or 0.0) >= (usd or 1.0), str(drawn.asked)
        else:
            assert drawn.usd == (None if usd is None else pytest.approx(usd)), str(drawn.asked)
