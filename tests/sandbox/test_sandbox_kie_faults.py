"""The sandbox's Kie misbehaves as it is told, calls back, and keeps uploads and accounts."""

import base64
import json
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from prefect_storyboard.sandbox import Clock, Pace, running
from prefect_storyboard.sandbox.kie.webhooks import signature

FIXTURES = Path(__file__).parents[1] / "contract" / "fixtures" / "kie"
T2V = "sora-2-text-to-video"
SHARED = "https://sora.chatgpt.com/p/s_68e83bd7eee88191be79d2ba7158516f"
CREATE, INFO = "/api/api/v1/jobs/createTask", "/api/api/v1/jobs/recordInfo"
DAY = 86_400


def canonical(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text())


def key(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


@dataclass
class Kie:
    http: httpx.Client
    clock: Clock
    base: str

    def rule(self, fault: str, route: str = "submit", times: int | None = 1, **more: Any) -> None:
        rule = {"fault": fault, "match": {"gateway": "kie", "route": route}, "times": times, **more}
        reply = httpx.post(f"{self.base}/sandbox/faults", json=[rule])
        assert reply.status_code == 200, reply.text

    def post(self, **more: Any) -> httpx.Response:
        return self.http.post(CREATE, json={"model": T2V, "input": {"prompt": "p"}, **more})

    def task(self, **more: Any) -> str:
        reply = self.post(**more).json()
        assert reply["code"] == 200, reply
        return str(reply["data"]["taskId"])

    def info(self, task: str, after: float = 0) -> dict[str, Any]:
        self.clock.advance(after)
        return dict(self.http.get(INFO, params={"taskId": task}).json())

    def record(self, task: str, after: float = 60) -> dict[str, Any]:
        return dict(self.info(task, after)["data"])

    def under(self, fault: str, **more: Any) -> dict[str, Any]:
        """The record of a task that was accepted under a switch."""
        self.rule(fault, **more)
        return self.record(self.task())

    def meter(self) -> dict[str, Any]:
        return dict(httpx.get(f"{self.base}/sandbox/meter").json())

    def credit(self, name: str) -> Any:
        return self.http.get("/api/api/v1/chat/credit", headers=key(name)).json()["data"]

    def upload(self, way: str, **given: Any) -> dict[str, Any]:
        return dict(self.http.post(f"/upload/api/file-{way}-upload", json=given).json())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kie]:
    clock, pace = Clock(), Pace(queue_seconds=10, render_seconds=40, character_seconds=5, clip_scale=0.25)
    with (
        running(tmp_path_factory.mktemp("sandbox"), clock=clock, pace=pace) as base,
        httpx.Client(base_url=f"{base}/kie", headers=key("sandbox"), timeout=60) as http,
    ):
        yield Kie(http, clock, base)


@pytest.fixture
def kie(server: Kie) -> Kie:
    httpx.delete(f"{server.base}/sandbox/faults")
    server.clock.advance(100_000)
    return server


# --- faults


@pytest.mark.parametrize(
    ("fault", "body"),
    [
        ("rate_limited", canonical("error-429.response")),
        ("unauthorized", canonical("error-401.response")),
        ("out_of_credit", canonical("error-402.response")),
        ("retired", canonical("error-unpublished-model.response")),
        ("unsupported_model", canonical("error-unknown-model.response")),
        ("internal_error", {"code": 500, "msg": "Internal server error", "data": None}),
        ("no_task_id", {"code": 200, "msg": "success", "data": {}}),
        ("key_capped", {"code": 433, "msg": "Request Limit - Sub-key Usage Exceeds Limit", "data": None}),
        ("maintenance", {"code": 455, "msg": "Service is under maintenance", "data": None}),
        ("disabled", {"code": 505, "msg": "Feature disabled", "data": None}),
    ],
)
@pytest.mark.parametrize("status", [None, 503])
def test_a_task_that_is_refused_buys_nothing(kie: Kie, fault: str, body: dict[str, Any], status: int | None) -> None:
    kie.rule(fault, status=status)
    before, reply = kie.meter()["jobs_accepted"], kie.post()
    assert (reply.status_code, reply.json()) == (status or 200, body)
    assert kie.meter()["jobs_accepted"] == before


def test_a_rate_limit_may_say_for_how_long(kie: Kie) -> None:
    kie.rule("rate_limited", retry_after=7)
    assert [kie.post().headers.get("retry-after") for _ in range(2)] == ["7", None]


