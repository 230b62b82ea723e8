"""Kie's living models on the sandbox, as the contract has them: what they take, refuse, show and cost."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from prefect_storyboard.sandbox.catalogue.prices import cost
from prefect_storyboard.sandbox.kie.models import Invalid
from prefect_storyboard.sandbox.kie.table import check
from tests.sandbox.in_process import Box, sandbox
from tests.sandbox.living_bodies import bodies, clip, filled, picture, published, sound

API = "/kie/api/api/v1"
TASKS = [body for body in bodies("kie") if "input" in body]
CHARACTER = next(body for body in bodies("kie") if "character_name" in body)
URL, MP4, MP3 = (f"https://example.com/mara.{kind}" for kind in ("png", "mp4", "mp3"))
SD, SD25, K3, OMNI3 = "bytedance/seedance-2", "bytedance/seedance-2-5", "kling-3.0/video", "kling-3.0-omni"
H3, WAN, FLASH, GROK = "minimax-h3", "wan/3-0-video", "google/gemini-omni-flash-1-1", "grok-imagine-video-1-5-preview"
VEO, PIX = "veo-3-1", "pixverse-v6/reference-to-video"
WAN27, HORSE = "wan/2-7-r2v", "happyhorse-1-1/reference-to-video"
MARA = {"name": "mara", "description": "a woman", "element_input_urls": [URL, URL]}
KLING = {
    "sound": True,
    "duration": "5",
    "aspect_ratio": "16:9",
    "mode": "pro",
    "multi_shots": False,
    "multi_prompt": [],
}
# What a model insists on, beside the prompt.
REQUIRED: dict[str, dict[str, Any]] = {
    K3: KLING,
    f"{H3}/text-to-video": {"aspect_ratio": "16:9", "duration": 6},
    f"{H3}/image-to-video": {"first_frame_url": URL, "duration": 6},
    f"{H3}/reference-to-video": {"reference_image_urls": [URL], "duration": 6},
    FLASH: {"duration": "8"},
    "gemini-omni-video": {"duration": "8"},
    f"{OMNI3}/reference-to-video": {"image_urls": [URL]},
    WAN27: {"reference_image": [URL]},
    HORSE: {"reference_image": [URL]},
    PIX: {"quality": "720p", "image_references": [{"image_url": URL, "ref_name": "mara"}]},
}


def whole(model: str, given: dict[str, Any]) -> dict[str, Any]:
    """The body with all that its model insists on; None takes a field away."""
    put = {"prompt": "A lighthouse at dusk", **REQUIRED.get(model, {}), **given}
    return {"model": model, "input": {key: value for key, value in put.items() if value is not None}}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def box(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Box]:
    async with sandbox(tmp_path_factory.mktemp("kie")) as box:
        yield box


async def run(box: Box, body: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Create the task, and wait by the clock: its record, and the meter's report."""
    reply = (await box.call("kie", f"{API}/jobs/createTask", body)).json()
    assert reply["code"] == 200, reply
    box.clock.advance(60)
    task = reply["data"]["taskId"]
    record = (await box.status("kie", task)).json()["data"]
    return record, next(each for each in await box.control("jobs") if each["id"] == task)


async def character(box: Box) -> str:
    made = (await box.call("kie", f"{API}/omni/character/create", filled(box, CHARACTER))).json()
    assert made["code"] == 200, made
    return str(made["data"]["characterId"])


# --- what the contract prints is taken, and billed at its price

BILLS = [
    9 * 63,
    8 * 63,
    5 * 28,
    5 * 27,
    None,
    None,
    None,
    105,
    6 * 8,
    6 * 13,
    10 * 16,
    5 * 16,
    8 * 2.4,
    5 * 29,
    5 * 10.8,
]


@pytest.mark.parametrize(
    ("body", "credit"), list(zip(TASKS, BILLS, strict=True)), ids=[body["model"] for body in TASKS]
)
async def test_a_body_of_the_contract_is_taken_and_billed_at_its_price(
    box: Box, body: dict[str, Any], credit: float | None
) -> None:
    body = json.loads(json.dumps(body).replace("char_fixture", await character(box)))
    record, job = await run(box, filled(box, {key: each for key, each in body.items() if key != "callBackUrl"}))
    assert record["state"] == "success", record
    assert job["billed"]["usd"] == (None if credit is None else pytest.approx(credit * 0.005))
    assert record.get("creditsConsumed") == (None if credit is None else pytest.approx(credit))
    assert "progress" not in record


def test_a_callback_address_is_part_of_the_body() -> None:
    assert [bool(check(body)) for body in TASKS if "callBackUrl" in body] == [True]


