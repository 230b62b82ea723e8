"""Every output that the gateways' pages name is kept: links to small files by kind, plain values by name."""

import json
from typing import Any

import httpx
import pytest
from cases import every_case

from prefect_storyboard.providers.outputs import outputs
from prefect_storyboard.providers.protocol import Result
from prefect_storyboard.storyboards import Job

CASES = {case.name: case for case in every_case()}
# What the pages that this project began with name; here by hand, so that a row that is lost from the table is noticed.
NAMED_OUTPUTS = {
    "fal": "id name video.url video.content_type video_id thumbnail.url spritesheet.url",
    "kie": "code msg data.state data.resultJson.character_id",
    "openai": "id name status model size seconds created_at completed_at expires_at error.message",
    "toapis": "id object model status progress created_at completed_at result.data.characters.id "
    "result.data.characters.display_name result.data.characters.profile_picture_url",
    "wavespeed": "code message data.id data.model data.outputs data.urls.get data.has_nsfw_contents data.status "
    "data.created_at data.error data.timings.inference",
}
MP4 = "https://files.example.com/v.mp4?sig=1"
PNG = "https://files.example.com/p.png?sig=1"
SHEET = "https://files.example.com/s.jpg?sig=1"


def kie_record(result: dict[str, Any]) -> dict[str, Any]:
    facts = {"model": "sora-2-characters", "costTime": 15000, "createTime": 1, "completeTime": 2, "progress": 100}
    record = {"taskId": "t", "state": "success", "param": "{}", "resultJson": json.dumps(result), **facts}
    return {"code": 200, "msg": "success", "data": {**record, "creditsConsumed": 30}}


def toapis_task(data: Any) -> dict[str, Any]:
    times = {"created_at": 1, "completed_at": 2, "expires_at": 3}
    task = {"id": "t", "object": "generation.task", "model": "sora-2", "status": "completed", "progress": 100}
    return {**task, **times, "result": {"data": data}}


def wavespeed_task(outputs: list[Any]) -> dict[str, Any]:
    task = {"id": "abcd1234", "model": "openai/sora-2/characters", "outputs": outputs, "urls": {"get": MP4}}
    task |= {"has_nsfw_contents": [False], "status": "completed", "created_at": "2026-06-01T10:00:00.123Z", "error": ""}
    return {"code": 200, "message": "success", "data": {**task, "timings": {"inference": 4200}, "executionTime": 5000}}


