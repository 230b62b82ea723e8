"""fal's living models on the sandbox, as the contract has them: what they take, refuse, show and cost."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from prefect_storyboard.sandbox.catalogue.prices import cost
from prefect_storyboard.sandbox.fal.models import ENDPOINTS
from prefect_storyboard.sandbox.fal.schema import Unprocessable, parse
from tests.sandbox.in_process import Box, sandbox
from tests.sandbox.living_bodies import bodies, clip, filled, picture, published

BODIES = bodies("fal")
URL = "https://v3.fal.media/files/b/fixture/mara.png"
MP4 = "https://v3.fal.media/files/b/fixture/walk.mp4"
MP3 = "https://v3.fal.media/files/b/fixture/line.mp3"
S20, S25, O3, V3, V4 = (
    "bytedance/seedance-2.0",
    "bytedance/seedance-2.5",
    "fal-ai/kling-video/o3",
    "fal-ai/kling-video/v3",
    "kling/v4",
)
VEO, H3, MAX, WAN = "fal-ai/veo3.1", "minimax/h3", "minimax/h3-max", "alibaba/wan-3.0"
OMNI, GROK, VIDU = "google/gemini-omni-flash", "xai/grok-imagine-video", "fal-ai/vidu/q3"
PIX = "fal-ai/pixverse"
P = {"prompt": "A lighthouse at dusk"}
FACE = {"frontal_image_url": URL}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def box(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Box]:
    async with sandbox(tmp_path_factory.mktemp("fal")) as box:
        yield box


async def run(box: Box, endpoint: str, body: Any) -> tuple[int, Any, dict[str, Any]]:
    """Submit, and wait by the clock: status and body of the result, and the meter's bill."""
    reply = await box.call("fal", f"/fal/queue/{endpoint}", body)
    assert reply.status_code == 200, reply.text
    box.clock.advance(60)
    job = reply.json()
    result = await box.get("fal", job["response_url"])
    reports = await box.control("jobs")
    return result.status_code, result.json(), next(each for each in reports if each["id"] == job["request_id"])


# --- what the contract prints is taken, and billed at its price

BILLS = {
    f"{S25}/text-to-video": 8 * 0.473,
    f"{S25}/image-to-video": 8 * 0.473,
    f"{S25}/reference-to-video": 0.6 * (12 + 4) * 1.164,
    f"{S20}/text-to-video": 5 * 0.3024,
    f"{S20}/image-to-video": 5 * 0.682,
    f"{S20}/mini/reference-to-video": None,
    f"{V4}/text-to-video": 8 * 0.157,
    f"{V4}/image-to-video": 8 * 0.235,
    f"{V4}/reference-to-video": 10 * 0.157,
    f"{V4}/video-to-video/edit": (4 + 4) * 0.094,
    f"{O3}/pro/text-to-video": 5 * 0.14,
    f"{O3}/pro/image-to-video": 5 * 0.14,
    f"{O3}/pro/reference-to-video": 7 * 0.14,
    f"{O3}/pro/video-to-video/edit": None,
    f"{V3}/pro/image-to-video": 5 * 0.168,
    VEO: 6 * 0.40,
    f"{VEO}/image-to-video": 4 * 0.40,
    f"{VEO}/first-last-frame-to-video": 8 * 0.40,
    f"{VEO}/fast/reference-to-video": 8 * 0.15,
    f"{VEO}/extend-video": 7 * 0.40,
    f"{H3}/reference-to-video": 6 * 0.13,
    f"{MAX}/reference-to-video": 6 * 0.08,
    f"{H3}/image-to-video": 6 * 0.13,
    f"{WAN}/reference-to-video": 10 * 0.10,
    "fal-ai/wan/v2.7/image-to-video": 5 * 0.15,
    f"{OMNI}/v1.1/reference-to-video": 8 * 0.10,
    f"{GROK}/v1.5/reference-to-video": 8 * 0.14,
    f"{VIDU}/reference-to-video/mix": 5 * 0.154,
    "alibaba/happy-horse/v1.1/reference-to-video": 5 * 0.18,
    "fal-ai/pixverse/c1/reference-to-video": None,
}


def test_every_body_of_the_contract_has_a_bill() -> None:
    assert list(BODIES) == list(BILLS)