@pytest.mark.parametrize(
    ("model", "given", "credit"),
    [
        (SD, {"resolution": "1080p"}, 5 * 102),
        (SD, {"resolution": "4k", "duration": 15}, 15 * 208),
        (SD, {"reference_video_urls": [MP4]}, (5 + 6) * 25),
        (SD, {"reference_video_urls": [MP4], "resolution": "4k"}, (5 + 6) * 128),
        (f"{SD}-fast", {"resolution": "480p"}, 5 * 11.7),
        (f"{SD}-mini", {"reference_video_urls": [MP4]}, (5 + 6) * 5),
        (SD25, {"resolution": "1080p", "duration": 30}, 30 * 158),
        (SD25, {"reference_video_urls": [MP4], "resolution": "480p"}, (5 + 6) * 17),
        (SD25, {"reference_image_urls": [URL], "reference_audio_urls": [MP3]}, 5 * 63),
        (K3, {"mode": "std"}, 5 * 20),
        (K3, {"mode": "std", "sound": False}, 5 * 14),
        (K3, {"sound": False, "duration": "15"}, 15 * 18),
        (K3, {"mode": "4K"}, 5 * 67),
        (f"{OMNI3}/text-to-video", {}, None),
        (VEO, {}, None),
        (f"{H3}/text-to-video", {"resolution": "768P"}, 6 * 8),
        (f"{H3}/reference-to-video", {"reference_image_urls": [URL] * 8}, 6 * 13 + 3 * 4),
        (f"{H3}/reference-to-video", {"reference_video_urls": [MP4]}, (6 + 6) * 13),
        (WAN, {"resolution": "480P"}, 5 * 8),
        (WAN, {}, 5 * 32),
        (f"{WAN}-prime", {"resolution": "720P"}, 5 * 25.2),
        (FLASH, {"duration": "4"}, 63),
        (FLASH, {"duration": "10", "resolution": "4k"}, 210),
        (FLASH, {"video_list": [{"url": MP4, "start": 0, "ends": 5}], "resolution": "4k"}, 252),
        (FLASH, {"duration": "6", "resolution": "4k"}, 168),
        (FLASH, {"duration": "6", "resolution": "360p"}, None),
        (WAN, {"reference_video_urls": [MP4], "resolution": "720P"}, (5 + 6) * 16),
        (GROK, {"resolution": "1080p", "duration": 15}, 15 * 8),
        (PIX, {"quality": "1080p", "generate_audio_switch": True}, 5 * 20.7),
    ],
)
def test_a_price_follows_from_what_is_ordered(model: str, given: dict[str, Any], credit: float | None) -> None:
    _, order = check(whole(model, given))
    assert cost(order, order.seconds, 6.0) == (None if credit is None else pytest.approx(credit))


async def test_an_account_is_charged_what_the_record_says(box: Box) -> None:
    before = (await box.get("kie", f"{API}/chat/credit")).json()["data"]
    record, _ = await run(box, filled(box, whole(SD, {"reference_video_urls": [MP4], "resolution": "480p"})))
    after = (await box.get("kie", f"{API}/chat/credit")).json()["data"]
    assert before - after == record["creditsConsumed"] == (5 + 4) * 11.5


async def test_the_price_list_has_them(box: Box) -> None:
    pages = [
        (await box.call("kie", "/kie/api/client/v1/model-pricing/page", {"pageNum": number, "pageSize": 100})).json()
        for number in (1, 2)
    ]
    rows = {row["modelDescription"]: row for page in pages for row in page["data"]["records"]}
    found = rows["seedance 2.5, 1080p videos"]
    assert (found["creditPrice"], found["creditUnit"], found["provider"]) == ("95", "per second", "ByteDance")
    assert not [name for name in rows if name.startswith(("kling 3.0 omni", "veo 3.1"))]


# --- what a body is refused for: 500 names what is missing, 422 the rest