@pytest.mark.parametrize(("fault", "name"), [("unauthorized", "upload-401"), ("internal_error", "upload-500")])
def test_the_upload_host_says_it_differently(kie: Kie, fault: str, name: str) -> None:
    kie.rule(fault, "upload")
    assert kie.upload("url", fileUrl="u") == canonical(f"{name}.response")
    kie.rule("rate_limited", "upload")
    assert set(kie.upload("url", fileUrl="u")) == {"success", "code", "msg"}


def test_an_honest_refusal_may_come_under_its_own_status(kie: Kie) -> None:
    kie.rule("real_status", times=None)
    kie.rule("real_status", "upload", times=None)
    replies = [kie.post(input={}), kie.post(model="sora-3"), kie.post()]
    assert [each.status_code for each in replies] == [500, 422, 200]
    assert kie.http.post(CREATE, headers=key("bad")).status_code == 401
    assert kie.http.post("/upload/api/file-url-upload", json={}).status_code == 400


@pytest.mark.parametrize(("fault", "name"), [("record_null", "record-null"), ("not_found", "record-not-found")])
def test_a_record_may_be_missing_at_first(kie: Kie, fault: str, name: str) -> None:
    kie.rule(fault, "status", times=2)
    task = kie.task()
    assert [kie.info(task) for _ in range(2)] == [canonical(f"{name}.response")] * 2
    assert kie.info(task)["data"]["state"] == "waiting"


def test_a_state_that_nobody_knows(kie: Kie) -> None:
    kie.rule("unknown_status", "status")
    task = kie.task()
    assert [kie.info(task)["data"]["state"] for _ in range(2)] == ["paused", "waiting"]
    kie.rule("unknown_status", "status")
    assert kie.info("nobody") == canonical("record-null.response")


def test_old_pages_call_the_text_by_another_name(kie: Kie) -> None:
    kie.rule("message_field", "status")
    assert set(kie.info(kie.task())) == {"code", "message", "data"}


def test_a_failed_record_is_the_contracts(kie: Kie) -> None:
    wanted = canonical("record-fail.response")["data"]
    record = kie.under("task_failed")
    same = {"state", "resultJson", "failCode", "failMsg", "costTime"}
    assert set(record) == set(wanted)
    assert {name: record[name] for name in same} == {name: wanted[name] for name in same}


@pytest.mark.parametrize(
    ("rule", "code", "text"),
    [
        ({"fault": "task_failed", "status": 501}, "501", "Generation failed"),
        ({"fault": "task_failed", "status": 402}, "402", "Credits insufficient"),
        ({"fault": "task_failed", "status": 408}, "408", "Upstream is currently"),
        ({"fault": "task_failed", "error_type": "GENERATION_FAILED"}, "GENERATION_FAILED", "Internal server error"),
        ({"fault": "policy_refusal"}, "SENSITIVE_WORD_ERROR", "This content may violate our guardrails"),
    ],
)
def test_a_task_fails_as_it_is_told_and_costs_nothing(kie: Kie, rule: dict[str, Any], code: str, text: str) -> None:
    before, record = kie.meter()["usd"], kie.under(**rule)
    assert (record["state"], record["failCode"], record["failMsg"].startswith(text)) == ("fail", code, True)
    assert kie.meter()["usd"] == before


@pytest.mark.parametrize("code", [501, 408])
def test_a_failure_may_be_told_by_the_envelope(kie: Kie, code: int) -> None:
    kie.rule("failed_envelope", status=code)
    task = kie.task()
    assert kie.info(task, 20)["data"]["state"] == "generating"
    reply = kie.info(task, 60)
    assert (set(reply), reply["code"], reply["data"]) == ({"code", "msg", "data"}, code, None)
    assert code != 501 or reply == canonical("record-task-failed-envelope.response")


def test_a_stuck_task_generates_for_ever(kie: Kie) -> None:
    assert kie.under("stuck")["state"] == "generating"
    kie.rule("slow_render", seconds=500)
    task = kie.task()
    assert [kie.record(task, each)["state"] for each in (500, 60)] == ["generating", "success"]