@pytest.mark.parametrize("endpoint", BODIES)
async def test_a_body_of_the_contract_is_taken_and_billed_at_its_price(box: Box, endpoint: str) -> None:
    status, result, job = await run(box, endpoint, filled(box, BODIES[endpoint]))
    assert status == 200, result
    assert result["video"]["url"].endswith("/out.mp4")
    usd = BILLS[endpoint]
    assert job["billed"]["usd"] == (None if usd is None else pytest.approx(usd, abs=0.0001))


async def test_what_nobody_has_a_price_for_is_counted_and_not_billed(box: Box) -> None:
    before = await box.control("meter")
    await run(box, f"{S20}/mini/text-to-video", P)
    after = await box.control("meter")
    assert (after["unpriced"] - before["unpriced"], after["usd"] - before["usd"]) == (1, 0)


@pytest.mark.parametrize(
    ("endpoint", "body", "usd"),
    [
        (f"{S25}/text-to-video", {"duration": "30", "resolution": "1080p"}, 30 * 1.164),
        (f"{S25}/text-to-video", {"resolution": "480p", "duration": "4", "generate_audio": False}, 4 * 0.2205),
        (f"{S25}/us/text-to-video", {"duration": "4", "resolution": "4k"}, None),
        (f"{S20}/fast/text-to-video", {"resolution": "480p", "duration": "4"}, 4 * 0.1076),
        (f"{S20}/fast/image-to-video", {"image_url": URL, "duration": "4"}, 4 * 0.2419),
        (f"{O3}/standard/text-to-video", {}, 5 * 0.084),
        (f"{O3}/standard/image-to-video", {"image_url": URL, "generate_audio": True}, 5 * 0.112),
        (f"{O3}/4k/text-to-video", {"duration": "15"}, 15 * 0.42),
        (f"{O3}/pro/video-to-video/reference", {"video_url": MP4, "duration": "10"}, 10 * 0.168),
        (f"{V3}/standard/text-to-video", {}, 5 * 0.126),
        (f"{V3}/standard/text-to-video", {"generate_audio": False}, 5 * 0.084),
        (f"{V3}/4k/text-to-video", {}, None),
        (f"{V4}/reference-to-video", {"video_urls": [MP4], "duration": "10"}, (10 + 10) * 0.094),
        (VEO, {"generate_audio": False, "resolution": "4k"}, 8 * 0.40),
        (VEO, {"resolution": "4k", "duration": "4s"}, 4 * 0.60),
        (f"{VEO}/fast", {"generate_audio": False}, 8 * 0.10),
        (f"{VEO}/fast", {"resolution": "4k"}, None),
        (f"{H3}/text-to-video", {"resolution": "480P"}, 5 * 0.05),
        (f"{H3}/text-to-video", {"resolution": "768P", "duration": 15}, 15 * 0.06),
        (f"{H3}/text-to-video", {"resolution": "4K"}, 5 * 0.16),
        (f"{H3}/reference-to-video", {"reference_image_urls": [URL] * 7}, 5 * 0.13 + 2 * 0.08),
        (f"{MAX}/text-to-video", {"prompt_expansion_mode": "disabled", "resolution": "480P"}, 5 * 0.05),
        (f"{WAN}/text-to-video", {"resolution": "1080p"}, 5 * 0.20),
        (f"{WAN}-prime/text-to-video", {"duration": 30}, 30 * 0.14),
        (f"{OMNI}/v1.1/text-to-video", {"resolution": "4k"}, 8 * 0.30),
        (OMNI, {}, None),
        (f"{GROK}/text-to-video", {}, 6 * 0.05),
        (f"{GROK}/v1.5/text-to-video", {"resolution": "1080p", "duration": 1}, 0.25),
        (f"{VIDU}/text-to-video", {"resolution": "540p", "duration": 16}, 16 * 0.07),
    ],
)
def test_a_price_follows_from_what_is_ordered(endpoint: str, body: dict[str, Any], usd: float | None) -> None:
    given = parse(ENDPOINTS[endpoint], {**P, **body})
    assert cost(given, given.seconds, CLIPS_SECONDS) == (None if usd is None else pytest.approx(usd))


CLIPS_SECONDS = 6.0  # of the reference videos, where there are any


# --- what a body is refused for

FORBIDDEN, LITERAL, MISSING, VALUE = "extra_forbidden", "literal_error", "missing", "value_error"


