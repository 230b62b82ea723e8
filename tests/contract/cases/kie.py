"""Kie.ai on the wire: https://docs.kie.ai, with the Sora pages as last published in 2026-04."""

import json
from datetime import UTC, datetime
from typing import Any

import living_kie
import living_kie_tables

from cases import Answer, Case, ExpectedOrder, Reply, Trouble, canonical
from prefect_storyboard.providers.errors import (
    Busy,
    Expired,
    GenerationFailed,
    InvalidRequest,
    OutcomeUnknown,
    OutOfCredit,
    ProtocolError,
    ProviderError,
    Refused,
    Retired,
    Unauthorized,
)
from prefect_storyboard.providers.kie.adapter import Kie
from prefect_storyboard.providers.protocol import CharacterRequest, Order, Reference, SceneRequest
from prefect_storyboard.providers.table import model
from prefect_storyboard.storyboards import Casting, Job

HOSTS = {"api_url": "https://api.kie.ai", "upload_url": "https://kieai.redpandaai.co"}
TEXT = "sora-2-text-to-video"
FRAME = "https://example.com/a.png"
MP4 = "https://tempfile.aiquickdraw.com/v/abc.mp4"
PAGE = b"<html><center>nginx</center></html>"
FOX = Casting(character="Fox", id="example_123456789", mention="@mzsdaag.ab")
JOB = Job(
    provider="kie",
    endpoint=TEXT,
    request_id="task_sora-2-text-to-video_1765183474472",
    submitted_at=datetime(2025, 12, 8, 8, 44, tzinfo=UTC),
)
CHARACTER = JOB.model_copy(
    update={"endpoint": "sora-2-characters", "request_id": "task_sora-2-characters_1765174270120"}
)
SEEDANCE = JOB.model_copy(update={"endpoint": "bytedance/seedance-2", "request_id": "e989621f54392584b05867f87b160672"})
CALLBACKS = frozenset({"callBackUrl", "progressCallBackUrl"})  # we poll


def scene(family: str = "sora-2", **facts: Any) -> SceneRequest:
    wanted = {"prompt": "A fox walks in the rain", "seconds": 10, "aspect": "16:9", "resolution": "720p"}
    return SceneRequest(model=model("kie", family), **{**wanted, **facts})


def character(**facts: Any) -> CharacterRequest:
    return CharacterRequest(
        model=model("kie", "sora-2"), name="Fox", description="A friendly cartoon fox, green apron", **facts
    )


def without(fixture: str, *fields: str) -> dict[str, Any]:
    """The canonical input less the fields that we leave to Kie: what a character may be is the storyboard's matter."""
    wanted = canonical("kie", fixture)["input"]
    return {"input": {name: value for name, value in wanted.items() if name not in fields}}


def envelope(code: int, msg: str = "No.", data: Any = None) -> dict[str, Any]:
    return {"code": code, "msg": msg, "data": data}


def record(**facts: Any) -> dict[str, Any]:
    return envelope(200, "success", {"taskId": JOB.request_id, "model": TEXT, "param": "{}", **facts})


def failed(code: str | None, text: str | None, **facts: Any) -> dict[str, Any]:
    return record(state="fail", resultJson=None, failCode=code, failMsg=text, **facts)


def made(result: Any, **facts: Any) -> dict[str, Any]:
    return record(state="success", resultJson=result, **facts)


def submit(body: Any, error: type[ProviderError], status: int = 200, **facts: Any) -> Trouble:
    headers = facts.pop("headers", {})
    unknown = {"sent": None, "charged": None} if error is OutcomeUnknown else {}
    return Trouble(call="submit", replies=[Reply(body, status, headers)], error=error, **unknown, **facts)


def looks(body: Any, error: type[ProviderError], status: int = 200, **facts: Any) -> list[Trouble]:
    """The same trouble at both calls, which ask the same address: the job stays open."""
    sent = None if error is ProtocolError else True
    replies = [Reply(body, status)]
    return [
        Trouble(call="status", replies=replies, error=error, sent=sent, charged=None, **facts),
        Trouble(call="result", replies=replies, error=error, sent=sent, charged=None, **facts),
    ]


def verdict(body: Any, error: type[ProviderError], *, charged: bool | None = None, **facts: Any) -> Trouble:
    remedy = facts.pop("remedy", "")
    return Trouble(
        call="result",
        replies=[Reply(body)],
        error=error,
        charged=charged,
        facts={"request_id": JOB.request_id, **facts},
        remedy=remedy,
        job=JOB,
    )


