"""The sandbox's OpenAI-compatible server: a reseller's Sora, and H3 as vLLM-Omni serves it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from prefect_storyboard.sandbox import environment
from prefect_storyboard.sandbox.openai.faults import FAULTS
from tests.sandbox.in_process import BASE, Box, reference_clip, sandbox
from tests.sandbox.living_bodies import clip, picture, published

VIDEOS, H3 = "/openai/v1/videos", "MiniMaxAI/MiniMax-H3"
KEY = {"Authorization": "Bearer sk-s3cret"}
PNG = ("a.png", picture((1280, 720)), "image/png")
WIDE = {"prompt": "A fox", "size": "1280x720"}


@pytest_asyncio.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    async with sandbox(tmp_path) as box:
        yield box


async def post(box: Box, body: dict[str, Any], path: str = VIDEOS, key: Any = KEY, **files: Any) -> httpx.Response:
    """A create as the official client sends it: always a form, even without a file."""
    parts = [(name, (None, str(value))) for name, value in body.items() if not isinstance(value, list)]
    parts += [(name, (None, each)) for name, value in body.items() if isinstance(value, list) for each in value]
    return await box.http.post(path, files=[*parts, *files.items()], headers=key)


async def created(box: Box, body: dict[str, Any], **files: Any) -> str:
    reply = await post(box, body, **files)
    assert reply.status_code == 200, reply.text
    return str(reply.json()["id"])


async def get(box: Box, path: str, key: Any = KEY) -> httpx.Response:
    return await box.http.get(f"{VIDEOS}{path}", headers=key)


async def character(box: Box, name: str = "Mossy") -> str:
    reply = await post(box, {"name": name}, f"{VIDEOS}/characters", video=("v.mp4", reference_clip(), "video/mp4"))
    assert reply.status_code == 200, reply.text
    return str(reply.json()["id"])


def made(box: Box, video: str) -> Any:
    return box.app.state.sandbox.state.job(video).outcome.clip


# --- from create to content


async def test_a_video_goes_from_queued_to_its_content(box: Box) -> None:
    reply = await post(box, {**WIDE, "model": "sora-2", "seconds": "8"})
    video = reply.json()
    assert (video["object"], video["status"], video["progress"]) == ("video", "queued", 0)
    assert (video["seconds"], video["size"], video["model"], video["prompt"]) == ("8", "1280x720", "sora-2", "A fox")
    box.clock.advance(30)
    running = await get(box, f"/{video['id']}")
    assert (running.json()["status"], running.json()["progress"]) == ("in_progress", 50)
    assert running.headers["openai-poll-after-ms"] == "500"
    box.clock.advance(30)
    done = (await get(box, f"/{video['id']}")).json()
    assert (done["status"], done["progress"], done["error"]) == ("completed", 100, None)
    assert done["expires_at"] - done["completed_at"] == 3600
    content = await get(box, f"/{video['id']}/content")
    assert (content.headers["content-type"], content.content[4:8]) == ("video/mp4", b"ftyp")


async def test_json_is_a_create_too(box: Box) -> None:
    reply = await box.http.post(VIDEOS, json={"prompt": "A fox"}, headers=KEY)
    assert (reply.json()["seconds"], reply.json()["size"]) == ("4", "720x1280")


@pytest.mark.parametrize(("variant", "kind"), [("thumbnail", "image/webp"), ("spritesheet", "image/jpeg")])
async def test_a_video_has_pictures(box: Box, variant: str, kind: str) -> None:
    video = await created(box, WIDE)
    box.clock.advance(60)
    assert (await get(box, f"/{video}/content?variant={variant}")).headers["content-type"] == kind


async def test_content_is_behind_the_key_and_lives_for_an_hour(box: Box) -> None:
    video = await created(box, WIDE)
    early = await get(box, f"/{video}/content")
    box.clock.advance(60)
    nobody = await box.http.get(f"{VIDEOS}/{video}/content")
    other = await get(box, f"/{video}/content", {"Authorization": "Bearer sk-other"})
    unknown = await get(box, f"/{video}/content?variant=gif")
    box.clock.advance(3600)
    late = await get(box, f"/{video}/content")
    assert [each.status_code for each in (early, nobody, other, unknown, late)] == [404, 401, 404, 400, 404]


async def test_content_may_be_behind_a_link_that_needs_no_key(box: Box) -> None:
    await box.rule("openai", "content_redirect", "result")
    video = await created(box, WIDE)
    box.clock.advance(60)
    reply = await get(box, f"/{video}/content")
    assert reply.status_code == 302
    assert (await box.http.get(reply.headers["location"])).content[4:8] == b"ftyp"


# --- money


@pytest.mark.parametrize(
    ("body", "usd"),
    [
        (WIDE, 0.4),
        ({**WIDE, "seconds": "20"}, 2.0),
        ({**WIDE, "model": "sora-2-pro"}, 1.2),
        ({**WIDE, "model": "sora-2-pro", "size": "1792x1024"}, 2.0),
        ({**WIDE, "model": "sora-2-pro", "size": "1920x1080"}, None),
        ({**WIDE, "model": H3}, None),
    ],
)
async def test_what_a_video_costs(box: Box, body: dict[str, Any], usd: float | None) -> None:
    await created(box, body)
    box.clock.advance(60)
    (bill,) = (await box.control("meter"))["billed"]
    assert bill["usd"] == usd


async def test_two_equal_orders_are_a_duplicate(box: Box) -> None:
    for _ in range(2):
        await created(box, WIDE, input_reference=PNG)
    (order,) = (await box.control("meter"))["duplicates"]
    assert order["jobs"] == 2


# --- what is refused

BAD, GONE = "invalid_value", "model_not_found"


@pytest.mark.parametrize(
    ("body", "status", "param", "code"),
    [
        ({"size": "1280x720"}, 400, "prompt", "missing_required_parameter"),
        ({**WIDE, "seconds": "5"}, 400, "seconds", BAD),
        ({**WIDE, "size": "1792x1024"}, 400, "size", BAD),
        ({**WIDE, "seed": "7"}, 400, "seed", "unknown_parameter"),
        ({**WIDE, "model": "sora-3"}, 404, None, GONE),
        ({**WIDE, "input_reference": "https://example.com/a.png"}, 400, "input_reference", "invalid_type"),
        ({**WIDE, "characters[][id]": ["char_1"]}, 400, "characters", BAD),
        ({**WIDE, "model": H3, "characters[][id]": ["char_1"]}, 400, "characters", "unknown_parameter"),
        ({**WIDE, "model": H3, "size": "wide"}, 400, "size", BAD),
        ({**WIDE, "model": H3, "seed": "x"}, 400, "seed", "invalid_type"),
    ],
)
async def test_what_a_form_is_refused_for(box: Box, body: Any, status: int, param: str | None, code: str) -> None:
    reply = await post(box, body)
    assert reply.status_code == status
    assert (reply.json()["error"]["param"], reply.json()["error"]["code"]) == (param, code)
    assert await box.accepted() == 0


async def test_seconds_are_a_string(box: Box) -> None:
    reply = await box.http.post(VIDEOS, json={**WIDE, "seconds": 8}, headers=KEY)
    assert reply.json() == {
        "error": {
            "message": "Invalid value for 'seconds'.",
            "type": "invalid_request_error",
            "param": "seconds",
            "code": "invalid_value",
        }
    }


@pytest.mark.parametrize(
    ("key", "status", "code"), [("bad", 401, "invalid_api_key"), ("empty", 429, "insufficient_quota")]
)
async def test_a_key_opens_or_does_not(box: Box, key: str, status: int, code: str) -> None:
    reply = await post(box, WIDE, key={"Authorization": f"Bearer {key}"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)


async def test_a_broken_body_is_refused(box: Box) -> None:
    reply = await box.http.post(VIDEOS, content=b"[1]", headers=KEY)
    assert reply.status_code == 400


# --- the first frame


async def test_the_first_frame_is_a_file_of_the_form(box: Box) -> None:
    video = await created(box, WIDE, input_reference=PNG)
    box.clock.advance(60)
    await get(box, f"/{video}")
    assert made(box, video).image


@pytest.mark.parametrize("nested", [True, False])
async def test_the_first_frame_may_be_behind_an_address(box: Box, nested: bool) -> None:  # noqa: FBT001
    url = published(box, "png")
    if nested:
        reply = await post(box, {**WIDE, "input_reference[image_url]": url})
    else:
        body = {**WIDE, "input_reference": {"image_url": url}}
        reply = await box.http.post(VIDEOS, json=body, headers=KEY)
    assert reply.status_code == 200, reply.text


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (("a.png", picture((640, 360)), "image/png"), "Inpaint image must match the requested width and height"),
        (("a.png", picture((1280, 720)), "application/octet-stream"), "unsupported mimetype"),
        (("a.png", b"no picture", "image/png"), "Invalid image file."),
    ],
)
async def test_what_a_first_frame_is_refused_for(box: Box, file: Any, words: str) -> None:
    reply = await post(box, WIDE, input_reference=file)
    assert reply.status_code == 400
    assert words in reply.json()["error"]["message"]


@pytest.mark.parametrize(
    "value", [{"file_id": "file-123"}, {"image_url": "x", "file_id": "y"}, {}, {"image_url": f"{BASE}/none.png"}]
)
async def test_an_object_is_one_address_that_can_be_read(box: Box, value: Any) -> None:
    reply = await box.http.post(VIDEOS, json={**WIDE, "input_reference": value}, headers=KEY)
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, "input_reference")


# --- characters


async def test_a_character_is_made_at_once_and_found_again(box: Box) -> None:
    made_id = await character(box)
    found = (await get(box, f"/characters/{made_id}")).json()
    assert (found["id"], found["name"], type(found["created_at"])) == (made_id, "Mossy", int)
    assert (await get(box, "/characters/char_1")).status_code == 404
    assert (await get(box, f"/{made_id}")).status_code == 404


@pytest.mark.parametrize("form", [True, False])
async def test_a_character_plays_if_the_prompt_has_its_name(box: Box, form: bool) -> None:  # noqa: FBT001
    made_id = await character(box)
    for prompt, cast in (("Mossy walks", ("Mossy",)), ("She walks", ())):
        if form:
            video = await created(box, {"prompt": prompt, "characters[][id]": [made_id]})
        else:
            body = {"prompt": prompt, "characters": [{"id": made_id}]}
            video = (await box.http.post(VIDEOS, json=body, headers=KEY)).json()["id"]
        box.clock.advance(60)
        await get(box, f"/{video}")
        assert made(box, video).cast == cast


async def test_two_characters_are_the_most(box: Box) -> None:
    ids = [await character(box, name) for name in ("Ann", "Bea", "Cem")]
    assert (await post(box, {"prompt": "p", "characters[][id]": ids[:2]})).status_code == 200
    assert (await post(box, {"prompt": "p", "characters[][id]": ids})).status_code == 400


@pytest.mark.parametrize(
    ("body", "files", "status"),
    [
        ({"name": "Mossy"}, {}, 400),
        ({}, {"video": ("v.mp4", clip(2), "video/mp4")}, 400),
        ({"name": "M" * 81}, {"video": ("v.mp4", clip(2), "video/mp4")}, 400),
        ({"name": "Mossy"}, {"video": ("v.mp4", b"none", "video/mp4")}, 400),
        ({"name": "Mossy", "seed": "1"}, {"video": ("v.mp4", clip(2), "video/mp4")}, 400),
    ],
)
async def test_what_a_character_is_refused_for(box: Box, body: Any, files: Any, status: int) -> None:
    assert (await post(box, body, f"{VIDEOS}/characters", **files)).status_code == status


async def test_a_character_is_a_form(box: Box) -> None:
    body = {"name": "Mossy", "video": "https://example.com/a.mp4"}
    assert (await box.http.post(f"{VIDEOS}/characters", json=body, headers=KEY)).status_code == 415


# --- the list


async def test_the_list_is_newest_first_and_pages_after_an_id(box: Box) -> None:
    ids = []
    for number in range(3):
        ids.append(await created(box, {"prompt": f"p{number}"}))
        box.clock.advance(1)
    first = (await get(box, "?limit=2")).json()
    rest = (await get(box, f"?limit=2&after={first['last_id']}")).json()
    upwards = (await get(box, "?order=asc")).json()
    other = (await get(box, "", {"Authorization": "Bearer sk-other"})).json()
    assert ([each["id"] for each in first["data"]], first["has_more"]) == ([ids[2], ids[1]], True)
    assert ([each["id"] for each in rest["data"]], rest["has_more"]) == ([ids[0]], False)
    assert ([each["id"] for each in upwards["data"]], other["data"]) == (ids, [])
    assert (await get(box, "?limit=101")).status_code == 400


async def test_the_list_of_ones_own_server_does_not_say_what_was_asked_for(box: Box) -> None:
    await created(box, {**WIDE, "model": H3, "negative_prompt": "text"})
    (item,) = (await get(box, "")).json()["data"]
    assert {"id", "status", "created_at"} <= set(item)
    assert {"prompt", "size", "seconds", "negative_prompt"}.isdisjoint(item)


async def test_the_list_may_say_next_to_nothing(box: Box) -> None:
    await box.rule("openai", "sparse_list", "platform")
    await created(box, WIDE)
    listed = (await get(box, "")).json()
    assert (set(listed), set(listed["data"][0])) == ({"object", "data"}, {"id", "object", "model", "status"})


async def test_the_list_may_lag(box: Box) -> None:
    await box.rule("openai", "list_lags", "platform", seconds=10)
    await created(box, WIDE)
    early = (await get(box, "")).json()["data"]
    box.clock.advance(11)
    assert (early, len((await get(box, "")).json()["data"])) == ([], 1)


# --- delete


async def test_a_finished_video_can_be_deleted(box: Box) -> None:
    video = await created(box, WIDE)
    running = await box.http.delete(f"{VIDEOS}/{video}", headers=KEY)
    box.clock.advance(60)
    reply = await box.http.delete(f"{VIDEOS}/{video}", headers=KEY)
    assert running.status_code == 409
    assert reply.json() == {"id": video, "object": "video.deleted", "deleted": True}
    after = [await get(box, path) for path in (f"/{video}", f"/{video}/content")]
    assert [each.status_code for each in after] == [404, 404]
    assert (await get(box, "")).json()["data"] == []
    assert (await box.control("meter"))["usd"] == 0.4


async def test_ones_own_server_aborts_a_running_video(box: Box) -> None:
    video = await created(box, {**WIDE, "model": H3})
    assert (await box.http.delete(f"{VIDEOS}/{video}", headers=KEY)).status_code == 200
    box.clock.advance(60)
    meter = await box.control("meter")
    assert (meter["cancelled"], meter["billed"]) == (1, [])


# --- one's own server


async def test_ones_own_server_takes_forms_only_and_answers_briefly(box: Box) -> None:
    assert (await box.http.post(VIDEOS, json={**WIDE, "model": H3}, headers=KEY)).status_code == 415
    reply = await post(box, {**WIDE, "model": H3})
    assert (set(reply.json()), reply.json()["status"]) == ({"id", "status", "created_at"}, "queued")


async def test_numbers_and_switches_of_a_form_are_text(box: Box) -> None:
    extra = json.dumps({"task": "t2va", "duration": 4.0, "aspect_ratio": "16:9"})
    more = {"num_frames": "96", "fps": "24", "guidance_scale": "7.5", "generate_sound": "true", "extra_params": extra}
    video = await created(
        box, {**WIDE, "model": H3, "seconds": "12", "width": "640", "height": "352", "seed": "7", **more}
    )
    box.clock.advance(60)
    told = (await get(box, f"/{video}")).json()
    assert (told["seconds"], told["size"]) == ("12", "640x352")


@pytest.mark.parametrize(
    ("body", "files", "status"),
    [
        ({}, {"input_reference": PNG}, 200),
        ({}, {"input_reference": ("a.mp4", clip(2), "video/mp4")}, 200),
        ({"image_reference": '{"image_url": "PNG"}'}, {}, 200),
        ({"video_reference": '{"video_url": "MP4"}'}, {}, 200),
        ({"video_reference": '{"video_url": "MP4"}', "audio_reference": '{"audio_url": "x"}'}, {}, 200),
        ({"image_reference": '{"image_url": "PNG"}', "video_reference": '{"video_url": "MP4"}'}, {}, 400),
        ({"image_reference": '{"image_url": "PNG"}'}, {"input_reference": PNG}, 400),
        ({"image_reference": '{"file_id": "file-1"}'}, {}, 400),
        ({"image_reference": "PNG"}, {}, 400),
        ({"audio_reference": "x"}, {}, 400),
        ({"input_reference": "PNG"}, {}, 400),
    ],
)
async def test_ones_own_server_takes_one_reference(box: Box, body: Any, files: Any, status: int) -> None:
    urls = {"PNG": published(box, "png"), "MP4": published(box, "mp4")}
    put = {key: each.replace("PNG", urls["PNG"]).replace("MP4", urls["MP4"]) for key, each in body.items()}
    assert (await post(box, {**WIDE, "model": H3, **put}, **files)).status_code == status


# --- faults


@pytest.mark.parametrize(
    ("fault", "code"), [("policy_refusal", "moderation_blocked"), ("task_failed", "video_generation_failed")]
)
async def test_a_video_may_fail(box: Box, fault: str, code: str) -> None:
    await box.rule("openai", fault, "submit")
    video = await created(box, WIDE)
    box.clock.advance(60)
    told = (await get(box, f"/{video}")).json()
    assert (told["status"], told["error"]["code"], told["expires_at"]) == ("failed", code, None)
    assert (await box.control("meter"))["billed"] == []


@pytest.mark.parametrize(
    ("fault", "route", "facts", "status", "code"),
    [
        ("rate_limited", "submit", {}, 429, "rate_limit_exceeded"),
        ("out_of_credit", "submit", {}, 429, "insufficient_quota"),
        ("retired", "submit", {}, 404, "model_not_found"),
        ("retired", "submit", {"status": 400}, 400, "invalid_value"),
        ("unverified", "submit", {}, 403, None),
    ],
)
async def test_a_submit_may_be_refused(
    box: Box, fault: str, route: str, facts: Any, status: int, code: str | None
) -> None:
    await box.rule("openai", fault, route, **facts)
    reply = await post(box, WIDE)
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)
    assert await box.accepted() == 0


async def test_a_lost_reply_has_made_a_video(box: Box) -> None:
    await box.rule("openai", "drop_after", "submit")
    with pytest.raises(ConnectionResetError):
        await post(box, WIDE)
    assert await box.accepted() == 1


async def test_content_may_fail_while_the_video_stands(box: Box) -> None:
    await box.rule("openai", "content_502", "result", times=2)
    video = await created(box, WIDE)
    box.clock.advance(60)
    replies = [(await get(box, f"/{video}/content")).status_code for _ in range(3)]
    assert replies == [502, 502, 200]


async def test_a_video_object_may_have_the_least(box: Box) -> None:
    await box.rule("openai", "minimal_video", "status")
    told = (await get(box, f"/{await created(box, WIDE)}")).json()
    assert set(told) == {"id", "object", "model", "status", "created_at"}


# --- where it is


async def test_the_models_are_listed(box: Box) -> None:
    listed = (await box.http.get("/openai/v1/models", headers=KEY)).json()["data"]
    assert {each["id"] for each in listed} == {"sora-2", "sora-2-pro", H3}


def test_the_environment_has_the_official_clients_variables() -> None:
    assert {name: each for name, each in environment(BASE).items() if name.startswith("OPENAI")} == {
        "OPENAI_API_KEY": "sk-sandbox",
        "OPENAI_BASE_URL": f"{BASE}/openai/v1",
    }


def test_every_fault_of_the_server_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()
    assert [name for name in FAULTS.routes if f"`{name}`" not in page] == []


async def test_a_key_is_nowhere(box: Box, tmp_path: Path) -> None:
    await created(box, WIDE)
    text = (await box.http.get("/sandbox/requests")).text + (await box.http.get("/sandbox/jobs")).text
    assert "s3cret" not in text
    assert not any(b"s3cret" in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
