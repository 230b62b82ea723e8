"""ToAPIs' living models on the sandbox, as the contract has them: what they take, refuse and show.

None of them has a published price: the meter counts ten cents a second, as it does for Sora there.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from prefect_storyboard.sandbox.toapis.errors import Refused
from prefect_storyboard.sandbox.toapis.models import MODELS, parse
from tests.sandbox.in_process import Box, sandbox
from tests.sandbox.living_bodies import bodies, clip, filled, published

BODIES = bodies("toapis")
URL, MP4, MP3 = (f"https://example.com/mara.{kind}" for kind in ("png", "mp4", "mp3"))
S25, S20, OMNI, VEO, H3 = "seedance-2-5", "seedance-2", "kling-v3-omni", "veo3.1-fast", "MiniMax-H3"
GENERATIONS = "/toapis/v1/videos/generations"


def pictures(*roles: str) -> dict[str, Any]:
    return {"image_with_roles": [{"url": URL, "role": role} for role in roles]}


FRAMES, REFERENCE = pictures("first_frame", "last_frame"), pictures("reference_image")
VIDEO = {"video_with_roles": [{"url": MP4, "role": "reference_video"}]}
AUDIO = {"audio_with_roles": [{"url": MP3, "role": "reference_audio"}]}
CLIP = {"video_list": [{"video_url": MP4}]}
ADAPTIVE = {"aspect_ratio": "adaptive", "duration": -1}


def whole(model: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"model": model, "prompt": "A lighthouse at dusk", **body}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def box(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Box]:
    async with sandbox(tmp_path_factory.mktemp("toapis")) as box:
        yield box


async def run(box: Box, body: Any) -> tuple[dict[str, Any], Any]:
    """Submit, and wait by the clock: the task, and the sandbox's record of the job."""
    reply = await box.call("toapis", GENERATIONS, body)
    assert reply.status_code == 200, reply.text
    box.clock.advance(60)
    task = reply.json()["id"]
    return (await box.status("toapis", task)).json(), box.app.state.sandbox.state.job(task)


@pytest.mark.parametrize(
    ("body", "seconds"),
    list(zip(BODIES, [9, 5, 12, 5, 5, 5, 6], strict=True)),
    ids=[f"{place} {body['model']}" for place, body in enumerate(BODIES)],
)
async def test_a_body_of_the_contract_is_taken(box: Box, body: dict[str, Any], seconds: int) -> None:
    task, job = await run(box, filled(box, body))
    assert task["status"] == "completed", task
    assert task["result"]["data"][0]["url"].endswith("/out.mp4")
    assert (job.outcome.clip.seconds, job.outcome.usd) == (seconds, pytest.approx(seconds * 0.1))