@pytest.mark.parametrize(
    ("model", "given", "code", "words"),
    [
        (SD25, {"prompt": None}, 500, "prompt is required"),
        (SD, {"prompt": "ab"}, 422, "prompt"),
        (SD25, {"duration": 31}, 422, "duration"),
        (SD25, {"duration": "8"}, 422, "duration"),
        (SD25, {"resolution": "4k"}, 422, "resolution"),
        (SD25, {"reference_image_urls": [URL] * 31}, 422, "reference_image_urls"),
        (SD25, {"reference_image_urls": [URL], "first_frame_url": URL}, 422, "mutually exclusive"),
        (SD25, {"last_frame_url": URL}, 422, "first_frame_url"),
        (SD25, {"prompt": "@Image2 waves", "reference_image_urls": [URL]}, 422, "@Image2 has no reference"),
        (SD25, {"image_urls": [URL]}, 422, "image_urls"),
        (SD25, {"first_frame_url": "data:image/png;base64,aaaa"}, 422, "first_frame_url"),
        (f"{SD}-mini", {"return_last_frame": True}, 422, "return_last_frame"),
        (f"{SD}-fast", {"resolution": "1080p"}, 422, "resolution"),
        (f"{SD}-fast", {"web_search": True, "first_frame_url": URL}, 422, "web_search"),
        (K3, {"sound": None}, 500, "sound is required"),
        (K3, {"multi_shots": None}, 500, "multi_shots is required"),
        (K3, {"aspect_ratio": None}, 500, "aspect_ratio is required"),
        (K3, {"kling_elements": [MARA]}, 500, "image_urls is required"),
        (K3, {"duration": 5}, 422, "duration"),
        (K3, {"mode": "4k"}, 422, "mode"),
        (K3, {"image_urls": [URL], "kling_elements": [MARA] * 4}, 422, "kling_elements"),
        (K3, {"image_urls": [URL], "kling_elements": [{**MARA, "element_input_urls": [URL]}]}, 422, "2 to 4 images"),
        (K3, {"image_urls": [URL, URL], "multi_shots": True, "multi_prompt": [{"prompt": "a", "duration": 5}]}, 422, "first frame"),
        (K3, {"multi_shots": True, "multi_prompt": [{"prompt": "a", "duration": "5"}]}, 422, "multi_prompt"),
        (f"{OMNI3}/text-to-video", {"duration": "5"}, 422, "duration"),
        (f"{OMNI3}/image-to-video", {}, 500, "image_urls is required"),
        (f"{OMNI3}/image-to-video", {"image_urls": [URL] * 3}, 422, "image_urls"),
        (f"{OMNI3}/reference-to-video", {"video_urls": [MP4], "audio": True}, 422, "audio must be false"),
        (f"{OMNI3}/reference-to-video", {"video_urls": [MP4], "image_urls": [URL] * 5}, 422, "At most 4"),
        (VEO, {"generation_type": "REFERENCE_2_VIDEO"}, 500, "image_urls is required"),
        (VEO, {"generation_type": "REFERENCE_2_VIDEO", "image_urls": [URL], "duration": 6}, 422, "duration of 8"),
        (VEO, {"generation_type": "FIRST_AND_LAST_FRAMES_2_VIDEO", "image_urls": [URL] * 3}, 422, "1 or 2"),
        (VEO, {"duration": "8"}, 422, "duration"),
        (f"{H3}/text-to-video", {"aspect_ratio": "adaptive"}, 422, "aspect_ratio"),
        (f"{H3}/text-to-video", {"duration": None}, 500, "duration is required"),
        (f"{H3}/text-to-video", {"resolution": "480P"}, 422, "resolution"),
        (f"{H3}/image-to-video", {"first_frame_url": None}, 500, "first_frame_url or last_frame_url is required"),
        (f"{H3}/reference-to-video", {"reference_image_urls": None}, 422, "A reference file is needed"),
        (f"{H3}/reference-to-video", {"reference_image_urls": None, "reference_audio_urls": [MP3]}, 422, "needs an image"),
        (WAN, {"resolution": "720p"}, 422, "resolution"),
        (WAN, {"first_frame_url": URL, "reference_image_urls": [URL]}, 422, "mutually exclusive"),
        (WAN, {"reference_link_urls": [URL], "reference_file_urls": [URL]}, 422, "mutually exclusive"),
        (WAN, {"duration": 1}, 422, "duration"),
        (FLASH, {"duration": 8}, 422, "duration"),
        (FLASH, {"duration": "5"}, 422, "duration"),
        (FLASH, {"first_frame_url": URL, "image_urls": [URL]}, 422, "mutually exclusive"),
        (FLASH, {"image_urls": [URL] * 4, "character_ids": ["char_1"] * 4}, 422, "At most 7"),
        ("gemini-omni-video", {"first_frame_url": URL}, 422, "first_frame_url"),
        ("gemini-omni-video", {"resolution": "360p"}, 422, "resolution"),
        (GROK, {"resolution": "1080p", "image_urls": [URL, URL]}, 422, "one image"),
        (PIX, {"quality": None}, 500, "quality is required"),
        (PIX, {"resolution": "720p"}, 422, "resolution"),
        (PIX, {"image_references": [{"image_url": URL, "ref_name": "m" * 31}]}, 422, "ref_name"),
        (PIX, {"image_references": [{"image_url": URL, "ref_name": "mara", "type": "person"}]}, 422, "type"),
        (PIX, {"image_references": [{"image_url": URL, "ref_name": "mara"}] * 8}, 422, "image_references"),
        (PIX, {"duration": 16}, 422, "duration"),
        (SD25, {"first_frame_url": URL, "aspect_ratio": "16:9"}, 422, "adaptive"),
        (SD25, {"reference_audio_urls": [MP3], "first_frame_url": URL, "aspect_ratio": "adaptive"}, 422, "mutually exclusive"),
        (f"{OMNI3}/reference-to-video", {"image_urls": None, "video_urls": [MP4], "audio": False}, 422, "aspect_ratio must be auto"),
        (GROK, {"image_urls": [URL] * 8}, 422, "image_urls"),
        (GROK, {"duration": "8"}, 422, "duration"),
        (GROK, {"duration": 16}, 422, "duration"),
        (GROK, {"aspect_ratio": "21:9"}, 422, "aspect_ratio"),
        (WAN27, {"image_urls": [URL]}, 422, "image_urls"),
        (WAN27, {"reference_image": None, "first_frame": URL}, 422, "1 to 5"),
        (WAN27, {"reference_image": [URL] * 4, "reference_video": [MP4] * 2}, 422, "1 to 5"),
        (WAN27, {"duration": 11}, 422, "duration"),
        (WAN27, {"resolution": "480p"}, 422, "resolution"),
        (HORSE, {"reference_image": None}, 500, "reference_image is required"),
        (HORSE, {"reference_image": [URL] * 10}, 422, "reference_image"),
        (HORSE, {"reference_images": [URL]}, 422, "reference_images"),
        (HORSE, {"resolution": "720P"}, 422, "resolution"),
        (HORSE, {"duration": 2}, 422, "duration"),
    ],
)  # fmt: skip
def test_what_a_body_is_refused_for(model: str, given: dict[str, Any], code: int, words: str) -> None:
    with pytest.raises(Invalid, match=words) as refused:
        check(whole(model, given))
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("model", "given"),
    [
        (SD25, {"duration": -1, "aspect_ratio": "adaptive"}),
        (SD25, {"reference_image_urls": ["asset://a1"]}),
        (WAN, {"duration": -1}),
        (SD25, {"first_frame_url": URL}),
        (
            SD25,
            {
                "reference_image_urls": [URL] * 30,
                "reference_video_urls": [MP4] * 10,
                "reference_audio_urls": [MP3] * 10,
            },
        ),
        (
            f"{H3}/reference-to-video",
            {"reference_image_urls": [URL] * 9, "reference_video_urls": [MP4] * 3, "reference_audio_urls": [MP3] * 3},
        ),
        (
            f"{OMNI3}/reference-to-video",
            {"image_urls": None, "video_urls": [MP4], "audio": False, "aspect_ratio": "auto"},
        ),
        (f"{OMNI3}/reference-to-video", {"image_urls": [URL] * 4, "video_urls": [MP4], "audio": False}),
        (WAN27, {"reference_image": [URL] * 3, "reference_video": [MP4] * 2, "first_frame": URL}),
        (GROK, {"prompt": "@Image1 rows", "image_urls": [URL]}),
        (K3, {"aspect_ratio": None, "image_urls": [URL]}),
        (K3, {"image_urls": [URL], "kling_elements": [{**MARA, "element_input_urls": [MP4]}]}),
        (VEO, {"image_urls": [URL, URL], "generation_type": "FIRST_AND_LAST_FRAMES_2_VIDEO"}),
    ],
)
def test_what_is_taken_beside_the_printed_bodies(model: str, given: dict[str, Any]) -> None:
    assert check(whole(model, given))


