"""Every input that the brief's pages name is taken, checked and used; every output that they name is served."""

import base64
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
import pytest_asyncio
from PIL import Image

from tests.sandbox.in_process import Box, reference_clip, sandbox

SORA = "/fal/queue/fal-ai/sora-2"
KIE = "/kie/api/api/v1/jobs/createTask"
TOAPIS = "/toapis/v1/videos/generations"
WAVESPEED = "/wavespeed/api/v3/openai/sora-2"


@pytest_asyncio.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    async with sandbox(tmp_path) as box:
        yield box


def picture(width: int, height: int) -> str:
    """A picture as a data URI."""

    target = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(target, "png")
    return f"data:image/png;base64,{base64.b64encode(target.getvalue()).decode()}"


async def fal(box: Box, path: str, **body: Any) -> httpx.Response:
    """The result of a job of fal's: the video, or the refusal that appears only there."""
    reply = await box.call("fal", f"{SORA}/{path}", body)
    assert reply.status_code == 200, reply.text
    box.clock.advance(60)
    return await box.result("fal", reply.json()["request_id"])


async def joe(box: Box) -> str:
    """Where a good reference clip lies."""
    return box.published(reference_clip(), "joe.mp4")


def refusal(reply: httpx.Response) -> tuple[str, list[Any]]:
    assert reply.status_code == 422, reply.text
    first = reply.json()["detail"][0]
    return first["type"], first["loc"][1:]


# --- fal: characters


async def test_fal_makes_a_character_of_video_url_and_name(box: Box) -> None:
    made = (await fal(box, "characters", video_url=await joe(box), name="Joe")).json()
    assert made == {"id": made["id"], "name": "Joe"}
    assert made["id"].startswith("char_")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"video_url": "http://sandbox/x.mp4"}, ("missing", ["name"])),
        ({"name": "Joe"}, ("missing", ["video_url"])),
        ({"video_url": "x", "name": ""}, ("string_too_short", ["name"])),
        ({"video_url": "x", "name": "J" * 81}, ("string_too_long", ["name"])),
        ({"video_url": "x", "name": "Joe", "description": "d"}, ("extra_forbidden", ["description"])),
    ],
)
async def test_fal_checks_a_character(box: Box, body: dict[str, Any], expected: tuple[str, list[str]]) -> None:
    assert refusal(await fal(box, "characters", **body)) == expected


async def test_fals_name_may_have_80_letters(box: Box) -> None:
    assert (await fal(box, "characters", video_url=await joe(box), name="J" * 80)).json()["name"] == "J" * 80


# --- fal: videos


@pytest.mark.parametrize(
    "fields",
    [
        *({"duration": seconds} for seconds in (4, 8, 12, 16, 20)),
        *({"aspect_ratio": aspect} for aspect in ("9:16", "16:9")),
        *({"model": model} for model in ("sora-2", "sora-2-2025-12-08", "sora-2-2025-10-06")),
        *({"delete_video": each, "detect_and_block_ip": each} for each in (True, False)),
        {"resolution": "720p"},
    ],
)
async def test_fal_takes_every_choice_of_text_to_video(box: Box, fields: dict[str, Any]) -> None:
    reply = await box.call("fal", f"{SORA}/text-to-video", {"prompt": "p", **fields})
    box.clock.advance(60)
    (job,) = await box.control("jobs")
    assert job["billed"]["seconds"] == fields.get("duration", 4), reply.text
    assert job["received"]["body"] == {"prompt": "p", **fields}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"duration": "4"}, ("literal_error", ["duration"])),
        ({"duration": 10}, ("literal_error", ["duration"])),
        ({"aspect_ratio": "auto"}, ("literal_error", ["aspect_ratio"])),
        ({"resolution": "auto"}, ("literal_error", ["resolution"])),
        ({"model": "sora-2-pro"}, ("literal_error", ["model"])),
        ({"delete_video": "true"}, ("bool_type", ["delete_video"])),
        ({"detect_and_block_ip": 1}, ("bool_type", ["detect_and_block_ip"])),
        ({"character_ids": ["a", "b", "c"]}, ("sequence_too_long", ["character_ids"])),
        ({"image_url": "x"}, ("extra_forbidden", ["image_url"])),
        ({"prompt": ""}, ("string_too_short", ["prompt"])),
    ],
)
async def test_fal_refuses_what_text_to_video_does_not_list(
    box: Box, fields: dict[str, Any], expected: tuple[str, list[str]]
) -> None:
    assert refusal(await fal(box, "text-to-video", **{"prompt": "p", **fields})) == expected


