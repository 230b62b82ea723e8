"""WaveSpeed's living models on the sandbox, as the contract has them: what they take, refuse, show and cost."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from prefect_storyboard.sandbox.catalogue.prices import cost
from prefect_storyboard.sandbox.wavespeed.models import MODELS, Refused, parse
from tests.sandbox.in_process import Box, sandbox
from tests.sandbox.living_bodies import bodies, clip, filled, picture, published, sound

API = "/wavespeed/api/v3"
BODIES = bodies("wavespeed")
URL, MP4, MP3 = (f"https://example.com/mara.{kind}" for kind in ("png", "mp4", "mp3"))
S20, S25, V4, O3 = (
    "bytedance/seedance-2.0",
    "bytedance/seedance-2.5",
    "kwaivgi/kling-v4.0",
    "kwaivgi/kling-video-o3",
)
WAN, H3, VEO, VIDU = "alibaba/wan-3.0", "wavespeed-ai/minimax-h3", "google/veo3.1", "vidu/q3"
P = {"prompt": "A lighthouse at dusk"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def box(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Box]:
    async with sandbox(tmp_path_factory.mktemp("wavespeed")) as box:
        yield box


async def run(box: Box, model: str, body: Any) -> tuple[dict[str, Any], Any]:
    """Submit, and wait by the clock: the prediction, and the sandbox's record of the job."""
    reply = await box.call("wavespeed", f"{API}/{model}", body)
    assert reply.status_code == 200, reply.text
    box.clock.advance(60)
    job = reply.json()["data"]["id"]
    prediction = (await box.status("wavespeed", job)).json()["data"]
    return prediction, box.app.state.sandbox.state.job(job)


# --- what the contract prints is taken, and billed at its price

BILLS = {
    f"{S25}/text-to-video": None,
    f"{S25}/image-to-video": 8 * 0.36,
    f"{V4}/text-to-video": 8 * 0.157,
    f"{V4}/image-to-video": None,
    f"{V4}/reference-to-video": (8 + 4) * 0.157,
    f"{V4}/video-extend": 5 * 0.157,
    f"{O3}-pro/reference-to-video": 5 * 0.14,
    f"{O3}-pro/image-to-video": 5 * 0.14,
    f"{WAN}/reference-to-video": 8 * 0.10,
    f"{H3}/reference-to-video": None,
    f"{VIDU}/reference-to-video": None,
}


def test_every_body_of_the_contract_has_a_bill() -> None:
    assert list(BODIES) == list(BILLS)


@pytest.mark.parametrize("model", BODIES)
async def test_a_body_of_the_contract_is_taken_and_billed_at_its_price(box: Box, model: str) -> None:
    prediction, job = await run(box, model, filled(box, BODIES[model]))
    assert prediction["status"] == "completed", prediction
    assert prediction["outputs"][0].endswith("/out.mp4")
    usd = BILLS[model]
    assert job.outcome.usd == (None if usd is None else pytest.approx(usd, abs=0.0001))


@pytest.mark.parametrize(
    ("model", "body", "usd"),
    [
        (f"{S20}/text-to-video", {}, 5 * 0.24),
        (f"{S20}/text-to-video", {"resolution": "4k"}, None),
        (f"{S20}-fast/text-to-video", {"duration": 15}, 15 * 0.16),
        (f"{S20}/image-to-video", {"image": URL}, None),
        (f"{S25}/image-to-video", {"image": URL, "resolution": "1080p"}, None),
        (f"{O3}-std/text-to-video", {}, 5 * 0.084),
        (f"{O3}-std/text-to-video", {"sound": True}, 5 * 0.112),
        (f"{O3}-pro/image-to-video", {"image": URL}, 5 * 0.112),
        (f"{O3}-4k/text-to-video", {"sound": True, "duration": 15}, 15 * 0.42),
        (f"{V4}/text-to-video", {"resolution": "1080p"}, None),
        (f"{V4}/text-to-video", {"duration": 30}, 30 * 0.157),
        (f"{V4}/reference-to-video", {"images": [URL]}, 5 * 0.157),
        (f"{WAN}/text-to-video", {"resolution": "480p"}, 5 * 0.05),
        (f"{WAN}/image-to-video", {"image": URL, "resolution": "1080p"}, 5 * 0.20),
        (f"{VEO}-fast/reference-to-video", {"images": [URL]}, 0.64),
        (f"{VEO}/reference-to-video", {"images": [URL]}, None),
    ],
)
def test_a_price_follows_from_what_is_ordered(model: str, body: dict[str, Any], usd: float | None) -> None:
    given = parse(MODELS[model], {**P, **body})
    assert cost(given, given.seconds, 6.0) == (None if usd is None else pytest.approx(usd))