@pytest.mark.parametrize(
    ("endpoint", "body", "kind", "where"),
    [
        (f"{S25}/text-to-video", {"image_urls": [URL]}, FORBIDDEN, ["image_urls"]),
        (f"{S25}/text-to-video", {"seed": 7}, FORBIDDEN, ["seed"]),
        (f"{S25}/text-to-video", {"duration": 8}, LITERAL, ["duration"]),
        (f"{S25}/text-to-video", {"duration": "31"}, LITERAL, ["duration"]),
        (f"{S25}/text-to-video", {"duration": "8s"}, LITERAL, ["duration"]),
        (f"{S25}/text-to-video", {"resolution": "4k"}, LITERAL, ["resolution"]),
        (f"{S25}/image-to-video", {}, MISSING, ["image_url"]),
        (f"{S25}/image-to-video", {"image_url": URL, "aspect_ratio": "16:9"}, LITERAL, ["aspect_ratio"]),
        (f"{S25}/reference-to-video", {"image_urls": [URL] * 31}, "sequence_too_long", ["image_urls"]),
        (f"{S25}/reference-to-video", {"video_urls": [MP4] * 11}, "sequence_too_long", ["video_urls"]),
        (f"{S25}/reference-to-video", {"audio_urls": [MP3]}, VALUE, ["audio_urls"]),
        (f"{S25}/reference-to-video", {"prompt": "@Image2 waves", "image_urls": [URL]}, VALUE, ["prompt"]),
        (f"{S25}/reference-to-video", {"image_url": URL}, FORBIDDEN, ["image_url"]),
        (f"{S20}/mini/text-to-video", {"resolution": "1080p"}, LITERAL, ["resolution"]),
        (f"{S20}/text-to-video", {"duration": "16"}, LITERAL, ["duration"]),
        (f"{O3}/pro/image-to-video", {"start_image_url": URL, "image_url": URL}, FORBIDDEN, ["start_image_url"]),
        (f"{O3}/pro/image-to-video", {"image_url": URL, "elements": [FACE]}, FORBIDDEN, ["elements"]),
        (f"{O3}/pro/text-to-video", {"multi_prompt": [{"prompt": "a"}]}, VALUE, ["prompt"]),
        (f"{O3}/pro/text-to-video", {"duration": 5}, LITERAL, ["duration"]),
        (f"{O3}/pro/text-to-video", {"negative_prompt": "text"}, FORBIDDEN, ["negative_prompt"]),
        (f"{V3}/pro/image-to-video", {"image_url": URL, "start_image_url": URL}, FORBIDDEN, ["image_url"]),
        (f"{V3}/pro/image-to-video", {"start_image_url": URL, "cfg_scale": 1.5}, "less_than_equal", ["cfg_scale"]),
        (f"{V3}/turbo/pro/image-to-video", {"start_image_url": URL, "elements": [FACE]}, FORBIDDEN, ["elements"]),
        (f"{V4}/text-to-video", {"generate_audio": True}, FORBIDDEN, ["generate_audio"]),
        (f"{V4}/text-to-video", {"duration": "31"}, LITERAL, ["duration"]),
        (f"{V4}/image-to-video", {"image_url": URL}, MISSING, ["start_image_url"]),
        (f"{V4}/reference-to-video", {"elements": [FACE] * 8}, "sequence_too_long", ["elements"]),
        (f"{V4}/reference-to-video", {"elements": [FACE] * 7, "image_urls": [URL] * 9}, VALUE, ["elements"]),
        (VEO, {"duration": "5s"}, LITERAL, ["duration"]),
        (VEO, {"duration": 8}, LITERAL, ["duration"]),
        (VEO, {"image_url": URL}, FORBIDDEN, ["image_url"]),
        (f"{VEO}/image-to-video", {"first_frame_url": URL, "image_url": URL}, FORBIDDEN, ["first_frame_url"]),
        (f"{VEO}/first-last-frame-to-video", {"first_frame_url": URL}, MISSING, ["last_frame_url"]),
        (f"{VEO}/fast/reference-to-video", {"image_urls": [URL], "seed": 7}, FORBIDDEN, ["seed"]),
        (f"{VEO}/reference-to-video", {"image_urls": [URL], "duration": "6s"}, LITERAL, ["duration"]),
        (f"{VEO}/lite", {"resolution": "4k"}, LITERAL, ["resolution"]),
        (f"{H3}/text-to-video", {"duration": "6"}, "int_type", ["duration"]),
        (f"{H3}/text-to-video", {"duration": 16}, "less_than_equal", ["duration"]),
        (f"{H3}/text-to-video", {"resolution": "720p"}, LITERAL, ["resolution"]),
        (f"{H3}/text-to-video", {"generate_audio": True}, FORBIDDEN, ["generate_audio"]),
        (f"{H3}/reference-to-video", {"reference_audio_urls": [MP3]}, VALUE, ["reference_audio_urls"]),
        (f"{H3}/reference-to-video", {"reference_image_urls": [URL] * 9, "reference_video_urls": [MP4] * 3, "reference_audio_urls": [MP3]}, VALUE, []),
        (f"{MAX}/text-to-video", {}, MISSING, ["prompt_expansion_mode"]),
        (f"{MAX}/text-to-video", {"prompt_expansion_mode": "fast"}, LITERAL, ["prompt_expansion_mode"]),
        (f"{WAN}/text-to-video", {"duration": 31}, LITERAL, ["duration"]),
        (f"{WAN}/image-to-video", {"image_url": URL}, MISSING, ["start_image_url"]),
        (f"{OMNI}/v1.1/text-to-video", {"duration": "8"}, "int_type", ["duration"]),
        (f"{OMNI}/v1.1/text-to-video", {"duration": 11}, "less_than_equal", ["duration"]),
        (f"{OMNI}/image-to-video", {"image_url": URL, "end_image_url": URL}, FORBIDDEN, ["end_image_url"]),
        (f"{GROK}/v1.5/reference-to-video", {"reference_image_urls": [URL], "resolution": "1080p"}, LITERAL, ["resolution"]),
        (f"{GROK}/v1.5/reference-to-video", {"prompt": "<IMAGE_1> waves", "reference_image_urls": [URL]}, VALUE, ["prompt"]),
        (f"{GROK}/v1.5/image-to-video", {"image_url": URL, "end_image_url": URL}, FORBIDDEN, ["end_image_url"]),
        (f"{VIDU}/image-to-video", {"image_url": URL, "end_image_url": URL, "resolution": "360p"}, VALUE, ["end_image_url"]),
        (f"{VIDU}/text-to-video", {"prompt": "p" * 2001}, "string_too_long", ["prompt"]),
        (f"{VIDU}/reference-to-video/mix", {"reference_image_urls": [URL] * 5}, "sequence_too_long", ["reference_image_urls"]),
        (f"{PIX}/v6/image-to-video", {"prompt": "は" * 683, "image_url": URL}, "string_too_long", ["prompt"]),
        (f"{O3}/4k/reference-to-video", {"elements": [{**FACE, "video_url": MP4}, *[FACE] * 4]}, VALUE, ["elements"]),
    ],
)  # fmt: skip
def test_what_a_body_is_refused_for(endpoint: str, body: dict[str, Any], kind: str, where: list[Any]) -> None:
    with pytest.raises(Unprocessable) as refused:
        parse(ENDPOINTS[endpoint], {**P, **body})
    reason = refused.value.detail[0]
    assert (reason["type"], reason["loc"]) == (kind, ["body", *where])


