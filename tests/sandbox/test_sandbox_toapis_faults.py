"""The sandbox's ToAPIs misbehaves as it is told, and switches what the contract leaves open."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import av
import httpx
import pytest
from PIL import Image

from prefect_storyboard.sandbox import Clock, Pace, running

GENERATIONS = "/v1/videos/generations"
PACE = Pace(queue_seconds=10, render_seconds=40, character_seconds=5, clip_scale=0.25)


@dataclass
class ToApis:
    http: httpx.Client
    clock: Clock
    base: str

    def rule(self, fault: str, route: str | None = None, **more: Any) -> None:
        rule = {"fault": fault, "match": {"route": route, **more.pop("match", {})}, **more}
        reply = httpx.post(f"{self.base}/sandbox/faults", json=[rule])
        assert reply.status_code == 200, reply.text

    def post(self, **body: Any) -> httpx.Response:
        return self.http.post(GENERATIONS, json={"model": "sora-2", "prompt": "p", **body})

    def get(self, task: dict[str, Any]) -> httpx.Response:
        return self.http.get(f"{GENERATIONS}/{task['id']}")

    def ended(self, **body: Any) -> dict[str, Any]:
        task = self.post(**body).json()
        self.clock.advance(60)
        return dict(self.get(task).json())

    def character(self) -> str:
        body = {"model": "sora-2", "timestamps": "1,3", "from_task": self.ended()["id"]}
        return str(self.http.post(GENERATIONS, json=body).json()["id"])

    def meter(self) -> dict[str, Any]:
        return dict(httpx.get(f"{self.base}/sandbox/meter").json())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToApis]:
    clock, key = Clock(), {"Authorization": "Bearer sk-sandbox"}
    with (
        running(tmp_path_factory.mktemp("sandbox"), clock=clock, pace=PACE) as base,
        httpx.Client(base_url=f"{base}/toapis", headers=key, timeout=60) as http,
    ):
        yield ToApis(http, clock, base)


@pytest.fixture
def api(server: ToApis) -> ToApis:
    httpx.delete(f"{server.base}/sandbox/faults")
    server.clock.advance(1000)
    return server


# --- refusals


@pytest.mark.parametrize(
    ("fault", "status", "error"),
    [
        ("unauthorized", 401, (401, "身份验证失败，请检查您的 API 密钥", "authentication_error")),
        ("out_of_credit", 402, (402, "账户余额不足，请充值后再试", "payment_required")),
        ("rate_limited", 429, (429, "请求过于频繁，请稍后再试", "rate_limit_error")),
        ("internal_error", 500, (500, "服务器内部错误", "server_error")),
        ("policy_422", 422, ("content_policy_violation", "Content policy violation")),
        ("limiter_down", 503, ("rate_limit_unavailable", "Rate limiter unavailable")),
        ("retired", 503, ("model_not_found", "No available channel for model sora-2")),
    ],
)
def test_a_submit_that_is_refused_buys_nothing(api: ToApis, fault: str, status: int, error: tuple[Any, ...]) -> None:
    api.rule(fault, "submit", times=1)
    before = api.meter()["jobs_accepted"]
    reply = api.post()
    assert (reply.status_code, reply.json()) == (
        status,
        {"error": dict(zip(("code", "message", "type"), error, strict=False))},
    )
    assert api.meter()["jobs_accepted"] == before


def test_a_refusal_may_have_the_newer_form_and_a_time_to_wait(api: ToApis) -> None:
    api.rule("rate_limited", "submit", times=1, error_type="rate_limit_exceeded", retry_after=7)
    reply = api.post()
    assert reply.json() == {"error": {"code": "rate_limit_exceeded", "message": "Too many requests"}}
    assert reply.headers["Retry-After"] == "7"


def test_a_submit_may_be_accepted_although_the_answer_is_an_error(api: ToApis) -> None:
    api.rule("internal_error", "submit", times=1, accept=True)
    before = api.meter()["jobs_accepted"]
    assert (api.post().status_code, api.meter()["jobs_accepted"]) == (500, before + 1)


def test_an_ingress_answers_in_html_on_any_route(api: ToApis) -> None:
    api.rule("nginx_502", times=2)
    replies = [api.post(), api.http.get("/v1/balance")]
    assert [(reply.status_code, reply.headers["content-type"][:9]) for reply in replies] == [(502, "text/html")] * 2


def test_error_codes_can_be_names(api: ToApis) -> None:
    api.rule("string_codes")
    replies = [api.post(duration=1), api.get({"id": "x"}), httpx.get(f"{api.base}/toapis/v1/models")]
    assert [reply.json()["error"]["code"] for reply in replies] == ["invalid_request", "task_not_found", "unauthorized"]
    assert all(set(reply.json()["error"]) == {"code", "message"} for reply in replies)


def test_errors_can_be_english(api: ToApis) -> None:
    api.rule("english")
    assert api.get({"id": "x"}).json() == {
        "error": {"code": 404, "message": "Task not found", "type": "not_found_error"}
    }
    assert api.post().status_code == 200


def test_a_retired_model_is_refused_and_off_the_list_while_the_others_work(api: ToApis) -> None:
    api.rule("retired", match={"endpoint": "sora"})
    listed = [each["id"] for each in api.http.get("/v1/models").json()["data"]]
    assert {"seedance-2", "seedance-2-fast", "seedance-2-mini"} <= set(listed)
    assert not [name for name in listed if "sora" in name]
    assert [api.post(model=model).status_code for model in ("sora-2-vvip", "seedance-2")] == [503, 200]


# --- how a task ends


def test_a_policy_refusal_is_a_failed_task(api: ToApis) -> None:
    api.rule("policy_refusal", "submit", times=1)
    told = api.ended()
    assert (told["status"], told["progress"]) == ("failed", 0)
    assert told["error"] == {"code": "generation_failed", "message": "生成失败: 内容违反了内容政策"}
    assert set(told) == {"id", "object", "model", "status", "progress", "created_at", "error"}


def test_a_task_can_fail_for_no_reason_of_the_callers(api: ToApis) -> None:
    api.rule("task_failed", "submit", times=1)
    message = "call upstream API failed: upstream returned status 422"
    assert api.ended()["error"] == {"code": "generation_failed", "message": message}


def test_failed_tasks_are_not_billed(api: ToApis) -> None:
    before = api.meter()
    for fault in ("policy_refusal", "task_failed"):
        api.rule(fault, "submit", times=1)
        api.ended()
    after = api.meter()
    assert (after["failed"] - before["failed"], after["usd"] - before["usd"]) == (2, 0)


def test_a_failed_task_can_tell_its_refund_and_its_reason_twice(api: ToApis) -> None:
    api.rule("task_failed", "submit", times=2)
    api.rule("billing", "status", times=1)
    api.rule("fail_reason", "status", times=1)
    assert api.ended()["billing"] == {"status": "refunded", "credits": "0", "cost_usd": "0"}
    told = api.ended()
    assert told["fail_reason"] == told["error"]["message"]


def test_a_stuck_task_never_ends(api: ToApis) -> None:
    api.rule("stuck", "submit", times=1)
    task = api.post().json()
    api.clock.advance(1e6)
    assert api.get(task).json()["status"] == "in_progress"


def test_a_slow_render_takes_longer(api: ToApis) -> None:
    api.rule("slow_render", "submit", times=1, seconds=500)
    task, seen = api.post().json(), []
    for _ in range(2):
        api.clock.advance(500)
        seen.append(api.get(task).json()["status"])
    assert seen == ["in_progress", "completed"]


def test_an_unknown_handle_can_fail_a_task(api: ToApis) -> None:
    api.rule("unknown_username", "submit", times=1)
    assert api.ended(prompt="@nobody.at_all waves")["error"]["message"] == "unknown character @nobody.at_all"


# --- how a task is told


@pytest.mark.parametrize(("fault", "word"), [("unknown_status", "paused"), ("submitted", "submitted")])
def test_another_word_for_the_state(api: ToApis, fault: str, word: str) -> None:
    api.rule(fault, "status", times=1)
    task = api.post().json()
    assert [api.get(task).json()["status"] for _ in range(2)] == [word, "queued"]


def test_a_task_that_is_not_found_at_first(api: ToApis) -> None:
    api.rule("not_found", "status", times=1)
    task = api.post().json()
    assert [api.get(task).status_code for _ in range(2)] == [404, 200]


@pytest.mark.parametrize(
    ("fault", "path"),
    [
        ("url_on_top", ["url"]),
        ("video_url_on_top", ["video_url"]),
        ("url_in_result", ["result", "url"]),
        ("url_in_video", ["result", "video", "url"]),
    ],
)
def test_the_address_in_all_the_places_where_clients_look(api: ToApis, fault: str, path: list[str]) -> None:
    api.rule(fault, "status", times=1)
    told: Any = api.ended()
    assert told["result"]["data"] == []
    for name in path:
        told = told[name]
    assert httpx.get(told).status_code == 200


def test_a_result_without_an_address(api: ToApis) -> None:
    api.rule("no_url", "status", times=1)
    told = api.ended()
    assert (told["status"], told["result"]) == ("completed", {"type": "video", "data": []})


# --- where a character is told


def test_by_one_page_characters_are_told_with_the_videos(api: ToApis) -> None:
    task = api.character()
    paths = [f"/v1/characters_tasks/{task}", f"{GENERATIONS}/{task}"]
    seen = []
    for fault in ("extra_fields", "no_characters_tasks", "videos_serve_characters"):
        httpx.delete(f"{api.base}/sandbox/faults")
        api.rule(fault, "status")
        seen.append([api.http.get(path).status_code for path in paths])
    assert seen == [[200, 404], [404, 200], [200, 200]]


def test_a_face_can_have_another_name(api: ToApis) -> None:
    task = api.character()
    api.clock.advance(60)
    api.rule("avatar_url", "status", times=1)
    (made,) = api.http.get(f"/v1/characters_tasks/{task}").json()["result"]["data"]["characters"]
    assert set(made) == {"id", "display_name", "username", "avatar_url"}


# --- balances and uploads that say no under 200


def test_a_balance_can_be_refused_unlimited_or_in_credits(api: ToApis) -> None:
    for fault in ("unsuccessful", "unlimited", "balance_in_credits"):
        api.rule(fault, "platform", times=1)
    replies = [api.http.get("/v1/balance") for _ in range(3)]
    refused, unlimited, newer = (reply.json() for reply in replies)
    assert replies[0].status_code == 200
    assert refused == {"success": False, "message": "Failed to get token info: record not found"}
    assert (unlimited["remain_balance"], unlimited["unlimited_quota"]) == (-1, True)
    assert (newer["remain_credits"], newer["credits_per_usd"]) == (newer["remain_balance"] * 200, 200)


def test_an_upload_can_be_refused_under_200(api: ToApis) -> None:
    api.rule("unsuccessful", "upload", times=1)
    target = io.BytesIO()
    Image.new("RGB", (8, 8)).save(target, "png")
    reply = api.http.post("/v1/uploads/images", files={"file": ("a.png", target.getvalue())})
    assert (reply.status_code, reply.json()["success"]) == (200, False)


def test_a_download_can_end_half_way_or_be_missing(api: ToApis) -> None:
    address = api.ended()["result"]["data"][0]["url"]
    api.rule("truncated", "download", times=1)
    api.rule("output_missing", "download", times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(address)
    assert [httpx.get(address).status_code for _ in range(2)] == [404, 200]
    with av.open(io.BytesIO(httpx.get(address).content)) as container:
        assert container.streams.audio


def test_a_rule_can_be_about_characters_remixes_or_one_prompt(api: ToApis) -> None:
    video = api.ended()
    api.rule("nginx_502", match={"endpoint": "/remix"})
    api.rule("nginx_503", match={"endpoint": "/character"})
    api.rule("nginx_504", match={"prompt": "STORM"})
    remix = api.http.post(f"/v1/videos/{video['id']}/remix", json={"model": "sora-2", "prompt": "q"})
    born = api.http.post(GENERATIONS, json={"model": "sora-2", "timestamps": "1,3", "from_task": video["id"]})
    codes = [remix.status_code, born.status_code, api.post(prompt="Into the storm").status_code, api.post().status_code]
    assert codes == [502, 503, 504, 200]