@pytest.mark.parametrize(
    ("fault", "result"),
    [("result_without_url", '{"resultUrls":[]}'), ("result_empty", "")],
)
def test_a_success_without_a_video_is_charged(kie: Kie, fault: str, result: str) -> None:
    before, record = kie.meter()["usd"], kie.under(fault)
    assert (record["state"], record["resultJson"]) == ("success", result)
    assert kie.meter()["usd"] - before == pytest.approx(0.15)


def test_a_result_that_is_no_json_or_that_is_no_string(kie: Kie) -> None:
    with pytest.raises(ValueError):
        json.loads(kie.under("result_garbled")["resultJson"])
    assert httpx.get(kie.under("result_decoded")["resultJson"]["resultUrls"][0]).status_code == 200


def test_newer_records_encode_the_input_twice(kie: Kie) -> None:
    wanted, record = canonical("record-success-2026.response")["data"], kie.under("double_encoded")
    assert set(record) == set(wanted)
    assert json.loads(json.loads(record["param"])["input"]) == {"prompt": "p"}
    assert set(json.loads(record["resultJson"])) == set(json.loads(wanted["resultJson"]))


def test_a_character_may_be_told_flatly(kie: Kie) -> None:
    kie.rule("flat_character")
    video = kie.record(kie.task())
    given = {"origin_task_id": video["taskId"], "timestamps": "0,2", "character_prompt": "c"}
    kie.rule("flat_character")
    record = kie.record(kie.task(model="sora-2-characters-pro", input=given))
    assert set(json.loads(record["resultJson"])) == set(canonical("character-result-flat.decoded"))


def test_the_network_fails_too_and_may_leave_a_task_behind(kie: Kie) -> None:
    before = kie.meter()["jobs_accepted"]
    kie.rule("drop_after")
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        kie.post()
    kie.rule("nginx_502")
    assert kie.post().headers["content-type"].startswith("text/html")
    assert kie.meter()["jobs_accepted"] == before + 1


def test_a_rule_about_a_prompt_follows_the_task_to_its_file(kie: Kie) -> None:
    url = json.loads(kie.record(kie.task(input={"prompt": "storm"}))["resultJson"])["resultUrls"][0]
    kie.rule("output_missing", "download", match={"route": "download", "prompt": "storm"})
    assert [httpx.get(url).status_code for _ in range(2)] == [404, 200]


# --- callbacks