def reads(call: Any, body: Any, gives: Any, **facts: Any) -> Answer:
    return Answer(call=call, replies=[Reply(body)], gives=gives, **facts)


ORDERS = [
    ExpectedOrder(
        fixture="create-characters.request",
        request=character(clip_url="https://tempfile.redpandaai.co/x/char.mp4"),
        endpoint="sora-2-characters",
        ours=without("create-characters.request", "safety_instruction"),
        theirs=CALLBACKS | {"input"},
    ),
    ExpectedOrder(
        fixture="create-characters-pro.request",
        request=character(video_id="7118f712c1f35c9b8bf2ad1af68ad482", start=3.55, end=5.55),
        endpoint="sora-2-characters-pro",
        ours=without("create-characters-pro.request", "safety_instruction", "character_user_name"),
        theirs=frozenset({"input"}),
    ),
    ExpectedOrder(fixture="create-t2v.request", request=scene(aspect="9:16"), endpoint=TEXT),
    ExpectedOrder(
        fixture="create-t2v-with-character.request",
        request=scene(prompt="Fox walks in the rain", aspect="9:16", castings=(FOX,)),
        endpoint=TEXT,
        theirs=CALLBACKS,
    ),
    ExpectedOrder(
        fixture="create-i2v.request",
        request=scene(
            prompt="The fox turns around",
            seconds=15,
            image_url=FRAME,
            castings=(Casting(character="Mara", id="example_123456789"),),
        ),
        endpoint="sora-2-image-to-video",
    ),
    ExpectedOrder(
        fixture="create-pro-t2v.request",
        request=scene("sora-2-pro", resolution="1080p"),
        endpoint="sora-2-pro-text-to-video",
    ),
    ExpectedOrder(
        fixture="create-pro-i2v.request",
        request=scene("sora-2-pro", prompt="The fox turns around", image_url=FRAME),
        endpoint="sora-2-pro-image-to-video",
    ),
    ExpectedOrder(
        fixture="create-t2v-stable.request", request=scene("sora-2-stable"), endpoint="sora-2-text-to-video-stable"
    ),
    ExpectedOrder(
        fixture="create-i2v-stable.request",
        request=scene("sora-2-stable", prompt="The fox turns around", image_url=FRAME),
        endpoint="sora-2-image-to-video-stable",
    ),
    ExpectedOrder(
        fixture="create-storyboard.request",
        request=scene(
            "sora-2-pro-storyboard",
            prompt="A cute kitten on a sofa\nThe same kitten jumps down",
            seconds=15,
            resolution="1080p",
            image_url="https://example.com/k.png",
        ),
        endpoint="sora-2-pro-storyboard",
    ),
    ExpectedOrder(
        fixture="reference-models.requests",
        part="0",
        request=scene(
            "seedance-2",
            prompt="Fox waves",
            seconds=5,
            references=(Reference(character="Fox", image_urls=(FRAME,)),),
        ),
        endpoint="bytedance/seedance-2",
    ),
]

LIVING = canonical("kie", "seedance-2-5-result.decoded")
NESTED = canonical("kie", "character-result-nested.decoded")
FLAT = canonical("kie", "character-result-flat.decoded")
FULL = {"character_id": "example_123456789", "mention": "@mzsdaag.ab", "url": None, "handle": None}
NAMELESS = {"character_id": "example_123456789", "mention": None, "url": None, "handle": None}
VIDEO = {"url": MP4, "handle": JOB.request_id, "character_id": None, "mention": None}