def test_a_rule_is_refused_in_fals_words() -> None:
    with pytest.raises(Unprocessable) as refused:
        parse(ENDPOINTS[f"{S25}/reference-to-video"], {**P, "audio_urls": [MP3]})
    assert refused.value.detail == [
        {
            "loc": ["body", "audio_urls"],
            "msg": "Audio needs at least one reference image or video.",
            "type": "value_error",
            "url": "https://docs.fal.ai/errors/#value_error",
        }
    ]


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        (f"{V4}/text-to-video", {"duration": "8"}),
        (f"{V4}/text-to-video", {"duration": 8}),
        (f"{V4}/text-to-video", {"seed": 7, "negative_prompt": "text"}),
        (f"{WAN}/text-to-video", {"duration": 8, "audio": True}),
        (f"{WAN}/text-to-video", {"duration": "8", "generate_audio": True, "seed": 7}),
        (f"{WAN}/text-to-video", {"enable_audio": True}),
        (f"{GROK}/v1.5/reference-to-video", {"prompt": "@Image1 waves", "reference_image_urls": [URL]}),
        (f"{OMNI}/v1.1/reference-to-video", {"prompt": "<IMAGE_REF_1> waves", "image_urls": [URL]}),
        (f"{OMNI}/v1.1/reference-to-video", {"prompt": "<IMAGE_REF_0> waves", "image_urls": [URL]}),
        (f"{S25}/reference-to-video", {}),
        (f"{S25}/us/reference-to-video", {"resolution": "4k"}),
    ],
)
def test_what_the_contract_is_unsure_of_is_taken_in_every_form(endpoint: str, body: dict[str, Any]) -> None:
    assert parse(ENDPOINTS[endpoint], {**P, **body})