class Ear:
    """Somebody's own server, which hears what is posted to it."""

    def __init__(self) -> None:
        heard = self.heard = queue.Queue[tuple[dict[str, str], dict[str, Any]]]()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                heard.put(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/cb"

    def next(self) -> tuple[dict[str, str], dict[str, Any]]:
        return self.heard.get(timeout=60)


@pytest.fixture
def ear() -> Iterator[Ear]:
    listening = Ear()
    thread = threading.Thread(target=listening.server.serve_forever)
    thread.start()
    yield listening
    listening.server.shutdown()
    listening.server.server_close()
    thread.join()


def test_the_signature_is_the_contracts() -> None:
    made = signature("task_sora-2-characters_1765174270120", 1765174300, "test_hmac_key")
    assert made == "EQWJBRom4eT0AmfWkr6LuHaQRrAeVvoDjI0aPpHe694="


def test_the_end_of_a_task_is_called_back_and_signed(kie: Kie, ear: Ear) -> None:
    task = kie.task(callBackUrl=ear.url)
    record = kie.record(task)
    headers, event = ear.next()
    wanted = canonical("callback-success.event")
    assert event == {**wanted, "data": {name: record[name] for name in record if name != "progress"}}
    assert set(event["data"]) == set(wanted["data"])
    at = int(headers["x-webhook-timestamp"])
    assert (at, headers["x-webhook-signature"]) == (int(kie.clock()), signature(task, at, "sandbox_secret"))


def test_a_failure_is_called_back_too(kie: Kie, ear: Ear) -> None:
    kie.rule("task_failed")
    kie.task(callBackUrl=ear.url)
    kie.clock.advance(60)
    event, wanted = ear.next()[1], canonical("callback-fail.event")
    assert {**event, "data": set(event["data"])} == {**wanted, "data": set(wanted["data"])}
    assert (event["data"]["resultJson"], event["data"]["failCode"]) == (None, "500")


def test_a_callback_may_come_twice(kie: Kie, ear: Ear) -> None:
    kie.rule("callback_duplicate")
    kie.task(callBackUrl=ear.url)
    kie.clock.advance(60)
    assert ear.next()[1] == ear.next()[1]


def test_a_callback_may_come_without_a_signature_or_with_a_wrong_one(kie: Kie, ear: Ear) -> None:
    for fault in ("callback_unsigned", "callback_badly_signed"):
        kie.rule(fault)
        task = kie.task(callBackUrl=ear.url)
        kie.clock.advance(60)
        headers, _ = ear.next()
        given = headers.get("x-webhook-signature")
        assert given != signature(task, int(headers.get("x-webhook-timestamp", 0)))
        assert (given is None) == (fault == "callback_unsigned")


def test_progress_is_called_back_before_the_end(kie: Kie, ear: Ear) -> None:
    kie.task(progressCallBackUrl=ear.url, callBackUrl=ear.url)
    kie.clock.advance(60)
    events = [ear.next()[1]["data"] for _ in range(3)]
    assert [(each["state"], each.get("progress")) for each in events] == [
        ("generating", 10),
        ("generating", 50),
        ("success", None),
    ]


def test_a_callback_that_nobody_hears_does_no_harm(kie: Kie) -> None:
    assert kie.record(kie.task(callBackUrl="http://127.0.0.1:9/cb"))["state"] == "success"


# --- credits, links, prices


def test_credits_are_spent_when_a_task_succeeds(kie: Kie) -> None:
    def buy() -> dict[str, Any]:
        body = {"model": T2V, "input": {"prompt": "p"}}
        return dict(kie.http.post(CREATE, json=body, headers=key("credits-72.5-a")).json())

    assert (kie.credit("credits-72.5-a"), kie.credit("empty-a")) == (72.5, 0)
    codes = [buy()["code"] for _ in range(3)]
    assert (codes, kie.credit("credits-72.5-a")) == ([200, 200, 402], 72.5)
    kie.clock.advance(60)
    assert kie.credit("credits-72.5-a") == 12.5
    assert buy() == canonical("error-402.response")


def test_a_failed_task_gives_its_credits_back(kie: Kie) -> None:
    kie.rule("task_failed")
    body = {"model": T2V, "input": {"prompt": "p"}}
    for _ in range(2):
        assert kie.http.post(CREATE, json=body, headers=key("credits-30-b")).json()["code"] == 200
        kie.clock.advance(60)
        kie.meter()
    assert kie.credit("credits-30-b") == 0


def test_a_link_dies_after_a_day_and_a_new_one_after_20_minutes(kie: Kie) -> None:
    def link(url: str) -> dict[str, Any]:
        return dict(kie.http.post("/api/api/v1/common/download-url", json={"url": url}).json())

    url = json.loads(kie.record(kie.task())["resultJson"])["resultUrls"][0]
    assert httpx.get(url).status_code == 200
    kie.clock.advance(DAY)
    fresh = link(url)
    assert set(fresh) == set(canonical("download-url.response"))
    assert [httpx.get(each).status_code for each in (url, fresh["data"])] == [404, 200]
    kie.clock.advance(1201)
    assert httpx.get(fresh["data"]).status_code == 404
    kie.clock.advance(14 * DAY)
    assert link(url)["code"] == 422
    upload = kie.upload("base64", uploadPath="a", base64Data="aGk=")["data"]["downloadUrl"]
    assert [link(each)["code"] for each in (upload, "https://example.com/a.mp4")] == [422, 422]
    assert kie.http.post("/api/api/v1/common/download-url", json={}).json()["msg"] == "url is required"


def test_the_price_list_needs_no_key_and_comes_in_pages(kie: Kie) -> None:
    def page(**asked: Any) -> dict[str, Any]:
        return dict(httpx.post(f"{kie.base}/kie/api/client/v1/model-pricing/page", json=asked).json())

    wanted, whole = canonical("pricing-page.response"), page(**canonical("pricing-page.request"))
    assert (set(whole), set(whole["data"])) == (set(wanted), set(wanted["data"]))
    assert wanted["data"]["records"][0] in whole["data"]["records"]
    second = page(pageNum=2, pageSize=5)["data"]
    assert second["records"] == whole["data"]["records"][5:10]
    rest = [
        each
        for number in range(2, whole["data"]["pages"] + 1)
        for each in page(pageNum=number, pageSize=100)["data"]["records"]
    ]
    assert second["pages"] == -(-len([*whole["data"]["records"], *rest]) // 5)
    assert page(pageNum=0, pageSize=5)["code"] == 422


# --- uploads


def test_a_file_is_uploaded_as_a_form_and_kept_for_three_days(kie: Kie) -> None:
    data = b"\r\n--odd\r\n\x00\xff--\r\n"
    form = {"uploadPath": "clips/mara", "fileName": "a-1.mp4"}
    reply = kie.http.post("/upload/api/file-stream-upload", files={"file": ("x.mp4", data, "video/mp4")}, data=form)
    wanted, given = canonical("upload-ok.response"), reply.json()
    assert {**given, "data": set(given["data"])} == {**wanted, "data": set(wanted["data"])}
    told = {name: given["data"][name] for name in ("fileName", "filePath", "fileSize", "mimeType")}
    assert told == {
        "fileName": "a-1.mp4",
        "filePath": "clips/mara/a-1.mp4",
        "fileSize": len(data),
        "mimeType": "video/mp4",
    }
    url = given["data"]["downloadUrl"]
    assert (httpx.get(url).content, httpx.get(url).headers["content-type"]) == (data, "video/mp4")
    kie.clock.advance(3 * DAY)
    assert httpx.get(url).status_code == 404


def test_a_file_without_a_name_gets_one(kie: Kie) -> None:
    files = {"file": ("x.webm", b"x")}
    names = [
        kie.http.post("/upload/api/file-stream-upload", files=files, data={"uploadPath": "a"}).json()["data"]
        for _ in range(2)
    ]
    assert len({each["downloadUrl"] for each in names}) == 2
    assert all(each["fileName"].endswith(".webm") for each in names)


def test_a_second_file_of_the_same_name_is_served_stale(kie: Kie) -> None:
    urls = [
        kie.upload("base64", uploadPath="a", fileName="same.txt", base64Data=base64.b64encode(each).decode())
        for each in (b"old", b"new")
    ]
    first, second = (each["data"]["downloadUrl"] for each in urls)
    assert (first == second, httpx.get(second).content) == (True, b"old")


def test_the_canonical_base64_is_a_png(kie: Kie) -> None:
    given = kie.upload("base64", **canonical("upload-base64.request"))["data"]
    assert (given["mimeType"], httpx.get(given["downloadUrl"]).content) == ("image/png", b"\x89PNG\r\n\x1a\n")


def test_a_file_is_fetched_from_its_address(kie: Kie) -> None:
    source = kie.upload("base64", uploadPath="a", fileName="source.png", base64Data="aGk=")["data"]["downloadUrl"]
    wish = {**canonical("upload-url.request"), "fileUrl": source}
    given = kie.upload("url", **wish)["data"]
    assert (given["filePath"], httpx.get(given["downloadUrl"]).content) == ("clips/char-7f3a.mp4", b"hi")
    assert kie.upload("url", **(wish | {"fileUrl": f"{kie.base}/nowhere"}))["code"] == 400
    assert kie.upload("url", **(wish | {"fileUrl": "file:///etc/passwd"}))["code"] == 400


def test_what_the_upload_host_refuses(kie: Kie) -> None:
    missing = canonical("upload-missing-path.response")
    assert kie.http.post("/upload/api/file-stream-upload", files={"file": b"x"}).json() == missing
    assert kie.upload("url", fileUrl=SHARED) == kie.upload("base64", base64Data="aGk=") == missing
    for text in ("%%%", "data:image/png,aGk=", "data:image/png;base64,"):
        reply = kie.upload("base64", uploadPath="a", base64Data=text)
        assert reply == canonical("upload-bad-base64.response")
    form = {"uploadPath": "a"}
    assert kie.http.post("/upload/api/file-stream-upload", data=form).json()["msg"].endswith(": file")
    for given in ({"uploadPath": "/a"}, {"uploadPath": "a/"}, {"uploadPath": "a", "path": "b"}, {"uploadPath": 1}):
        assert kie.upload("base64", base64Data="aGk=", **given)["code"] == 400
    assert kie.upload("url", uploadPath="a")["msg"] == "Missing required parameter: fileUrl"


def test_a_key_that_reaches_the_cdn_is_a_leak(kie: Kie) -> None:
    url, before = kie.upload("base64", uploadPath="a", base64Data="aGk=")["data"]["downloadUrl"], kie.meter()["leaks"]
    httpx.get(url, headers=key("sandbox"))
    assert kie.meter()["leaks"] == before + 1
