"""An OpenAI-compatible server on the wire: OpenAI's envelope of errors, FastAPI's, and a Video that is status and result."""

from datetime import UTC, datetime
from typing import Any, get_args

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
from prefect_storyboard.providers.openai import served
from prefect_storyboard.providers.openai.adapter import OpenAICompatible
from prefect_storyboard.providers.protocol import Order, SceneRequest
from prefect_storyboard.providers.table import model
from prefect_storyboard.storyboards import Casting, Job

SECRET = "sk-s3cr3ts3cr3ts3cr3t"
BASE = "https://videos.studio.example/v1"
NGINX = b"<html><center>nginx</center></html>"
WALK = "Mossy walks through a forest at dawn."
VIDEO = Job(
    provider="openai",
    endpoint="videos",
    request_id="video_1",
    submitted_at=datetime(2025, 9, 26, 23, 58, 5, tzinfo=UTC),
)
CHARACTER = VIDEO.model_copy(update={"endpoint": "videos/characters", "request_id": "char_123"})
SORA = VIDEO.model_copy(update={"endpoint": "sora-2"})


def scene(**facts: Any) -> SceneRequest:
    wanted = {"model": model("openai", "sora-2"), "prompt": WALK, "seconds": 8, "aspect": "16:9", "resolution": "720p"}
    return SceneRequest(**{**wanted, **facts})


def said(code: Any, message: str = "Not like this", **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code, **more}}


def fastapi(message: str, *where: str) -> dict[str, Any]:
    return {"detail": [{"type": "value_error", "loc": ["body", *where], "msg": message}]}


def video(status: str, **more: Any) -> Reply:
    return Reply({"id": "video_1", "object": "video", "status": status, **more})


def failed(code: Any, message: str = "Not like this") -> Reply:
    return video("failed", error={"code": code, "message": message})


def refused(status: int, body: Any, error: Any, **more: Any) -> Trouble:
    """A submit that was refused for certain."""
    return Trouble(call="submit", replies=[Reply(body, status)], error=error, **more)


def unsure(status: int, body: Any = NGINX) -> Trouble:
    return Trouble(call="submit", replies=[Reply(body, status)], error=OutcomeUnknown, sent=None, charged=None)


def open_still(status: int, body: Any, error: Any, **more: Any) -> list[Trouble]:
    """What stands between us and a paid job, whichever call meets it."""
    reply = Reply(body, status, more.pop("headers", {}))
    return [
        Trouble(call=call, replies=[reply], error=error, charged=None, job=job, **more)
        for call in ("status", "result")
        for job in (VIDEO, CHARACTER)
    ]


ORDERS = [
    ExpectedOrder(fixture="create-full.request", request=scene(), endpoint="videos"),
    ExpectedOrder(
        fixture="create-minimal.request",
        request=scene(),
        endpoint="videos",
        ours={"model": "sora-2", "seconds": "8", "size": "1280x720"},
    ),
    ExpectedOrder(
        fixture="create-with-character.request",
        request=scene(castings=(Casting(character="Mossy", id="char_123", mention="Mossy"),)),
        endpoint="videos",
    ),
    ExpectedOrder(
        fixture="create-with-image-url.request",
        request=scene(image_url="https://example.com/x.png"),
        endpoint="videos",
    ),
]

