"""fal.ai on the wire: https://fal.ai/docs/documentation/model-apis/inference/queue.md."""

from datetime import UTC, datetime
from typing import Any

import living_fal
import living_fal_tiers

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
from prefect_storyboard.providers.fal.adapter import Fal
from prefect_storyboard.providers.protocol import CharacterRequest, Order, Reference, SceneRequest
from prefect_storyboard.providers.table import model
from prefect_storyboard.storyboards import Casting, Job

HOSTS = {
    "queue_url": "https://queue.fal.run",
    "rest_url": "https://rest.fal.ai",
    "platform_url": "https://api.fal.ai/v1",
}
CDN = "https://v3.fal.media/files/b/fixture"
JOE = Casting(character="Joe", id="char_123")
SUBMITTED = canonical("fal", "queue-submit.response")
TEXT = "fal-ai/sora-2/text-to-video"
JOB = Job(
    provider="fal",
    endpoint=TEXT,
    request_id=SUBMITTED["request_id"],
    submitted_at=datetime(2026, 2, 17, 10, 30, tzinfo=UTC),
    urls={link: SUBMITTED[link] for link in ("status_url", "response_url", "cancel_url")},
)
KEPT = {"delete_video": False}  # or nobody could remix the video later
DEFAULTS = frozenset({"model", "detect_and_block_ip"})
REFUSED = {"X-Fal-Billable-Units": "0"}


def scene(family: str = "sora-2", **facts: Any) -> SceneRequest:
    wanted = {"prompt": "Joe walks on a beach at sunset", "seconds": 8, "aspect": "16:9", "resolution": "720p"}
    return SceneRequest(model=model("fal", family), **{**wanted, **facts})


def mara(*pictures: str) -> tuple[Reference, ...]:
    return (Reference(character="Mara", image_urls=tuple(f"{CDN}/{name}.png" for name in pictures)),)


def detail(kind: str, place: str = "prompt") -> dict[str, Any]:
    return {"detail": [{"loc": ["body", place], "msg": "No.", "type": kind}]}


