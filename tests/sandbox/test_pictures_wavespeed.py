"""WaveSpeed's image models on the sandbox, as the contract has them: what they take, refuse, draw, answer and cost."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from prefect_storyboard.sandbox.wavespeed.models import MODELS, Refused, parse, quote
from tests.sandbox.in_process import Box, sandbox
from tests.sandbox.living_bodies import bodies, filled, picture, published
from tests.sandbox.picture_orders import SHEET, TWO, bill, look, seen, urls

API = "/wavespeed/api/v3"
BODIES = bodies("pictures-wavespeed")
NANO, DREAM, GPT = "google/nano-banana-2.1", "bytedance/seedream-v5.0-pro", "openai/gpt-image-2.5-sunburst"
FLUX, KLING, QWEN = "wavespeed-ai/flux-2-pro/edit", "kwaivgi/kling-image-o3/edit", "alibaba/qwen-image-3.0/edit"
URL = "https://example.com/mara.png"
P, ONE = {"prompt": SHEET}, {"prompt": "Image 1 is MARA.", "images": [URL]}
SOLD = [name for name, model in MODELS.items() if model.kind == "picture"]
EDITS = [name for name in SOLD if name.endswith("/edit")]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def box(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Box]:
    async with sandbox(tmp_path_factory.mktemp("wavespeed")) as box:
        yield box


async def run(box: Box, model: str, body: Any) -> tuple[dict[str, Any], Any]:
    """Submit, and wait by the clock: the prediction, and the meter's bill."""
    reply = await box.call("wavespeed", f"{API}/{model}", body)
    assert reply.status_code == 200, reply.text
    box.clock.advance(60)
    job = reply.json()["data"]["id"]
    return (await box.status("wavespeed", job)).json()["data"], await bill(box, job)


@pytest.mark.parametrize("model", BODIES)
async def test_a_body_of_the_contract_is_drawn_and_billed_at_the_quoted_price(box: Box, model: str) -> None:
    body = filled(box, BODIES[model])
    prediction, billed = await run(box, model, body)
    assert (prediction["status"], prediction["has_nsfw_contents"]) == ("completed", [False])
    drawn = await seen(box, prediction["outputs"][0])
    assert drawn.size[0] / drawn.size[1] == pytest.approx(16 / 9, abs=0.02)
    assert (drawn.prompt, billed["references"]) == (body["prompt"], len(body.get("images", [])))
    asked = await box.call("wavespeed", f"{API}/model/price", {"model_id": model, "inputs": body})
    assert billed["usd"] == (asked.json()["data"]["price"] if asked.status_code == 200 else None)


@pytest.mark.parametrize(
    ("model", "body", "usd"),
    [
        (f"{NANO}/edit", {**ONE, "resolution": "4k"}, 0.14),
        (DREAM, {**P, "resolution": "2k"}, 0.10),
        (f"{GPT}/edit", {**ONE, "quality": "low"}, 0.01),
        (f"{GPT}/edit", ONE, 0.05),
        (FLUX, ONE, None),
        (KLING, ONE, None),
        (QWEN, ONE, None),
    ],
)
def test_a_price_follows_from_what_is_ordered(model: str, body: dict[str, Any], usd: float | None) -> None:
    assert quote(MODELS[model], body) == usd


@pytest.mark.parametrize(
    ("model", "body", "code", "says"),
    [
        *[(name, {}, 1400, "prompt") for name in SOLD],
        *[(name, P, 1400, "images") for name in EDITS],
        *[(name, {**P, "images": []}, 1401, "images") for name in EDITS],
        *[(name, {**ONE, "image_urls": [URL]}, 1401, "image_urls") for name in EDITS],
        *[(name, {**ONE, "seed": 7}, 1401, "seed") for name in EDITS],
        (f"{NANO}/text-to-image", ONE, 1401, "images"),
        (f"{NANO}/edit", {**ONE, "images": [URL] * 15}, 1401, "images"),
        (f"{NANO}/edit", {**ONE, "resolution": "1K"}, 1401, "resolution"),
        (f"{NANO}/edit", {**ONE, "aspect_ratio": "auto"}, 1401, "aspect_ratio"),
        (f"{NANO}/edit", {**ONE, "output_format": "webp"}, 1401, "output_format"),
        (f"{DREAM}/edit", {**ONE, "images": [URL] * 11}, 1401, "images"),
        (f"{DREAM}/edit", {**ONE, "resolution": "4k"}, 1401, "resolution"),
        (f"{DREAM}/edit", {**ONE, "size": "2560*1440"}, 1401, "size"),
        (f"{GPT}/edit", {**ONE, "images": [URL] * 17}, 1401, "images"),
        (f"{GPT}/edit", {**ONE, "quality": "auto"}, 1401, "quality"),
        (FLUX, {**ONE, "aspect_ratio": "16:9"}, 1401, "aspect_ratio"),
        (QWEN, {**ONE, "images": [URL] * 4}, 1401, "images"),
    ],
)
def test_what_a_body_is_refused_for(model: str, body: dict[str, Any], code: int, says: str) -> None:
    with pytest.raises(Refused, match=f"parameter: {says}") as refused:
        parse(MODELS[model], body)
    assert refused.value.code == code


async def test_a_refused_body_buys_nothing(box: Box) -> None:
    before = await box.accepted()
    reply = await box.call("wavespeed", f"{API}/{NANO}/edit", P)
    assert (reply.status_code, reply.json()["code"], await box.accepted()) == (400, 1400, before)