ANSWERS = [
    *(
        Answer(call="submit", replies=[Reply(name)], gives={"request_id": canonical("openai", name)["id"]})
        for name in ("video-queued-minimal.response", "video-queued.response", "vllm-omni-create.response")
    ),
    *(
        Answer(call="status", replies=[Reply(name)], gives={"state": state})
        for name, state in (
            ("video-queued.response", "queued"),
            ("video-in-progress.response", "running"),
            ("video-completed.response", "ended"),
            ("video-failed.response", "ended"),
        )
    ),
    *(
        Answer(call="status", replies=[video(word)], gives={"state": state})
        for word, state in (
            ("expired", "ended"),
            ("cancelled", "ended"),
            ("processing", "running"),
            ("succeeded", "ended"),
            ("pending", "queued"),
            ("paused", "running"),
        )
    ),
    Answer(call="status", replies=[Reply("character.response")], gives={"state": "ended"}, job=CHARACTER),
    Answer(
        call="result",
        replies=[Reply("character.response")],
        gives={"character_id": "char_123", "mention": "Mossy", "url": None, "handle": None},
        job=CHARACTER,
    ),
    Answer(
        call="result",
        replies=[Reply("video-completed.response")],
        gives={
            "url": f"{BASE}/videos/video_1/content",
            "handle": "video_1",
            "usd": None,
            "facts": {
                "model": "sora-2",
                "size": "1280x720",
                "seconds": "8",
                "created_at": 1758941485,
                "completed_at": 1758941610,
                "expires_at": 1758945210,
            },
        },
    ),
    Answer(call="result", replies=[video("succeeded")], gives={"url": f"{BASE}/videos/video_1/content"}),
    *(
        Answer(call="offered", replies=[Reply(*reply)], gives=gives, job=SORA)
        for reply, gives in (
            (({"object": "list", "data": [{"id": "sora-2"}]},), True),
            (({"object": "list", "data": [{"id": "wan"}]},), False),
            (({"object": "list", "data": None},), None),
            ((NGINX, 502), None),
            ((said("not_found"), 404), None),
        )
    ),
    Answer(call="cancel", replies=[Reply("video-completed.response")], gives=False),
    Answer(call="cancel", replies=[Reply("video-in-progress.response"), Reply("delete.response")], gives=True),
    Answer(call="cancel", replies=[Reply("video-in-progress.response"), Reply(said(None), 409)], gives=False),
    Answer(call="cancel", replies=[Reply("character.response")], gives=False, job=CHARACTER),
    Answer(call="find", replies=[Reply(said("not_found"), 404)], gives=None),
    Answer(call="price", replies=[Reply({})], gives=None),
    Answer(call="balance", replies=[Reply({})], gives=None),
]

SUBMITS = [
    refused(400, "error-size-mismatch.response", InvalidRequest),
    refused(400, "error-input-reference.response", InvalidRequest, facts={"field": "input_reference"}),
    refused(400, "error-invalid-seconds.response", InvalidRequest, facts={"field": "seconds"}),
    refused(400, "error-model-gone-400.response", Retired, remedy="another model"),
    refused(404, "error-model-gone-404.response", Retired),
    refused(404, "azure-deployment-missing.response", Retired),
    refused(410, said("deprecated", "It is shut down"), Retired),
    refused(400, said("moderation_blocked", "Your request was blocked by our moderation system."), Refused),
    refused(401, "error-401.response", Unauthorized, remedy="API key"),
    refused(401, said("invalid_api_key", f"Incorrect API key provided: {SECRET}."), Unauthorized),
    refused(402, said(None), OutOfCredit),
    refused(403, "error-403.response", Unauthorized),
    refused(403, NGINX, Unauthorized),
    refused(404, NGINX, InvalidRequest),
    refused(404, {"detail": "Not Found"}, InvalidRequest),
    refused(413, NGINX, InvalidRequest),
    refused(422, fastapi("Field required", "prompt"), InvalidRequest, facts={"field": "prompt", "what": "prompt"}),
    refused(429, "error-429-rate.response", Busy, facts={"retry_after": None}),
    Trouble(
        call="submit",
        replies=[Reply("error-429-rate.response", 429, {"retry-after-ms": "1500", "Retry-After": "2"})],
        error=Busy,
        facts={"retry_after": 1.5},
    ),
    refused(429, "error-429-quota.response", OutOfCredit, remedy="Top up"),
    refused(400, said("billing_hard_limit_reached"), OutOfCredit),
    refused(307, b"", InvalidRequest),
    *(unsure(status) for status in (200, 408, 409, 500, 502, 503, 504)),
    unsure(500, said("server_error")),
    unsure(200, {"id": None, "status": "queued"}),
    Trouble(
        call="submit",
        replies=[Reply(said("video_68d7512d0784"), 500)],
        error=OutcomeUnknown,
        sent=None,
        charged=None,
        facts={"request_id": "video_68d7512d0784"},
    ),
]

