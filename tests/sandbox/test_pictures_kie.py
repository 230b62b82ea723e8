"""Kie's image models on the sandbox, as the contract has them: above all, what is dropped without a word and billed."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from prefect_storyboard.sandbox.catalogue import quoted
from prefect_storyboard.sandbox.kie.models import Invalid
from prefect_storyboard.sandbox.kie.table import MODELS, check, makes
from tests.sandbox.in_process import Box, sandbox
from tests.sandbox.listening import listening
from tests.sandbox.living_bodies import bodies, filled, picture, published
from tests.sandbox.picture_orders import SHEET, TWO, bill, seen, sheet, urls

API = "/kie/api/api/v1"
BODIES = bodies("pictures-kie")
URL = "https://example.com/mara.png"
NANO, DREAM, GPT = "nano-banana-2-1", "seedream/5-pro", "gpt-image-2-5-sunburst"
FLUX, QWEN, QWEN2 = "flux-2/pro", "qwen3/image-to-image", "qwen2-1/image-to-image"
SOLD = [name for name in MODELS if makes(name) == "picture"]
REQUIRED: dict[str, dict[str, Any]] = {
    **{f"{DREAM}-{kind}-to-image": {"aspect_ratio": "16:9", "quality": "basic"} for kind in ("text", "image")},
    **{f"{FLUX}-{kind}-to-image": {"aspect_ratio": "16:9", "resolution": "1K"} for kind in ("text", "image")},
}
# The four names of the references, by model.
NAMES = {
    NANO: "image_input",
    f"{DREAM}-image-to-image": "image_urls",
    f"{GPT}-image-to-image": "input_urls",
    f"{FLUX}-image-to-image": "input_urls",
    QWEN: "image_urls",
    QWEN2: "image_urls",
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def box(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Box]:
    async with sandbox(tmp_path_factory.mktemp("kie")) as box:
        yield box


def whole(model: str, given: dict[str, Any]) -> dict[str, Any]:
    """The body with all that its model insists on; None takes a field away."""
    put = {"prompt": "Image 1 is MARA.", **REQUIRED.get(model, {}), **given}
    return {"model": model, "input": {key: value for key, value in put.items() if value is not None}}


async def run(box: Box, body: Any) -> tuple[dict[str, Any], Any]:
    """Create the task, and wait by the clock: its record, and the meter's bill."""
    reply = (await box.call("kie", f"{API}/jobs/createTask", body)).json()
    assert reply["code"] == 200, reply
    box.clock.advance(60)
    task = reply["data"]["taskId"]
    return (await box.status("kie", task)).json()["data"], await bill(box, task)


def url_of(record: dict[str, Any]) -> str:
    (url,) = json.loads(record["resultJson"])["resultUrls"]
    return str(url)


BILLS = {
    NANO: 4,
    f"{DREAM}-text-to-image": 7,
    f"{DREAM}-image-to-image": 14 + 0.5,
    f"{GPT}-text-to-image": 6,
    f"{GPT}-image-to-image": 6,
    f"{FLUX}-image-to-image": 5,
    QWEN: 4.8 + 2 * 0.5,
}


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body["model"])
async def test_a_body_of_the_contract_is_drawn_and_billed_at_its_price(box: Box, body: Any) -> None:
    record, billed = await run(box, filled(box, body))
    assert record["state"] == "success", record
    drawn, credits_ = await seen(box, url_of(record)), BILLS[body["model"]]
    asked = body["input"].get("aspect_ratio", "16:9").split(":")
    assert drawn.size[0] / drawn.size[1] == pytest.approx(int(asked[0]) / int(asked[1]), abs=0.02)
    assert (drawn.prompt, record["creditsConsumed"]) == (body["input"]["prompt"], credits_)
    assert billed["usd"] == pytest.approx(credits_ * 0.005)
    assert billed["references"] == len(body["input"].get(NAMES.get(body["model"], ""), []))


@pytest.mark.parametrize(
    ("model", "given", "credits_"),
    [
        (NANO, {"resolution": "2K"}, 6),
        (NANO, {"resolution": "4K", "image_input": [URL] * 10}, 9),
        (f"{DREAM}-text-to-image", {"quality": "high"}, 14),
        (f"{DREAM}-image-to-image", {"image_urls": [URL]}, 7),
        (f"{DREAM}-image-to-image", {"image_urls": [URL] * 10}, 7 + 9 * 0.5),
        (f"{GPT}-image-to-image", {"input_urls": [URL], "resolution": "2K"}, 10),
        (f"{GPT}-text-to-image", {"resolution": "4K"}, 16),
        (f"{FLUX}-text-to-image", {"resolution": "2K"}, 7),
        ("flux-2/flex-text-to-image", {"aspect_ratio": "1:1", "resolution": "1K"}, 14),
        ("flux-2/flex-image-to-image", {"aspect_ratio": "1:1", "resolution": "2K", "input_urls": [URL]}, 24),
        (QWEN, {"image_urls": [URL]}, 5.3),
        ("qwen3/pro-image-to-image", {"image_urls": [URL]}, None),
        (QWEN2, {"image_urls": [URL], "resolution": "2K"}, 8),
    ],
)
def test_a_price_follows_from_what_is_ordered(model: str, given: dict[str, Any], credits_: float | None) -> None:
    _, order = check(whole(model, given))
    assert quoted(order) == credits_


