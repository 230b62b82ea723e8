"""The meter counts what a gateway would have charged, and the log shows what was asked for."""

import base64
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import httpx
import pytest

from prefect_storyboard.sandbox import Clock, Pace, running

T2V = "fal-ai/sora-2/text-to-video"
PACE = Pace(queue_seconds=10, render_seconds=40, character_seconds=5, clip_scale=0.25)


@dataclass
class Fal:
    http: httpx.Client
    clock: Clock
    base: str

    def submit(self, endpoint: str = T2V, **body: Any) -> dict[str, Any]:
        return dict(self.http.post(f"/queue/{endpoint}", json=body).json())

    def made(self, endpoint: str = T2V, **body: Any) -> dict[str, Any]:
        job = self.submit(endpoint, **body)
        self.clock.advance(60)
        return dict(self.http.get(job["response_url"]).json())

    def meter(self) -> dict[str, Any]:
        return dict(self.http.get(f"{self.base}/sandbox/meter").json())

    def log(self, **query: Any) -> list[dict[str, Any]]:
        return list(self.http.get(f"{self.base}/sandbox/requests", params=query).json())

    def upload(self, data: bytes) -> str:
        token = self.http.post("/rest/storage/auth/token?storage_type=fal-cdn-v3", json={}).json()
        headers = {"Authorization": f"Bearer {token['token']}", "Content-Type": "video/mp4", "X-Fal-File-Name": "a.mp4"}
        return str(self.http.post("/cdn/files/upload", content=data, headers=headers).json()["access_url"])


@pytest.fixture
def fal(tmp_path: Path) -> Iterator[Fal]:
    clock = Clock()
    key = {"Authorization": "Key sandbox:very-secret"}
    with running(tmp_path, clock=clock, pace=PACE) as base, httpx.Client(base_url=f"{base}/fal", headers=key) as http:
        yield Fal(http, clock, base)


