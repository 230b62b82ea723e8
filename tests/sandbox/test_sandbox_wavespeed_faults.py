"""The sandbox's WaveSpeedAI misbehaves exactly as it is told, and its webhooks with it."""

import base64
import hashlib
import hmac
import io
import json
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import av
import httpx
import pytest
from PIL import Image

from prefect_storyboard.sandbox import Clock, Pace, running
from prefect_storyboard.sandbox.wavespeed.webhooks import signature

T2V, CHARACTERS = "openai/sora-2/text-to-video", "openai/sora-2/characters"


def data_url(data: io.BytesIO, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data.getvalue()).decode()}"


def _clip() -> str:
    target = io.BytesIO()
    with av.open(target, "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        file.mux(stream.encode(av.VideoFrame(1280, 720, "yuv420p")))
        file.mux(stream.encode(None))
    return data_url(target, "video/mp4")


def _picture() -> str:
    target = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(target, "png")
    return data_url(target, "image/png")


CLIP, PICTURE = _clip(), _picture()


@dataclass
class WaveSpeed:
    http: httpx.Client
    clock: Clock
    base: str

    def rule(self, fault: str, route: str | None = None, **more: Any) -> None:
        match = {"gateway": "wavespeed", "route": route, **more.pop("match", {})}
        reply = httpx.post(f"{self.base}/sandbox/faults", json=[{"fault": fault, "match": match, **more}])
        assert reply.status_code == 200, reply.text

    def post(self, model: str = T2V, **body: Any) -> httpx.Response:
        return self.http.post(f"/api/v3/{model}", json=body or {"prompt": "p"})

    def get(self, job_id: str) -> httpx.Response:
        return self.http.get(f"/api/v3/predictions/{job_id}/result")

    def ended(self, model: str = T2V, **body: Any) -> dict[str, Any]:
        job = self.post(model, **body).json()["data"]
        self.clock.advance(60)
        return dict(self.get(job["id"]).json()["data"])

    def listed(self) -> list[dict[str, Any]]:
        asked = {"page": 1, "page_size": 100, "include_inputs": True}
        return list(self.http.post("/api/v3/predictions", json=asked).json()["data"]["items"])

    def accepted(self) -> int:
        return int(httpx.get(f"{self.base}/sandbox/meter").json()["jobs_accepted"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WaveSpeed]:
    clock = Clock()
    pace = Pace(queue_seconds=10, render_seconds=40, character_seconds=5, clip_scale=0.25)
    with (
        running(tmp_path_factory.mktemp("sandbox"), clock=clock, pace=pace) as base,
        httpx.Client(base_url=f"{base}/wavespeed", headers={"Authorization": "Bearer sandbox"}) as http,
    ):
        yield WaveSpeed(http, clock, base)


@pytest.fixture
def wave(server: WaveSpeed) -> WaveSpeed:
    httpx.delete(f"{server.base}/sandbox/faults")
    server.clock.advance(8 * 86_400)  # whatever earlier tests have bought is forgotten
    return server


# --- replies


@pytest.mark.parametrize(
    ("rule", "status", "body"),
    [
        ({"fault": "rate_limited"}, 429, {"code": 429, "message": "Too Many Requests"}),
        ({"fault": "forbidden"}, 403, {"code": 403, "message": "insufficient role"}),
        ({"fault": "out_of_credit"}, 400, {"code": 1407, "message": "insufficient credits"}),
        ({"fault": "out_of_credit", "status": 402}, 402, {"code": 402, "message": "insufficient credits"}),
        ({"fault": "unauthorized"}, 401, {"code": 401, "message": "Unauthorized"}),
        ({"fault": "internal_error"}, 500, {"code": 500, "message": "Internal Server Error"}),
        ({"fault": "envelope_error"}, 200, {"code": 500, "message": "Internal Server Error"}),
        ({"fault": "retired"}, 404, {"code": 404, "message": "Model not found"}),
    ],
)
def test_a_submit_that_is_refused_buys_nothing(
    wave: WaveSpeed, rule: dict[str, Any], status: int, body: dict[str, Any]
) -> None:
    wave.rule(**rule, route="submit", times=1)
    before = wave.accepted()
    reply = wave.post()
    assert (reply.status_code, reply.json(), wave.accepted()) == (status, body, before)
    assert wave.post().status_code == 200


def test_a_rate_limit_may_say_when_to_come_back(wave: WaveSpeed) -> None:
    wave.rule("rate_limited", "submit", retry_after=7, times=1)
    assert wave.post().headers["retry-after"] == "7"
    wave.rule("rate_limited", "submit", times=1)
    assert "retry-after" not in wave.post().headers


@pytest.mark.parametrize("fault", ["internal_error", "nginx_502", "nginx_504", "envelope_error"])
def test_a_bad_reply_may_hide_an_accepted_job(wave: WaveSpeed, fault: str) -> None:
    wave.rule(fault, "submit", times=1, accept=True)
    before = wave.accepted()
    wave.post()
    assert wave.accepted() == before + 1


def test_a_connection_dropped_after_acceptance_leaves_a_job_in_the_list(wave: WaveSpeed) -> None:
    wave.rule("drop_after", "submit", times=1)
    with pytest.raises(httpx.TransportError):
        wave.post(prompt="lost")
    assert [item["input"] for item in wave.listed()] == [{"prompt": "lost"}]


@pytest.mark.parametrize(("fault", "data"), [("data_null", None), ("missing_id", "no id")])
def test_a_submit_whose_answer_says_too_little_has_bought(wave: WaveSpeed, fault: str, data: str | None) -> None:
    wave.rule(fault, "submit", times=1)
    before = wave.accepted()
    body = wave.post().json()
    assert body["data"] is None if data is None else "id" not in body["data"]
    assert (body["code"], wave.accepted()) == (200, before + 1)


def test_uploads_fail_in_their_own_words(wave: WaveSpeed) -> None:
    seen = []
    for fault in ("upload_quota", "upload_failed"):
        wave.rule(fault, "upload", times=1)
        reply = wave.http.post("/api/v3/media/uploads", json={"filename": "a.mp4", "size": 3})
        seen.append((reply.status_code, reply.json()["message"]))
    assert seen == [(429, "Upload quota exceeded"), (200, "Upload failed: invalid file type")]


def test_a_prediction_that_is_not_found_at_first(wave: WaveSpeed) -> None:
    job = wave.post().json()["data"]["id"]
    wave.rule("not_found", "status", times=1)
    replies = [wave.get(job) for _ in range(2)]
    assert replies[0].json() == {"code": 404, "message": "Prediction not found"}
    assert [reply.status_code for reply in replies] == [404, 200]


def test_an_output_that_is_forbidden_or_missing(wave: WaveSpeed) -> None:
    (url,) = wave.ended()["outputs"]
    seen = []
    for fault in ("output_forbidden", "output_missing"):
        wave.rule(fault, "download", times=1)
        seen.append(httpx.get(url).status_code)
    assert [*seen, httpx.get(url).status_code] == [403, 404, 200]


def test_a_retired_model_leaves_the_catalogue_and_sells_nothing(wave: WaveSpeed) -> None:
    wave.rule("retired", match={"endpoint": "openai/sora-2"})
    names = [model["model_id"] for model in wave.http.get("/api/v3/models").json()["data"]]
    assert (any("sora" in name for name in names), "kwaivgi/kling-elements-advanced" in names) == (False, True)
    assert wave.post().status_code == 404
    element = {"name": "Otto", "description": "a keeper", "frontal_image": PICTURE, "refer_images": [PICTURE]}
    assert wave.post("kwaivgi/kling-elements-advanced", **element).status_code == 200


# --- how tasks end


@pytest.mark.parametrize(
    ("rule", "status", "code", "error"),
    [
        ({"fault": "policy_refusal"}, "failed", 1200, "Content Moderation"),
        ({"fault": "task_failed"}, "failed", 5000, "Internal error"),
        ({"fault": "task_failed", "status": 1402}, "failed", 1402, "Failed to download image from the provided URL."),
        ({"fault": "task_failed", "status": 5003}, "failed", 5003, "Service Unavailable"),
        ({"fault": "task_failed_without_code"}, "failed", None, "HTTP 502 from upstream"),
        ({"fault": "task_timeout"}, "timeout", None, "Task timed out"),
        ({"fault": "task_cancelled"}, "cancelled", None, "Task cancelled"),
        ({"fault": "task_deleted"}, "deleted", None, "Task deleted"),
    ],
)
def test_a_task_that_fails_is_an_answer_of_200_and_is_not_billed(
    wave: WaveSpeed, rule: dict[str, Any], status: str, code: int | None, error: str
) -> None:
    wave.rule(**rule, route="submit", times=1)
    before = httpx.get(f"{wave.base}/sandbox/meter").json()["usd"]
    data = wave.ended()
    assert (data["status"], data.get("code"), data["error"], data["outputs"]) == (status, code, error, [])
    assert httpx.get(f"{wave.base}/sandbox/meter").json()["usd"] == before


def test_a_stuck_task_never_ends_and_a_slow_one_late(wave: WaveSpeed) -> None:
    wave.rule("stuck", "submit", times=1)
    wave.rule("slow_render", "submit", seconds=500, times=1)
    jobs = [wave.post().json()["data"]["id"] for _ in range(2)]
    seen = []
    for seconds in (500, 60):
        wave.clock.advance(seconds)
        seen.append([wave.get(job).json()["data"]["status"] for job in jobs])
    assert seen == [["processing", "processing"], ["processing", "completed"]]


def test_a_silent_fallback_ignores_the_characters_and_tells_nobody(wave: WaveSpeed) -> None:
    wave.rule("silent_fallback", "submit", times=1)
    body = {"prompt": "Joe waves", "characters": ["char_nobody"]}
    done = wave.ended(**body)
    assert (done["status"], done["model"]) == ("completed", T2V)
    assert wave.ended(**body)["status"] == "failed"


# --- how they are told


def test_a_status_that_nobody_knows(wave: WaveSpeed) -> None:
    job = wave.post().json()["data"]["id"]
    wave.rule("unknown_status", "status", times=1)
    assert [wave.get(job).json()["data"]["status"] for _ in range(2)] == ["paused", "created"]


@pytest.mark.parametrize("fault", ["result_without_url", "data_null", "minimal_result"])
def test_a_result_that_says_too_little(wave: WaveSpeed, fault: str) -> None:
    wave.rule(fault, "status", times=1)
    job = wave.post().json()["data"]["id"]
    wave.clock.advance(60)
    data = wave.get(job).json()["data"]
    if fault == "data_null":
        assert data is None
    elif fault == "result_without_url":
        assert (data["status"], data["outputs"]) == ("completed", [])
    else:
        assert data["has_nsfw_contents"] is None
        assert not {"executionTime", "timings"} & set(data)


@pytest.mark.parametrize(
    ("fault", "tell"),
    [
        ("character_json", lambda made: json.dumps(made, separators=(",", ":"))),
        ("character_nested", lambda made: json.dumps([made], separators=(",", ":"))),
        ("character_bare", lambda made: made["id"]),
        ("character_without_id", lambda made: {"name": made["name"]}),
    ],
)
def test_a_character_may_be_told_in_other_forms(wave: WaveSpeed, fault: str, tell: Any) -> None:
    done = wave.ended(CHARACTERS, video=CLIP, name="Joe")
    wave.rule(fault)
    (told,) = wave.get(done["id"]).json()["data"]["outputs"]
    assert [told] == wave.listed()[0]["outputs"] == [tell(done["outputs"][0])]


def test_a_list_without_inputs_or_totals(wave: WaveSpeed) -> None:
    wave.post(prompt="p")
    wave.rule("list_without_inputs", "platform", times=1)
    assert ["input" in wave.listed()[0] for _ in range(2)] == [False, True]
    wave.rule("minimal_result", "platform", times=1)
    asked = {"page": 1, "page_size": 1}
    assert "total" not in wave.http.post("/api/v3/predictions", json=asked).json()["data"]


def test_a_list_that_lags(wave: WaveSpeed) -> None:
    wave.rule("list_lags", "platform", seconds=30)
    wave.post()
    seen = []
    for seconds in (29, 1):
        wave.clock.advance(seconds)
        seen.append(len(wave.listed()))
    assert seen == [0, 1]


# --- webhooks


@dataclass
class Ear:
    """Somebody who is told: `refuse` of the calls are answered 500."""

    url: str
    calls: queue.Queue[tuple[dict[str, str], bytes]]
    clock: Clock
    refuse: int = 0

    def next(self) -> tuple[dict[str, str], bytes]:
        """The next call; time passes until it comes."""
        for _ in range(1000):
            try:
                return self.calls.get(timeout=0.02)
            except queue.Empty:
                self.clock.advance(10)
        raise AssertionError("nobody called")


@pytest.fixture
def ear(wave: WaveSpeed) -> Iterator[Ear]:
    heard = Ear("", queue.Queue(), wave.clock)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(500 if heard.refuse else 204)
            self.end_headers()
            heard.refuse -= bool(heard.refuse)
            heard.calls.put(({name.lower(): value for name, value in self.headers.items()}, body))

        def log_message(self, *_: Any) -> None:
            """Keep quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as listener:
        heard.url = f"http://127.0.0.1:{listener.server_port}/hook?attempt=a%20b"
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,))
        thread.start()
        yield heard
        listener.shutdown()
        thread.join()


def hooked(wave: WaveSpeed, ear: Ear, **body: Any) -> str:
    reply = wave.http.post(f"/api/v3/{T2V}", params={"webhook": ear.url}, json={"prompt": "p", **body})
    return str(reply.json()["data"]["id"])


def signed(headers: dict[str, str], body: bytes) -> str:
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    return f"v3,{hmac.new(b'sandbox_secret', text, hashlib.sha256).hexdigest()}"


def test_the_signature_is_that_of_the_test_vector() -> None:
    text = 'evt_1.1758798328.{"id":"p1","status":"completed"}'
    told = signature("e9EE3BdyXSxcB4ZyZUKjQUEoQX4sF9P1+eMpb/KluCM=", text)
    assert told == "v3,db28c861cb634c53aa1f4317e8a0e6c316d604dda7049c39fb842c07d66a8efd"


def test_the_end_is_told_as_a_bare_and_signed_prediction(wave: WaveSpeed, ear: Ear) -> None:
    job = hooked(wave, ear)
    headers, body = ear.next()
    assert json.loads(body) == {**wave.get(job).json()["data"], "input": {"prompt": "p"}}
    assert headers["webhook-signature"] == signed(headers, body)
    assert "authorization" not in headers


def test_a_failure_is_told_too(wave: WaveSpeed, ear: Ear) -> None:
    hooked(wave, ear, characters=["char_nobody"])
    assert json.loads(ear.next()[1])["status"] == "failed"


def test_whoever_does_not_listen_is_told_again(wave: WaveSpeed, ear: Ear) -> None:
    ear.refuse = 2
    hooked(wave, ear)
    calls = [ear.next() for _ in range(3)]
    assert len({headers["webhook-id"] for headers, _ in calls}) == len({body for _, body in calls}) == 1


def test_a_webhook_may_come_twice(wave: WaveSpeed, ear: Ear) -> None:
    wave.rule("webhook_duplicate", "submit", times=1)
    hooked(wave, ear)
    first, second = ear.next(), ear.next()
    assert (first[0]["webhook-id"], first[1]) == (second[0]["webhook-id"], second[1])


def test_a_webhook_may_come_late(wave: WaveSpeed, ear: Ear) -> None:
    wave.rule("webhook_late", "submit", seconds=100, times=1)
    start = wave.clock()
    hooked(wave, ear)
    assert int(ear.next()[0]["webhook-timestamp"]) >= int(start) + 150


@pytest.mark.parametrize(("fault", "begins"), [("webhook_unsigned", ""), ("webhook_badly_signed", "v3,")])
def test_a_webhook_may_lack_a_good_signature(wave: WaveSpeed, ear: Ear, fault: str, begins: str) -> None:
    wave.rule(fault, "submit", times=1)
    hooked(wave, ear)
    headers, body = ear.next()
    assert headers.get("webhook-signature", "")[:3] == begins
    assert headers.get("webhook-signature") != signed(headers, body)


def test_a_webhook_may_have_the_signature_of_the_previous_secret_too(wave: WaveSpeed, ear: Ear) -> None:
    wave.rule("webhook_rotated", "submit", times=1)
    hooked(wave, ear)
    headers, body = ear.next()
    previous, current = headers["webhook-signature"].split(" ")
    assert current == signed(headers, body) != previous


@pytest.mark.parametrize(
    ("target", "body"),
    [("ftp://a.b/c", {}), ("hook", {}), ("http://[", {}), ("https://a.b/c", {"enable_sync_mode": True})],
)
def test_a_webhook_needs_an_address_and_no_sync_mode(wave: WaveSpeed, target: str, body: dict[str, Any]) -> None:
    reply = wave.http.post(f"/api/v3/{T2V}", params={"webhook": target}, json={"prompt": "p", **body})
    assert (reply.status_code, reply.json()) == (400, {"code": 400, "message": "invalid parameter"})