@pytest.mark.parametrize(("size", "shape"), [((1600, 900), (320, 180)), ((900, 1600), (180, 320))])
async def test_auto_follows_the_picture(box: Box, size: tuple[int, int], shape: tuple[int, int]) -> None:
    fields = {"image_url": picture(*size), "resolution": "auto", "aspect_ratio": "auto"}
    video = (await fal(box, "image-to-video", prompt="p", **fields)).json()["video"]
    assert (video["width"], video["height"]) == shape


@pytest.mark.parametrize("path", ["text-to-video", "image-to-video"])
async def test_the_snapshot_of_a_model_is_on_the_clip(box: Box, path: str) -> None:
    image = {"image_url": picture(1280, 720)} if path == "image-to-video" else {}
    await fal(box, path, prompt="p", model="sora-2-2025-10-06", **image)
    (job,) = box.app.state.sandbox.state.jobs()
    assert job.outcome.clip.label.startswith("sora-2-2025-10-06 ·")


async def test_known_properties_are_blocked_only_if_asked(box: Box) -> None:
    prompt = "Mickey Mouse at the pier"
    asked = await fal(box, "text-to-video", prompt=prompt, detect_and_block_ip=True)
    assert refusal(asked) == ("content_policy_violation", ["prompt"])
    assert (await fal(box, "text-to-video", prompt=prompt, detect_and_block_ip=False)).status_code == 200
    assert (await fal(box, "text-to-video", prompt="A mouse at the pier", detect_and_block_ip=True)).status_code == 200


@pytest.mark.parametrize(
    ("deleted", "status"), [({}, 422), ({"delete_video": True}, 422), ({"delete_video": False}, 200)]
)
async def test_only_a_video_that_was_not_deleted_can_be_remixed(
    box: Box, deleted: dict[str, bool], status: int
) -> None:
    first = (await fal(box, "text-to-video", prompt="p", **deleted)).json()
    remix = await fal(box, "video-to-video/remix", video_id=first["video_id"], prompt="At night")
    assert remix.status_code == status
    assert status == 200 or refusal(remix) == ("value_error", ["video_id"])


async def test_a_remix_can_be_remixed_unless_it_was_deleted(box: Box) -> None:
    first = (await fal(box, "text-to-video", prompt="p", delete_video=False)).json()
    path = "video-to-video/remix"
    kept = await fal(box, path, video_id=first["video_id"], prompt="a", delete_video=False)
    deleted = await fal(box, path, video_id=first["video_id"], prompt="b")
    assert (await fal(box, path, video_id=kept.json()["video_id"], prompt="c")).status_code == 200
    assert (await fal(box, path, video_id=deleted.json()["video_id"], prompt="c")).status_code == 422


async def test_fals_outputs_are_real_files(box: Box) -> None:
    output = (await fal(box, "text-to-video", prompt="p")).json()
    assert output["video"]["content_type"] == "video/mp4"
    assert output["video_id"].startswith("video_")
    with av.open(io.BytesIO((await box.http.get(output["video"]["url"])).content)) as video:
        assert video.duration == 4_000_000
    for name, kind in (("thumbnail", "WEBP"), ("spritesheet", "JPEG")):
        with Image.open(io.BytesIO((await box.http.get(output[name]["url"])).content)) as image:
            image.load()
            assert image.format == kind


async def test_thumbnail_and_spritesheet_expire_with_the_video(box: Box) -> None:
    preference = {"X-Fal-Object-Lifecycle-Preference": json.dumps({"expiration_duration_seconds": 600})}
    headers = {"Authorization": "Key sandbox:s3cret", **preference}
    submit = await box.http.post(f"{SORA}/text-to-video", json={"prompt": "p"}, headers=headers)
    box.clock.advance(60)
    output = (await box.result("fal", submit.json()["request_id"])).json()
    links = [output[name]["url"] for name in ("video", "thumbnail", "spritesheet")]
    assert [(await box.http.get(link)).status_code for link in links] == [200] * 3
    box.clock.advance(600)
    assert [(await box.http.get(link)).status_code for link in links] == [404] * 3


