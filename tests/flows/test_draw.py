"""Sheets and stills at four gateways, as a stranger's flow draws them: the meter says what was bought."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from prefect import flow

from prefect_storyboard import sync
from prefect_storyboard.blocks import Library
from prefect_storyboard.providers.errors import OutcomeUnknown, Refused
from prefect_storyboard.providers.images import image_models
from prefect_storyboard.storyboards import Sheet, Still
from prefect_storyboard.tasks import draw
from tests.flows.gateways import Branch, opened

MODELS = {"fal": "nano-banana-2.1", "kie": "nano-banana-2.1", "toapis": "gpt-image-2.5", "wavespeed": "nano-banana-2.1"}
PLAN = "Mara, a keeper in a yellow coat: face, front, side and back, plain grey ground."
SCENE = "Mara opens the gallery door."


@pytest.fixture(scope="module", params=MODELS)
def shop(engine: None, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Branch]:
    with opened(request.param, MODELS[request.param], tmp_path_factory.mktemp("draw"), scale=0.5) as branch:
        yield branch


@pytest.fixture
def on(shop: Branch) -> dict[str, Any]:
    """The model, the account and the library, as `draw` takes them."""
    return {"model": shop.model, "credentials": shop.credentials(), "library": Library(url=shop.library)}


@flow
async def keyframe(on: dict[str, Any], place: str, scene: str) -> Still:
    sheet = Sheet(name="Mara", still=await draw(PLAN, sheet_of="Mara", **on))
    return await draw(SCENE, references=[(sheet, "keep her face and coat"), place], reel="Pilot", scene=scene, **on)


@flow
def plain_keyframe(on: dict[str, Any], place: str, scene: str) -> Still:
    sheet = Sheet(name="Mara", still=sync.draw(PLAN, sheet_of="Mara", **on))
    return sync.draw(SCENE, references=[(sheet, "keep her face and coat"), place], reel="Pilot", scene=scene, **on)


async def test_two_runs_async_and_plain_buy_two_pictures(shop: Branch, on: dict[str, Any]) -> None:
    place, before = shop.picture("place.png"), shop.meter()["jobs_accepted"]
    first = await keyframe(on, place, "s01")
    assert await keyframe(on, place, "s01") == first
    assert await asyncio.to_thread(plain_keyframe, on, place, "s01") == first
    meter = shop.meter()
    assert (meter["jobs_accepted"] - before, meter["pictures"], meter["duplicates"]) == (2, 2, [])
    with Image.open(first.url) as image:
        assert image.size == (first.width, first.height)
        assert image.width / image.height == pytest.approx(16 / 9, abs=0.02)
    assert first.sent.splitlines()[0].casefold() == "image 1 is mara: keep her face and coat."
    assert shop.leaks() == []


DEARER = {("fal", "nano-banana-2.1")}  # somebody measured twice what fal's tokens come to: a plan counts that
LISTS = {"fal", "wavespeed"}  # whose own list of requests a lost reply is looked for in


async def test_a_lost_reply_is_no_second_picture(shop: Branch, on: dict[str, Any]) -> None:
    before = shop.meter()["jobs_accepted"]
    shop.fault("drop_after", match={"route": "submit"}, times=1)
    if shop.gateway in LISTS:
        assert (await draw.fn("The sea.", **on)).cost_usd == (await draw.fn("The sea.", **on)).cost_usd
    else:
        for _ in range(2):
            with pytest.raises(OutcomeUnknown):
                await draw.fn("The sea.", **on)
    assert shop.meter()["jobs_accepted"] - before == 1
    shop.behave()


async def test_every_model_that_is_sold_draws_from_its_references_and_is_billed_as_planned(
    shop: Branch, on: dict[str, Any]
) -> None:
    """The meter counts the pictures that the model has used: a field with a wrong name would be dropped, and billed."""
    sheet = Sheet(name="Mara", still=await draw.fn(PLAN, sheet_of="Mara", **on))
    place = shop.picture("place.png")
    for name, model in image_models(shop.gateway).items():
        if model.refused:
            continue
        ask = {**on, "model": name, "aspect": "16:9" if "16:9" in model.aspects else "auto"}
        still = await draw.fn(SCENE, references=[(sheet, "keep her face"), place], **ask)
        (bill,) = [each for each in shop.meter()["billed"] if each["request_id"] == still.request_id]
        assert (bill["kind"], bill["references"]) == ("picture", 2), name
        if (shop.gateway, name) not in DEARER:
            assert still.cost_usd == (None if bill["usd"] is None else pytest.approx(bill["usd"])), name


@pytest.fixture(scope="module")
def fal(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Branch]:
    with opened("fal", "nano-banana-2.1", tmp_path_factory.mktemp("faults"), scale=0.5) as branch:
        yield branch


async def test_a_picture_that_a_model_made_nothing_of_is_ordered_once_more_and_billed_once(fal: Branch) -> None:
    fal.fault("no_media", match={"route": "submit"}, times=1)
    ask = {"model": fal.model, "credentials": fal.credentials(), "library": fal.library}
    assert (await draw.fn("A gull.", **ask)).take == 1
    meter = fal.meter()
    assert (meter["jobs_accepted"], meter["pictures"]) == (2, 1)


async def test_a_blackened_picture_is_a_refusal_and_nothing_is_stored(fal: Branch) -> None:
    fal.fault("black_picture", match={"route": "submit"}, times=1)
    ask = {"model": "qwen-edit", "credentials": fal.credentials(), "library": fal.library}
    for _ in range(2):
        with pytest.raises(Refused, match="flagged") as refused:
            await draw.fn("A gull.", references=[fal.picture("place.png")], reel="Black", scene="s01", **ask)
        assert refused.value.what == "output"
    assert not Path(fal.library, "reels", "black").exists()
