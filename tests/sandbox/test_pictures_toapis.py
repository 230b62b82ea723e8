"""ToAPIs' image models on the sandbox, as the contract has them: what they take, refuse, draw, answer and cost."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from prefect_storyboard.sandbox.catalogue import quoted
from prefect_storyboard.sandbox.toapis.errors import Refused
from prefect_storyboard.sandbox.toapis.models import MODELS, living, parse
from tests.sandbox.in_process import Box, sandbox
from tests.sandbox.listening import listening
from tests.sandbox.living_bodies import bodies, filled, picture, published
from tests.sandbox.picture_orders import SHEET, TWO, bill, seen, urls

IMAGES = "/toapis/v1/images/generations"
BODIES = bodies("pictures-toapis")
URL = "https://example.com/mara.png"
GPT, VIP, DREAM = "gpt-image-2.5-sunburst", "gpt-image-2.5-sunburst-vip", "doubao-seedream-5-0-pro"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def box(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Box]:
    async with sandbox(tmp_path_factory.mktemp("toapis")) as box:
        yield box


def whole(model: str, given: dict[str, Any]) -> dict[str, Any]:
    put = {"model": model, "prompt": "Image 1 is MARA.", **given}
    return {key: value for key, value in put.items() if value is not None}


async def ordered(box: Box, body: Any) -> Any:
    reply = await box.call("toapis", IMAGES, body)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def state(box: Box, task: str) -> dict[str, Any]:
    return dict((await box.get("toapis", f"{IMAGES}/{task}")).json())


async def run(box: Box, body: Any) -> tuple[dict[str, Any], Any]:
    """Submit, and wait by the clock: the status document, and the meter's bill."""
    task = (await ordered(box, body))["id"]
    box.clock.advance(60)
    return await state(box, task), await bill(box, task)


BILLS = [0.015, 0.015, None, None]
SIZES = [(1536, 864), (1536, 864), (1536, 1024), (2730, 1536)]


@pytest.mark.parametrize(
    ("body", "usd", "size"), [*zip(BODIES, BILLS, SIZES, strict=True)], ids=lambda each: str(each)[:30]
)
async def test_a_body_of_the_contract_is_drawn_and_billed_at_its_price(
    box: Box, body: Any, usd: float | None, size: tuple[int, int]
) -> None:
    document, billed = await run(box, filled(box, body))
    assert document["status"] == "completed", document
    drawn = await seen(box, document["url"])
    assert drawn.size[0] / drawn.size[1] == pytest.approx(size[0] / size[1], abs=0.01)
    references = body.get("reference_images") or body.get("image_urls") or []
    assert (drawn.prompt, billed["usd"], billed["references"]) == (body["prompt"], usd, len(references))


@pytest.mark.parametrize(
    ("model", "given", "usd"),
    [
        (GPT, {}, 0.015),
        (GPT, {"resolution": "2k"}, 0.020),
        (GPT, {"resolution": "4K", "reference_images": [URL] * 4}, 0.025),
        ("gpt-image-2.5-flare", {"resolution": "2K"}, 0.020),
        (VIP, {"size": "1536x1024", "quality": "low"}, None),
        (DREAM, {}, None),
    ],
)
def test_a_price_follows_from_what_is_ordered(model: str, given: dict[str, Any], usd: float | None) -> None:
    assert quoted(living(whole(model, given))) == usd


@pytest.mark.parametrize(
    ("model", "given", "says"),
    [
        (GPT, {"prompt": None}, "prompt"),
        (GPT, {"size": "1536x1024"}, "size"),
        (GPT, {"resolution": "8K"}, "resolution"),
        (GPT, {"n": 2}, "n "),
        (GPT, {"reference_images": [URL], "image_urls": [URL]}, "mutually exclusive"),
        (GPT, {"reference_images": ["data:image/png;base64,AAAA"]}, "reference_images"),
        (GPT, {"reference_images": ["iVBORw0KGgo="]}, "reference_images"),
        (GPT, {"image_urls": [{"url": URL}]}, "image_urls"),
        (GPT, {"background": "white"}, "background"),
        (GPT, {"metadata": {"resolution": "1K"}}, "metadata"),
        (GPT, {"aspect_ratio": "16:9"}, "aspect_ratio"),
        (VIP, {"size": "16:9"}, "size"),
        (VIP, {"resolution": "1K"}, "resolution"),
        (VIP, {"quality": "best"}, "quality"),
        (DREAM, {"image_urls": [URL] * 11}, "image_urls"),
        (DREAM, {"reference_images": [URL]}, "reference_images"),
        (DREAM, {"resolution": "1K"}, "resolution"),
        (DREAM, {"metadata": {"resolution": "4K"}}, "metadata.resolution"),
        (DREAM, {"n": 16}, "n "),
    ],
)
def test_what_a_body_is_refused_for(model: str, given: dict[str, Any], says: str) -> None:
    with pytest.raises(Refused, match=says) as refused:
        parse(whole(model, given), "picture")
    assert refused.value.status == 400


@pytest.mark.parametrize("model", ["gpt-image-2.5", "nano-banana-2-1", "google/nano-banana-2.1"])
async def test_a_model_that_is_not_sold_has_no_channel(box: Box, model: str) -> None:
    assert (await box.call("toapis", IMAGES, whole(model, {}))).status_code == 503


