"""WaveSpeedAI on the wire: https://wavespeed.ai/docs/submit-task, https://wavespeed.ai/docs/error-codes."""

from datetime import UTC, datetime
from typing import Any

import living_wavespeed
import living_wavespeed_tiers

from cases import Answer, Call, Case, ExpectedOrder, Reply, Trouble, canonical
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
from prefect_storyboard.providers.wavespeed.adapter import WaveSpeed
from prefect_storyboard.storyboards import Casting, Job

CHARACTERS = "openai/sora-2/characters"
TEXT = "openai/sora-2/text-to-video"
CDN = "https://cdn.wavespeed.ai/uploads"
CHAR = "char_e9bd70c8fadc8191958144ce7c9d3810"
JOE = Casting(character="Joe", id=CHAR)
AT = datetime(2026, 6, 1, 10, tzinfo=UTC)


def job(endpoint: str, request_id: str, submitted_at: datetime = AT) -> Job:
    return Job(provider="wavespeed", endpoint=endpoint, request_id=request_id, submitted_at=submitted_at)


JOB = job(TEXT, "e6832d4abffb4d79bfbca19783fca134")
CAST = job(CHARACTERS, "9f0d3a1b5c7e4f2a8b6d0c1e2f3a4b5c")
VIDEO = "https://d2p7pge43lyniu.cloudfront.net/output/xxxx.mp4"
PAGE = b"<html><h1>504 Gateway Time-out</h1></html>"
TICKET = Reply("upload-ticket.response")
TASK = canonical("wavespeed", "submit.response")["data"]["id"]
SUBMITTED = {"provider": "wavespeed", "endpoint": CHARACTERS, "request_id": TASK, "urls": {}}
LISTED = canonical("wavespeed", "list.response")["data"]["items"][0]["id"]
FOUND = (job(CHARACTERS, LISTED, datetime(2026, 11, 20, 8, 0, 0, 123456, tzinfo=UTC)),)
MADE = {"character_id": CHAR, "mention": None, "url": None}
FORMS = ("", "-string", "-nested-string", "-bare-id")
FILES = ({"id": CHAR, "name": "Joe"}, [{"id": CHAR}], f" {CHAR}\n".encode(), f'"{CHAR}"'.encode())
UNKNOWN: dict[str, Any] = {"error": OutcomeUnknown, "sent": None, "charged": None}
OPEN: dict[str, Any] = {"charged": None}
AGAIN = {"resubmittable": True}
FINAL = {"resubmittable": False}


def scene(family: str = "sora-2", **facts: Any) -> SceneRequest:
    wanted = {"prompt": "A fox walks in the rain", "seconds": 4, "aspect": "16:9", "resolution": "720p"}
    return SceneRequest(model=model("wavespeed", family), **{**wanted, **facts})


def says(data: Any, code: int = 200) -> Reply:
    return Reply({"code": code, "message": "success", "data": data})


def no(code: int, message: str = "No.", status: int | None = None) -> Reply:
    """An error with that code; under HTTP 200 unless a status is given."""
    return Reply({"code": code, "message": message}, status or 200)


def task(status: Any, **facts: Any) -> Reply:
    return says({"id": JOB.request_id, "model": TEXT, "outputs": [], "status": status, "error": "", **facts})


def made(*outputs: Any) -> Reply:
    return task("completed", outputs=[*outputs])


def answer(call: Call, gives: Any, *replies: Reply, job: Job | None = None) -> Answer:
    return Answer(call=call, replies=replies, gives=gives, job=job)


def refusal(reply: Reply, error: type, **more: Any) -> Trouble:
    return Trouble(call="submit", replies=[reply], error=error, **more)


def failure(kind: type, facts: dict[str, Any] | None = None, **told: Any) -> Trouble:
    return Trouble(call="result", replies=[task("failed", **told)], error=kind, facts=facts or {})