async def test_an_edit_is_billed_for_what_goes_in_and_what_comes_out(box: Box) -> None:
    _, job = await run(box, f"{V4}/video-edit", filled(box, {**P, "video": MP4}))
    assert (job.outcome.clip.seconds, job.outcome.usd) == (4, pytest.approx(8 * 0.157))


async def test_an_extension_has_old_and_new_and_is_billed_for_the_new(box: Box) -> None:
    _, job = await run(box, f"{V4}/video-extend", filled(box, {**P, "video": MP4, "duration": 5}))
    assert (job.outcome.clip.seconds, job.outcome.usd) == (9, pytest.approx(5 * 0.157))


# --- what a body is refused for: 1400 for what is missing, 1401 for what is wrong


@pytest.mark.parametrize(
    ("model", "body", "code", "words"),
    [
        (f"{S25}/text-to-video", {"prompt": None}, 1400, "prompt"),
        (f"{S25}/text-to-video", {"duration": 31}, 1401, "duration"),
        (f"{S25}/text-to-video", {"duration": "8"}, 1401, "duration"),
        (f"{S25}/text-to-video", {"image": URL}, 1401, "image"),
        (f"{S25}/text-to-video", {"enable_audio": True}, 1401, "enable_audio"),
        (f"{S25}/text-to-video", {"reference_images": [URL] * 51}, 1401, "50 references"),
        (f"{S25}/image-to-video", {}, 1400, "image"),
        (f"{S25}/image-to-video", {"image": URL, "aspect_ratio": "16:9"}, 1401, "aspect_ratio"),
        (f"{S25}/image-to-video", {"image": URL, "reference_images": [URL]}, 1401, "reference_images"),
        (f"{S25}/text-to-video-turbo", {"resolution": "480p"}, 1401, "resolution"),
        (f"{S20}/text-to-video", {"duration": 16}, 1401, "duration"),
        (f"{V4}/text-to-video", {"duration": 2}, 1401, "duration"),
        (f"{V4}/text-to-video", {"generate_audio": True}, 1401, "generate_audio"),
        (f"{V4}/image-to-video", {}, 1400, "image"),
        (f"{V4}/image-to-video", {"image": URL, "keyframes": [URL] * 10}, 1401, "10 images"),
        (f"{V4}/reference-to-video", {"images": [URL] * 11}, 1401, "images"),
        (f"{V4}/reference-to-video", {"images": [URL] * 10, "videos": [MP4] * 5, "audios": [MP3]}, 1401, "15 files"),
        (f"{V4}/reference-to-video", {"images": [URL], "keep_original_sound": False}, 1401, "needs videos"),
        (f"{O3}-pro/reference-to-video", {"images": [URL] * 8}, 1401, "images"),
        (f"{O3}-pro/reference-to-video", {"element_list": [{"element_id": "1"}] * 4}, 1401, "element_list"),
        (f"{O3}-pro/reference-to-video", {"element_list": [{"element_id": 1}]}, 1401, "element_list"),
        (f"{O3}-pro/image-to-video", {"image": URL, "last_image": URL}, 1401, "last_image"),
        (f"{WAN}/reference-to-video", {"enable_audio": True}, 1401, "enable_audio"),
        (f"{WAN}/reference-to-video", {"reference_images": [URL] * 11}, 1401, "reference_images"),
        (f"{H3}/reference-to-video", {"reference_audios": [MP3]}, 1401, "needs reference_images"),
        (f"{H3}/reference-to-video", {"resolution": "720p"}, 1401, "resolution"),
        (f"{VEO}/reference-to-video", {}, 1400, "images"),
        (f"{VEO}/reference-to-video", {"images": [URL] * 4}, 1401, "images"),
        (f"{VEO}/reference-to-video", {"images": [URL], "duration": 8}, 1401, "duration"),
        (f"{VIDU}/start-end-to-video", {"image": URL}, 1400, "last_image"),
        (f"{VIDU}/reference-to-video", {"images": [URL] * 5}, 1401, "images"),
    ],
)
def test_what_a_body_is_refused_for(model: str, body: dict[str, Any], code: int, words: str) -> None:
    whole = {key: each for key, each in {**P, **body}.items() if each is not None}
    with pytest.raises(Refused, match=words) as refused:
        parse(MODELS[model], whole)
    assert refused.value.code == code