@pytest.mark.parametrize(
    ("model", "field", "data", "words"),
    [
        (SD25, "reference_image_urls", picture((299, 400)), "size of the image"),
        (SD25, "reference_image_urls", picture((1000, 300)), "size of the image"),
        (SD25, "reference_video_urls", clip(1), "2 to 30 seconds"),
        (SD, "reference_video_urls", clip(4, (1920, 1080)), "480p to 720p"),
        (SD, "reference_video_urls", clip(4, (1280, 720), 12), "frame rate"),
        (f"{H3}/reference-to-video", "reference_video_urls", b"no clip", "mp4 or mov"),
        (f"{H3}/reference-to-video", "reference_image_urls", picture((200, 200)), "size of the image"),
        (WAN, "reference_audio_urls", sound(16), "1 to 15 seconds"),
    ],
)
async def test_a_file_that_is_not_taken_fails_the_task(
    box: Box, model: str, field: str, data: bytes, words: str
) -> None:
    given = {"prompt": "A lighthouse", field: [published(box, "bin", data)]}
    record, job = await run(box, filled(box, whole(model, given)))
    assert (record["state"], record["failCode"], job["billed"]) == ("fail", "422", None)
    assert words in record["failMsg"]


async def test_wan_reads_and_writes_thirty_seconds_together(box: Box) -> None:
    body = filled(box, whole(WAN, {"reference_video_urls": [MP4], "duration": 27}))
    record, _ = await run(box, body)
    assert (record["state"], "in total" in record["failMsg"]) == ("fail", True)


