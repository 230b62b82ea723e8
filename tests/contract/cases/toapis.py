"""ToAPIs on the wire: the three envelopes of its errors, and a task whose document is status and result in one."""

from datetime import UTC, datetime
from typing import Any

import living_toapis
import living_toapis_tables

from cases import Answer, Case, ExpectedOrder, Reply, Trouble, canonical
from prefect_storyboard.providers.errors import (
    Busy,
    Expired,
    GenerationFailed,
    InvalidRequest,
    OutcomeUnknown,
    OutOfCredit,
    ProtocolError,
    Refused,
    Retired,
    Unauthorized,
)
from prefect_storyboard.providers.protocol import CharacterRequest, Order, Reference, SceneRequest
from prefect_storyboard.providers.table import model
from prefect_storyboard.providers.toapis.adapter import ToApis
from prefect_storyboard.storyboards import Casting, Job

SECRET = "sk-s3cr3ts3cr3ts3cr3t"
API = "https://toapis.com"
VIDEOS = "v1/videos/generations"
CLIP = "https://example.com/character-video.mp4"
MP4 = "https://files.dashlyai.cc/sora/7712af45-ca35-4a15-b800-f20ea623665b.mp4"
NGINX = b"<html><center>nginx</center></html>"
SAID_NO = {"success": False, "message": "Something that nobody has documented"}


def task(name: str, place: str) -> Job:
    """The job that has a canonical task for its document."""
    number = canonical("toapis", name)["id"]
    return Job(
        provider="toapis",
        endpoint=VIDEOS,
        request_id=number,
        submitted_at=datetime(2026, 1, 14, 8, 43, 42, tzinfo=UTC),
        urls={"status": f"{API}/v1/{place}/{number}"},
    )


VIDEO = task("video-completed.response", "videos/generations")
CHARACTER = task("character-completed.response", "characters_tasks")


def cast(family: str = "sora-2", **facts: Any) -> CharacterRequest:
    return CharacterRequest(model=model("toapis", family), **{"name": "Turbo", "start": 1.0, "end": 3.0, **facts})


def scene(family: str = "sora-2", **facts: Any) -> SceneRequest:
    wanted = {"prompt": "A fox in the snow", "seconds": 10, "aspect": "16:9", "resolution": "720p"}
    return SceneRequest(model=model("toapis", family), **{**wanted, **facts})


def mini(request: SceneRequest) -> SceneRequest:
    """The same of the small sister, which the contract's example names and the table does not sell."""
    return request.model_copy(
        update={"model": request.model.model_copy(update={"endpoints": {"text": "seedance-2-mini"}})}
    )


def said(code: Any, message: str = "Not like this", **more: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, **more}}


def failed(code: Any, message: str = "Not like this", **more: Any) -> Reply:
    return Reply({"id": VIDEO.request_id, "status": "failed", "progress": 0, **said(code, message), **more})


def done(**more: Any) -> Reply:
    return Reply({"id": VIDEO.request_id, "status": "completed", **more})


def unsure(status: int, body: Any = NGINX) -> Trouble:
    return Trouble(call="submit", replies=[Reply(body, status)], error=OutcomeUnknown, sent=None, charged=None)


def untouched(status: int, body: Any, error: Any, **more: Any) -> Trouble:
    """A submit that was refused for certain."""
    return Trouble(call="submit", replies=[Reply(body, status)], error=error, **more)


def open_still(status: int, body: Any, error: Any, job: Job = VIDEO, **more: Any) -> list[Trouble]:
    """What stands between us and a paid job, whichever call meets it."""
    reply = Reply(body, status, more.pop("headers", {}))
    calls = ("status", "result")
    return [Trouble(call=call, replies=[reply], error=error, charged=None, job=job, **more) for call in calls]


