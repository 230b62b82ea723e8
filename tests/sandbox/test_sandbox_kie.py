"""The sandbox's Kie takes tasks and tells of them as sections 2, 5, 6 and 10 of the wire contract say."""

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from PIL import Image

from prefect_storyboard.sandbox import Clock, Pace, running
from prefect_storyboard.sandbox.kie.table import MODELS, check

FIXTURES = Path(__file__).parents[1] / "contract" / "fixtures" / "kie"
T2V = "sora-2-text-to-video"
PACE = Pace(queue_seconds=10, render_seconds=40, character_seconds=5, clip_scale=0.25)
CREATE, INFO = "/api/api/v1/jobs/createTask", "/api/api/v1/jobs/recordInfo"


def canonical(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text())


def key(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


@dataclass
class Kie:
    http: httpx.Client
    clock: Clock
    base: str

    def create(self, model: str = T2V, headers: dict[str, str] | None = None, **given: Any) -> dict[str, Any]:
        reply = self.http.post(CREATE, json={"model": model, "input": given}, headers=headers)
        assert reply.status_code == 200, reply.text
        return dict(reply.json())

    def task(self, model: str = T2V, **given: Any) -> str:
        reply = self.create(model, **given)
        assert reply["code"] == 200, reply
        return str(reply["data"]["taskId"])

    def record(self, task: str, after: float = 0) -> dict[str, Any]:
        self.clock.advance(after)
        reply = self.http.get(INFO, params={"taskId": task}).json()
        assert reply["code"] == 200, reply
        return dict(reply["data"])

    def url(self, **given: Any) -> str:
        return str(json.loads(self.record(self.task(**given), 60)["resultJson"])["resultUrls"][0])

    def picture(self, form: str = "png") -> str:
        target = io.BytesIO()
        Image.new("RGB", (300, 200), "teal").save(target, form)
        files, name = {"file": ("a", target.getvalue())}, hashlib.sha256(target.getvalue()).hexdigest()
        data = {"uploadPath": "pictures", "fileName": f"{name}.{form}"}
        reply = self.http.post("/upload/api/file-stream-upload", files=files, data=data)
        return str(reply.json()["data"]["downloadUrl"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kie]:
    clock = Clock()
    with (
        running(tmp_path_factory.mktemp("sandbox"), clock=clock, pace=PACE) as base,
        httpx.Client(base_url=f"{base}/kie", headers=key("sandbox")) as http,
    ):
        yield Kie(http, clock, base)


@pytest.fixture
def kie(server: Kie) -> Kie:
    server.clock.advance(100_000)
    return server


# --- one task from createTask to its video


def test_a_new_task_is_an_id_and_nothing_else(kie: Kie) -> None:
    reply = kie.create(prompt="p")
    assert reply == {**canonical("create-task.response"), "data": {"taskId": reply["data"]["taskId"]}}


def test_a_task_waits_then_queues_then_generates_then_succeeds(kie: Kie) -> None:
    task, seen = kie.task(prompt="p"), []
    for seconds in (0, 5, 5, 20, 20):
        record = kie.record(task, seconds)
        seen.append((record["state"], record["progress"]))
    assert seen == [("waiting", 0), ("queuing", 0), ("generating", 10), ("generating", 50), ("success", 100)]


@pytest.mark.parametrize(("seconds", "name"), [(0, "waiting"), (5, "queuing"), (10, "generating")])
def test_a_record_has_the_contracts_fields_and_empty_values(kie: Kie, seconds: float, name: str) -> None:
    wanted = canonical(f"record-{name}.response")["data"]
    record = kie.record(kie.task(**json.loads(wanted["param"])["input"]), seconds)
    same = {"model", "state", "param", "resultJson", "failCode", "failMsg", "costTime", "completeTime"}
    assert set(record) == set(wanted)
    assert {name: record[name] for name in same} == {name: wanted[name] for name in same}


def test_a_finished_record_has_the_contracts_fields_and_the_price(kie: Kie) -> None:
    wanted = canonical("record-success.response")["data"]
    record = kie.record(kie.task(**json.loads(wanted["param"])["input"]), 60)
    assert set(record) == {*wanted, "creditsConsumed"}
    assert (record["failCode"], record["failMsg"], record["creditsConsumed"]) == (None, None, 30)
    assert record["completeTime"] - record["createTime"] == 50_000
    assert record["param"] == wanted["param"]
    assert set(json.loads(record["resultJson"])) == set(json.loads(wanted["resultJson"]))


def test_only_a_video_without_watermark_has_one_with_it(kie: Kie) -> None:
    record = kie.record(kie.task(prompt="p", remove_watermark=False), 60)
    assert set(json.loads(record["resultJson"])) == {"resultUrls"}


def test_param_holds_the_whole_request(kie: Kie) -> None:
    body = {"model": T2V, "callBackUrl": f"{kie.base}/nowhere", "input": {"prompt": "Möwe"}}
    task = kie.http.post(CREATE, json=body).json()["data"]["taskId"]
    assert json.loads(kie.record(task)["param"]) == body


def test_nobody_knows_an_unknown_task(kie: Kie) -> None:
    reply = kie.http.get(INFO, params={"taskId": "task_12345678"})
    assert (reply.status_code, reply.json()) == (200, canonical("record-null.response"))


def test_a_record_needs_the_id_of_a_task(kie: Kie) -> None:
    assert kie.http.get(INFO).json() == canonical("error-400.response")


@pytest.mark.parametrize(
    ("model", "given", "size", "seconds"),
    [
        (T2V, {}, (1280, 720), 10),
        (T2V, {"aspect_ratio": "portrait", "n_frames": "15"}, (720, 1280), 15),
        ("sora-2-text-to-video-stable", {}, (1280, 720), 10),
        ("sora-2-pro-text-to-video", {"remove_watermark": False}, (1792, 1024), 10),
        ("sora-2-pro-text-to-video", {"size": "standard"}, (1280, 720), 10),
    ],
)
def test_a_video_is_what_was_bought(
    kie: Kie, model: str, given: dict[str, Any], size: tuple[int, int], seconds: int
) -> None:
    reply = httpx.get(kie.url(model=model, prompt="p", **given))
    assert reply.headers["content-type"] == "video/mp4"
    with av.open(io.BytesIO(reply.content)) as container:
        stream = container.streams.video[0]
        assert (stream.width * 4, stream.height * 4, round((container.duration or 0) / 1e6)) == (*size, seconds)


@pytest.mark.parametrize(
    "model", ["sora-2-image-to-video", "sora-2-pro-image-to-video", "sora-2-image-to-video-stable"]
)
@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
def test_a_picture_becomes_the_first_frame(kie: Kie, model: str, form: str) -> None:
    assert kie.url(model=model, prompt="p", image_urls=[kie.picture(form)])


def test_a_picture_that_is_none_fails_the_task(kie: Kie) -> None:
    for url in (kie.picture("gif"), f"{kie.base}/kie/cdn/files/b/none/a.png"):
        record = kie.record(kie.task("sora-2-image-to-video", prompt="p", image_urls=[url]), 60)
        assert (record["state"], record["failCode"]) == ("fail", "422")


def test_a_storyboard_is_one_video_of_all_its_shots(kie: Kie) -> None:
    wanted = canonical("create-storyboard.request")["input"]
    assert kie.url(model="sora-2-pro-storyboard", **{**wanted, "image_urls": [kie.picture()]})


def test_a_shared_video_loses_its_watermark(kie: Kie) -> None:
    body = canonical("create-watermark-remover.request")
    record = kie.record(kie.task(body["model"], **body["input"]), 60)
    assert (record["state"], record["creditsConsumed"]) == ("success", 10)


# --- inputs are checked at once


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("create-*.request.json")), ids=lambda path: path.stem)
def test_every_canonical_request_is_accepted(path: Path) -> None:
    check(json.loads(path.read_text()))


