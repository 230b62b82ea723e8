"""Prices that the table does not know, asked from the provider. Asking is free; unknown stays unknown."""

import asyncio

from prefect_storyboard.providers.errors import InvalidRequest, ProviderError
from prefect_storyboard.providers.protocol import Order, Provider, Reference, SceneRequest
from prefect_storyboard.storyboards import Plan, PlannedScene

_SOMEWHERE = "https://example.com/media"  # a price depends on what is asked for, not on which file is shown


async def priced(plan: Plan, provider: Provider) -> Plan:
    """The plan with the provider's own price for every scene that the table has none for.

    Raises InvalidRequest for a scene that the provider's own form has no room for: nothing was sent.
    """
    orders = {scene.key: _worded(provider, scene) for scene in plan.scenes}
    orders = {scene.key: orders[scene.key] for scene in plan.scenes if scene.usd is None}
    distinct = {_what_costs(scene): orders[scene.key] for scene in plan.scenes if scene.key in orders}
    asked = await asyncio.gather(*(_price(provider, order) for order in distinct.values()))
    prices = dict(zip(distinct, asked, strict=True))
    scenes = tuple(
        scene.model_copy(update={"usd": prices[_what_costs(scene)]}) if scene.key in orders else scene
        for scene in plan.scenes
    )
    return plan.model_copy(update={"scenes": scenes})


def _worded(provider: Provider, scene: PlannedScene) -> Order:
    try:
        return provider.scene_order(_draft(scene))
    except InvalidRequest as error:
        error.args = (f"{scene.scene.id}: {error}",)
        raise


async def _price(provider: Provider, order: Order) -> float | None:
    try:
        return await provider.price(order)
    except ProviderError:
        return None


def _what_costs(scene: PlannedScene) -> tuple[object, ...]:
    sent = sum(sending.clip for sending in scene.sends), sum(sending.pictures for sending in scene.sends)
    return scene.model.name, scene.operation, scene.seconds, scene.resolution, scene.aspect, sent


def _draft(scene: PlannedScene) -> SceneRequest:
    """The scene as it will be worded, with an example's address for each file."""
    return SceneRequest(
        model=scene.model,
        prompt=scene.prompt,
        seconds=scene.seconds,
        aspect=scene.aspect,
        resolution=scene.resolution,
        references=tuple(
            Reference(character=sending.character, clip_url=_SOMEWHERE)
            if sending.clip
            else Reference(character=sending.character, image_urls=(_SOMEWHERE,) * max(sending.pictures, 1))
            for sending in scene.sends
        ),
        image_url=_SOMEWHERE if scene.operation == "image" else None,
        remix_of="draft" if scene.operation == "remix" else None,
    )