async def test_wan_tells_its_seed_and_the_prompt_that_it_used(box: Box) -> None:
    path = "/fal/queue/fal-ai/wan/v2.7/reference-to-video"
    body = {"prompt": "The fox runs", "reference_image_urls": [picture(640, 480)], "duration": 2, "resolution": "720p"}
    job = (await box.call("fal", path, {**body, "seed": 7})).json()
    box.clock.advance(60)
    output = (await box.get("fal", job["response_url"])).json()
    assert (output["seed"], output["actual_prompt"].startswith("The fox runs ")) == (7, True)
    assert (await box.control("meter"))["usd"] == 0.2


@pytest.mark.parametrize(
    "field", [{"duration": "5"}, {"duration": 11}, {"generate_audio": True}, {"resolution": "480p"}]
)
async def test_wan_refuses_what_it_does_not_list(box: Box, field: dict[str, Any]) -> None:
    path = "/fal/queue/fal-ai/wan/v2.7/reference-to-video"
    job = (await box.call("fal", path, {"prompt": "p", "duration": 2, **field})).json()
    box.clock.advance(60)
    assert refusal(await box.get("fal", job["response_url"]))[1] == list(field)


# --- Kie


async def kie(box: Box, model: str, more: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    return dict((await box.call("kie", KIE, {"model": model, "input": fields, **(more or {})})).json())


async def record(box: Box, answer: dict[str, Any]) -> dict[str, Any]:
    box.clock.advance(60)
    return dict((await box.status("kie", answer["data"]["taskId"])).json()["data"])


async def test_kie_makes_a_character_of_a_clip_with_everything_that_the_page_names(box: Box) -> None:
    fields = {"character_prompt": "A fox", "safety_instruction": "family friendly"}
    more = {"callBackUrl": "https://studio.example/kie"}
    answer = await kie(box, "sora-2-characters", more, character_file_url=[await joe(box)], **fields)
    told = await record(box, answer)
    made = json.loads(told["resultJson"])["resultObject"]
    assert (told["state"], set(made)) == ("success", {"character_id", "character_user_name", "remark"})
    (job,) = await box.control("jobs")
    assert job["received"]["body"] == {"model": "sora-2-characters", "input": job["received"]["body"]["input"], **more}
    assert fields.items() <= job["received"]["body"]["input"].items()


@pytest.mark.parametrize("field", ["character_prompt", "safety_instruction"])
@pytest.mark.parametrize(("letters", "code"), [(5000, 200), (5001, 422)])
async def test_kies_instructions_have_5000_letters_at_most(box: Box, field: str, letters: int, code: int) -> None:
    answer = await kie(box, "sora-2-characters", character_file_url=["http://x/y.mp4"], **{field: "x" * letters})
    assert answer["code"] == code


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, 500),
        ({"character_file_url": "http://x/y.mp4"}, 422),
        ({"character_file_url": []}, 422),
        ({"character_file_url": ["http://x/1.mp4", "http://x/2.mp4"]}, 422),
        ({"character_file_url": ["http://x/y.mp4"], "name": "Joe"}, 422),
    ],
)
async def test_kie_checks_a_character_at_once(box: Box, fields: dict[str, Any], code: int) -> None:
    assert (await kie(box, "sora-2-characters", **fields))["code"] == code
    assert await box.accepted() == 0


async def test_kies_pro_model_cuts_a_character_out_of_a_finished_task(box: Box) -> None:
    origin = await box.ended("kie")
    fields = {"character_prompt": "A fox", "safety_instruction": "kind", "character_user_name": "mara.fox"}
    answer = await kie(box, "sora-2-characters-pro", origin_task_id=origin, timestamps="3.55,5.55", **fields)
    made = json.loads((await record(box, answer))["resultJson"])["resultObject"]
    assert made["character_user_name"] == "mara.fox"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"timestamps": "1"}, 422),
        ({"timestamps": "1,1.5"}, 422),
        ({"timestamps": "1,6"}, 422),
        ({"character_user_name": "x" * 41}, 422),
        ({"safety_instruction": "x" * 5001}, 422),
        ({"origin_task_id": "x" * 101}, 422),
        ({"origin_task_id": None}, 422),
    ],
)
async def test_kies_pro_model_checks_its_fields_at_once(box: Box, fields: dict[str, Any], code: int) -> None:
    good = {"origin_task_id": "x", "timestamps": "1,3", "character_prompt": "A fox"}
    assert (await kie(box, "sora-2-characters-pro", **{**good, **fields}))["code"] == code


async def test_kie_fails_a_character_of_a_task_that_is_not_there(box: Box) -> None:
    answer = await kie(box, "sora-2-characters-pro", origin_task_id="x", timestamps="1,3", character_prompt="A fox")
    assert (await record(box, answer))["state"] == "fail"