ANSWERS = [
    reads(
        "upload",
        "upload-ok.response",
        "https://tempfile.redpandaai.co/xxx/images/user-uploads/uploaded-image.png",
    ),
    reads("upload", {"success": True, "code": 200, "msg": "ok", "data": {"fileUrl": FRAME}}, FRAME),
    reads(
        "submit",
        "create-task.response",
        {"provider": "kie", "endpoint": TEXT, "request_id": "task_sora-2-characters_1765174270120", "urls": {}},
    ),
    reads("submit", envelope(200, "success", {"taskId": "e989", "recordId": "r"}), {"request_id": "e989"}),
    reads("status", "record-waiting.response", {"state": "queued"}),
    reads("status", "record-queuing.response", {"state": "queued"}),
    reads("status", "record-generating.response", {"state": "running"}),
    reads("status", "record-success.response", {"state": "ended"}),
    reads("status", "record-fail.response", {"state": "ended"}),
    reads("status", "record-task-failed-envelope.response", {"state": "ended"}),
    reads("status", envelope(408, "Upstream is currently experiencing service issues."), {"state": "ended"}),
    reads("status", record(state="reviewing"), {"state": "running"}),
    reads("status", record(), {"state": "running"}),
    reads("result", "record-success.response", {**VIDEO, "usd": None}),
    reads("result", "record-success-2026.response", {**VIDEO, "usd": 0.15}),
    reads("result", made({"resultUrls": [MP4]}), VIDEO),
    reads("result", made({"resultUrls": MP4}), VIDEO),
    reads("result", made({"resultUrls": [MP4], "id": "x"}), VIDEO),
    reads("result", made({"resultUrls": [None, MP4]}, creditsConsumed=12.5), {"url": MP4, "usd": 0.0625}),
    reads("result", made({"resultUrls": [MP4]}), {"url": MP4, "handle": None}, job=SEEDANCE),
    reads("result", made(LIVING), {"url": LIVING["resultUrls"][0], "files": {}}, job=SEEDANCE),
    reads("result", "record-character-nested.response", FULL, job=CHARACTER),
    reads("result", "record-character-flat.response", NAMELESS, job=CHARACTER),
    *(
        reads("result", made(shape), gives, job=CHARACTER)
        for shape, gives in (
            (NESTED, FULL),
            (json.dumps(NESTED), FULL),
            (FLAT, NAMELESS),
            ({**FLAT, "resultObject": None}, NAMELESS),
            ({"resultObject": {"character_id": None, "character_user_name": "mzsdaag.ab"}, **FLAT}, FULL),
            ({"characterId": "example_123456789", "characterUserName": "mzsdaag.ab"}, FULL),
            ({"id": "example_123456789", "characterName": "@mzsdaag.ab"}, FULL),
            ({"resultObject": {"id": "example_123456789"}}, NAMELESS),
        )
    ),
    reads("cancel", {}, gives=False),
    reads("find", {}, gives=None),
    reads("offered", {}, gives=None),
    reads("price", {}, gives=None),
    reads("balance", "credit.response", gives=4.0625),
    reads("balance", envelope(200, "success", "many"), gives=None),
]