@pytest.mark.parametrize(
    ("model", "body", "words"),
    [
        (S25, {"duration": 31}, "duration"),
        (S25, {"duration": "8"}, "duration"),
        (S25, {"resolution": "4K"}, "resolution"),
        (S25, {"image_urls": [URL]}, "image_urls"),
        (S25, {**FRAMES, "aspect_ratio": "16:9"}, "adaptive with frames"),
        (S25, {**FRAMES, "duration": 8}, "-1 with frames"),
        (S25, pictures("first_frame", "reference_image"), "mutually exclusive"),
        (S25, {**FRAMES, **AUDIO}, "mutually exclusive"),
        (S25, pictures(*["reference_image"] * 31), "image_with_roles"),
        (S25, {**ADAPTIVE, "video_operation": "extend"}, "video_with_roles is required"),
        (S25, {**VIDEO, "video_operation": "extend", "aspect_ratio": "16:9"}, "adaptive for edit"),
        (S25, {**VIDEO, "aspect_ratio": "adaptive", "duration": 5, "video_operation": "edit"}, "-1 for edit"),
        (S25, {**VIDEO, "video_operation": "remix"}, "video_operation"),
        (S25, {"image_with_roles": [{"url": "data:,x", "role": "reference_image"}]}, "image_with_roles"),
        (S20, {**FRAMES, **VIDEO}, "mutually exclusive"),
        ("seedance-2-fast", {"resolution": "1080p"}, "resolution"),
        ("seedance-2-mini", {"duration": -1}, "duration"),
        ("kling-v3", {"mode": "4k"}, "mode"),
        ("kling-v3", {"image_urls": [URL] * 3}, "image_urls"),
        ("kling-v3", {"resolution": "720p"}, "resolution"),
        ("kling-v3", {"duration": 16}, "duration"),
        (OMNI, {**CLIP, "audio": True}, "mutually exclusive"),
        (OMNI, {"video_list": CLIP["video_list"] * 2}, "video_list"),
        (VEO, {"duration": 6}, "duration"),
        (VEO, {"resolution": "720p"}, "resolution"),
        (VEO, {"metadata": {"resolution": "480p"}}, "metadata.resolution"),
        ("veo3.1-quality", {"image_urls": [URL] * 3}, "image_urls"),
        (H3, {**AUDIO}, "needs an image"),
        (H3, {**FRAMES, "aspect_ratio": "16:9"}, "adaptive with frames"),
        (H3, {"resolution": "768P"}, "resolution"),
        ("wan3.0-video", {"reference_images": [URL] * 11}, "reference_images"),
        ("gemini-omni-flash", {"duration": 8}, "duration"),
        ("grok-video-1.5", {}, "image_urls"),
        ("grok-video-1.5", {"image_urls": [URL] * 2}, "image_urls"),
        ("viduq3", {"image_urls": [URL] * 8}, "image_urls"),
        ("happyhorse-1.1", {"resolution": "720p"}, "resolution"),
        ("happyhorse-1.1", {"image_urls": [URL], "reference_images": [URL]}, "mutually exclusive"),
        ("happyhorse-1.1", {"reference_images": [URL] * 10}, "reference_images"),
        ("happyhorse-1.1", {"duration": 2}, "duration"),
        ("happyhorse-1.1", {"action": "video-edit"}, "url is required"),
        ("happyhorse-1.1", {"url": MP4}, "action is required"),
        ("happyhorse-1.1", {"action": "extend", "url": MP4}, "action"),
        ("wan3.0-video", {"duration": 31}, "duration"),
        ("wan3.0-video", {**FRAMES, "reference_images": [URL]}, "mutually exclusive"),
        ("wan3.0-video", REFERENCE, "role"),
        ("wan3.0-video", {"resolution": "720P"}, "resolution"),
        ("wan3.0-video", {"image_urls": [URL]}, "image_urls"),
        ("wan3.0-video", {"generate_audio": True}, "generate_audio"),
        (H3, {"image_urls": [URL]}, "image_urls"),
        (H3, {"duration": "6"}, "duration"),
        (H3, pictures(*["reference_image"] * 10), "image_with_roles"),
        ("viduq3", {"resolution": "480p"}, "resolution"),
        ("viduq3", {"reference_images": [URL]}, "reference_images"),
        ("Veo3.1-quality-official", {"metadata": {"referenceImages": [URL] * 4}}, "referenceImages"),
        ("Veo3.1-quality-official", {"image_urls": [URL] * 2}, "image_urls"),
        ("Veo3.1-fast-official", {"metadata": {"resolution": "4k"}}, "metadata.resolution"),
        ("Veo3.1-fast-official", {"metadata": {"last_frame": URL}}, "last_frame"),
        ("kling-v3", {"negative_prompt": "blur"}, "negative_prompt"),
    ],
)
def test_what_a_body_is_refused_for(model: str, body: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words) as refused:
        parse(whole(model, body), "video")
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (S25, {**AUDIO}),
        (S25, {"image_with_roles": [{"url": "asset://a1", "role": "reference_image"}]}),
        (S25, {**VIDEO, **ADAPTIVE, "video_operation": "edit"}),
        (S20, {"duration": -1, "resolution": "4K"}),
        ("gemini_omni_flash", {"duration": 10}),
        ("grok-video-1.5-preview", {"image_urls": [URL]}),
        ("Veo3.1-quality-official", {"image_urls": [URL], "metadata": {"lastFrame": URL, "resolution": "4K"}}),
        (VEO, {"image_urls": [URL], "metadata": {"generation_type": "reference"}}),
        ("happyhorse-1.1", {"action": "video-edit", "url": MP4}),
        ("kling-v3", {"metadata": {"negative_prompt": "blur"}}),
        (S25, {"callback_url": "https://example.com/hook", "client_business_id": "order_1"}),
    ],
)
def test_what_is_taken_beside_the_printed_bodies(model: str, body: dict[str, Any]) -> None:
    assert parse(whole(model, body), "video").model == model


