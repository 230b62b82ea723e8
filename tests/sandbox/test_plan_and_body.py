"""What the plan shows of a scene is what the gateway receives, for every model of the table and every way to begin."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from prefect_storyboard.providers.fal.adapter import Fal
from prefect_storyboard.providers.kie.adapter import Kie
from prefect_storyboard.providers.protocol import CharacterRequest, Provider, Reference
from prefect_storyboard.providers.table import models
from prefect_storyboard.providers.toapis.adapter import ToApis
from prefect_storyboard.providers.wavespeed.adapter import WaveSpeed
from prefect_storyboard.sandbox.server import environment
from prefect_storyboard.series.sent import castings_of, sent_prompt, wording
from prefect_storyboard.storyboards import Casting, Model, Plan, PlannedScene, Sending, Source, plan, shots, validate
from prefect_storyboard.tasks._scene import scene_request
from tests.sandbox.in_process import BASE, Box, reference_clip, sandbox
from tests.sandbox.living_bodies import published

URLS = environment(BASE)
# The forms of an OpenAI-compatible server, which have no links, are compared in tests/contract.
MODELS = [model for provider, family in models().items() if provider != "openai" for model in family.values()]
WORDS = ["Mara", "MARA", "the keeper's", "@mara", "Will", "@Will", "will", "lamp", "-", "は", ".", "\n", '"', "é", "#3"]
CAST = [
    {"name": "Mara", "clip": "mara.mp4", "aliases": ["the keeper"], "reference": "clip"},
    {"name": "Will", "clip": "will.mp4", "images": ["will.png"]},
]
FILES = ("mara.mp4", "will.mp4", "will.png", "dawn.png", "dusk.png")
NOBODY: dict[str, Any] = {"characters": []}
EVERYBODY: dict[str, Any] = {"characters": ["Mara", "Will"]}
SCENES: dict[str, dict[str, Any]] = {
    "text": NOBODY,
    "frame": {**NOBODY, "image": "dawn.png"},
    "two frames": {**NOBODY, "image": "dawn.png", "ends": "dusk.png"},
    "cast": EVERYBODY,
    "one of the cast": {"characters": ["Will"]},
    "cast and frame": {**EVERYBODY, "image": "dawn.png"},
    "cast and frame, exactly": {**EVERYBODY, "image": "dawn.png", "prefer": "frame"},
    "silent": {**NOBODY, "audio": False},
    "remix": {**NOBODY, "remixes": "s00"},
}


def adapter(box: Box, provider: str) -> Provider:
    match provider:
        case "fal":
            hosts = {name: URLS[f"FAL_{name.upper()}"] for name in ("queue_url", "rest_url", "platform_url")}
            return Fal(box.http, api_key=URLS["FAL_KEY"], **hosts)
        case "kie":
            hosts = {"api_url": URLS["KIE_API_URL"], "upload_url": URLS["KIE_UPLOAD_URL"]}
            return Kie(box.http, api_key=URLS["KIE_API_KEY"], **hosts)
        case "toapis":
            return ToApis(box.http, api_key=URLS["TOAPIS_API_KEY"], api_url=URLS["TOAPIS_API_URL"])
    return WaveSpeed(box.http, api_key=URLS["WAVESPEED_API_KEY"], api_url=URLS["WAVESPEED_API_URL"])


def planned(model: Model, scene: dict[str, Any]) -> Plan | None:
    """The plan of one scene; None where the model does not sell it."""
    first = [{"id": "s00", "prompt": "The sea.", **NOBODY}] if "remixes" in scene else []
    facts = {"title": "T", "model": model.name, "seconds": model.seconds[0], "aspect": model.aspects[0]}
    board = validate({**facts, "cast": CAST, "scenes": [*first, {"id": "s01", **scene}], "fit": "nearest"})
    lengths = {(model.name, who["name"]): 2.0 for who in CAST}
    try:
        made = shots(board, lambda _: model, Source())
    except ValueError:
        return None
    content = {name: name for name in FILES}
    return plan(board, made, provider=model.provider, account="default", content=content, clip_seconds=lengths)


async def create(box: Box, provider: Provider, asked: Plan, found: dict[str, Casting]) -> None:
    """Create those characters of the plan at the gateway that it does not have yet."""
    for each in (character for character in asked.characters if character.key not in found):
        clip = box.published(reference_clip(), "mara.mp4")
        request = CharacterRequest(model=each.model, name=each.character.name, clip_url=clip, end=2.0)
        job = await provider.submit(provider.character_order(request))
        box.clock.advance(60)
        made = await provider.result(job)
        found[each.key] = Casting(character=each.character.name, id=made.character_id, mention=made.mention)


def values(body: JsonValue, names: tuple[str, ...]) -> Iterator[JsonValue]:
    """What is said under these names, at any depth."""
    for name, value in body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ():
        if name in names:
            yield value
        yield from values(value, names)


def links(value: JsonValue) -> Iterator[str]:
    """Every address in a body, in its order."""
    if isinstance(value, str) and value.startswith(BASE):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from links(each)


def shown(box: Box, sending: Sending) -> Reference:
    """What is shown of a character, each file at an address of its own."""
    if sending.clip:
        return Reference(character=sending.character, clip_url=published(box, "mp4"))
    count = max(sending.pictures, 1)
    return Reference(character=sending.character, image_urls=tuple(published(box, "png") for _ in range(count)))


async def received(box: Box, provider: Provider, scene: PlannedScene, castings: tuple[Casting, ...]) -> Any:
    """The body that the gateway has received for a scene, ordered as the run orders it."""
    found: dict[str, Any] = {"references": tuple(shown(box, sending) for sending in scene.sends)}
    if scene.operation == "image":
        found["image_url"] = published(box, "png")
    if scene.ends:
        found["last_frame_url"] = published(box, "png")
    if scene.operation == "remix":
        (first,) = (planned(scene.model, {**NOBODY, "prompt": "The sea."}) or pytest.fail("no parent")).scenes
        job = await provider.submit(provider.scene_order(scene_request(first, (), None)))
        box.clock.advance(3600)
        found["remix_of"] = (await provider.result(job)).handle
    await provider.submit(provider.scene_order(scene_request(scene, castings, None).model_copy(update=found)))
    return (await box.control("jobs"))[-1]["received"]["body"]


every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: f"{model.provider} {model.name}")


@every_model
def test_the_plan_shows_what_the_gateway_receives(tmp_path: Path, model: Model) -> None:
    compare_every_way(tmp_path, model, WORDS)


@pytest.mark.slow
@every_model
@settings(max_examples=10, deadline=None, derandomize=True, database=None)
@given(words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=8))
def test_the_plan_shows_what_the_gateway_receives_of_any_words(
    tmp_path_factory: pytest.TempPathFactory, model: Model, words: list[str]
) -> None:
    compare_every_way(tmp_path_factory.mktemp("box"), model, words)


def compare_every_way(folder: Path, model: Model, words: list[str]) -> None:
    async def compare() -> set[str]:
        modes: set[str] = set()
        castings: dict[str, Casting] = {}
        async with sandbox(folder) as box:
            provider = adapter(box, model.provider)
            for scene in SCENES.values():
                asked = planned(model, {**scene, "prompt": f"Lamp {' '.join(words)}"})
                if asked is None:
                    continue
                await create(box, provider, asked, castings)
                mine = asked.scenes[-1]
                people = castings_of(asked, mine, castings)
                said, audio = wording(provider, mine, people)
                body = await received(box, provider, mine, people)
                assert sent_prompt(body) == said
                assert [*values(body, ("generate_audio", "sound", "audio"))] == ([] if audio is None else [audio])
                files = sum(1 if each.clip else max(each.pictures, 1) for each in mine.sends)
                frames = (mine.operation == "image") + bool(mine.ends)
                assert len(list(links(body))) == files + frames
                modes.add("remix" if mine.operation == "remix" else mine.mode)
        return modes

    modes = asyncio.run(compare())
    sold = {"text", "image", "references", "frames", "remix"} & model.endpoints.keys()
    assert sold <= modes, "every way that the table sells has been ordered"