# --- what is dropped without a word


@pytest.mark.parametrize("wrong", ["image_urls", "input_urls", "reference_image_urls", "images"])
async def test_references_under_another_models_name_are_dropped_and_the_picture_is_billed(box: Box, wrong: str) -> None:
    record, billed = await run(box, whole(NANO, {wrong: urls(box, 2), "resolution": "1K"}))
    assert (record["state"], record["creditsConsumed"], billed["references"]) == ("success", 4, 0)
    assert (await seen(box, url_of(record))).shows == []


async def test_under_its_own_name_they_are_used(box: Box) -> None:
    record, billed = await run(box, whole(NANO, {"prompt": TWO, "image_input": urls(box, 2)}))
    assert (billed["references"], (await seen(box, url_of(record))).shows) == (2, ["person MARA", "person OTTO"])


@pytest.mark.parametrize("model", [name for name in NAMES if name != NANO])
@pytest.mark.parametrize("wrong", ["image_input", "image_urls", "input_urls"])
def test_where_references_are_required_their_right_name_is_missed(model: str, wrong: str) -> None:
    if wrong == NAMES[model]:
        assert check(whole(model, {wrong: [URL]}))
        return
    with pytest.raises(Invalid, match=f"{NAMES[model]} is required") as refused:
        check(whole(model, {wrong: [URL]}))
    assert refused.value.code == 500


@pytest.mark.parametrize("model", SOLD)
def test_no_unknown_field_is_refused(model: str) -> None:
    given = {"image_urls": [URL], "input_urls": [URL], "aspect_ratio": "16:9", "resolution": "1K", "quality": "basic"}
    assert check(whole(model, {**given, "seed": 7, "google_search": True, "n": 4}))


# --- what is refused


@pytest.mark.parametrize(
    ("model", "given", "code", "says"),
    [
        *[(name, {"prompt": None}, 500, "prompt is required") for name in SOLD if name in {NANO, QWEN}],
        (NANO, {"prompt": ""}, 422, "prompt"),
        (NANO, {"prompt": "p" * 20001}, 422, "prompt"),
        (NANO, {"resolution": "1k"}, 422, "resolution"),
        (NANO, {"output_format": "jpeg"}, 422, "output_format"),
        (NANO, {"aspect_ratio": "7:5"}, 422, "aspect_ratio"),
        (NANO, {"image_input": [URL] * 11}, 422, "image_input"),
        (NANO, {"image_input": URL}, 422, "image_input"),
        (NANO, {"image_input": ["data:image/png;base64,AAAA"]}, 422, "image_input"),
        (f"{DREAM}-text-to-image", {"aspect_ratio": None}, 500, "aspect_ratio is required"),
        (f"{DREAM}-text-to-image", {"quality": None}, 500, "quality is required"),
        (f"{DREAM}-text-to-image", {"quality": "1K"}, 422, "quality"),
        (f"{DREAM}-text-to-image", {"prompt": "ab"}, 422, "prompt"),
        (f"{DREAM}-text-to-image", {"aspect_ratio": "auto"}, 422, "aspect_ratio"),
        (f"{DREAM}-image-to-image", {"image_urls": [URL] * 11}, 422, "image_urls"),
        (f"{GPT}-image-to-image", {"input_urls": [URL] * 17}, 422, "input_urls"),
        (f"{GPT}-text-to-image", {"aspect_ratio": "27:16", "resolution": "2K"}, 422, "1K only"),
        (f"{FLUX}-text-to-image", {"resolution": None}, 500, "resolution is required"),
        (f"{FLUX}-text-to-image", {"resolution": "4K"}, 422, "resolution"),
        (f"{FLUX}-image-to-image", {"input_urls": [URL] * 9}, 422, "input_urls"),
        (QWEN, {"image_urls": [URL] * 4}, 422, "image_urls"),
        (QWEN, {"image_urls": []}, 422, "image_urls"),
    ],
)
def test_what_a_body_is_refused_for(model: str, given: dict[str, Any], code: int, says: str) -> None:
    with pytest.raises(Invalid, match=says) as refused:
        check(whole(model, given))
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("model", "data", "says"),
    [
        (NANO, b"no picture", "could not be read"),
        (NANO, picture((64, 64), "gif"), "must be jpeg, png, webp"),
        (f"{FLUX}-image-to-image", picture() + bytes(10 * 1024 * 1024), "must not exceed 10 MB"),
    ],
)
async def test_what_a_reference_fails_the_task_for(box: Box, model: str, data: bytes, says: str) -> None:
    record, billed = await run(box, whole(model, {NAMES[model]: [published(box, "png", data)]}))
    assert (record["state"], record["failCode"], billed) == ("fail", "422", None)
    assert says in record["failMsg"]