async def test_a_refusal_is_in_the_gateways_words(box: Box) -> None:
    reply = await box.call("toapis", GENERATIONS, whole(S25, {**FRAMES, "duration": 8}))
    assert (reply.status_code, reply.json()["error"]["type"]) == (400, "invalid_request_error")
    assert reply.json()["error"]["message"] == "请求参数无效：duration must be -1 with frames"


async def test_a_clip_that_is_too_short_fails_the_task(box: Box) -> None:
    url = published(box, "mp4", clip(1))
    task, _ = await run(box, whole(OMNI, {"video_list": [{"video_url": url}]}))
    assert (task["status"], task["error"]["message"]) == ("failed", "an input video is not supported: short")


@pytest.mark.parametrize(
    ("model", "body", "cast", "first"),
    [
        (S25, {**REFERENCE, "prompt": "image 1 waves"}, ["Mara"], False),
        (S25, {**REFERENCE, "prompt": "nobody waves"}, [], False),
        (S25, {**FRAMES, **ADAPTIVE}, [], True),
        (OMNI, {"metadata": {"image_list": [URL]}, "prompt": "<<<image_1>>> waves"}, ["Mara"], False),
        (OMNI, {"image_urls": [URL], "prompt": "she waves"}, ["Mara"], False),
        ("kling-v3", {"image_urls": [URL, URL]}, [], True),
        ("kling-v3", {"reference_images": [URL]}, ["Mara"], False),
        (VEO, {"image_urls": [URL, URL]}, [], True),
        (VEO, {"image_urls": [URL] * 3}, ["Mara"] * 3, False),
        (VEO, {"image_urls": [URL], "metadata": {"generation_type": "reference"}}, ["Mara"], False),
        ("happyhorse-1.1", {"reference_images": [URL], "prompt": "character1 waves"}, ["Mara"], False),
    ],
)
async def test_a_clip_shows_whom_its_prompt_names_in_the_models_way(
    box: Box, model: str, body: dict[str, Any], cast: list[str], *, first: bool
) -> None:
    _, job = await run(box, filled(box, whole(model, body)))
    assert (list(job.outcome.clip.cast), bool(job.outcome.clip.image)) == (cast, first)


@pytest.mark.parametrize(
    ("model", "body", "size"),
    [
        (S25, {"resolution": "1080p", "aspect_ratio": "9:16"}, (1080, 1920)),
        (S20, {"resolution": "4K"}, (3840, 2160)),
        ("kling-v3", {"mode": "pro"}, (1920, 1080)),
        (VEO, {"metadata": {"resolution": "1080p"}}, (1920, 1080)),
        (VEO, {}, (1280, 720)),
        (H3, {}, (2560, 1440)),
    ],
)
async def test_a_clip_is_as_large_as_ordered(box: Box, model: str, body: dict[str, Any], size: tuple[int, int]) -> None:
    _, job = await run(box, whole(model, body))
    assert (job.outcome.clip.width * 4, job.outcome.clip.height * 4) == size


async def test_the_list_of_models_has_them(box: Box) -> None:
    listed = {each["id"] for each in (await box.get("toapis", "/toapis/v1/models")).json()["data"]}
    assert {body["model"] for body in BODIES} <= listed == set(MODELS)
