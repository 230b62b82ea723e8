"""fal's image models on the sandbox, as the contract has them: what they take, refuse, draw, answer and cost."""

import base64
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from prefect_storyboard.sandbox.catalogue import quoted
from prefect_storyboard.sandbox.fal.models import ENDPOINTS
from prefect_storyboard.sandbox.fal.schema import Unprocessable, parse
from tests.sandbox.in_process import Box, sandbox
from tests.sandbox.listening import listening
from tests.sandbox.living_bodies import bodies, filled, picture, published
from tests.sandbox.picture_orders import SHEET, TWO, bill, look, seen, sheet, urls

BODIES = bodies("pictures-fal")
NANO, DREAM, GPT, FLUX = (
    "google/nano-banana-2.1",
    "bytedance/seedream/v5/pro",
    "openai/gpt-image-2.5/sunburst",
    "fal-ai/flux-2-pro",
)
O3, O1, QWEN = "fal-ai/kling-image/o3", "fal-ai/kling-image/o1", "fal-ai/qwen-image-edit-2511"
URL = "https://v3.fal.media/files/b/fixture/mara.png"
P, ONE = {"prompt": SHEET}, {"prompt": "Image 1 is MARA.", "image_urls": [URL]}
SOLD = [name for name, endpoint in ENDPOINTS.items() if endpoint.makes == "picture"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def box(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Box]:
    async with sandbox(tmp_path_factory.mktemp("fal")) as box:
        yield box


async def submitted(box: Box, endpoint: str, body: Any) -> Any:
    reply = await box.call("fal", f"/fal/queue/{endpoint}", body)
    assert reply.status_code == 200, reply.text
    box.clock.advance(60)
    return reply.json()


async def run(box: Box, endpoint: str, body: Any) -> tuple[httpx.Response, Any]:
    """Submit, and wait by the clock: the result, and the meter's bill."""
    job = await submitted(box, endpoint, body)
    return await box.get("fal", job["response_url"]), await bill(box, job["request_id"])


BILLS = {
    NANO: 0.040,
    f"{NANO}/edit": 0.044,
    f"{DREAM}/edit": 0.0675 + 0.0045,
    f"{GPT}/edit": None,
    f"{FLUX}/edit": None,
    f"{O3}/image-to-image": None,
    O1: 0.028,
    QWEN: None,
}


@pytest.mark.parametrize("endpoint", BODIES)
async def test_a_body_of_the_contract_is_drawn_and_billed_at_its_price(box: Box, endpoint: str) -> None:
    body = filled(box, BODIES[endpoint])
    reply, billed = await run(box, endpoint, body)
    assert reply.status_code == 200, reply.text
    drawn = await seen(box, reply.json()["images"][0]["url"])
    assert drawn.size[0] / drawn.size[1] == pytest.approx(16 / 9, abs=0.02)
    usd = BILLS[endpoint]
    assert (drawn.prompt, billed["kind"]) == (body["prompt"], "picture")
    assert billed["usd"] == (None if usd is None else pytest.approx(usd))
    assert billed["references"] == len(body.get("image_urls", [])) + len(body.get("elements", []))


def test_every_body_of_the_contract_has_a_bill() -> None:
    assert list(BODIES) == list(BILLS)


@pytest.mark.parametrize(
    ("endpoint", "body", "usd"),
    [
        (NANO, {"resolution": "2K"}, 0.059),
        (NANO, {"resolution": "4K", "num_images": 3}, 3 * 0.134),
        (f"{NANO}/edit", {"image_urls": [URL] * 2, "resolution": "4K"}, 0.138),
        (f"{DREAM}/text-to-image", {"image_size": {"width": 1920, "height": 1080}}, 0.0675),
        (f"{DREAM}/text-to-image", {"image_size": {"width": 1536, "height": 1536}}, 0.0675),
        (f"{DREAM}/text-to-image", {"image_size": {"width": 2048, "height": 2048}}, 0.135),
        (f"{DREAM}/text-to-image", {"image_size": "auto_1K"}, 0.0675),
        (f"{DREAM}/text-to-image", {}, 0.135),
        (f"{DREAM}/edit", {"image_urls": [URL] * 3}, 0.135 + 2 * 0.0045),
        (f"{DREAM}/edit", {"image_urls": [URL] * 12}, 0.135 + 9 * 0.0045),
        (f"{GPT}/text-to-image", {}, None),
        (O1, {"image_urls": [URL], "num_images": 2}, 0.056),
    ],
)
def test_a_price_follows_from_what_is_ordered(endpoint: str, body: dict[str, Any], usd: float | None) -> None:
    assert quoted(parse(ENDPOINTS[endpoint], {**P, **body})) == (None if usd is None else pytest.approx(usd))


@pytest.mark.parametrize(
    ("endpoint", "body", "kind", "where"),
    [
        *[(name, {}, "missing", ["prompt"]) for name in SOLD],
        *[
            (name, {**ONE, "surprise": 1}, "extra_forbidden", ["surprise"])
            for name in SOLD
            if "image_urls" in str(name)
        ],
        (NANO, {**P, "image_urls": [URL]}, "extra_forbidden", ["image_urls"]),
        (NANO, {**P, "resolution": "1k"}, "literal_error", ["resolution"]),
        (NANO, {**P, "resolution": "0.5K"}, "literal_error", ["resolution"]),
        (NANO, {**P, "aspect_ratio": "16x9"}, "literal_error", ["aspect_ratio"]),
        (NANO, {**P, "output_format": "jpg"}, "literal_error", ["output_format"]),
        (NANO, {**P, "num_images": 5}, "less_than_equal", ["num_images"]),
        (NANO, {**P, "num_images": "1"}, "int_type", ["num_images"]),
        (NANO, {**P, "safety_tolerance": 4}, "literal_error", ["safety_tolerance"]),
        (f"{NANO}/edit", P, "value_error", ["image_urls"]),
        (f"{NANO}/edit", {**P, "image_urls": [URL] * 15}, "sequence_too_long", ["image_urls"]),
        (f"{NANO}/edit", {**P, "images": [URL]}, "extra_forbidden", ["images"]),
        (f"{DREAM}/edit", P, "missing", ["image_urls"]),
        (f"{DREAM}/edit", {**P, "image_urls": []}, "sequence_too_short", ["image_urls"]),
        (f"{DREAM}/edit", {**ONE, "seed": 7}, "extra_forbidden", ["seed"]),
        (f"{DREAM}/edit", {**ONE, "output_format": "webp"}, "literal_error", ["output_format"]),
        (f"{DREAM}/edit", {**ONE, "aspect_ratio": "16:9"}, "extra_forbidden", ["aspect_ratio"]),
        (f"{GPT}/edit", P, "missing", ["image_urls"]),
        (f"{GPT}/edit", {**P, "image_urls": [URL] * 17}, "sequence_too_long", ["image_urls"]),
        (f"{GPT}/edit", {**ONE, "quality": "best"}, "literal_error", ["quality"]),
        (f"{GPT}/edit", {**ONE, "seed": 7}, "extra_forbidden", ["seed"]),
        (f"{FLUX}/edit", P, "missing", ["image_urls"]),
        (f"{FLUX}/edit", {**P, "image_urls": [URL] * 9}, "sequence_too_long", ["image_urls"]),
        (f"{FLUX}/edit", {**ONE, "num_images": 1}, "extra_forbidden", ["num_images"]),
        (f"{FLUX}/edit", {**ONE, "safety_tolerance": "6"}, "literal_error", ["safety_tolerance"]),
        (f"{O3}/image-to-image", P, "missing", ["image_urls"]),
        (f"{O3}/image-to-image", {**ONE, "prompt": "p" * 2501}, "string_too_long", ["prompt"]),
        (f"{O3}/image-to-image", {**ONE, "prompt": "@Image2 waits"}, "value_error", ["prompt"]),
        (f"{O3}/image-to-image", {**ONE, "series_amount": 3}, "value_error", ["series_amount"]),
        (O1, {**ONE, "result_type": "single"}, "extra_forbidden", ["result_type"]),
        (O1, {**ONE, "resolution": "4K"}, "literal_error", ["resolution"]),
        (QWEN, P, "missing", ["image_urls"]),
        (QWEN, {**P, "image_urls": [URL] * 4}, "sequence_too_long", ["image_urls"]),
        (QWEN, {**ONE, "output_format": "png"}, "extra_forbidden", ["output_format"]),
    ],
)
def test_what_a_body_is_refused_for(endpoint: str, body: dict[str, Any], kind: str, where: list[Any]) -> None:
    with pytest.raises(Unprocessable) as refused:
        parse(ENDPOINTS[endpoint], body)
    assert (kind, ["body", *where]) in [(each["type"], each["loc"]) for each in refused.value.detail]


@pytest.mark.parametrize(
    ("endpoint", "size"),
    [
        (f"{DREAM}/text-to-image", (1023, 1024)),
        (f"{DREAM}/text-to-image", (2048, 2049)),
        (f"{GPT}/text-to-image", (1530, 864)),
        (f"{GPT}/text-to-image", (3856, 1600)),
        (f"{GPT}/text-to-image", (3200, 800)),
        (f"{GPT}/text-to-image", (640, 640)),
        (f"{FLUX}", (0, 640)),
    ],
)
def test_a_size_that_a_model_does_not_draw_is_refused(endpoint: str, size: tuple[int, int]) -> None:
    with pytest.raises(Unprocessable) as refused:
        parse(ENDPOINTS[endpoint], {**P, "image_size": {"width": size[0], "height": size[1]}})
    assert "image_size" in [each["type"] for each in refused.value.detail]


async def test_of_more_than_ten_references_seedream_uses_the_last_ten(box: Box) -> None:
    _, billed = await run(box, f"{DREAM}/edit", {**P, "image_size": "auto_1K", "image_urls": urls(box, 12)})
    assert (billed["references"], billed["usd"]) == (10, pytest.approx(0.0675 + 9 * 0.0045))


async def test_words_alone_and_an_edit_are_told_apart_by_the_meter(box: Box) -> None:
    before = await box.control("meter")
    _, words = await run(box, NANO, P)
    _, edit = await run(box, f"{NANO}/edit", {"prompt": TWO, "image_urls": urls(box, 2)})
    after = await box.control("meter")
    assert (words["references"], edit["references"], after["pictures"] - before["pictures"]) == (0, 2, 2)


async def test_a_picture_says_who_is_in_it(box: Box) -> None:
    mara, otto, quay = published(box, "png", sheet()), *urls(box, 2)
    prompt = f"{TWO} Image 3 is the harbour, the place."
    reply, _ = await run(
        box, f"{NANO}/edit", {"prompt": prompt, "image_urls": [mara, otto, quay], "aspect_ratio": "16:9"}
    )
    drawn = await seen(box, reply.json()["images"][0]["url"])
    assert drawn.shows == ["person MARA", "person OTTO", "place Image 3"]


async def test_the_outputs_differ_by_model(box: Box) -> None:
    pictures = {"image_urls": urls(box, 1), "prompt": "Image 1 waits"}
    nano = (await run(box, NANO, P))[0].json()
    assert (nano["description"], nano["images"][0]["width"], nano["images"][0]["file_size"]) == ("", None, None)
    dream = (await run(box, f"{DREAM}/edit", pictures))[0].json()
    image = dream["images"][0]
    drawn = await seen(box, image["url"])
    assert (list(dream), image["content_type"], image["file_name"]) == (["images"], "image/jpeg", "out.jpg")
    assert ((image["width"], image["height"]), image["file_size"]) == (drawn.size, len(drawn.data))
    assert (await run(box, f"{FLUX}/edit", {**pictures, "seed": 7}))[0].json()["seed"] == 7
    qwen = (await run(box, QWEN, pictures))[0].json()
    assert list(qwen) == ["images", "seed", "timings", "has_nsfw_concepts", "prompt"]
    assert qwen["has_nsfw_concepts"] == [False]


async def test_the_header_has_the_units_of_the_listed_price(box: Box) -> None:
    prices = await box.http.get(
        f"/fal/v1/models/pricing?endpoint_id={NANO}", headers={"Authorization": "Key sandbox:x"}
    )
    listed = prices.json()["prices"][0]
    reply, billed = await run(box, NANO, {**P, "resolution": "4K"})
    units = float(reply.headers["x-fal-billable-units"])
    assert (listed["unit"], units * listed["unit_price"]) == ("image", pytest.approx(billed["usd"], abs=0.0001))


async def test_inline_pictures_are_data_and_leave_no_history(box: Box) -> None:
    job = await submitted(box, NANO, {**P, "sync_mode": True})
    url = (await box.get("fal", job["response_url"])).json()["images"][0]["url"]
    head, _, text = url.partition(",")
    assert (head, look(base64.b64decode(text), "image/png").prompt) == ("data:image/png;base64", SHEET)
    listed = await box.get(
        "fal", f"/fal/v1/models/requests/by-endpoint?endpoint_id={NANO}&expand=payloads&request_id={job['request_id']}"
    )
    assert listed.json()["items"][0]["json_output"] is None


async def test_the_list_of_requests_shows_the_picture(box: Box) -> None:
    job = await submitted(box, NANO, P)
    listed = await box.get(
        "fal", f"/fal/v1/models/requests/by-endpoint?endpoint_id={NANO}&expand=payloads&request_id={job['request_id']}"
    )
    url = listed.json()["items"][0]["json_output"]["images"][0]["url"]
    assert (await seen(box, url)).prompt == SHEET


async def test_a_webhook_carries_the_picture(box: Box) -> None:
    with listening() as listener:
        reply = await box.call("fal", f"/fal/queue/{NANO}?fal_webhook={listener.url}", P)
        box.clock.advance(60)
        event = await listener.next()
    assert event.body["request_id"] == reply.json()["request_id"]
    assert (await seen(box, event.body["payload"]["images"][0]["url"])).prompt == SHEET


async def test_several_pictures_have_several_addresses_and_are_all_billed(box: Box) -> None:
    reply, billed = await run(box, NANO, {**P, "num_images": 3})
    assert len({each["url"] for each in reply.json()["images"]}) == 3
    assert billed["usd"] == pytest.approx(0.12)


@pytest.mark.parametrize(
    ("endpoint", "data", "kind"),
    [
        (f"{NANO}/edit", b"no picture", "image_load_error"),
        (f"{O3}/image-to-image", picture((200, 400)), "image_too_small"),
        (f"{O3}/image-to-image", picture((900, 320)), "value_error"),
    ],
)
async def test_what_a_reference_is_refused_for(box: Box, endpoint: str, data: bytes, kind: str) -> None:
    reply, billed = await run(box, endpoint, {**P, "image_urls": [published(box, "png", data)]})
    (reason,) = reply.json()["detail"]
    assert (reply.status_code, reason["type"], reason["loc"], billed) == (422, kind, ["body", "image_urls", 0], None)


async def test_a_reference_behind_a_dead_link_is_refused(box: Box) -> None:
    gone = f"{box.http.base_url}/fal/cdn/files/b/nothing/mara.png"
    reply, billed = await run(box, f"{NANO}/edit", {**P, "image_urls": [gone]})
    assert (reply.json()["detail"][0]["type"], billed) == ("file_download_error", None)


async def test_a_model_that_draws_nothing_once_draws_the_second_time(box: Box) -> None:
    await box.rule("fal", "no_media", "submit", times=1)
    refused, unbilled = await run(box, NANO, P)
    drawn, billed = await run(box, NANO, P)
    assert (refused.status_code, refused.json()["detail"][0]["type"], unbilled) == (422, "no_media_generated", None)
    assert (drawn.status_code, billed["usd"]) == (200, pytest.approx(0.04))


async def test_a_black_picture_says_so(box: Box) -> None:
    await box.rule("fal", "black_picture", "submit", times=1)
    reply, billed = await run(box, QWEN, {"prompt": "Image 1 waits", "image_urls": urls(box, 1)})
    drawn = await seen(box, reply.json()["images"][0]["url"])
    assert (reply.json()["has_nsfw_concepts"], drawn.at(0.5, 0.5)) == ([True], (0, 0, 0))
    assert billed["kind"] == "picture"


async def test_a_picture_may_be_in_the_answer_itself(box: Box) -> None:
    await box.rule("fal", "inline_picture", "submit", times=1)
    reply, billed = await run(box, f"{DREAM}/text-to-image", P)
    (image,) = reply.json()["images"]
    assert image["url"].startswith("data:image/jpeg;base64,/9j/")
    assert billed["kind"] == "picture"


async def test_a_picture_that_is_reduced_to_its_url_can_still_be_fetched(box: Box) -> None:
    await box.rule("fal", "minimal_result", "result", times=1)
    reply, _ = await run(box, f"{DREAM}/text-to-image", P)
    (image,) = reply.json()["images"]
    assert (list(image), (await seen(box, image["url"])).form) == (["url"], "JPEG")


async def test_a_lost_reply_leaves_one_job(box: Box) -> None:
    before = await box.accepted()
    await box.rule("fal", "drop_after", "submit", times=1)
    with pytest.raises(ConnectionResetError):
        await box.call("fal", f"/fal/queue/{NANO}", P)
    assert await box.accepted() == before + 1


async def test_a_link_expires_when_the_caller_says_so(box: Box) -> None:
    headers = {"Authorization": "Key sandbox:s3cret"}
    lifetime = '{"expiration_duration_seconds": 90}'
    headers["X-Fal-Object-Lifecycle-Preference"] = lifetime
    job = (await box.http.post(f"/fal/queue/{NANO}", json=P, headers=headers)).json()
    box.clock.advance(60)
    url = (await box.get("fal", job["response_url"])).json()["images"][0]["url"]
    alive = (await box.http.get(url)).status_code
    box.clock.advance(120)
    assert (alive, (await box.http.get(url)).status_code) == (200, 404)


async def test_an_order_that_cites_an_earlier_picture_is_known_by_what_made_it(box: Box) -> None:
    """Two sheets of one order are one sheet to the meter, so a still drawn from each is a still drawn twice."""
    twins = [(await run(box, NANO, {**P, "seed": 5}))[0].json()["images"][0]["url"] for _ in range(2)]
    for url in twins:
        await run(box, f"{NANO}/edit", {"prompt": "Image 1 is MARA.", "image_urls": [url], "seed": 5})
    twice = [each["jobs"] for each in (await box.control("meter"))["duplicates"] if each["body"].get("seed") == 5]
    assert twice == [2, 2]


async def test_the_catalogue_lists_the_schema_of_every_image_model(box: Box) -> None:
    for name in SOLD:
        listed = await box.http.get(f"/fal/v1/models?endpoint_id={name}&expand=openapi-3.0")
        schema = listed.json()["models"][0]["openapi"]["components"]["schemas"]["Input"]
        assert ("prompt" in schema["required"], schema["additionalProperties"]) == (True, False)
        assert re.search("image_urls", str(schema["properties"])) or "edit" not in name