ORDERS = [
    ExpectedOrder(
        fixture="create-character.request",
        request=CharacterRequest(model=model("wavespeed", "sora-2"), name="Joe", clip_url=f"{CDN}/joe.mp4"),
        endpoint=CHARACTERS,
    ),
    ExpectedOrder(
        fixture="text-to-video.request",
        request=scene(),
        endpoint=TEXT,
        ours={"size": "1280*720", "duration": 4},  # the gateway's default is upright
    ),
    ExpectedOrder(
        fixture="text-to-video-with-character.request",
        request=scene(prompt="Joe walks on a beach at sunset.", seconds=8, castings=(JOE,)),
        endpoint=TEXT,
    ),
    ExpectedOrder(
        fixture="text-to-video-pro.request",
        request=scene("sora-2-pro", resolution="1080p"),
        endpoint="openai/sora-2-pro/text-to-video",
    ),
    ExpectedOrder(
        fixture="image-to-video.request",
        request=scene(prompt="The fox turns around", image_url=f"{CDN}/a.png", castings=(JOE,)),
        endpoint="openai/sora-2/image-to-video",
    ),
    ExpectedOrder(
        fixture="image-to-video-pro.request",
        request=scene("sora-2-pro", prompt="The fox turns around", image_url=f"{CDN}/a.png"),
        endpoint="openai/sora-2-pro/image-to-video",
    ),
    ExpectedOrder(
        fixture="reference-models.requests",
        part="bytedance/seedance-2.0/text-to-video",
        request=scene(
            "seedance-2",
            prompt="The fox runs",
            seconds=5,
            references=(Reference(character="Joe", image_urls=("https://example.com/a.png",)),),
        ),
        endpoint="bytedance/seedance-2.0/text-to-video",
    ),
]

ANSWERS = [
    answer("upload", f"{CDN}/joe.mp4", TICKET, Reply(b"")),
    answer("upload", f"{CDN}/joe.mp4", TICKET, Reply(b"", 204)),
    answer("upload", f"{CDN}/joe.mp4", TICKET, Reply(PAGE, 504), Reply(b"<Error/>", 412)),
    answer("submit", SUBMITTED, Reply("submit.response")),
    # A wait in sync mode that was given up is no failure: the task goes on.
    answer("submit", {"request_id": "req-timeout"}, Reply("sync-timeout.response")),
    answer("submit", {"request_id": "pred_1-Z"}, says({"id": "pred_1-Z"})),
    answer("status", {"state": "queued"}, Reply("submit.response")),
    answer("status", {"state": "running"}, Reply("result-processing.response")),
    answer("status", {"state": "running"}, Reply("sync-timeout.response")),
    answer("status", {"state": "ended"}, Reply("result-completed.response")),
    answer("status", {"state": "ended"}, Reply("result-failed.response")),
    answer("status", {"state": "ended"}, Reply("result-timeout.response")),
    *(answer("status", {"state": "queued"}, task(state)) for state in ("created", "pending")),
    *(answer("status", {"state": "ended"}, task(state)) for state in ("cancelled", "deleted")),
    *(answer("status", {"state": "running"}, task(odd)) for odd in ("invented", "", None, 7, ["failed"])),
    answer("result", {"url": VIDEO, "character_id": None, "handle": None}, Reply("result-completed.response")),
    answer("result", {"url": VIDEO}, task("completed", outputs=VIDEO)),
    answer("result", {"url": VIDEO}, task("completed", outputs=[VIDEO], code=0)),
    *(answer("result", MADE, Reply(f"result-character{form}.response"), job=CAST) for form in FORMS),
    *(answer("result", MADE, made(f"{CDN}/joe.json"), Reply(file), job=CAST) for file in FILES),
    Answer(call="cancel", replies=[Reply("delete.response")], gives=False),
    answer("find", FOUND, Reply("list.response"), says({"page": 2, "total": 505, "items": []})),
    answer("find", (), says({"page": 1, "total": 0, "items": []})),
    answer("find", (), says({"page": 1, "items": None})),
    Answer(call="offered", replies=[Reply("models.response")], gives=True),
    Answer(call="offered", replies=[Reply("models.response")], gives=False, job=CAST),
    *(answer("offered", None, reply) for reply in (says([]), says(None), no(500), Reply(PAGE), Reply(PAGE, 503))),
    answer("offered", None, no(403, status=403)),
    answer("price", 0.8, Reply("price.response")),
    answer("price", 0.6, says({"price": 0.8, "discounted_price": 0.6})),
    answer("price", 0.8, says({"price": 0.8, "discounted_price": None, "currency": None})),
    answer("price", None, Reply("pricing-legacy.response")),
    answer("price", None, Reply("error-404.response", 404)),
    answer("price", None, says({"price": 0.8, "currency": "EUR"})),
    *(answer("price", None, reply) for reply in (says({"price": 0}), says(None), no(500), Reply(PAGE, 502))),
    answer("balance", 156.78, Reply("balance.response")),
    answer("balance", None, Reply("error-403.response", 403)),
    answer("balance", None, says({})),
]