async def test_a_refusal_is_told_at_submit_and_bills_nothing(box: Box) -> None:
    before = await box.accepted()
    reply = await box.call("wavespeed", f"{API}/{V4}/text-to-video", {**P, "duration": "8"})
    assert (reply.status_code, reply.json()["code"]) == (400, 1401)
    assert reply.json()["message"].startswith("invalid parameter: duration")
    assert await box.accepted() == before


@pytest.mark.parametrize(
    ("model", "body", "data", "words"),
    [
        (f"{S25}/text-to-video", {"reference_images": ["FILE"]}, b"none", "The image could not be decoded."),
        (f"{V4}/reference-to-video", {"videos": ["FILE"]}, clip(1), "The video must last 3 to 30 seconds."),
        (f"{V4}/reference-to-video", {"audios": ["FILE"]}, sound(3), "The audio must last 5 to 30 seconds."),
        (f"{VEO}/reference-to-video", {"images": ["FILE"]}, picture((64, 64)), "The size of the image"),
        (f"{WAN}/reference-to-video", {"reference_videos": ["FILE"] * 4}, clip(4), "15 seconds together"),
        (f"{WAN}/reference-to-video", {"reference_videos": ["FILE"], "duration": 28}, clip(4), "seconds together"),
    ],
)
async def test_a_file_that_is_not_taken_fails_the_task(
    box: Box, model: str, body: dict[str, Any], data: bytes, words: str
) -> None:
    url = published(box, "bin", data)
    put = {key: [url for _ in each] if isinstance(each, list) else each for key, each in body.items()}
    prediction, job = await run(box, model, {**P, **put})
    assert (prediction["status"], prediction["code"], job.outcome.usd) == ("failed", 1401, 0)
    assert words in prediction["error"]


# --- who is in the picture


@pytest.mark.parametrize(
    ("model", "body", "cast"),
    [
        (f"{S25}/text-to-video", {"prompt": "@Image2 waves", "reference_images": [URL, URL]}, ["Image2"]),
        (f"{V4}/reference-to-video", {"prompt": "@Image1 rows", "images": [URL, URL]}, ["Image1"]),
        (f"{O3}-pro/reference-to-video", {"prompt": "@Image2 waves", "images": [URL, URL]}, ["Image2"]),
        (f"{WAN}/reference-to-video", {"prompt": "Image2 rows", "reference_images": [URL, URL]}, ["Image2"]),
        (f"{H3}/reference-to-video", {"prompt": "<Picture 1> rows", "reference_images": [URL]}, ["Image1"]),
        (f"{H3}/reference-to-video", {"prompt": "Picture 1 rows", "reference_images": [URL]}, []),
        (f"{H3}/reference-to-video", {"prompt": "Image 1 rows", "reference_images": [URL]}, []),
        (f"{VIDU}/reference-to-video", {"images": [URL]}, ["Image1"]),
        (f"{S25}/image-to-video", {"image": URL}, []),
    ],
)
async def test_a_clip_shows_whom_its_prompt_names_in_the_models_way(
    box: Box, model: str, body: dict[str, Any], cast: list[str]
) -> None:
    _, job = await run(box, model, filled(box, {**P, **body}))
    assert list(job.outcome.clip.cast) == cast