CASE = Case(
    name="fal",
    connect=lambda http: Fal(http, api_key="kid:ksec", **HOSTS),
    secret="kid:ksec",
    hosts=frozenset({"queue.fal.run", "rest.fal.ai", "api.fal.ai"}),
    order=Order(endpoint=TEXT, body=canonical("fal", "text-to-video-minimal.request")),
    accepted=Reply("queue-submit.response"),
    job=JOB,
    orders=[
        ExpectedOrder(
            fixture="characters.request",
            request=CharacterRequest(model=model("fal", "sora-2"), name="Joe", clip_url=f"{CDN}/joe.mp4", end=4.0),
            endpoint="fal-ai/sora-2/characters",
        ),
        ExpectedOrder(
            fixture="text-to-video-minimal.request",
            request=scene(prompt="A calico cat plays the piano on a stage", seconds=4),
            endpoint=TEXT,
            ours={**KEPT, "duration": 4, "resolution": "720p", "aspect_ratio": "16:9"},
        ),
        ExpectedOrder(
            fixture="text-to-video-full.request", request=scene(castings=(JOE,)), endpoint=TEXT, theirs=DEFAULTS
        ),
        ExpectedOrder(
            fixture="image-to-video.request",
            request=scene(
                prompt="The cat jumps down", seconds=4, aspect="auto", resolution="auto", image_url=f"{CDN}/a.png"
            ),
            endpoint="fal-ai/sora-2/image-to-video",
            ours=KEPT,
        ),
        ExpectedOrder(
            fixture="text-to-video-pro.request",
            request=scene("sora-2-pro", seconds=12, aspect="9:16", resolution="true_1080p", castings=(JOE,)),
            endpoint=f"{TEXT}/pro",
            ours=KEPT,
        ),
        ExpectedOrder(
            fixture="image-to-video-pro.request",
            request=scene(
                "sora-2-pro", prompt="The cat jumps down", seconds=20, resolution="1080p", image_url=f"{CDN}/a.png"
            ),
            endpoint="fal-ai/sora-2/image-to-video/pro",
            ours={**KEPT, "aspect_ratio": "16:9"},
        ),
        ExpectedOrder(
            fixture="remix.request",
            request=scene(prompt="Make it night", remix_of="video_123"),
            endpoint="fal-ai/sora-2/video-to-video/remix",
        ),
        ExpectedOrder(
            fixture="reference-models.requests",
            part="bytedance/seedance-2.0/reference-to-video",
            request=scene("seedance-2", prompt="Mara waves at the camera", seconds=5, references=mara("a")),
            endpoint="bytedance/seedance-2.0/reference-to-video",
        ),
        ExpectedOrder(
            fixture="reference-models.requests",
            part="fal-ai/kling-video/o3/pro/reference-to-video",
            request=scene(
                "kling-o3", prompt="Mara walks through a market", seconds=5, references=mara("front", "side")
            ),
            endpoint="fal-ai/kling-video/o3/pro/reference-to-video",
            ours={"generate_audio": True},  # silent by default, and a reel is not
        ),
        ExpectedOrder(
            fixture="reference-models.requests",
            part="fal-ai/veo3.1/reference-to-video",
            request=scene("veo-3.1", prompt="A woman in a red coat crosses the street", references=mara("a")),
            endpoint="fal-ai/veo3.1/reference-to-video",
            theirs=frozenset({"prompt"}),  # ours says besides who is on which picture
            ours={
                "prompt": "A woman in a red coat crosses the street\nReference image 1 shows Mara.",
                "generate_audio": True,
            },
        ),
        *living_fal.ORDERS,
        *living_fal_tiers.ORDERS,
    ],
    answers=[
        Answer(
            call="upload",
            replies=[Reply("initiate-upload.response"), Reply({})],
            gives=f"{CDN}/a.png",
        ),
        Answer(
            call="submit",
            replies=[Reply("queue-submit.response")],
            gives={"request_id": JOB.request_id, "urls": JOB.urls},
        ),
        Answer(call="status", replies=[Reply("status-in-queue.response", 202)], gives={"state": "queued"}),
        Answer(call="status", replies=[Reply("status-in-progress.response", 202)], gives={"state": "running"}),
        Answer(call="status", replies=[Reply("status-completed.response")], gives={"state": "ended"}),
        Answer(call="status", replies=[Reply("status-completed-error.response")], gives={"state": "ended"}),
        Answer(call="status", replies=[Reply({"status": "PAUSED"}, 202)], gives={"state": "running"}),
        Answer(
            call="result",
            replies=[Reply("video-result-minimal.response")],
            gives={"url": "https://v3b.fal.media/files/b/fixture/out.mp4", "handle": "video_123", "files": {}},
        ),
        Answer(
            call="result",
            replies=[Reply("video-result-full.response", headers={"x-fal-billable-units": "8"})],
            gives={"url": "https://v3b.fal.media/files/b/fixture/out.mp4"},
        ),
        Answer(
            call="result",
            replies=[Reply("seedance-2-result.response")],
            gives={"url": "https://v3b.fal.media/files/b/fixture/out.mp4", "handle": None},
        ),
        Answer(
            call="result",
            replies=[Reply("seedance-2-5.response")],
            gives={
                "url": "https://v3b.fal.media/files/b/fixture/out.mp4",
                "facts": {"content_type": "video/mp4", "seed": 42},
            },
        ),
        Answer(
            call="result",
            replies=[Reply("h3-max.response")],
            gives={"url": "https://v3b.fal.media/files/b/fixture/out.mp4", "handle": None},
        ),
        Answer(
            call="result",
            replies=[Reply("characters-result.response")],
            gives={"character_id": "char_123", "mention": None, "url": None},
        ),
        Answer(call="cancel", replies=[Reply("cancel-ok.response")], gives=True),
        Answer(call="cancel", replies=[Reply("cancel-requested.response", 202)], gives=True),
        Answer(call="cancel", replies=[Reply("cancel-too-late.response", 400)], gives=False),
        Answer(call="find", replies=[Reply("requests-by-endpoint.response")], gives=()),
        Answer(call="offered", replies=[Reply("models-deprecated.response")], gives=False),
        Answer(call="offered", replies=[Reply("platform-not-found.response", 404)], gives=False),
        Answer(call="offered", replies=[Reply({"error": {"type": "server_error"}}, 500)], gives=None),
        Answer(call="balance", replies=[Reply("account-billing.response")], gives=24.5),
        Answer(call="balance", replies=[Reply({"error": {"type": "authorization_error"}}, 403)], gives=None),
        Answer(call="price", replies=[Reply("pricing.response")], gives=None),
    ],
    troubles=[
        Trouble(call="submit", replies=[Reply("unauthorized.response", 401)], error=Unauthorized),
        Trouble(call="submit", replies=[Reply("locked.response", 403)], error=OutOfCredit, remedy="Top up"),
        Trouble(call="submit", replies=[Reply({"detail": "Path /x not found"}, 404)], error=Retired),
        Trouble(
            call="submit",
            replies=[Reply({"detail": "Too many"}, 429, {"Retry-After": "7"})],
            error=Busy,
            facts={"retry_after": 7.0},
        ),
        Trouble(call="submit", replies=[Reply({"detail": "No runner"}, 503, {"x-fal-request-id": "r"})], error=Busy),
        Trouble(call="submit", replies=[Reply({}, 500)], error=OutcomeUnknown, sent=None, charged=None),
        Trouble(call="submit", replies=[Reply({"status": "IN_QUEUE"})], error=OutcomeUnknown, sent=None, charged=None),
        Trouble(call="status", replies=[Reply("not-found.response", 404)], error=Expired, charged=None),
        Trouble(call="status", replies=[Reply(b"<html>nginx</html>", 502)], error=Busy, charged=None),
        Trouble(call="status", replies=[Reply("unauthorized.response", 401)], error=Unauthorized, charged=None),
        Trouble(call="result", replies=[Reply("result-pending.response", 400)], error=Busy, charged=None),
        Trouble(call="result", replies=[Reply("not-found.response", 404)], error=Expired, charged=None),
        Trouble(
            call="result",
            replies=[Reply("model-error.response", 422, REFUSED)],
            error=Refused,
            facts={"field": "prompt"},
        ),
        Trouble(
            call="result",
            replies=[Reply("literal-error.response", 422, REFUSED)],
            error=InvalidRequest,
            facts={"field": "duration"},
        ),
        Trouble(call="result", replies=[Reply("missing-field.response", 422)], error=InvalidRequest, charged=None),
        Trouble(
            call="result", replies=[Reply(detail("no_media_generated"), 422)], error=GenerationFailed, charged=None
        ),
        Trouble(
            call="result",
            replies=[Reply(detail("file_download_error", "image_url"), 422, REFUSED)],
            error=GenerationFailed,
            facts={"resubmittable": True},
        ),
        Trouble(
            call="result",
            replies=[Reply("infra-error.response", 504, {"X-Fal-Error-Type": "request_timeout"})],
            error=GenerationFailed,
            facts={"resubmittable": True},
        ),
        Trouble(
            call="result",
            replies=[Reply("cancelled-result.response", 499)],
            error=GenerationFailed,
            charged=None,
            facts={"resubmittable": True},
        ),
        Trouble(
            call="result",
            replies=[Reply("real-person-refused.response", 422, REFUSED)],
            error=Refused,
            facts={"field": "image_urls.0"},
        ),
        Trouble(call="result", replies=[Reply({"video": {}})], error=GenerationFailed, charged=None),
        Trouble(call="upload", replies=[Reply({"detail": "no"}, 500)], error=Busy),
        Trouble(call="upload", replies=[Reply({"upload_url": "x"})], error=ProtocolError, sent=None, charged=None),
    ],
    elsewhere={
        "cdn-token.request": "we upload by presigned PUT",
        "cdn-token.response": "we upload by presigned PUT",
        "cdn-upload.response": "we upload by presigned PUT",
        "multipart-open.response": "we upload by presigned PUT",
        "multipart-complete.request": "we upload by presigned PUT",
        "initiate-upload.request": "test_fal_upload.py",
        "object-lifecycle.header": "outputs keep the account's own lifetime: they are fetched at once",
        "sign-file.request": "files are public",
        "sign-file.response": "files are public",
        "file-acl.request": "files are public",
        "webhook-ok.event": "test_callbacks_contract.py",
        "webhook-error.event": "test_callbacks_contract.py",
        "webhook-payload-error.event": "test_callbacks_contract.py",
        "webhook-null-payload.event": "test_callbacks_contract.py",
        "jwks.response": "test_callbacks_contract.py",
        "meta.response": "addresses are no proof; the signature is",
        "pricing-estimate.request": "the list knows one unit price a model, and no tiers",
        "pricing-estimate.response": "the list knows one unit price a model, and no tiers",
        "billing-events.response": "needs an admin key",
        "delete-payloads.response": "nothing is deleted at the provider",
    },
)