REFUSALS = [
    refusal(Reply("error-400.response", 400), InvalidRequest),
    refusal(Reply("error-400.response"), InvalidRequest),  # the envelope says so under HTTP 200
    *(refusal(no(code, status=400), InvalidRequest) for code in (1400, 1401, 1402)),
    *(refusal(no(code), InvalidRequest) for code in (413, 422, 1400, 1401)),
    refusal(no(413, "file too large", 413), InvalidRequest),
    refusal(Reply(PAGE, 413), InvalidRequest),
    refusal(no(422, status=422), InvalidRequest),
    refusal(no(1200, "Content Moderation", 400), Refused),
    refusal(Reply("error-1407.response", 400), OutOfCredit, remedy="Top up"),
    refusal(Reply("error-1407.response"), OutOfCredit, remedy="Top up"),
    refusal(no(1406, status=400), OutOfCredit),
    refusal(no(402, status=402), OutOfCredit, remedy="Top up"),
    refusal(no(401, status=401), Unauthorized, remedy="API key"),
    refusal(no(401), Unauthorized),
    refusal(Reply("error-403.response", 403), Unauthorized),
    refusal(Reply("error-404.response", 404), Retired, remedy="another model"),
    refusal(no(404), Retired),
    refusal(Reply("error-429.response", 429), Busy, facts={"retry_after": 60.0}),
    refusal(Reply("error-429.response"), Busy, facts={"retry_after": 60.0}),
    refusal(Reply("error-429.response", 429, {"Retry-After": "7"}), Busy, facts={"retry_after": 7.0}),
    refusal(Reply("error-429.response", 429, {"Retry-After": "0"}), Busy, facts={"retry_after": 0.0}),
    *(refusal(no(code, status=code), **UNKNOWN) for code in (303, 408, 409, 425, 500, 502, 503, 504)),
    refusal(Reply("upload-failed.response"), **UNKNOWN),
    *(refusal(no(code), **UNKNOWN) for code in (0, 201, 5000, 5003, 5004)),
    # Under HTTP 200 an error that names no task is a refusal as well.
    refusal(no(1200, "Content Moderation"), Refused),
    refusal(no(4006, "No such model"), Retired),
    refusal(no(4006, "No such model", 400), Retired),
    refusal(no(1402), InvalidRequest, facts={"stale_upload": True}, remedy="uploaded again"),
    refusal(no(301, status=301), InvalidRequest),
    refusal(no(400, status=500), **UNKNOWN),
    refusal(Reply("submit.response", 202), **UNKNOWN),
    refusal(Reply({"code": 400, "message": "No.", "data": {"id": "e683"}}), **UNKNOWN),
    refusal(Reply({"code": 429, "message": "No.", "data": {"id": "e683"}}, 429), **UNKNOWN),
    refusal(Reply({"data": {"id": "e683"}}), **UNKNOWN),
    *(refusal(says(data), **UNKNOWN) for data in (None, {}, [], "e683", {"id": ""}, {"id": 683}, {"id": "../x/y"})),
]