ORDERS = [
    ExpectedOrder(fixture="create-character-url.request", request=cast(clip_url=CLIP), endpoint=VIDEOS),
    ExpectedOrder(
        fixture="create-character-from-task.request",
        request=cast(video_id="task_01KBYT59JDHB4A3KDDR9N9JVWP"),
        endpoint=VIDEOS,
    ),
    ExpectedOrder(
        fixture="generate-t2v.request",
        request=scene(prompt="A golden retriever running on grass, sunny day"),
        endpoint=VIDEOS,
    ),
    ExpectedOrder(
        fixture="generate-i2v.request",
        request=scene(prompt="The dog turns its head", image_url="https://files.toapis.com/uploads/123/a.jpg"),
        endpoint=VIDEOS,
    ),
    ExpectedOrder(
        fixture="generate-username.request",
        request=scene(
            prompt="Turbo is dancing in the rain",
            castings=(Casting(character="Turbo", id="ch_69", mention="@duksvfkf.turbo_whis"),),
        ),
        endpoint=VIDEOS,
        ours={"duration": 10, "aspect_ratio": "16:9"},
    ),
    ExpectedOrder(
        fixture="generate-vvip.request",
        request=scene("sora-2-vvip", seconds=4),
        endpoint=VIDEOS,
        theirs=frozenset({"metadata"}),  # a style and a second video, which nobody ordered
    ),
    ExpectedOrder(fixture="generate-official.request", request=scene("sora-2-official", seconds=12), endpoint=VIDEOS),
    ExpectedOrder(
        fixture="remix.request",
        request=scene(prompt="Add a puppy playing in the scene", seconds=15, remix_of="video_01", job_key="ab12"),
        endpoint="v1/videos/video_01/remix",
    ),
    ExpectedOrder(
        fixture="remix-official.request",
        request=scene(
            "sora-2-official", prompt="Add a puppy playing in the scene", seconds=8, remix_of="video_01", job_key="ab12"
        ),
        endpoint="v1/videos/video_01/remix",
    ),
    ExpectedOrder(
        fixture="seedance-2.request",
        request=mini(
            scene(
                "seedance-2",
                prompt="Keep the character from Mara in the same outfit",
                resolution="480p",
                references=(
                    Reference(character="Mara", image_urls=("https://example.com/1.jpg",)),
                    Reference(character="Otto", clip_url="https://example.com/1.mp4"),
                ),
                job_key="order_20260616_001",
            )
        ),
        endpoint=VIDEOS,
        ours={"generate_audio": True},
        theirs=frozenset({"audio_with_roles"}),
    ),
]

ANSWERS = [
    Answer(
        call="upload",
        replies=[Reply("upload-ok.response")],
        gives="https://files.toapis.com/uploads/123/videos/1737568800_abc12345.mp4",
    ),
    *(
        Answer(call="submit", replies=[Reply(name)], gives={"request_id": canonical("toapis", name)["id"]})
        for name in (
            *("create-character.response", "generate.response", "generate-official.response"),
            *("remix.response", "remix-official.response", "seedance-2.response"),
        )
    ),
    Answer(call="submit", replies=[Reply({"task_id": "tsk_vid_1"})], gives={"request_id": "tsk_vid_1"}),
    *(
        Answer(call="status", replies=[Reply(name)], gives={"state": state}, job=job)
        for name, state, job in (
            ("video-queued.response", "queued", VIDEO),
            ("video-in-progress.response", "running", VIDEO),
            ("video-completed.response", "ended", VIDEO),
            ("video-failed.response", "ended", VIDEO),
            ("video-failed-billing.response", "ended", VIDEO),
            ("character-in-progress.response", "running", CHARACTER),
            ("character-completed.response", "ended", CHARACTER),
            ("character-failed.response", "ended", CHARACTER),
        )
    ),
    Answer(call="status", replies=[Reply({"status": "submitted"})], gives={"state": "queued"}),
    Answer(call="status", replies=[Reply({"status": "paused"})], gives={"state": "running"}),
    Answer(
        call="status",
        replies=[Reply("error-404.response", 404), Reply("character-in-progress.response")],
        gives={"state": "running"},
        job=CHARACTER,
    ),
    Answer(
        call="result",
        replies=[Reply("character-completed.response")],
        gives={
            "character_id": "ch_6937998961208191a45ef08447a554df",
            "mention": "@duksvfkf.turbo_whis",
            "url": None,
            "handle": None,
            "raw": canonical("toapis", "character-completed.response"),
        },
        job=CHARACTER,
    ),
    Answer(
        call="result",
        replies=[Reply("video-completed.response")],
        gives={"url": MP4, "handle": VIDEO.request_id, "character_id": None, "usd": None},
    ),
    *(
        Answer(call="result", replies=[done(**place)], gives={"url": MP4, "handle": VIDEO.request_id})
        for place in (
            {"url": MP4},
            {"video_url": MP4},
            {"result": {"url": MP4}},
            {"result": {"video": {"url": MP4}}},
            {"result": {"data": []}, "url": "", "video_url": MP4},
        )
    ),
    Answer(
        call="result",
        replies=[done(url=MP4, billing={"status": "settled", "credits": "120", "cost_usd": "0.6"})],
        gives={"usd": 0.6},
    ),
    *(
        Answer(call="offered", replies=[Reply(*reply)], gives=gives, job=VIDEO.model_copy(update={"endpoint": family}))
        for family, reply, gives in (
            ("sora-2-vvip", ("models.response",), True),
            ("sora-2", ("models.response",), False),
            ("sora-2", ({"object": "list", "data": []},), False),
            ("sora-2", ({"object": "list", "data": None},), None),
            ("sora-2", (SAID_NO,), None),
            ("sora-2", (NGINX, 502), None),
        )
    ),
    Answer(call="cancel", replies=[Reply({})], gives=False),
    Answer(call="find", replies=[Reply({})], gives=None),
    Answer(call="price", replies=[Reply({})], gives=None),
    Answer(call="balance", replies=[Reply("balance.response")], gives=None),
    Answer(call="balance", replies=[Reply("balance-unlimited.response")], gives=None),
    Answer(call="balance", replies=[Reply("balance-error.response")], gives=None),
    Answer(
        call="balance",
        replies=[Reply({"success": True, "remain_balance": 76.7, "remain_credits": 2100, "credits_per_usd": 200})],
        gives=10.5,
    ),
]