SUBMITS = [
    submit("error-401.response", Unauthorized, remedy="addresses"),
    submit("error-401.response", Unauthorized, 401),
    submit(PAGE, Unauthorized, 401),
    submit(PAGE, Unauthorized, 403, remedy="firewall"),
    submit("error-402.response", OutOfCredit, remedy="Top up"),
    submit("error-402.response", OutOfCredit, 402),
    submit("record-not-found.response", InvalidRequest, 404),
    submit("error-unknown-model.response", Retired),
    submit("error-unpublished-model.response", Retired, remedy="another model"),
    submit("error-unpublished-model.response", Retired, 422),
    submit("error-400.response", InvalidRequest, facts={"field": "taskId"}),
    submit("error-field.response", InvalidRequest, facts={"field": "aspect_ratio"}),
    submit("error-field.response", InvalidRequest, 500, facts={"field": "aspect_ratio"}),
    submit(envelope(500, "text is required"), InvalidRequest, facts={"field": "text"}),
    submit(envelope(500, "This field is required"), InvalidRequest, facts={"field": None}),
    submit(envelope(500, "size is not within the range of allowed options"), InvalidRequest, facts={"field": "size"}),
    submit(envelope(500, "duration must be a number"), InvalidRequest, facts={"field": "duration"}),
    submit(envelope(500, "n_frames: Input should be '10' or '15'"), InvalidRequest, facts={"field": "n_frames"}),
    submit(envelope(422, "n_frames is invalid"), InvalidRequest, facts={"field": "n_frames"}),
    submit(envelope(422, "Too many characters"), InvalidRequest, facts={"field": None}),
    submit(envelope(422, "This content may violate our guardrails"), Refused),
    submit(envelope(451, "The image could not be fetched"), InvalidRequest),
    submit("error-429.response", Busy, facts={"retry_after": 10.0}),
    submit("error-429.response", Busy, 429, headers={"Retry-After": "3"}, facts={"retry_after": 3.0}),
    submit(PAGE, Busy, 429, facts={"retry_after": 10.0}),
    submit(envelope(433, "Request Limit - Sub-key Usage Exceeds Limit"), OutOfCredit, remedy="key's cap"),
    submit(envelope(455, "Maintenance"), Busy, facts={"retry_after": 120.0}),
    submit(envelope(505, "Feature disabled"), Retired),
    submit({"code": 200, "msg": "success", "data": {}}, InvalidRequest, remedy="Nothing was bought"),
    submit({"code": 200, "msg": "success", "data": {"taskId": None}}, InvalidRequest),
    submit({"code": 200, "msg": "success"}, InvalidRequest),
    submit(b"", InvalidRequest, 307),
    submit(envelope(500, "Internal server error"), OutcomeUnknown),
    submit(envelope(500, "Server Error"), OutcomeUnknown, 500),
    submit(envelope(500, "Server cannot be reached"), OutcomeUnknown),
    submit({"message": "prompt is required"}, OutcomeUnknown, 500),
    submit(envelope(501, "Generation failed"), OutcomeUnknown),
    submit(envelope(408, "Upstream is currently experiencing service issues."), OutcomeUnknown),
    submit(envelope(200, "success", {"taskId": 405}), OutcomeUnknown),
    submit(envelope(200, "success", {"taskId": " "}), OutcomeUnknown),
    submit(envelope(200, "success", {"recordId": "r"}), OutcomeUnknown),
    submit(envelope(200, "success", "task_1"), OutcomeUnknown),
    submit(envelope(200, "success", {"taskId": "task_1"}), OutcomeUnknown, 502),
    submit(envelope(429, "Rate limit exceeded", {"taskId": "task_1"}), OutcomeUnknown),
    submit({}, OutcomeUnknown),
    submit([], OutcomeUnknown),
    submit(PAGE, OutcomeUnknown, 500),
    submit(PAGE, OutcomeUnknown, 520),
]

LOOKS = [
    *looks("record-null.response", Expired),
    *looks("record-null.response", Expired, 422),
    *looks("record-not-found.response", Expired),
    *looks("record-not-found.response", Expired, 404),
    *looks("error-401.response", Unauthorized),
    *looks("error-402.response", OutOfCredit, remedy="The job is paid for and still open."),
    *looks("error-429.response", Busy, facts={"retry_after": 10.0}),
    *looks(envelope(433), OutOfCredit),
    *looks(envelope(455), Busy, facts={"retry_after": 120.0}),
    *looks(envelope(500, "Server Error"), Busy, remedy="The job is paid for and still open."),
    *looks(envelope(200, "success"), Busy),
    *looks(envelope(200, "success", []), Busy),
    *looks({"state": "success"}, Busy),
    *looks(envelope(501, "Generation failed", {"state": "generating"}), Busy),
    *looks(PAGE, Busy),
    *looks(PAGE, Busy, 408),
    *looks(PAGE, Busy, 501),
    *looks(PAGE, Busy, 502),
    *looks(envelope(400, "taskId parameter is required"), ProtocolError),
    *looks(envelope(422, "Something else"), ProtocolError),
    *looks(envelope(505, "Feature disabled"), ProtocolError),
    *looks(envelope(418, "I'm a teapot"), ProtocolError),
    Trouble(call="result", replies=[Reply("record-generating.response")], error=Busy, charged=None),
    Trouble(call="result", replies=[Reply(record(state="reviewing"))], error=Busy, charged=None),
]