async def test_a_picture_says_who_is_in_it(box: Box) -> None:
    prediction, _ = await run(box, f"{NANO}/edit", {"prompt": TWO, "images": urls(box, 2), "aspect_ratio": "9:16"})
    drawn = await seen(box, prediction["outputs"][0])
    assert (drawn.shows, drawn.size[1] > drawn.size[0]) == (["person MARA", "person OTTO"], True)


async def test_without_a_ratio_a_picture_follows_its_first_reference(box: Box) -> None:
    prediction, _ = await run(box, FLUX, {**ONE, "images": [published(box, "png", picture((300, 600)))]})
    wide, high = (await seen(box, prediction["outputs"][0])).size
    assert high / wide == pytest.approx(2, abs=0.02)


async def test_base64_is_a_data_uri_and_only_on_request(box: Box) -> None:
    prediction, _ = await run(box, f"{NANO}/text-to-image", {**P, "enable_base64_output": True})
    head, _, text = prediction["outputs"][0].partition(",")
    assert (head, look(base64.b64decode(text), "image/png").prompt) == ("data:image/png;base64", SHEET)


async def test_only_image_models_have_the_switch_for_base64() -> None:
    with pytest.raises(Refused, match="enable_base64_output"):
        parse(MODELS["openai/sora-2/text-to-video"], {**P, "enable_base64_output": True})


@pytest.mark.parametrize(
    ("data", "code", "says"), [(b"no picture", 1401, "could not be decoded"), (None, 1402, "Failed to download image")]
)
async def test_what_a_reference_fails_the_task_for(box: Box, data: bytes | None, code: int, says: str) -> None:
    url = published(box, "png", data) if data else f"{box.http.base_url}/fal/cdn/files/b/nothing/mara.png"
    prediction, billed = await run(box, f"{NANO}/edit", {**ONE, "images": [url]})
    assert (prediction["status"], prediction["code"], billed) == ("failed", code, None)
    assert says in prediction["error"]


async def test_outputs_may_be_objects(box: Box) -> None:
    await box.rule("wavespeed", "outputs_as_objects", "status", times=1)
    prediction, _ = await run(box, f"{NANO}/text-to-image", P)
    assert (await seen(box, prediction["outputs"][0]["url"])).form == "PNG"


async def test_a_picture_may_be_in_the_answer_itself(box: Box) -> None:
    await box.rule("wavespeed", "inline_picture", "submit", times=1)
    prediction, billed = await run(box, f"{NANO}/text-to-image", P)
    assert prediction["outputs"][0].startswith("data:image/png;base64,iVBORw0KGgo")
    assert billed["kind"] == "picture"


async def test_a_fallback_draws_without_the_references_and_bills(box: Box) -> None:
    await box.rule("wavespeed", "silent_fallback", "submit", times=1)
    prediction, billed = await run(box, f"{NANO}/edit", {"prompt": TWO, "images": urls(box, 2)})
    assert ((await seen(box, prediction["outputs"][0])).shows, billed["references"]) == ([], 0)


async def test_a_blocked_picture_fails_unbilled(box: Box) -> None:
    await box.rule("wavespeed", "policy_refusal", "submit", times=1)
    prediction, billed = await run(box, f"{NANO}/text-to-image", P)
    assert (prediction["status"], prediction["error"], billed) == ("failed", "Content Moderation", None)


async def test_a_limited_key_draws_ten_pictures_a_minute(box: Box) -> None:
    box.clock.advance(60)
    headers = {"Authorization": "Bearer limited"}
    told = [
        (await box.http.post(f"{API}/{NANO}/text-to-image", json=P, headers=headers)).status_code for _ in range(11)
    ]
    assert told == [200] * 10 + [429]


async def test_a_lost_reply_leaves_a_job_that_the_list_shows(box: Box) -> None:
    body = {**P, "resolution": "2k"}
    await box.rule("wavespeed", "drop_after", "submit", times=1)
    with pytest.raises(ConnectionResetError):
        await box.call("wavespeed", f"{API}/{NANO}/text-to-image", body)
    box.clock.advance(60)
    asked = {"page": 1, "page_size": 1, "model": f"{NANO}/text-to-image", "include_inputs": True}
    (found,) = (await box.call("wavespeed", f"{API}/predictions", asked)).json()["data"]["items"]
    assert (found["input"], (await seen(box, found["outputs"][0])).prompt) == (body, SHEET)


async def test_a_link_dies_after_a_week(box: Box) -> None:
    prediction, _ = await run(box, f"{NANO}/text-to-image", P)
    url = prediction["outputs"][0]
    box.clock.advance(6 * 86_400)
    alive = (await box.http.get(url)).status_code
    box.clock.advance(2 * 86_400)
    assert (alive, (await box.http.get(url)).status_code) == (200, 404)


async def test_the_catalogue_has_the_schema_and_type_of_every_image_model(box: Box) -> None:
    listed = (await box.get("wavespeed", f"{API}/models")).json()["data"]
    types = {each["model_id"]: each["type"] for each in listed if each["model_id"] in SOLD}
    assert types == {name: "image-to-image" if name in EDITS else "text-to-image" for name in SOLD}
    schema = next(each for each in listed if each["model_id"] == f"{NANO}/edit")["api_schema"]["api_schemas"][0]
    assert schema["request_schema"]["required"] == ["prompt", "images"]
    assert schema["request_schema"]["properties"]["images"]["maxItems"] == 14