async def test_elements_and_pictures_play_together(box: Box) -> None:
    element = {"name": "Otto", "description": "a keeper", "frontal_image": URL, "refer_images": [URL]}
    made, _ = await run(box, "kwaivgi/kling-elements-advanced", filled(box, element))
    number = str(made["outputs"][0]["element_id"])
    body = {"prompt": "@Image1 meets Otto", "images": [URL], "element_list": [{"element_id": number}]}
    _, job = await run(box, f"{O3}-pro/reference-to-video", filled(box, body))
    assert list(job.outcome.clip.cast) == ["Otto", "Image1"]


@pytest.mark.parametrize(
    ("model", "body", "size"),
    [
        (f"{S20}/text-to-video", {}, (1280, 720)),
        (f"{S20}/text-to-video", {"aspect_ratio": "21:9", "resolution": "1080p"}, (2520, 1080)),
        (f"{S20}-fast/text-to-video", {"aspect_ratio": "3:4"}, (720, 960)),
        (f"{O3}-pro/image-to-video", {"image": URL}, (1920, 1080)),
        (f"{H3}/text-to-video", {"aspect_ratio": "9:21", "resolution": "768p"}, (768, 1792)),
    ],
)
async def test_a_clip_is_as_large_as_ordered(box: Box, model: str, body: dict[str, Any], size: tuple[int, int]) -> None:
    _, job = await run(box, model, filled(box, {**P, **body}))
    assert (job.outcome.clip.width * 4, job.outcome.clip.height * 4) == size
    assert bool(job.outcome.clip.image) == ("image" in body)


# --- the catalogue


async def test_the_catalogue_has_their_schemas_and_the_prices_that_are_known(box: Box) -> None:
    listed = (await box.get("wavespeed", f"{API}/models")).json()["data"]
    models = {each["model_id"]: each for each in listed}
    assert set(BODIES) <= set(models)
    pro, v4, unknown = (
        models[name] for name in (f"{O3}-pro/text-to-video", f"{V4}/text-to-video", f"{H3}/text-to-video")
    )
    assert (pro["base_price"], pro["formula"]) == (0.56, "(sound ? 0.14 : 0.112) * duration")
    assert (v4["base_price"], v4["type"]) == (0.785, "text-to-video")
    assert "base_price" not in unknown
    (schema,) = models[f"{V4}/reference-to-video"]["api_schema"]["api_schemas"]
    asked = schema["request_schema"]
    assert (asked["required"], asked["properties"]["images"]["maxItems"]) == (["prompt"], 10)


@pytest.mark.parametrize(
    ("model", "inputs", "usd"),
    [
        (f"{O3}-std/text-to-video", {"duration": 10, "sound": True}, 1.12),
        (f"{V4}/text-to-video", {}, 0.785),
        (f"{V4}/text-to-video", {"resolution": "4k"}, None),
        (f"{S25}/image-to-video", {"image": URL, "duration": 10}, 3.6),
    ],
)
async def test_a_live_price_is_told_for_any_inputs(
    box: Box, model: str, inputs: dict[str, Any], usd: float | None
) -> None:
    reply = await box.call("wavespeed", f"{API}/model/price", {"model_id": model, "inputs": inputs})
    assert (reply.status_code, reply.json().get("data", {}).get("price")) == (
        (404, None) if usd is None else (200, usd)
    )