VERDICTS = [
    verdict("record-fail.response", GenerationFailed, resubmittable=True),
    verdict("record-task-failed-envelope.response", GenerationFailed, resubmittable=False),
    verdict("callback-fail.event", GenerationFailed, resubmittable=True),
    verdict(envelope(408, "No result for over 10 minutes"), GenerationFailed, resubmittable=True),
    verdict(failed("501", "Generation failed"), GenerationFailed, resubmittable=False),
    verdict(failed("500", "x"), GenerationFailed, resubmittable=False),
    verdict(failed("500", ""), GenerationFailed, resubmittable=True),
    verdict(failed("408", "Upstream"), GenerationFailed, resubmittable=True),
    verdict(failed("", "Please try again later."), GenerationFailed, resubmittable=True),
    verdict(failed("430", "An internal error occurred"), GenerationFailed, resubmittable=True),
    verdict(failed("GENERATION_FAILED", "Generation failed"), GenerationFailed, resubmittable=False),
    verdict(failed(None, None), GenerationFailed, resubmittable=False),
    verdict(failed("402", "Credits insufficient"), GenerationFailed, resubmittable=False, remedy="Top up"),
    verdict(failed("500", "x", creditsConsumed=0), GenerationFailed, charged=False, remedy="It was not charged"),
    verdict(failed("500", "x", creditsConsumed=30), GenerationFailed, charged=True),
    verdict(failed("422", "timestamps is invalid"), InvalidRequest, field="timestamps"),
    verdict(failed("400", "Clip too long"), InvalidRequest, field=None),
    *(
        verdict(failed(code, text), Refused)
        for code, text in (
            ("SENSITIVE_WORD_ERROR", ""),
            ("500", "It goes against our content policy"),
            ("500", "This content may violate our guardrails concerning similarity to third-party content."),
            ("422", "Blocked by moderation"),
            (None, "We currently do not support uploads of images containing photorealistic people"),
        )
    ),
    *(
        Trouble(call="result", replies=[Reply(made(shape))], error=GenerationFailed, charged=None)
        for shape in (
            *("", None, "{", "[]", 7, [], {}),
            {"resultUrls": []},
            {"resultUrls": ["ftp://a.b/c.mp4"], "resultWaterMarkUrls": [MP4]},
            {"resultUrls": None, "resultObject": {"remark": "none"}},
        )
    ),
]

UPLOADS = [
    Trouble(call="upload", replies=[Reply("upload-missing-path.response")], error=InvalidRequest),
    Trouble(call="upload", replies=[Reply("upload-bad-base64.response", 400)], error=InvalidRequest),
    Trouble(call="upload", replies=[Reply("upload-401.response")], error=Unauthorized),
    Trouble(call="upload", replies=[Reply("upload-500.response")], error=Busy),
    Trouble(call="upload", replies=[Reply(envelope(405))], error=InvalidRequest),
    Trouble(call="upload", replies=[Reply(PAGE, 413)], error=InvalidRequest),
    Trouble(call="upload", replies=[Reply(PAGE)], error=Busy),
    *(
        Trouble(call="upload", replies=[Reply(body)], error=ProtocolError, sent=None, charged=None)
        for body in (
            envelope(200, "ok", {"downloadUrl": FRAME}),
            {"success": False, "code": 200, "data": {"downloadUrl": FRAME}},
            {"success": True, "code": 200, "data": {"filePath": "a.png"}},
        )
    ),
    Trouble(call="balance", replies=[Reply("error-401.response")], error=Unauthorized),
    Trouble(call="balance", replies=[Reply(envelope(500))], error=Busy),
    Trouble(call="balance", replies=[Reply(envelope(404))], error=Expired, charged=None),
]

CASE = Case(
    name="kie",
    connect=lambda http: Kie(http, api_key="ksec-0123456789", **HOSTS),
    secret="ksec-0123456789",
    hosts=frozenset({"api.kie.ai", "kieai.redpandaai.co"}),
    order=Order(endpoint=TEXT, body=canonical("kie", "create-t2v.request")),
    accepted=Reply("create-task.response"),
    job=JOB,
    orders=[*ORDERS, *living_kie.ORDERS, *living_kie_tables.ORDERS],
    answers=ANSWERS,
    troubles=[*SUBMITS, *LOOKS, *VERDICTS, *UPLOADS],
    elsewhere={
        "character-result-nested.decoded": "decoded here: NESTED",
        "character-result-flat.decoded": "decoded here: FLAT",
        "upload-url.request": "we upload the bytes as they are",
        "download-url.request": "a clip is stored before its link ends",
        "download-url.response": "a clip is stored before its link ends",
        "upload-base64.request": "we upload the bytes as they are",
        "create-watermark-remover.request": "not offered: it takes share links of an app that is closed",
        "callback-success.event": "test_callbacks_contract.py",
        "callback-ack.response": "tests/unit/test_callbacks_app.py",
        "pricing-page.request": "the list is for people: it names models by sentences",
        "pricing-page.response": "the list is for people: it names models by sentences",
        "veo-generate.request": "not offered",
        "omni-character-create.request": "not offered",
        **living_kie.ELSEWHERE,
    },
)
