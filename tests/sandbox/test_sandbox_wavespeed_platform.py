"""The sandbox's WaveSpeedAI keeps books and takes files as sections 3, 7 and 10 of the wire contract say."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from prefect_storyboard.sandbox import Clock, Pace, running
from prefect_storyboard.sandbox.documents import Job
from prefect_storyboard.sandbox.wavespeed import jobs
from prefect_storyboard.sandbox.wavespeed.platform_api import Bills, Deletion, Listing, PriceQuestion
from prefect_storyboard.sandbox.wavespeed.storage import TicketRequest

T2V = "openai/sora-2/text-to-video"
PACE = Pace(queue_seconds=10, render_seconds=40, character_seconds=5, clip_scale=0.25)
COMMON = {"id", "model", "outputs", "urls", "status", "created_at", "error", "timings"}
BAD = (400, {"code": 400, "message": "invalid parameter"})


@dataclass
class WaveSpeed:
    http: httpx.Client
    clock: Clock
    base: str

    def submit(self, model: str = T2V, key: str = "sandbox", **body: Any) -> str:
        reply = self.http.post(f"/api/v3/{model}", json=body, headers={"Authorization": f"Bearer {key}"})
        assert reply.status_code == 200, reply.text
        return str(reply.json()["data"]["id"])

    def data(self, path: str, **body: Any) -> Any:
        reply = self.http.post(f"/api/v3/{path}", json=body) if body else self.http.get(f"/api/v3/{path}")
        assert (reply.status_code, reply.json()["code"], reply.json()["message"]) == (200, 200, "success"), reply.text
        return reply.json()["data"]

    def listed(self, **more: Any) -> list[str]:
        asked = {"page": 1, "page_size": 100, **more}
        return [each["id"] for each in self.data("predictions", **asked)["items"]]

    def refused(self, path: str, **body: Any) -> tuple[int, Any]:
        reply = self.http.post(f"/api/v3/{path}", json=body)
        return reply.status_code, reply.json()

    def ticket(self, **body: Any) -> Any:
        return self.data("media/uploads", **{"filename": "joe.mp4", "size": 3, "content_type": "video/mp4", **body})

    def meter(self) -> dict[str, Any]:
        return dict(httpx.get(f"{self.base}/sandbox/meter").json())

    def now(self) -> str:
        return f"{datetime.fromtimestamp(self.clock(), UTC):%Y-%m-%dT%H:%M:%S.000Z}"


@contextmanager
def served(folder: Path) -> Iterator[WaveSpeed]:
    clock = Clock()
    with (
        running(folder, clock=clock, pace=PACE) as base,
        httpx.Client(base_url=f"{base}/wavespeed", headers={"Authorization": "Bearer sandbox"}) as http,
    ):
        yield WaveSpeed(http, clock, base)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WaveSpeed]:
    with served(tmp_path_factory.mktemp("sandbox")) as wave:
        yield wave


@pytest.fixture
def wave(server: WaveSpeed) -> WaveSpeed:
    server.clock.advance(8 * 86_400)  # whatever earlier tests have bought is forgotten
    return server


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[WaveSpeed]:
    """A sandbox whose meter has counted nothing yet."""
    with served(tmp_path) as wave:
        yield wave


def put(upload: dict[str, Any], data: bytes = b"abc", **headers: str) -> httpx.Response:
    return httpx.put(upload["url"], content=data, headers={**upload["headers"], **headers})


# --- the list


def test_every_canonical_request_is_accepted() -> None:
    listing = {
        "page": 1,
        "page_size": 20,
        "model": "openai/sora-2/characters",
        "status": "completed",
        "created_after": "2026-11-20T00:00:00.000Z",
        "created_before": "2026-11-21T00:00:00.000Z",
        "include_inputs": True,
    }
    bills = {
        "page": 1,
        "page_size": 50,
        "billing_type": "deduct",
        "prediction_uuids": ["e6832d4abffb4d79bfbca19783fca134"],
        "start_time": "1763600000000",
        "end_time": "1763700000000",
    }
    assert Listing.model_validate(listing)
    assert Bills.model_validate(bills)
    assert Deletion.model_validate({"ids": ["id1", "id2"]})
    assert PriceQuestion.model_validate({"model_id": T2V, "inputs": {"prompt": "x", "duration": 8}})
    assert TicketRequest.model_validate({"filename": "joe.mp4", "size": 3, "content_type": "video/mp4"})


def test_the_list_is_paged_and_the_newest_comes_first(wave: WaveSpeed) -> None:
    ids = []
    for number in range(5):
        ids.append(wave.submit(prompt=f"{number}"))
        wave.clock.advance(1)
    answer = wave.data("predictions", page=2, page_size=2)
    assert (set(answer), answer["page"], answer["total"]) == ({"page", "total", "items"}, 2, 5)
    assert [each["id"] for each in answer["items"]] == [ids[2], ids[1]]
    assert wave.listed(page=4, page_size=2) == []


def test_an_item_has_the_canonical_fields_and_its_input_if_asked_for(wave: WaveSpeed) -> None:
    wave.submit(prompt="p")
    wave.clock.advance(60)
    (bare,) = wave.data("predictions", page=1, page_size=1)["items"]
    (full,) = wave.data("predictions", page=1, page_size=1, include_inputs=True)["items"]
    assert set(bare) == COMMON | {"has_nsfw_contents", "executionTime"}
    assert full == {**bare, "input": {"prompt": "p"}}
    assert (full["status"], full["executionTime"]) == ("completed", 50_000)


def test_the_list_is_filtered(wave: WaveSpeed) -> None:
    old = wave.submit(prompt="old")
    wave.clock.advance(60)
    since = wave.now()
    new = wave.submit("openai/sora-2-pro/text-to-video", prompt="new")
    wave.submit(prompt="not mine", key="another")
    assert wave.listed() == [new, old]
    assert wave.listed(model=T2V) == wave.listed(status="completed") == wave.listed(created_before=since)[1:] == [old]
    assert wave.listed(created_after=since) == wave.listed(status="created") == [new]


def test_the_list_forgets_after_seven_days(wave: WaveSpeed) -> None:
    wave.submit(prompt="p")
    wave.clock.advance(7 * 86_400)
    assert wave.listed() == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"page": 1},
        {"page": 0, "page_size": 1},
        {"page": 1, "page_size": 101},
        {"page": 1, "page_size": "20"},
        {"page": 1, "page_size": 1, "limit": 1},
        {"page": 1, "page_size": 1, "created_after": "yesterday"},
        {"page": 1, "page_size": 1, "created_after": "2026-11-20T00:00:00"},
    ],
)
def test_a_list_that_is_asked_for_wrongly_is_refused(wave: WaveSpeed, body: dict[str, Any]) -> None:
    assert wave.refused("predictions", **body) == BAD


def test_what_was_deleted_is_gone_but_was_paid_for(fresh: WaveSpeed) -> None:
    ended = fresh.submit(prompt="a")
    fresh.clock.advance(60)
    output = fresh.data(f"predictions/{ended}/result")["outputs"][0]
    unfinished = fresh.submit(prompt="b")
    assert fresh.data("predictions/delete", ids=[ended, unfinished, "nobody"]) == {"deleted_count": 2}
    assert fresh.http.get(f"/api/v3/predictions/{ended}/result").json()["code"] == 404
    assert (httpx.get(output).status_code, fresh.listed()) == (404, [])
    fresh.clock.advance(60)
    assert fresh.meter()["usd"] == 0.8


# --- money and models


def test_balance_secret_and_prices(wave: WaveSpeed) -> None:
    asked = {"model_id": T2V, "inputs": {"prompt": "x", "duration": 8}}
    assert wave.data("balance") == {"balance": 156.78}
    assert wave.data("webhook/secret") == {"secret": "whsec_sandbox_secret"}
    price = {"price": 0.8, "discounted_price": 0.8, "discount_rate": 1, "currency": "USD"}
    assert wave.data("model/price", **asked) == {"model_id": T2V, **price}
    assert wave.data("model/pricing", **asked) == {"model_id": T2V, "unit_price": 0.8, "currency": "USD"}
    assert wave.data("model/pricing", model_id=T2V, inputs={})["unit_price"] == 0.4


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"model_id": "nobody/nothing", "inputs": {}}, 404),
        ({"model_id": "bytedance/seedance-2.5/text-to-video", "inputs": {}}, 404),
        ({"model_id": T2V, "inputs": {"duration": None}}, 400),
        ({"inputs": {}}, 400),
    ],
)
def test_a_price_that_nobody_knows(wave: WaveSpeed, body: dict[str, Any], status: int) -> None:
    assert wave.refused("model/price", **body)[0] == status


def test_the_catalogue_tells_schemas_and_prices(wave: WaveSpeed) -> None:
    models = {each["model_id"]: each for each in wave.data("models")}
    told = models[T2V]
    (schema,) = told["api_schema"]["api_schemas"]
    assert (told["type"], told["base_price"], told["formula"]) == ("text-to-video", 0.4, "0.1 * duration")
    assert (schema["type"], schema["api_path"], schema["server"]) == (
        "model_run",
        f"/api/v3/{T2V}",
        f"{wave.base}/wavespeed",
    )
    asked = schema["request_schema"]
    assert (asked["required"], asked["additionalProperties"]) == (["prompt"], False)
    assert asked["properties"]["characters"]["items"] == {"type": "string"}
    assert asked["x-order-properties"] == ["prompt", "size", "duration", "characters"]
    pro = models["openai/sora-2-pro/image-to-video"]
    assert pro["formula"] == '$lookup({"720p": 0.3, "1080p": 0.7}, resolution) * duration'
    assert "base_price" not in models["bytedance/seedance-2.5/text-to-video"]


def test_what_succeeded_is_billed(wave: WaveSpeed) -> None:
    start = int(wave.clock() * 1000)
    job = wave.submit(prompt="p", duration=8)
    wave.submit(prompt="p", characters=["char_nobody"])
    assert wave.data("billings/search", page=1, page_size=50)["items"] == []
    wave.clock.advance(60)
    window = {"start_time": str(start), "end_time": str(start + 60_000)}
    (bill,) = wave.data("billings/search", page=1, page_size=50, billing_type="deduct", **window)["items"]
    assert bill["prediction"] == {"uuid": job, "model_uuid": T2V, "status": "completed"}
    assert (bill["price"], bill["order"]["price"], bill["access_key_name"]) == (0.8, 0.8, "default")
    assert wave.data("billings/search", page=1, page_size=50, prediction_uuids=["x"])["items"] == []
    assert wave.data("billings/search", page=1, page_size=50, end_time=str(start))["items"] == []
    assert wave.refused("billings/search", page=1, page_size=50, start_time=start) == BAD


def test_the_meter_counts_videos_failures_and_duplicates(fresh: WaveSpeed) -> None:
    for _ in range(2):
        fresh.submit(prompt="same")
    fresh.submit(prompt="p", characters=["char_nobody"])
    fresh.clock.advance(60)
    meter = fresh.meter()
    assert (meter["jobs_accepted"], meter["videos"], meter["failed"], meter["usd"]) == (3, 2, 1, 0.8)
    assert [order["jobs"] for order in meter["duplicates"]] == [2]


@pytest.mark.parametrize(("path", "method"), [("predictions", "POST"), ("balance", "GET"), ("models", "GET")])
def test_nothing_is_told_without_a_key(wave: WaveSpeed, path: str, method: str) -> None:
    reply = httpx.request(method, f"{wave.base}/wavespeed/api/v3/{path}")
    assert (reply.status_code, reply.json()["code"]) == (401, 401)


def test_the_log_knows_no_key(fresh: WaveSpeed) -> None:
    fresh.submit(prompt="p", key="very-secret")
    fresh.clock.advance(60)
    text = httpx.get(f"{fresh.base}/sandbox/requests").text + httpx.get(f"{fresh.base}/sandbox/meter").text
    assert "very-secret" not in text
    assert len(fresh.meter()["billed"][0]["key_id"]) == 8


# --- uploads


def test_a_ticket_has_the_canonical_fields(wave: WaveSpeed) -> None:
    data = wave.ticket()
    assert set(data) == {"type", "download_url", "filename", "size", "upload"}
    assert (data["type"], data["filename"], data["size"]) == ("video", "joe.mp4", 3)
    assert set(data["upload"]) == {"method", "url", "headers"}
    assert data["upload"]["headers"] == {"Content-Type": "video/mp4", "If-None-Match": "*"}


def test_a_bare_put_publishes_the_file_for_seven_days(wave: WaveSpeed) -> None:
    data = wave.ticket()
    assert httpx.get(data["download_url"]).status_code == 404
    assert put(data["upload"]).status_code == 200
    reply = httpx.get(data["download_url"])
    assert (reply.content, reply.headers["content-type"]) == (b"abc", "video/mp4")
    wave.clock.advance(7 * 86_400)
    assert httpx.get(data["download_url"]).status_code == 404


def test_a_second_put_meets_its_precondition(fresh: WaveSpeed) -> None:
    upload = fresh.ticket()["upload"]
    assert [put(upload).status_code for _ in range(2)] == [200, 412]
    assert fresh.meter()["uploads"] == 1


def test_a_put_with_a_key_is_refused_and_counted_as_a_leak(fresh: WaveSpeed) -> None:
    data = fresh.ticket()
    assert put(data["upload"], Authorization="Bearer sandbox").status_code == 400
    httpx.get(data["download_url"], headers={"Authorization": "Bearer sandbox"})
    assert (fresh.meter()["leaks"], fresh.meter()["uploads"]) == (2, 0)


@pytest.mark.parametrize(
    ("ticket", "headers", "data", "status"),
    [
        ({}, {"Content-Type": "video/webm"}, b"abc", 403),
        ({}, {"If-None-Match": "a"}, b"abc", 403),
        ({}, {}, b"abcd", 400),
        ({"content_type": None}, {"Content-Type": "video/mp4"}, b"abc", 403),
        ({"content_type": None}, {}, b"abc", 200),
    ],
)
def test_a_put_carries_exactly_what_the_ticket_says(
    wave: WaveSpeed, ticket: dict[str, Any], headers: dict[str, str], data: bytes, status: int
) -> None:
    body = {"filename": "joe.mp4", "size": 3, "content_type": "video/mp4", **ticket}
    told = wave.data("media/uploads", **{name: value for name, value in body.items() if value is not None})
    assert put(told["upload"], data, **headers).status_code == status


def test_a_ticket_expires_and_its_signature_counts(wave: WaveSpeed) -> None:
    upload = wave.ticket()["upload"]
    assert put({**upload, "url": upload["url"] + "x"}).status_code == 403
    wave.clock.advance(3600)
    assert put(upload).status_code == 403


def test_a_ticket_outlives_a_restart(tmp_path: Path) -> None:
    with served(tmp_path) as wave:
        data = wave.ticket()
    with running(tmp_path, port=int(wave.base.rsplit(":", 1)[1]), clock=wave.clock):
        assert put(data["upload"], b"abcd").status_code == 400
        assert put(data["upload"]).status_code == 200


def test_what_is_no_media_fails_in_the_envelope(wave: WaveSpeed) -> None:
    failed = {"code": 500, "message": "Upload failed: invalid file type"}
    assert wave.refused("media/uploads", filename="a.pdf", size=3) == (200, failed)
    reply = wave.http.post("/api/v3/media/upload/binary", files={"file": ("a.pdf", b"abc", "application/pdf")})
    assert (reply.status_code, reply.json()) == (200, failed)


@pytest.mark.parametrize(
    "body", [{}, {"filename": "a.mp4"}, {"filename": "a.mp4", "size": "3"}, {"filename": "a.mp4", "size": 3, "x": 1}]
)
def test_a_ticket_that_is_asked_for_wrongly_is_refused(wave: WaveSpeed, body: dict[str, Any]) -> None:
    assert wave.refused("media/uploads", **body) == BAD


def test_the_older_form_takes_one_part_named_file(wave: WaveSpeed) -> None:
    data = bytes(range(256)) + b"\r\n--\r\n"
    reply = wave.http.post("/api/v3/media/upload/binary", files={"file": ("joe one.mp4", data, "video/mp4")})
    told = reply.json()["data"]
    assert (set(told), told["type"], told["size"]) == ({"type", "download_url", "filename", "size"}, "video", len(data))
    assert httpx.get(told["download_url"]).content == data


@pytest.mark.parametrize(
    "sent",
    [
        {"files": {"video": ("a.mp4", b"abc", "video/mp4")}},
        {"files": [("file", ("a.mp4", b"abc")), ("file", ("b.mp4", b"abc"))]},
        {"files": {"file": ("a.mp4", b"abc", "video/mp4")}, "headers": {"Content-Type": "application/json"}},
        {"json": {}},
    ],
)
def test_any_other_form_is_refused(wave: WaveSpeed, sent: dict[str, Any]) -> None:
    reply = wave.http.post("/api/v3/media/upload/binary", **sent)
    assert (reply.status_code, reply.json()) == BAD


def test_a_job_whose_time_comes_between_its_settling_and_the_look_is_still_processed():
    job = Job(
        id="e6832d4a",
        gateway="wavespeed",
        endpoint="google/nano-banana-2.1/edit",
        key_id="k",
        body={},
        base="http://127.0.0.1",
        submitted_at=0.0,
        started_at=0.0,
        done_at=1.0,
    )
    seen = jobs.prediction(SimpleNamespace(clock=lambda: 1.0), job, job.base)
    assert (seen["status"], seen["outputs"]) == ("processing", [])