VERDICTS = [
    Trouble(
        call="result",
        replies=[Reply("result-failed.response")],
        error=GenerationFailed,
        facts={**AGAIN, "request_id": JOB.request_id, "stale_upload": True},
        remedy="uploaded again",
    ),
    Trouble(call="result", replies=[Reply("result-failed-no-code.response")], error=GenerationFailed, facts=AGAIN),
    Trouble(
        call="result",
        replies=[Reply("result-timeout.response")],
        error=GenerationFailed,
        facts=AGAIN,
        remedy="not charged",
    ),
    *(
        Trouble(call="result", replies=[task(state)], error=GenerationFailed, charged=True, facts=FINAL)
        for state in ("cancelled", "deleted")
    ),
    failure(Refused, code=1200, error="Content Moderation"),
    failure(InvalidRequest, code=1400),
    failure(InvalidRequest, code=1401),
    failure(GenerationFailed, FINAL, code=1403, error="HTTP 502"),  # the code decides, and it says too little
    failure(GenerationFailed, FINAL, code=1405),
    *(
        Trouble(call="result", replies=[reply], error=GenerationFailed, facts=AGAIN, remedy="Top up")
        for reply in (task("failed", code=1406), task("failed", code=1407))
    ),
    *(failure(GenerationFailed, AGAIN, code=code) for code in (5000, 5003, 5004, 5999, "5000")),
    failure(GenerationFailed, FINAL, code=9999),
    failure(GenerationFailed, AGAIN, error="upstream: HTTP 429"),
    failure(GenerationFailed, AGAIN, error="HTTP 500", code=0),
    *(failure(Refused, error=f"It is {word}") for word in ("against policy", "violating", "NSFW", "sensitive")),
    *(failure(Refused, error=f"It is {word}") for word in ("copyrighted", "refused by moderation")),
    failure(Refused, error="HTTP 500: content policy violation"),  # never the same input twice
    failure(GenerationFailed, FINAL, error="It did not work"),
    failure(GenerationFailed, FINAL, error=None),
]

PASSING = [
    *(
        Trouble(call=call, replies=[reply], error=error, **OPEN)
        for call in ("status", "result")
        for reply, error in (
            (Reply("error-404.response", 404), Expired),
            (Reply("error-404.response"), Expired),
            (Reply("error-429.response", 429), Busy),
            (Reply("error-429.response"), Busy),
            *((no(code, status=code), Busy) for code in (408, 500, 502, 503, 504)),
            *((no(code), Busy) for code in (500, 5000, 5003)),
            (says(None), Busy),
            (says([]), Busy),
            (Reply({"data": {"status": "processing"}}), Busy),
            (Reply(PAGE), Busy),
            (Reply(PAGE, 502), Busy),
            (no(401, status=401), Unauthorized),
            (no(401), Unauthorized),
            (Reply("error-403.response", 403), Unauthorized),
            (Reply("error-1407.response", 400), OutOfCredit),
        )
    ),
    *(
        Trouble(call=call, replies=[reply], error=ProtocolError, sent=None, charged=None)
        for call in ("status", "result")
        for reply in (
            Reply("error-400.response", 400),
            no(1402),
            no(418, status=418),
            no(301, status=301),
        )
    ),
    Trouble(call="result", replies=[Reply("result-processing.response")], error=Busy, **OPEN),
    Trouble(call="result", replies=[task("invented")], error=Busy, **OPEN),
    *(
        Trouble(call="result", replies=[made(*outputs)], error=GenerationFailed, charged=None)
        for outputs in ((), ("",), (None,), ({"id": CHAR},), ("ftp://cdn.wavespeed.ai/x.mp4",))
    ),
    *(
        Trouble(call="result", replies=[made(*outputs)], error=GenerationFailed, charged=None, job=CAST)
        for outputs in ((), ("Joe",), ("{}",), ("[]",), ({"id": 7},), ({"name": "Joe"},), ('{"id": "char_',))
    ),
    Trouble(call="result", replies=[made(f"{CDN}/joe.json"), Reply(PAGE, 403)], error=Busy, job=CAST, **OPEN),
]