async def test_pictures_and_videos_have_their_own_addresses(box: Box) -> None:
    before = await box.accepted()
    film = {"model": "sora-2-vvip", "prompt": "A fox.", "duration": 4}
    told = [
        await box.call("toapis", IMAGES, film),
        await box.call("toapis", "/toapis/v1/videos/generations", whole(GPT, {})),
    ]
    assert ([each.status_code for each in told], await box.accepted()) == ([400, 400], before)
    picture_, film_ = (await ordered(box, whole(GPT, {})))["id"], await box.submit("toapis")
    paths = [f"/toapis/v1/videos/generations/{picture_}", f"{IMAGES}/{film_}"]
    assert [(await box.get("toapis", path)).status_code for path in paths] == [404, 404]


async def test_a_task_is_pending_then_running_then_completed(box: Box) -> None:
    submitted = await ordered(box, whole(GPT, {"client_business_id": "s1-still-1"}))
    keys = {"id", "client_business_id", "object", "model", "status", "progress", "created_at", "metadata"}
    assert (set(submitted), submitted["status"], submitted["id"][:8]) == (keys, "pending", "tsk_img_")
    assert (await state(box, submitted["id"]))["status"] == "pending"
    box.clock.advance(10.2)
    assert (await state(box, submitted["id"]))["status"] == "in_progress"
    box.clock.advance(60)
    done = await state(box, submitted["id"])
    assert (done["status"], done["result"]) == ("completed", {"type": "image", "data": [{"url": done["url"]}]})
    assert done["expires_at"] == done["completed_at"] + 86_400


async def test_a_submit_may_say_completed_at_once(box: Box) -> None:
    await box.rule("toapis", "completed_at_once", "submit", times=1)
    done = await ordered(box, whole(GPT, {"prompt": SHEET}))
    assert (done["status"], (await seen(box, done["result"]["data"][0]["url"])).prompt) == ("completed", SHEET)
    assert (await bill(box, done["id"]))["usd"] == pytest.approx(0.015)


async def test_a_picture_says_who_is_in_it(box: Box) -> None:
    document, _ = await run(box, whole(GPT, {"prompt": TWO, "image_urls": urls(box, 2), "size": "16:9"}))
    assert (await seen(box, document["url"])).shows == ["person MARA", "person OTTO"]


@pytest.mark.parametrize(
    ("model", "field", "data", "says"),
    [
        (GPT, "reference_images", b"no picture", "cannot be decoded"),
        (DREAM, "image_urls", picture((300, 300), "webp"), "cannot be decoded"),
        (DREAM, "image_urls", picture((1000, 300)), "not supported: aspect"),
        (DREAM, "image_urls", picture() + bytes(10 * 1024 * 1024), "not supported: too large"),
    ],
)
async def test_what_a_reference_fails_the_task_for(box: Box, model: str, field: str, data: bytes, says: str) -> None:
    document, billed = await run(box, whole(model, {field: [published(box, "png", data)]}))
    assert (document["status"], document["error"]["code"], billed) == ("failed", "generation_failed", None)
    assert says in document["error"]["message"]


async def test_a_refused_picture_fails_unbilled(box: Box) -> None:
    await box.rule("toapis", "policy_refusal", "submit", times=1)
    document, billed = await run(box, whole(GPT, {}))
    assert (document["status"], document["error"]["code"], billed) == ("failed", "generation_failed", None)


@pytest.mark.parametrize(
    ("fault", "url"),
    [
        ("no_url", lambda _: None),
        ("url_on_top", lambda document: document["url"]),
        ("url_in_result", lambda document: document["result"]["url"]),
    ],
)
async def test_the_address_may_be_elsewhere(box: Box, fault: str, url: Any) -> None:
    await box.rule("toapis", fault, "status", times=1)
    document, _ = await run(box, whole(GPT, {"prompt": SHEET}))
    assert (document["result"]["data"], "url" in document) == ([], fault == "url_on_top")
    found = url(document)
    assert found is None or (await seen(box, found)).prompt == SHEET


async def test_a_webhook_is_about_an_image(box: Box) -> None:
    with listening() as listener:
        submitted = await ordered(box, whole(GPT, {"callback_url": listener.url}))
        box.clock.advance(60)
        data = (await listener.next()).body["data"]
    assert (data["task_id"], data["task_type"], data["result"]["type"]) == (submitted["id"], "image", "image")


async def test_a_lost_reply_leaves_one_job(box: Box) -> None:
    before = await box.accepted()
    await box.rule("toapis", "drop_after", "submit", times=1)
    with pytest.raises((ConnectionResetError, httpx.HTTPError)):
        await box.call("toapis", IMAGES, whole(GPT, {}))
    assert await box.accepted() == before + 1


async def test_a_link_dies_after_a_day(box: Box) -> None:
    document, _ = await run(box, whole(GPT, {}))
    alive = (await box.http.get(document["url"])).status_code
    box.clock.advance(86_400)
    assert (alive, (await box.http.get(document["url"])).status_code) == (200, 404)


async def test_several_pictures_of_one_order_have_several_addresses(box: Box) -> None:
    document, _ = await run(box, whole(DREAM, {"n": 3}))
    assert len({each["url"] for each in document["result"]["data"]}) == 3


async def test_the_list_of_models_has_them(box: Box) -> None:
    listed = {each["id"] for each in (await box.get("toapis", "/toapis/v1/models")).json()["data"]}
    assert {name for name, model in MODELS.items() if model.draws} <= listed