# --- ToAPIs


async def toapis(box: Box, **body: Any) -> httpx.Response:
    return await box.call("toapis", TOAPIS, body)


@pytest.mark.parametrize("model", ["sora-2", "sora-2-pro", "sora-2-vip"])
async def test_toapis_makes_a_character_with_each_of_the_pages_models(box: Box, model: str) -> None:
    answer = (await toapis(box, model=model, timestamps="0,2", url=await joe(box))).json()
    assert (answer["object"], answer["status"], answer["model"]) == ("generation.task", "queued", model)
    box.clock.advance(60)
    done = (await box.get("toapis", f"/toapis/v1/characters_tasks/{answer['id']}")).json()
    (character,) = done["result"]["data"]["characters"]
    assert set(character) == {"id", "display_name", "username", "profile_picture_url"}
    with Image.open(io.BytesIO((await box.http.get(character["profile_picture_url"])).content)) as face:
        face.load()
        assert face.format == "JPEG"
    box.clock.advance(86_400)
    assert (await box.http.get(character["profile_picture_url"])).status_code == 404


async def test_toapis_makes_a_character_of_a_finished_task(box: Box) -> None:
    task = await box.ended("toapis")
    answer = (await toapis(box, model="sora-2", timestamps="1,3", from_task=task)).json()
    box.clock.advance(60)
    done = (await box.get("toapis", f"/toapis/v1/characters_tasks/{answer['id']}")).json()
    assert done["status"] == "completed"


@pytest.mark.parametrize(
    "body",
    [
        {"model": "sora-2-vvip", "timestamps": "0,2", "url": "http://x/y.mp4"},
        {"model": "sora-2", "timestamps": "0,2"},
        {"model": "sora-2", "timestamps": "0,2", "url": "http://x/y.mp4", "from_task": "x"},
        {"model": "sora-2", "timestamps": "0,0.5", "url": "http://x/y.mp4"},
        {"model": "sora-2", "timestamps": "0,4", "url": "http://x/y.mp4"},
        {"model": "sora-2", "timestamps": [0, 2], "url": "http://x/y.mp4"},
        {"model": "sora-2", "timestamps": "0,2", "url": "http://x/y.mp4", "name": "Joe"},
        {"model": "sora-2", "url": "http://x/y.mp4"},
    ],
)
async def test_toapis_checks_a_character_at_once(box: Box, body: dict[str, Any]) -> None:
    assert (await toapis(box, **body)).status_code == 400
    assert await box.accepted() == 0


async def test_toapis_serves_a_thumbnail_to_whoever_asks_for_one(box: Box) -> None:
    job = await box.ended("toapis", thumbnail=True)
    (item,) = (await box.result("toapis", job)).json()["result"]["data"]
    with Image.open(io.BytesIO((await box.http.get(item["thumbnail_url"])).content)) as image:
        assert image.format == "WEBP"
    box.clock.advance(86_400)
    assert (await box.http.get(item["thumbnail_url"])).status_code == 404


# --- WaveSpeed


async def test_wavespeed_makes_a_character_of_video_and_name(box: Box) -> None:
    answer = (await box.call("wavespeed", f"{WAVESPEED}/characters", {"video": await joe(box), "name": "Joe"})).json()
    assert set(answer["data"]) >= {
        "id",
        "model",
        "outputs",
        "urls",
        "has_nsfw_contents",
        "status",
        "created_at",
        "error",
    }
    box.clock.advance(60)
    done = (await box.result("wavespeed", answer["data"]["id"])).json()["data"]
    ((made,), status) = done["outputs"], done["status"]
    assert (made["name"], status, type(done["timings"]["inference"])) == ("Joe", "completed", int)
    assert (await box.control("meter"))["usd"] == 0.001


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, 1400),
        ({"video": "http://x/y.mp4"}, 1400),
        ({"name": "Joe"}, 1400),
        ({"video": "http://x/y.mp4", "name": ""}, 1401),
        ({"video": "http://x/y.mp4", "name": "J" * 81}, 1401),
        ({"video": "http://x/y.mp4", "name": "Joe", "description": "d"}, 1401),
    ],
)
async def test_wavespeed_checks_a_character_at_once(box: Box, body: dict[str, Any], code: int) -> None:
    reply = await box.call("wavespeed", f"{WAVESPEED}/characters", body)
    assert (reply.status_code, reply.json()["code"]) == (400, code)
    assert await box.accepted() == 0