SUBMITS = [
    untouched(400, "error-400.response", InvalidRequest),
    untouched(400, said("invalid_request"), InvalidRequest),
    untouched(400, said("webhook_not_configured"), InvalidRequest),
    untouched(400, said("content_policy_violation"), Refused),
    untouched(400, "privacy-refused.response", Refused),
    untouched(401, "error-401.response", Unauthorized, remedy="API key"),
    untouched(401, said("unauthorized", f"Invalid token {SECRET}"), Unauthorized),
    untouched(402, "error-402.response", OutOfCredit, remedy="Top up"),
    untouched(402, said("insufficient_quota"), OutOfCredit),
    untouched(403, said("forbidden"), Unauthorized),
    untouched(403, said("insufficient_quota"), OutOfCredit),
    untouched(404, "error-404.response", InvalidRequest),
    untouched(413, NGINX, InvalidRequest),
    untouched(422, "error-422.response", Refused, remedy="Change the prompt"),
    untouched(422, said(422, "内容违反了内容政策"), Refused),
    untouched(422, said("invalid_request"), InvalidRequest),
    untouched(429, "error-429.response", Busy, facts={"retry_after": None}),
    untouched(429, "error-429-new.response", Busy),
    Trouble(
        call="submit",
        replies=[Reply("error-429-new.response", 429, {"Retry-After": "7", "X-RateLimit-Category": "async_submit"})],
        error=Busy,
        facts={"retry_after": 7.0},
    ),
    Trouble(
        call="submit",
        replies=[Reply("error-503.response", 503, {"Retry-After": "3"})],
        error=Busy,
        facts={"retry_after": 3.0},
    ),
    untouched(503, said("model_not_found", "无可用渠道"), Retired, remedy="another model"),
    untouched(503, said(503, "No available channel for model sora-2 under group default"), Retired),
    untouched(404, said("model_not_found"), Retired),
    untouched(307, b"", InvalidRequest),
    *(unsure(status) for status in (408, 500, 502, 503, 504)),
    unsure(500, said("internal_error")),
    unsure(503, said("internal_error")),
    unsure(200),
    unsure(200, SAID_NO | {"message": f"Invalid token '{SECRET}'"}),
    unsure(200, said(400)),
    unsure(200, {"id": None, "status": "queued"}),
]

POLLS = [
    *open_still(401, "error-401.response", Unauthorized, remedy="The job is paid for and still open."),
    *open_still(402, "error-402.response", OutOfCredit, remedy="The job is paid for and still open."),
    *open_still(403, said("forbidden"), Unauthorized),
    *open_still(404, "error-404.response", Expired),
    *open_still(404, "error-404.response", Expired, CHARACTER),
    *open_still(429, "error-429.response", Busy, headers={"Retry-After": "2"}, facts={"retry_after": 2.0}),
    *(trouble for status in (200, 500, 502, 503, 504) for trouble in open_still(status, NGINX, Busy)),
    *open_still(503, "error-503.response", Busy, CHARACTER),
    *open_still(500, said("internal_error"), Busy),
    *open_still(200, SAID_NO, Busy),
    *open_still(400, "error-400.response", ProtocolError, sent=None),
    *open_still(422, "error-422.response", ProtocolError, sent=None),
    *open_still(307, b"", ProtocolError, sent=None),
    Trouble(call="result", replies=[Reply("video-in-progress.response")], error=Busy, charged=None),
]