POLLS = [
    *open_still(401, "error-401.response", Unauthorized, remedy="The job is paid for and still open."),
    *open_still(403, "error-403.response", Unauthorized),
    *open_still(403, NGINX, Busy),
    *open_still(404, "error-404.response", Expired),
    *open_still(429, "error-429-rate.response", Busy, headers={"Retry-After": "2"}, facts={"retry_after": 2.0}),
    *(trouble for status in (200, 500, 502, 503, 504) for trouble in open_still(status, NGINX, Busy)),
    *open_still(400, said(None), ProtocolError, sent=None),
    *open_still(307, b"", ProtocolError, sent=None),
    Trouble(call="result", replies=[Reply("video-in-progress.response")], error=Busy, charged=None),
]

AGAIN = {"resubmittable": True, "request_id": "video_1"}
NOT_AGAIN = {"resubmittable": False, "request_id": "video_1"}
VERDICTS = [
    Trouble(call="result", replies=[Reply("video-failed.response")], error=Refused, charged=None),
    Trouble(
        call="result",
        replies=[failed("content_filter", "The generated video was blocked by our content filter.")],
        error=Refused,
        charged=None,
        facts={"what": "output", "resubmittable": True},
    ),
    *(
        Trouble(call="result", replies=[failed(code)], error=GenerationFailed, charged=None, facts=facts)
        for code, facts in (
            ("video_generation_failed", AGAIN),
            ("internal_error", AGAIN),
            (None, AGAIN),
            ("invented_tomorrow", NOT_AGAIN),
        )
    ),
    *(
        Trouble(call="result", replies=[video(word)], error=GenerationFailed, charged=None)
        for word in ("failed", "expired", "cancelled")
    ),
]

OTHERS = [
    Trouble(call="upload", replies=[Reply({})], error=InvalidRequest, sent=False, facts={"field": "file"}),
    Trouble(call="find", replies=[Reply("list.response")], error=ProtocolError, sent=None, charged=None),
    Trouble(call="find", replies=[Reply("list-sparse.response")], error=ProtocolError, sent=None, charged=None),
    Trouble(call="offered", replies=[Reply("error-401.response", 401)], error=Unauthorized, job=SORA),
]

NO_REMIX = "no order of ours: remixes, edits and extensions ended with Sora, and no self-hosted server has them"
NO_WEBHOOK = "no call of ours: an order names no address, and a project's webhook knows no job"

CASE = Case(
    name="openai",
    connect=lambda http: OpenAICompatible(http, api_key=SECRET, base_url=BASE),
    secret=SECRET,
    hosts=frozenset({"videos.studio.example"}),
    order=Order(endpoint="videos", body=canonical("openai", "create-full.request")),
    accepted=Reply("video-queued.response"),
    job=VIDEO,
    orders=ORDERS,
    answers=ANSWERS,
    served={
        each: served.model(BASE, {each: served.ServedModel(dialect=each)}, each) for each in get_args(served.Dialect)
    },
    troubles=[*SUBMITS, *POLLS, *VERDICTS, *OTHERS],
    elsewhere={
        **dict.fromkeys(
            (
                *("remix.request", "remix.response", "edit.request", "edit.response"),
                *("extension.request", "extension.response"),
            ),
            NO_REMIX,
        ),
        **dict.fromkeys(
            (
                *("webhook-completed.event", "webhook-failed.event"),
                *("webhook-endpoint.request", "webhook-endpoint.response"),
            ),
            NO_WEBHOOK,
        ),
        "create-with-file-id.request": "no order of ours: a file of the form needs no upload to /v1/files",
    },
)