# --- files


@pytest.mark.parametrize(
    ("endpoint", "body", "data", "kind"),
    [
        (f"{S25}/reference-to-video", {"image_urls": ["FILE"]}, b"no picture", "image_load_error"),
        (f"{S25}/reference-to-video", {"video_urls": ["FILE"]}, clip(1), "video_duration_too_short"),
        (f"{S25}/reference-to-video", {"video_urls": ["FILE"]}, clip(4, (1280, 720), 12), VALUE),
        (f"{S25}/reference-to-video", {"video_urls": ["FILE"]}, clip(4, (1280, 240)), VALUE),
        (f"{V4}/image-to-video", {"start_image_url": "FILE"}, picture((290, 290)), "image_too_small"),
        (f"{V4}/image-to-video", {"start_image_url": "FILE"}, picture((900, 300)), VALUE),
        (f"{VEO}/image-to-video", {"image_url": "FILE"}, picture((640, 360)), "image_too_small"),
        (f"{H3}/reference-to-video", {"reference_video_urls": ["FILE"]}, clip(1), "video_duration_too_short"),
        (f"{OMNI}/v1.1/reference-to-video", {"reference_video_urls": ["FILE"]}, clip(4), "video_duration_too_long"),
        ("alibaba/happy-horse/v1.1/reference-to-video", {"image_urls": ["FILE"]}, picture((399, 399)), "image_too_small"),
    ],
)  # fmt: skip
async def test_what_a_file_is_refused_for(box: Box, endpoint: str, body: Any, data: bytes, kind: str) -> None:
    url = published(box, "bin", data)
    put = {name: url if value == "FILE" else [url] for name, value in body.items()}
    status, result, job = await run(box, endpoint, {**P, **put})
    assert (status, result["detail"][0]["type"], job["billed"]) == (422, kind, None)


# --- who is in the picture


@pytest.mark.parametrize(
    ("endpoint", "body", "cast"),
    [
        (f"{S25}/reference-to-video", {"prompt": "@Image2 waves", "image_urls": [URL, URL]}, ["Image 2"]),
        (f"{S25}/reference-to-video", {"prompt": "Image 2 waves", "image_urls": [URL, URL]}, []),
        (f"{V4}/reference-to-video", {"elements": [FACE, FACE], "prompt": "two"}, ["Element 1", "Element 2"]),
        (f"{V3}/pro/image-to-video", {"start_image_url": URL, "elements": [FACE]}, ["Element 1"]),
        (f"{O3}/pro/image-to-video", {"image_url": URL}, []),
        (f"{VEO}/reference-to-video", {"image_urls": [URL, URL]}, ["Image 1", "Image 2"]),
        (f"{H3}/reference-to-video", {"prompt": "Image 2 waves", "reference_image_urls": [URL, URL]}, ["Image 2"]),
        (f"{H3}/reference-to-video", {"prompt": "@Image2 waves", "reference_image_urls": [URL, URL]}, []),
        (f"{WAN}/reference-to-video", {"prompt": "Image 1 rows", "reference_image_urls": [URL]}, ["Image 1"]),
        (f"{GROK}/v1.5/reference-to-video", {"prompt": "<IMAGE_1> rows", "reference_image_urls": [URL, URL]}, ["Image 2"]),
        (f"{OMNI}/reference-to-video", {"prompt": "<IMAGE_REF_0> rows", "image_urls": [URL]}, ["Image 1"]),
        (f"{OMNI}/v1.1/reference-to-video", {"prompt": "she rows", "image_urls": [URL]}, ["Image 1"]),
        ("alibaba/happy-horse/v1.1/reference-to-video", {"prompt": "character2 rows", "image_urls": [URL, URL]}, ["Image 2"]),
        ("fal-ai/pixverse/c1/reference-to-video", {"prompt": "@mara rows", "image_references": [{"image_url": URL, "ref_name": "joe"}, {"image_url": URL, "ref_name": "mara"}]}, ["Element 2"]),
    ],
)  # fmt: skip
async def test_a_clip_shows_whom_its_prompt_names_in_the_models_way(
    box: Box, endpoint: str, body: Any, cast: list[str]
) -> None:
    _, _, job = await run(box, endpoint, filled(box, {**P, **body}))
    made = box.app.state.sandbox.state.job(job["id"]).outcome.clip
    assert list(made.cast) == cast