AGAIN = {"resubmittable": True, "request_id": VIDEO.request_id}
NOT_AGAIN = {"resubmittable": False, "request_id": VIDEO.request_id}
VERDICTS = [
    Trouble(call="result", replies=[Reply("video-failed.response")], error=Refused, remedy="Change the prompt"),
    Trouble(
        call="result",
        replies=[Reply("video-failed-billing.response")],
        error=GenerationFailed,
        facts=NOT_AGAIN,
        remedy="It was not charged.",
    ),
    Trouble(
        call="result",
        replies=[Reply("character-failed.response")],
        error=GenerationFailed,
        facts={"resubmittable": False, "request_id": CHARACTER.request_id},
        job=CHARACTER,
    ),
    *(
        Trouble(call="result", replies=[reply], error=Refused)
        for reply in (
            failed("content_policy_violation"),
            failed(422),
            failed("generation_failed", "Content policy violation"),
            failed("generation_failed", "콘텐츠 정책을 위반했습니다"),
            failed("generation_failed", "コンテンツポリシーに違反しています"),
        )
    ),
    Trouble(call="result", replies=[failed("invalid_request")], error=InvalidRequest),
    Trouble(call="result", replies=[failed(400)], error=InvalidRequest),
    Trouble(call="result", replies=[failed("internal_error")], error=GenerationFailed, facts=AGAIN),
    Trouble(call="result", replies=[failed("no", f"Invalid token {SECRET}")], error=GenerationFailed, facts=NOT_AGAIN),
    Trouble(call="result", replies=[failed("invented_tomorrow")], error=GenerationFailed, facts=NOT_AGAIN),
    Trouble(call="result", replies=[failed("insufficient_quota")], error=GenerationFailed, facts=NOT_AGAIN),
    Trouble(
        call="result",
        replies=[Reply({"status": "failed", "fail_reason": "nobody knows"})],
        error=GenerationFailed,
        facts=NOT_AGAIN,
    ),
    *(
        Trouble(call="result", replies=[reply], error=GenerationFailed, charged=None)
        for reply in (
            done(),
            done(result={"type": "video", "data": []}),
            done(result={"type": "video", "data": [{"url": "file:///etc/passwd"}]}),
            done(result={"type": "character", "data": {"characters": []}}),
            done(result={"type": "character", "data": {"characters": [{"id": "ch_1"}]}}),
        )
    ),
]

UPLOADS = [
    *(
        Trouble(call="upload", replies=[Reply(name, 400)], error=InvalidRequest, facts={"field": "file"})
        for name in (
            *("upload-bad-video.response", "upload-video-too-large.response"),
            *("upload-bad-image.response", "upload-image-too-large.response"),
        )
    ),
    Trouble(call="upload", replies=[Reply(NGINX, 413)], error=InvalidRequest, facts={"field": "file"}),
    Trouble(call="upload", replies=[Reply(SAID_NO)], error=InvalidRequest, facts={"field": "file"}),
    Trouble(call="upload", replies=[Reply("error-401.response", 401)], error=Unauthorized),
    Trouble(call="upload", replies=[Reply("error-402.response", 402)], error=OutOfCredit),
    Trouble(call="upload", replies=[Reply("error-429.response", 429)], error=Busy),
    Trouble(call="upload", replies=[Reply(NGINX, 502)], error=Busy),
    Trouble(call="upload", replies=[Reply(NGINX)], error=Busy),
    Trouble(
        call="upload", replies=[Reply({"success": True, "data": {}})], error=ProtocolError, sent=None, charged=None
    ),
]

CASE = Case(
    name="toapis",
    connect=lambda http: ToApis(http, api_key=SECRET, api_url=API),
    secret=SECRET,
    hosts=frozenset({"toapis.com"}),
    order=Order(endpoint=VIDEOS, body=canonical("toapis", "generate-t2v.request")),
    accepted=Reply("generate.response"),
    job=VIDEO,
    orders=[*ORDERS, *living_toapis.ORDERS, *living_toapis_tables.ORDERS],
    answers=ANSWERS,
    troubles=[*SUBMITS, *POLLS, *VERDICTS, *UPLOADS],
    elsewhere={
        "generate-character-url.request": "not sent: a prompt cites its characters by @username",
        "generate-character-video.request": "not sent: Sora's characters are castings, made once",
        "webhook.event": "test_callbacks_contract.py",
    },
)