# --- answers


@pytest.mark.parametrize(("asked", "form"), [({}, "JPEG"), ({"output_format": "png"}, "PNG")])
async def test_the_file_is_what_its_name_says(box: Box, asked: dict[str, str], form: str) -> None:
    record, _ = await run(box, whole(NANO, asked))
    url = url_of(record)
    assert (url.endswith({"JPEG": "/out.jpg", "PNG": "/out.png"}[form]), (await seen(box, url)).form) == (True, form)


async def test_auto_follows_the_first_reference(box: Box) -> None:
    tall = published(box, "png", picture((300, 600)))
    record, _ = await run(box, whole(NANO, {"image_input": [tall, *urls(box, 1)]}))
    wide, high = (await seen(box, url_of(record))).size
    assert high / wide == pytest.approx(2, abs=0.02)


async def test_a_callback_has_the_picture(box: Box) -> None:
    with listening() as listener:
        body = {**whole(NANO, {"prompt": SHEET}), "callBackUrl": listener.url}
        reply = (await box.call("kie", f"{API}/jobs/createTask", body)).json()
        box.clock.advance(60)
        event = await listener.next()
    assert event.body["data"]["taskId"] == reply["data"]["taskId"]
    assert (await seen(box, url_of(event.body["data"]))).prompt == SHEET


async def test_a_blocked_picture_fails_unbilled_with_its_reason(box: Box) -> None:
    await box.rule("kie", "policy_refusal", "submit", times=1, message="The picture was blocked.")
    record, billed = await run(box, whole(NANO, {}))
    assert (record["state"], record["failMsg"], billed) == ("fail", "The picture was blocked.", None)


async def test_a_lost_reply_leaves_one_job(box: Box) -> None:
    before = await box.accepted()
    await box.rule("kie", "drop_after", "submit", times=1)
    with pytest.raises(ConnectionResetError):
        await box.call("kie", f"{API}/jobs/createTask", whole(NANO, {}))
    assert await box.accepted() == before + 1


async def test_a_link_dies_after_a_day_and_can_be_renewed_for_a_fortnight(box: Box) -> None:
    record, _ = await run(box, whole(NANO, {}))
    url = url_of(record)
    box.clock.advance(86_400 + 60)
    assert (await box.http.get(url)).status_code == 404
    fresh = (await box.call("kie", f"{API}/common/download-url", {"url": url})).json()["data"]
    assert (await seen(box, fresh)).form == "JPEG"


async def test_the_price_list_has_pictures_too(box: Box) -> None:
    page = {"pageNum": 1, "pageSize": 100}
    records = (await box.http.post("/kie/api/client/v1/model-pricing/page", json=page)).json()["data"]["records"]
    named = {each["modelDescription"]: each for each in records if each["interfaceType"] == "image"}
    assert (named["nano banana 2.1, 1k"]["creditPrice"], named["nano banana 2.1, 1k"]["usdPrice"]) == ("4", "0.02")


# --- the look


async def test_another_look_has_other_colours_and_the_same_look_the_same(box: Box) -> None:
    face = published(box, "png", sheet())

    async def coat(look: str) -> tuple[int, int, int]:
        words = f"Character sheet of MARA in her {look}, plain light grey ground."
        given = {"prompt": words, "image_input": [face], "aspect_ratio": "16:9", "output_format": "png"}
        record, _ = await run(box, whole(NANO, given))
        return (await seen(box, url_of(record))).at(0.5, 0.84)

    storm, scenario = await coat("storm coat"), await coat("night coat")
    assert (await coat("storm coat") == storm, storm != scenario, await coat("yellow coat")) == (
        True,
        True,
        (240, 196, 48),
    )


async def test_a_still_keeps_the_clothes_of_its_sheet(box: Box) -> None:
    async def body_of(words: str) -> tuple[int, int, int]:
        given = {"prompt": "Image 1 is MARA. Keep her face and coat.", "aspect_ratio": "16:9", "output_format": "png"}
        record, _ = await run(box, whole(NANO, {**given, "image_input": [published(box, "png", sheet(words))]}))
        return (await seen(box, url_of(record))).at(0.475, 0.68)

    red, green, _ = await body_of("Character sheet of MARA in a red coat")
    assert red > green + 60
    red, green, _ = await body_of("Character sheet of MARA in a green coat")
    assert green > red + 40