def test_the_models_of_the_reference_bodies_are_on_offer() -> None:
    offered = [body["model"] for body in canonical("reference-models.requests") if body["model"] in MODELS]
    assert offered == [
        "bytedance/seedance-2",
        "kling-3.0/video",
        "kling-3.0-omni/reference-to-video",
        "gemini-omni-video",
        "wan/2-7-r2v",
        "pixverse-v6/reference-to-video",
        "minimax-h3/reference-to-video",
    ]


def test_an_unknown_model_is_refused_in_kies_words(kie: Kie) -> None:
    assert kie.create("sora-3", prompt="p") == canonical("error-unknown-model.response")


@pytest.mark.parametrize(
    ("model", "given", "field"),
    [
        (T2V, {}, "prompt"),
        ("sora-2-image-to-video", {"prompt": "p"}, "image_urls"),
        ("sora-2-pro-storyboard", {"n_frames": "10"}, "shots"),
        ("sora-2-pro-storyboard", {"shots": [{"Scene": "s", "duration": 1}]}, "n_frames"),
        ("sora-2-pro-storyboard", {"n_frames": "10", "shots": [{"scene": "s", "duration": 1}]}, "shots[0].Scene"),
        ("sora-watermark-remover", {}, "video_url"),
        ("sora-2-characters", {}, "character_file_url"),
        ("sora-2-characters-pro", {"timestamps": "0,2", "character_prompt": "c"}, "origin_task_id"),
        ("sora-2-characters-pro", {"origin_task_id": "t", "character_prompt": "c"}, "timestamps"),
        ("sora-2-characters-pro", {"origin_task_id": "t", "timestamps": "0,2"}, "character_prompt"),
        ("bytedance/seedance-2", {}, "prompt"),
    ],
)
def test_a_missing_field_is_a_500_that_names_it(kie: Kie, model: str, given: dict[str, Any], field: str) -> None:
    assert kie.create(model, **given) == {**canonical("error-field.response"), "msg": f"{field} is required"}