# --- who is in the picture


@pytest.mark.parametrize(
    ("model", "given", "cast"),
    [
        (SD25, {"prompt": "@Image2 waves", "reference_image_urls": [URL, URL]}, ["Image2"]),
        (K3, {"prompt": "@mara walks", "image_urls": [URL], "kling_elements": [MARA]}, ["Element1"]),
        (K3, {"prompt": "mara walks", "image_urls": [URL], "kling_elements": [MARA]}, []),
        (VEO, {"image_urls": [URL, URL], "generation_type": "REFERENCE_2_VIDEO"}, ["Image1", "Image2"]),
        (VEO, {"image_urls": [URL], "generation_type": "FIRST_AND_LAST_FRAMES_2_VIDEO"}, []),
        (WAN, {"prompt": "Image1 rows", "reference_image_urls": [URL]}, ["Image1"]),
        (f"{H3}/reference-to-video", {"prompt": "Image 1 rows"}, ["Image1"]),
        (f"{H3}/reference-to-video", {"prompt": "@Image1 rows"}, []),
        ("happyhorse-1-1/reference-to-video", {"prompt": "[Image 1] rows", "reference_image": [URL]}, ["Image1"]),
        ("happyhorse-1-1/reference-to-video", {"prompt": "character1 rows", "reference_image": [URL]}, []),
    ],
)
async def test_a_clip_shows_whom_its_prompt_names_in_the_models_way(
    box: Box, model: str, given: dict[str, Any], cast: list[str]
) -> None:
    _, job = await run(box, filled(box, whole(model, given)))
    made = box.app.state.sandbox.state.job(job["id"]).outcome.clip
    assert list(made.cast) == cast


async def test_the_first_picture_of_kling_3_is_the_first_frame(box: Box) -> None:
    _, job = await run(box, filled(box, whole(K3, {"image_urls": [URL, URL]})))
    assert box.app.state.sandbox.state.job(job["id"]).outcome.clip.image


# --- characters of Gemini Omni


async def test_a_character_of_omni_is_made_at_once_and_plays_in_a_clip(box: Box) -> None:
    body = filled(box, CHARACTER)
    made = (await box.call("kie", f"{API}/omni/character/create", body)).json()["data"]
    assert set(made) == {"characterId", "characterName", "imageUrl", "bodyImageUrl"}
    assert (made["characterName"], made["imageUrl"]) == ("Mara", body["image_urls"][0])
    _, job = await run(box, whole(FLASH, {"character_ids": [made["characterId"]]}))
    assert box.app.state.sandbox.state.job(job["id"]).outcome.clip.cast == ("Mara",)


async def test_a_character_that_nobody_made_fails_the_task(box: Box) -> None:
    record, _ = await run(box, whole(FLASH, {"character_ids": ["char_1"]}))
    assert record["failMsg"] == "character_ids: character 'char_1' was not found"


@pytest.mark.parametrize(
    ("change", "code"),
    [({"descriptions": None}, 500), ({"image_urls": []}, 422), ({"image_urls": ["http://127.0.0.1:9/a.png"]}, 422), ({"seed": 1}, 422)],
)  # fmt: skip
async def test_what_a_character_of_omni_is_refused_for(box: Box, change: dict[str, Any], code: int) -> None:
    body = {key: each for key, each in {**filled(box, CHARACTER), **change}.items() if each is not None}
    assert (await box.call("kie", f"{API}/omni/character/create", body)).json()["code"] == code


async def test_the_example_of_the_page_spells_description(box: Box) -> None:
    body = filled(box, CHARACTER)
    body["description"] = body.pop("descriptions")
    assert (await box.call("kie", f"{API}/omni/character/create", body)).json()["code"] == 200


async def test_a_voice_of_omni_has_an_id(box: Box) -> None:
    reply = await box.call("kie", f"{API}/omni/audio/create", {"audio_id": "puck", "name": "Mara"})
    assert reply.json()["data"]["kieAudioId"]