def clip() -> bytes:
    target = io.BytesIO()
    with av.open(target, "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        file.mux(stream.encode(av.VideoFrame(1280, 720, "yuv420p")))
        file.mux(stream.encode(None))
    return target.getvalue()


@pytest.mark.parametrize(
    ("endpoint", "body", "usd"),
    [
        (T2V, {}, 0.40),
        (T2V, {"duration": 20}, 2.00),
        (f"{T2V}/pro", {"resolution": "720p", "duration": 8}, 2.40),
        (f"{T2V}/pro", {}, 2.00),
        (f"{T2V}/pro", {"resolution": "true_1080p"}, 2.00),
    ],
)
def test_a_video_costs_its_seconds(fal: Fal, endpoint: str, body: dict[str, Any], usd: float) -> None:
    fal.submit(endpoint, prompt="p", **body)
    fal.clock.advance(60)
    assert fal.meter()["usd"] == usd


def test_a_remix_costs_the_seconds_of_its_source(fal: Fal) -> None:
    source = fal.made(prompt="p", duration=12, delete_video=False)
    fal.submit("fal-ai/sora-2/video-to-video/remix", prompt="q", video_id=source["video_id"])
    fal.clock.advance(60)
    assert [bill["usd"] for bill in fal.meter()["billed"]] == [1.20, 1.20]


def test_a_character_is_counted_but_its_unknown_price_is_not(fal: Fal) -> None:
    fal.made("fal-ai/sora-2/characters", video_url=fal.upload(clip()), name="Joe")
    meter = fal.meter()
    assert (meter["characters"], meter["videos"], meter["usd"]) == (1, 0, 0)


def test_a_bill_says_who_bought_what_and_when(fal: Fal) -> None:
    job = fal.submit(prompt="p")
    fal.clock.advance(60)
    (bill,) = fal.meter()["billed"]
    assert set(bill) == {"request_id", "gateway", "endpoint", "kind", "seconds", "usd", "key_id", "at", "body"}
    assert (bill["request_id"], bill["key_id"], bill["body"]) == (job["request_id"], "sandbox", {"prompt": "p"})


def test_a_job_is_billed_when_it_completes_even_if_nobody_asks(fal: Fal) -> None:
    fal.submit(prompt="p")
    assert (fal.meter()["jobs_accepted"], fal.meter()["running"], fal.meter()["usd"]) == (1, 1, 0)
    fal.clock.advance(60)
    assert (fal.meter()["jobs_accepted"], fal.meter()["running"], fal.meter()["usd"]) == (1, 0, 0.4)


def test_a_refused_or_cancelled_job_costs_nothing(fal: Fal) -> None:
    fal.submit(prompt="p", duration=5)
    fal.http.put(fal.submit(prompt="p")["cancel_url"])
    fal.clock.advance(60)
    meter = fal.meter()
    assert (meter["jobs_accepted"], meter["failed"], meter["cancelled"], meter["usd"]) == (2, 1, 1, 0)


def test_a_scene_that_was_bought_twice_shows(fal: Fal) -> None:
    ids = [fal.submit(prompt="same")["request_id"] for _ in range(2)]
    fal.submit(prompt="other")
    (order,) = fal.meter()["duplicates"]
    assert (order["jobs"], order["request_ids"]) == (2, ids)


def test_a_second_purchase_is_not_hidden_by_a_new_upload_or_character(fal: Fal) -> None:
    data = clip()
    for _ in range(2):
        made = fal.made("fal-ai/sora-2/characters", video_url=fal.upload(data), name="Joe")
        fal.submit(prompt="Joe waves", character_ids=[made["id"]])
    assert [order["jobs"] for order in fal.meter()["duplicates"]] == [2, 2]


def test_posts_are_counted_even_if_none_is_accepted(fal: Fal) -> None:
    fal.http.post(f"{fal.base}/sandbox/faults", json=[{"fault": "nginx_502", "match": {"route": "submit"}}])
    fal.http.post(f"/queue/{T2V}", json={"prompt": "p"})
    assert (fal.meter()["posts"], fal.meter()["jobs_accepted"]) == (1, 0)


def test_the_log_tells_every_call_with_the_body_of_submits(fal: Fal) -> None:
    fal.http.get(fal.submit(prompt="p")["status_url"], params={"logs": "1"})
    submit, status = fal.log()
    assert (submit["method"], submit["route"], submit["status"], submit["body"]) == (
        "POST",
        "submit",
        200,
        {"prompt": "p"},
    )
    assert (status["route"], status["query"], status["status"]) == ("status", "logs=1", 202)
    assert [entry["route"] for entry in fal.log(route="status")] == ["status"]


def test_the_log_names_the_fault_and_has_no_status_for_a_dropped_call(fal: Fal) -> None:
    fal.http.post(f"{fal.base}/sandbox/faults", json=[{"fault": "drop_after"}])
    with pytest.raises(httpx.TransportError):
        fal.submit(prompt="p")
    (entry,) = fal.log()
    assert (entry["fault"], entry["status"]) == ("drop_after", None)


def test_neither_log_nor_meter_nor_files_hold_the_secret(fal: Fal, tmp_path: Path) -> None:
    fal.submit(prompt="p")
    httpx.get(f"{fal.base}/fal/queue/{T2V}", headers={"Authorization": "very-secret"})
    assert [entry["auth"] for entry in fal.log()] == ["Key", "other"]
    assert "very-secret" not in json.dumps([fal.log(), fal.meter()])
    assert not any(b"very-secret" in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


def test_everything_survives_a_restart(tmp_path: Path) -> None:
    clock = Clock()
    rule = {"fault": "nginx_502", "match": {"route": "cancel"}, "times": 2}
    key = {"Authorization": "Key sandbox:sandbox"}
    image = "data:image/png;base64," + base64.b64encode(_png()).decode()
    with running(tmp_path, clock=clock, pace=PACE) as base, httpx.Client(base_url=f"{base}/fal", headers=key) as http:
        fal = Fal(http, clock, base)
        character = fal.made("fal-ai/sora-2/characters", video_url=fal.upload(clip()), name="Joe")
        job = fal.submit("fal-ai/sora-2/image-to-video", prompt="p", image_url=image, character_ids=[character["id"]])
        http.post(f"{base}/sandbox/faults", json=[rule])
        http.put(job["cancel_url"])
    port = int(base.rsplit(":", 1)[1])
    with (
        running(tmp_path, port=port, clock=clock, pace=PACE) as base,
        httpx.Client(base_url=f"{base}/fal", headers=key) as http,
    ):
        fal = Fal(http, clock, base)
        assert http.get(job["status_url"]).status_code == 202
        clock.advance(60)
        assert http.get(http.get(job["response_url"]).json()["video"]["url"]).status_code == 200
        assert [entry["fired"] for entry in http.get(f"{base}/sandbox/faults").json()] == [1]
        meter = fal.meter()
    assert (meter["videos"], meter["characters"], meter["uploads"], meter["posts"]) == (1, 1, 1, 2)


def test_rules_given_at_the_start_keep_their_counts_over_a_restart(tmp_path: Path) -> None:
    rules = [{"fault": "nginx_502", "match": {"route": "submit"}, "times": 1}]
    seen = []
    for _ in range(2):
        with running(tmp_path, faults=rules) as base:
            headers = {"Authorization": "Key sandbox:sandbox"}
            seen.append(httpx.post(f"{base}/fal/queue/{T2V}", json={"prompt": "p"}, headers=headers).status_code)
    assert seen == [502, 200]


def test_a_senseless_rule_at_the_start_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="No fault 'zap'"), running(tmp_path, faults=[{"fault": "zap"}]):
        pass


def _png() -> bytes:
    from PIL import Image

    target = io.BytesIO()
    Image.new("RGB", (64, 36), "teal").save(target, "png")
    return target.getvalue()