@pytest.mark.parametrize("body", [{"input": {"prompt": "p"}}, {"model": T2V}])
def test_a_task_needs_a_model_and_an_input(kie: Kie, body: dict[str, Any]) -> None:
    reply = kie.http.post(CREATE, json=body).json()
    assert (reply["code"], reply["msg"].endswith(" is required")) == (500, True)


PRO, BOARD, CUT = "sora-2-pro-text-to-video", "sora-2-pro-storyboard", "sora-2-characters-pro"
SHOT = {"Scene": "s", "duration": 6}
CHARACTER = {"origin_task_id": "t", "timestamps": "0,2", "character_prompt": "c"}


@pytest.mark.parametrize(
    ("model", "given"),
    [
        (T2V, {"prompt": ""}),
        (T2V, {"prompt": "p" * 10_001}),
        (T2V, {"prompt": "p", "n_frames": 10}),
        (T2V, {"prompt": "p", "n_frames": "25"}),
        (T2V, {"prompt": "p", "aspect_ratio": "square"}),
        (T2V, {"prompt": "p", "remove_watermark": "true"}),
        (T2V, {"prompt": "p", "upload_method": "ftp"}),
        (T2V, {"prompt": "p", "character_id_list": list("abcdef")}),
        (T2V, {"prompt": "p", "character_id_list": "character_1"}),
        (T2V, {"prompt": "p", "seed": 7}),
        (T2V, {"prompt": "p", "size": "high"}),
        (T2V, {"prompt": "p", "image_urls": ["https://example.com/a.png"]}),
        ("sora-2-text-to-video-stable", {"prompt": "p", "remove_watermark": True}),
        ("sora-2-image-to-video", {"prompt": "p", "image_urls": []}),
        ("sora-2-image-to-video", {"prompt": "p", "image_urls": ["https://example.com/a.png"] * 2}),
        ("sora-2-image-to-video", {"prompt": "p", "image_urls": ["data:image/png;base64,aaaa"]}),
        (PRO, {"prompt": "p", "size": "1080p"}),
        (BOARD, {"n_frames": "10", "shots": [SHOT, SHOT]}),
        (BOARD, {"n_frames": "15", "shots": [{"Scene": "s", "duration": 16}]}),
        (BOARD, {"n_frames": "15", "shots": [{"Scene": "s", "duration": "6"}]}),
        (BOARD, {"n_frames": "25", "shots": [{"Scene": "s", "duration": 1}] * 11}),
        ("sora-watermark-remover", {"video_url": "https://example.com/p/s_1"}),
        ("sora-2-characters", {"character_file_url": "https://example.com/a.mp4"}),
        ("sora-2-characters", {"character_file_url": ["https://example.com/a.mp4"] * 2}),
        (CUT, {**CHARACTER, "timestamps": "0,0.5"}),
        (CUT, {**CHARACTER, "timestamps": "1,5.5"}),
        (CUT, {**CHARACTER, "timestamps": "0-2"}),
        (CUT, {**CHARACTER, "character_user_name": "n" * 41}),
    ],
)
def test_whatever_else_is_wrong_is_a_422_and_no_task(kie: Kie, model: str, given: dict[str, Any]) -> None:
    reply = kie.create(model, **given)
    assert (reply["code"], reply["data"], bool(reply["msg"])) == (422, None, True)


def test_a_share_link_that_is_none_has_no_post(kie: Kie) -> None:
    assert kie.create("sora-watermark-remover", video_url="https://sora.chatgpt.com/")["msg"] == "post is null"


def test_the_envelope_of_a_task_is_strict_too(kie: Kie) -> None:
    task = {"model": T2V, "input": {"prompt": "p"}}
    for more in ({"callbackUrl": "http://127.0.0.1:9"}, {"callBackUrl": "me"}, {"replyUrl": "http://127.0.0.1:9"}):
        assert kie.http.post(CREATE, json=task | more).json()["code"] == 422
    assert kie.http.post(CREATE, content=b"{model").json()["code"] == 400


@pytest.mark.parametrize(("model", "code"), [(T2V, 200), (PRO, 200), ("sora-2-text-to-video-stable", 422)])
def test_four_models_tell_their_progress(kie: Kie, model: str, code: int) -> None:
    body = {"model": model, "progressCallBackUrl": f"{kie.base}/nowhere", "input": {"prompt": "p"}}
    assert kie.http.post(CREATE, json=body).json()["code"] == code


# --- keys