@pytest.mark.parametrize(
    ("endpoint", "body", "size"),
    [
        (f"{S25}/image-to-video", {"image_url": URL, "resolution": "1080p"}, (1920, 1080)),
        (f"{O3}/standard/image-to-video", {"image_url": URL}, (1280, 720)),
        (f"{H3}/text-to-video", {"aspect_ratio": "9:16"}, (1440, 2560)),
        (f"{VIDU}/text-to-video", {"resolution": "540p"}, (960, 540)),
        (f"{V4}/text-to-video", {"aspect_ratio": "21:9"}, (1464, 628)),
    ],
)
async def test_a_clip_is_as_large_as_ordered(box: Box, endpoint: str, body: Any, size: tuple[int, int]) -> None:
    _, _, job = await run(box, endpoint, filled(box, {**P, **body}))
    made = box.app.state.sandbox.state.job(job["id"]).outcome.clip
    assert (abs(made.width * 4 - size[0]) <= 8, abs(made.height * 4 - size[1]) <= 8) == (True, True)


async def test_the_first_frame_is_on_the_clip(box: Box) -> None:
    body = {**P, "image_url": URL, "end_image_url": URL}
    _, _, job = await run(box, f"{S25}/image-to-video", filled(box, body))
    assert box.app.state.sandbox.state.job(job["id"]).outcome.clip.image


# --- what an output has, and the catalogue


async def test_the_outputs_differ_by_model(box: Box) -> None:
    expands = {**P, "prompt_expansion_mode": "disabled"}
    _, seedance, _ = await run(box, f"{S25}/text-to-video", P)
    _, h3_max, _ = await run(box, f"{MAX}/text-to-video", expands)
    _, veo, _ = await run(box, VEO, P)
    assert [set(each) for each in (seedance, h3_max, veo)] == [
        {"video", "seed"},
        {"video", "seed", "expanded_prompt", "timings"},
        {"video"},
    ]
    assert h3_max["expanded_prompt"] is None


async def models(box: Box, *names: str) -> Any:
    return await box.get("fal", "/fal/v1/models?" + "&".join(f"endpoint_id={name}" for name in names))


async def test_the_catalogue_lists_every_living_model_with_its_schema(box: Box) -> None:
    found = (await box.get("fal", "/fal/v1/models?expand=openapi-3.0")).json()["models"]
    schemas = {each["endpoint_id"]: each["openapi"]["components"]["schemas"]["Input"] for each in found}
    assert set(BODIES) <= set(schemas)
    assert schemas[f"{S25}/reference-to-video"]["properties"]["image_urls"]["anyOf"][0]["maxItems"] == 30
    assert schemas[f"{H3}/text-to-video"]["properties"]["duration"]["maximum"] == 15
    assert schemas[f"{MAX}/text-to-video"]["required"] == ["prompt", "prompt_expansion_mode"]


async def test_kling_4_is_listed_unless_a_rule_takes_it_out(box: Box) -> None:
    name = f"{V4}/reference-to-video"
    assert (await models(box, name)).json()["models"][0]["metadata"] == {"status": "active"}
    reply = await box.http.post(
        "/sandbox/faults", json={"fault": "unlisted", "match": {"route": "platform", "endpoint": "kling/v4"}}
    )
    assert reply.status_code == 200
    whole = (await models(box)).json()["models"]
    unknown = await models(box, name)
    prices = await box.get("fal", f"/fal/v1/models/pricing?endpoint_id={name}")
    others = await models(box, f"{O3}/pro/text-to-video")
    await box.http.delete("/sandbox/faults")
    assert not [each for each in whole if each["endpoint_id"].startswith("kling/v4")]
    assert [each.status_code for each in (unknown, prices, others)] == [404, 404, 200]
    assert unknown.json() == {"error": {"type": "not_found", "message": "Endpoint not found"}}


async def test_a_live_price_is_the_base_and_what_is_not_known_is_left_out(box: Box) -> None:
    names = [f"{S25}/text-to-video", f"{O3}/4k/text-to-video", f"{S20}/mini/text-to-video"]
    reply = await box.get("fal", f"/fal/v1/models/pricing?endpoint_id={','.join(names)}")
    assert {each["endpoint_id"]: each["unit_price"] for each in reply.json()["prices"]} == {
        names[0]: 0.473,
        names[1]: 0.42,
    }