KIE = {"model": "sora-2-characters", "cost_time": 15000, "created_at": 1, "completed_at": 2, "progress": 100}
KIE |= {"credits": 30}
OPENAI = {"model": "sora-2", "size": "1280x720", "seconds": "8", "created_at": 1, "completed_at": 2, "expires_at": 3}
TOAPIS = {"object": "generation.task", "model": "sora-2", "progress": 100}
TOAPIS |= {"created_at": 1, "completed_at": 2, "expires_at": 3}
WAVESPEED = {"model": "openai/sora-2/characters", "has_nsfw_contents": [False], "inference_ms": 4200}
WAVESPEED |= {"created_at": "2026-06-01T10:00:00.123Z", "execution_ms": 5000}
PERSONA = {"id": "ch_1", "username": "mara.ab", "display_name": "Mara", "profile_picture_url": PNG}
KEPT: list[tuple[str, str, Any, dict[str, str], dict[str, Any]]] = [
    (
        "fal",
        "video",
        {
            "video": {"url": MP4, "content_type": "video/mp4"},
            "video_id": "video_123",
            "thumbnail": {"url": PNG},
            "spritesheet": {"url": SHEET},
        },
        {"thumbnail": PNG, "spritesheet": SHEET},
        {"video_id": "video_123", "content_type": "video/mp4"},
    ),
    ("fal", "video", {"video": {"url": MP4}, "video_id": "v", "thumbnail": None}, {}, {"video_id": "v"}),
    (
        "fal",
        "video",
        {"video": {"url": MP4}, "seed": 0, "actual_prompt": "Mara, waving."},
        {},
        {"seed": 0, "actual_prompt": "Mara, waving."},
    ),
    ("fal", "character", {"id": "char_1", "name": "Mara"}, {}, {"name": "Mara"}),
    (
        "kie",
        "video",
        kie_record({"resultUrls": [MP4], "resultWaterMarkUrls": [SHEET], "lastFrameUrl": [PNG]}),
        {"watermarked": SHEET, "last_frame": PNG},
        KIE,
    ),
    (
        "kie",
        "character",
        kie_record({"resultObject": {"character_id": "c", "character_user_name": "mara.ab", "remark": "Say @mara."}}),
        {},
        {**KIE, "remark": "Say @mara."},
    ),
    ("openai", "video", {"id": "video_1", "status": "completed", **OPENAI, "prompt": "p"}, {}, OPENAI),
    ("openai", "character", {"id": "char_1", "name": "Mara", "created_at": 1}, {}, {}),
    (
        "toapis",
        "video",
        toapis_task([{"url": MP4, "format": "mp4", "thumbnail_url": PNG}]),
        {"thumbnail": PNG},
        {**TOAPIS, "format": "mp4"},
    ),
    (
        "toapis",
        "character",
        toapis_task({"characters": [{"id": "nobody", "profile_picture_url": SHEET}, PERSONA]}),
        {"profile_picture": PNG},
        {**TOAPIS, "display_name": "Mara"},
    ),
    (
        "toapis",
        "character",
        toapis_task({"characters": [{"id": "ch_1", "username": "mara.ab", "avatar_url": PNG}]}),
        {"profile_picture": PNG},
        TOAPIS,
    ),
    ("wavespeed", "video", wavespeed_task([MP4]), {}, WAVESPEED),
    ("wavespeed", "character", wavespeed_task([{"id": "char_1", "name": "Mara"}]), {}, {**WAVESPEED, "name": "Mara"}),
    ("wavespeed", "character", wavespeed_task(['{"id":"char_1","name":"Mara"}']), {}, {**WAVESPEED, "name": "Mara"}),
]


async def result(provider: str, kind: str, answer: Any) -> Result:
    job: Job = CASES[provider].job
    if kind == "character":
        place = "videos/characters" if provider == "openai" else "openai/sora-2/characters"
        job = job.model_copy(update={"endpoint": place})
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=answer))
    async with httpx.AsyncClient(transport=transport) as http:
        return await CASES[provider].connect(http).result(job)


@pytest.mark.parametrize(("provider", "kind", "answer", "files", "facts"), KEPT)
async def test_every_output_of_the_page_is_kept(
    provider: str, kind: str, answer: Any, files: dict[str, str], facts: dict[str, Any]
) -> None:
    got = await result(provider, kind, answer)
    assert (got.files, got.facts) == (files, facts)
    assert bool(got.character_id) == (kind == "character")
    assert "sig=1" not in repr(got)
    assert "://" not in json.dumps(got.facts)


def test_every_kept_output_of_the_table_is_read_above() -> None:
    for provider in CASES:
        named = {each.kept for each in outputs(provider) if each.kept.startswith(("files.", "facts."))}
        read = {f"files.{kind}" for each in KEPT if each[0] == provider for kind in each[3]}
        read |= {f"facts.{name}" for each in KEPT if each[0] == provider for name in each[4]}
        assert named - read <= {"files.first_frame"}


async def test_a_fact_is_never_a_link_and_a_file_never_anything_else() -> None:
    odd = {"video": {"url": MP4, "content_type": MP4}, "video_id": {"a": 1}, "seed": [], "thumbnail": {"url": "x.png"}}
    got = await result("fal", "video", odd)
    assert (got.files, got.facts) == ({}, {})


@pytest.mark.parametrize("provider", CASES)
def test_the_table_has_every_output_that_the_pages_name(provider: str) -> None:
    assert set(NAMED_OUTPUTS[provider].split()) <= {each.path for each in outputs(provider)}