@pytest.mark.parametrize("header", [None, "sandbox", "Key sandbox", "Bearer bad", "Bearer bad-key"])
def test_a_wrong_key_opens_nothing(kie: Kie, header: str | None) -> None:
    headers = {"Authorization": header} if header else {}
    with httpx.Client(base_url=f"{kie.base}/kie", headers=headers) as http:
        replies = [http.post(CREATE, json={}), http.get(INFO), http.get("/api/api/v1/chat/credit")]
        replies += [http.post("/api/api/v1/common/download-url", json={"url": "u"})]
        uploads = [http.post(f"/upload/api/file-{way}-upload", json={}) for way in ("stream", "url", "base64")]
    assert [(each.status_code, each.json()) for each in replies] == [(200, canonical("error-401.response"))] * 4
    assert [(each.status_code, each.json()) for each in uploads] == [(200, canonical("upload-401.response"))] * 3


def test_an_account_without_credits_buys_nothing(kie: Kie) -> None:
    for each in ("empty", "credits-29"):
        assert kie.create(headers=key(each), prompt="p") == canonical("error-402.response")
    assert kie.create(headers=key("credits-30"), prompt="p")["code"] == 200


def test_a_limited_account_creates_20_tasks_in_10_seconds(kie: Kie) -> None:
    codes = [kie.create(headers=key("limited-1"), prompt="p")["code"] for _ in range(21)]
    assert (codes, kie.create(headers=key("limited-2"), prompt="p")["code"]) == ([200] * 20 + [429], 200)
    assert kie.create(headers=key("limited-1"), prompt="p") == canonical("error-429.response")
    kie.clock.advance(10)
    assert kie.create(headers=key("limited-1"), prompt="p")["code"] == 200


def test_any_other_account_has_no_such_limit(kie: Kie) -> None:
    assert {kie.create(prompt="p")["code"] for _ in range(30)} == {200}


# --- the meter


def test_the_log_knows_a_key_by_its_hash_only(tmp_path: Path) -> None:
    clock = Clock()
    with (
        running(tmp_path, clock=clock, pace=PACE) as base,
        httpx.Client(base_url=f"{base}/kie", headers=key("very-secret")) as http,
    ):
        kie = Kie(http, clock, base)
        kie.record(kie.task(prompt="p"), 60)
        (bill,) = http.get(f"{base}/sandbox/meter").json()["billed"]
        log = http.get(f"{base}/sandbox/requests").json()
    assert bill["key_id"] == hashlib.sha256(b"very-secret").hexdigest()[:8]
    assert [(entry["route"], entry["auth"]) for entry in log] == [("submit", "Bearer"), ("status", "Bearer")]
    assert not any(b"very-secret" in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


@pytest.mark.parametrize(
    ("model", "given", "credit"),
    [
        (T2V, {"n_frames": "15"}, 25),
        ("sora-2-text-to-video-stable", {}, 35),
        ("sora-2-text-to-video-stable", {"n_frames": "15"}, 40),
        (PRO, {"size": "standard"}, 150),
        (PRO, {"n_frames": "15"}, 630),
        ("bytedance/seedance-2", {"duration": 6}, 246),
        ("bytedance/seedance-2", {"duration": 4, "resolution": "480p"}, 76),
        ("bytedance/seedance-2", {"duration": 4, "resolution": "1080p"}, 408),
        ("bytedance/seedance-2-fast", {"duration": 4}, 99.2),
    ],
)
def test_a_video_costs_what_the_table_says(kie: Kie, model: str, given: dict[str, Any], credit: float) -> None:
    task = kie.task(model, prompt="pan", **given)
    assert kie.record(task, 60)["creditsConsumed"] == credit
    bills = kie.http.get(f"{kie.base}/sandbox/meter").json()["billed"]
    assert [bill["usd"] for bill in bills if bill["request_id"] == task] == [round(credit * 0.005, 6)]


def test_tasks_and_files_survive_a_restart(tmp_path: Path) -> None:
    clock, port, task, url = Clock(), 0, "", ""
    for _ in range(2):
        with (
            running(tmp_path, port=port, clock=clock, pace=PACE) as base,
            httpx.Client(base_url=f"{base}/kie", headers=key("credits-100")) as http,
        ):
            kie, port = Kie(http, clock, base), int(base.rsplit(":", 1)[1])
            url = url or kie.picture()
            task = task or kie.task("sora-2-image-to-video", prompt="p", image_urls=[url])
            record = kie.record(task, 25)
    assert (record["state"], record["progress"]) == ("success", 100)
    with running(tmp_path, port=port, clock=clock, pace=PACE) as base:
        assert httpx.get(json.loads(record["resultJson"])["resultUrls"][0]).status_code == 200
        credit = httpx.get(f"{base}/kie/api/api/v1/chat/credit", headers=key("credits-100")).json()
    assert credit == {"code": 200, "msg": "success", "data": 70}