ODD_TICKETS = [
    {},
    {"download_url": f"{CDN}/joe.mp4"},
    {"download_url": f"{CDN}/joe.mp4", "upload": {"method": "POST", "url": "https://storage.example.com/x"}},
    {"download_url": f"{CDN}/joe.mp4", "upload": {"method": "PUT"}},
    {"download_url": f"{CDN}/joe.mp4", "upload": {"method": "PUT", "url": "https://s.example", "headers": ["a"]}},
    {"download_url": f"{CDN}/joe.mp4", "upload": {"method": "PUT", "url": "https://s.example", "headers": {"a": "ü"}}},
    {"upload": {"method": "PUT", "url": "https://storage.example.com/x", "headers": {}}},
]

OTHERS = [
    Trouble(call="upload", replies=[Reply("upload-failed.response")], error=Busy),
    Trouble(call="upload", replies=[no(429, "Upload quota exceeded", 429)], error=Busy),
    Trouble(call="upload", replies=[no(413, status=413)], error=InvalidRequest),
    Trouble(call="upload", replies=[no(500, "File too large")], error=InvalidRequest),
    Trouble(call="upload", replies=[no(401, status=401)], error=Unauthorized),
    Trouble(call="upload", replies=[Reply("upload-ticket.response"), Reply(b"<Error/>", 403)], error=Busy),
    Trouble(call="upload", replies=[Reply("upload-ticket.response"), Reply(b"<Error/>", 412)], error=Busy),
    Trouble(call="upload", replies=[Reply("upload-ticket.response"), Reply(PAGE, 503)], error=Busy),
    *(
        Trouble(
            call="upload", replies=[says({"type": "video", **ticket})], error=ProtocolError, sent=None, charged=None
        )
        for ticket in ODD_TICKETS
    ),
    Trouble(call="find", replies=[Reply(PAGE, 502)], error=Busy),
    Trouble(call="find", replies=[says(None)], error=Busy),
    *(
        Trouble(call=call, replies=[no(401, status=401)], error=Unauthorized)
        for call in ("find", "offered", "price", "balance")
    ),
]

CASE = Case(
    name="wavespeed",
    connect=lambda http: WaveSpeed(http, api_key="wsk-5ecret", api_url="https://api.wavespeed.ai"),
    secret="wsk-5ecret",
    hosts=frozenset({"api.wavespeed.ai"}),
    order=Order(endpoint=CHARACTERS, body=canonical("wavespeed", "create-character.request")),
    accepted=Reply("submit.response"),
    job=JOB,
    orders=[*ORDERS, *living_wavespeed.ORDERS, *living_wavespeed_tiers.ORDERS],
    answers=ANSWERS,
    troubles=[*REFUSALS, *VERDICTS, *PASSING, *OTHERS],
    elsewhere={
        "upload-ticket.request": "test_wavespeed_adapter_upload.py",
        "list.request": "test_wavespeed_adapter_find.py",
        "price.request": "test_wavespeed_adapter.py",
        "upload-binary.response": "we upload by ticket",
        "text-to-video-sync.request": "no sync mode for video: its answer takes minutes, and is easily lost",
        "delete.request": "nothing is deleted at the provider",
        "billings.request": "one source only; the list of tasks settles what is unknown",
        "billings.response": "one source only; the list of tasks settles what is unknown",
        "result-kling-element.response": "the table has no Kling elements here",
        "webhook.event": "test_callbacks_contract.py",
        "webhook-secret.response": "the secret is a field of the block",
    },
)
