"""The webhooks of the sandbox's ToAPIs, as section 8 of the wire contract says."""

import hashlib
import hmac
import json
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from prefect_storyboard.sandbox import Clock, Pace, running
from prefect_storyboard.sandbox.toapis.webhooks import signature

PACE = Pace(queue_seconds=10, render_seconds=40, clip_scale=0.25)
KEY = {"Authorization": "Bearer sk-sandbox"}


@dataclass(frozen=True)
class Event:
    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        return dict(json.loads(self.raw))

    def signed_with(self, secret: str) -> str:
        parts = (self.headers["x-toapis-webhook-id"], self.headers["x-toapis-webhook-timestamp"], self.raw.decode())
        return "v1=" + hmac.new(secret.encode(), ".".join(parts).encode(), hashlib.sha256).hexdigest()


@dataclass
class Listener:
    url: str = ""
    answers: list[int] = field(default_factory=list)
    heard: "queue.Queue[Event]" = field(default_factory=queue.Queue)

    def next(self) -> Event:
        return self.heard.get(timeout=60)


@pytest.fixture
def listener() -> Iterator[Listener]:
    """Somebody whom events are sent to; takes every one unless told otherwise."""
    here = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            here.heard.put(Event(self.path, {name.lower(): value for name, value in self.headers.items()}, raw))
            self.send_response(here.answers.pop(0) if here.answers else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        here.url = f"http://127.0.0.1:{server.server_port}/toapis?series=1"
        yield here
        server.shutdown()
        thread.join()


@dataclass
class ToApis:
    base: str
    clock: Clock
    callback: str

    def rule(self, fault: str) -> None:
        rule = {"fault": fault, "match": {"route": "submit"}, "times": 1}
        assert httpx.post(f"{self.base}/sandbox/faults", json=[rule]).status_code == 200

    def post(self, **more: Any) -> httpx.Response:
        body = {"model": "sora-2", "prompt": "p", "callback_url": self.callback, **more}
        return httpx.post(f"{self.base}/toapis/v1/videos/generations", json=body, headers=KEY)

    def told(self, task_id: str) -> dict[str, Any]:
        return dict(httpx.get(f"{self.base}/toapis/v1/videos/generations/{task_id}", headers=KEY).json())


@pytest.fixture
def api(tmp_path: Path, listener: Listener) -> Iterator[ToApis]:
    clock = Clock()
    with running(tmp_path, clock=clock, pace=PACE) as base:
        yield ToApis(base, clock, listener.url)


def test_the_contracts_test_vector() -> None:
    raw = b'{"id":"evt_01TEST","type":"generation.completed"}'
    expected = "48470ea4b450d202d5ccdd99d38e18df10d1dc0fa7fd69612785792b9a1491cb"
    assert signature("test_signing_secret", "evt_01TEST", "1765251507", raw) == expected


def test_a_finished_task_is_announced_with_the_same_result_as_in_its_status(api: ToApis, listener: Listener) -> None:
    task = api.post(client_business_id="order_1").json()["id"]
    api.clock.advance(60)
    event = listener.next()
    told = api.told(task)
    assert event.path == "/toapis?series=1"
    assert set(event.body) == {"id", "type", "api_version", "created_at", "data"}
    assert (event.body["type"], event.body["api_version"]) == ("generation.completed", "v1")
    assert event.body["data"] == {
        "task_id": task,
        "client_business_id": "order_1",
        "task_type": "video",
        "model": "sora-2",
        "status": "completed",
        "progress": 100,
        "result": told["result"],
        "error": None,
        "submitted_at": told["created_at"],
        "finished_at": told["completed_at"],
    }


def test_an_event_is_signed_over_id_time_and_raw_body(api: ToApis, listener: Listener) -> None:
    api.post()
    api.clock.advance(60)
    event = listener.next()
    assert event.headers["x-toapis-webhook-signature"] == event.signed_with("sandbox_secret")
    assert event.headers["x-toapis-webhook-id"] == event.body["id"]
    assert event.headers["x-toapis-webhook-timestamp"] == str(int(api.clock.now))
    assert event.headers["user-agent"] == "ToAPIs-Webhook/1.0"
    assert "authorization" not in event.headers


def test_a_failed_task_is_announced_with_its_error(api: ToApis, listener: Listener) -> None:
    task = api.post(image_urls=["http://127.0.0.1:9/a.png"]).json()["id"]
    api.clock.advance(60)
    data = listener.next().body["data"]
    assert (data["status"], data["result"], data["error"]) == ("failed", None, api.told(task)["error"])


def test_nothing_is_announced_before_the_end_or_unasked(api: ToApis, listener: Listener) -> None:
    first = api.post().json()["id"]
    api.clock.advance(49)
    httpx.post(
        f"{api.base}/toapis/v1/videos/generations", json={"model": "sora-2", "prompt": "quiet"}, headers=KEY
    ).raise_for_status()
    assert listener.heard.empty()
    api.clock.advance(60)
    assert listener.next().body["data"]["task_id"] == first
    assert listener.heard.empty()


def test_an_event_that_nobody_took_comes_again_later(api: ToApis, listener: Listener) -> None:
    listener.answers = [500, 302]
    api.post()
    ids = []
    for seconds in (50, 10, 30):
        api.clock.advance(seconds)
        ids.append(listener.next().body["id"])
    assert len(set(ids)) == 1


def test_an_event_can_come_twice(api: ToApis, listener: Listener) -> None:
    api.rule("webhook_duplicate")
    api.post()
    api.clock.advance(60)
    assert listener.next().raw == listener.next().raw


@pytest.mark.parametrize(
    ("fault", "signed"),
    [("webhook_unsigned", []), ("webhook_badly_signed", [False]), ("webhook_rotated", [False, True])],
)
def test_signatures_can_be_missing_wrong_or_two(
    api: ToApis, listener: Listener, fault: str, signed: list[bool]
) -> None:
    api.rule(fault)
    api.post()
    api.clock.advance(60)
    event = listener.next()
    found = event.headers.get("x-toapis-webhook-signature", "").split(",")
    assert [each == event.signed_with("sandbox_secret") for each in found if each] == signed


def test_a_stuck_task_is_never_announced_and_does_not_hold_up_the_end(api: ToApis, listener: Listener) -> None:
    api.rule("stuck")
    api.post()
    api.clock.advance(1e6)
    assert listener.heard.empty()


def test_a_webhook_may_be_missing_in_the_console(api: ToApis) -> None:
    for _ in range(2):
        api.rule("webhook_not_configured")
    replies = [api.post(), api.post(callback_url=None)]
    assert [reply.status_code for reply in replies] == [400, 200]
    assert replies[0].json()["error"]["code"] == "webhook_not_configured"


def test_a_callback_must_be_an_address(api: ToApis) -> None:
    assert api.post(callback_url="/toapis").json()["error"]["type"] == "invalid_request_error"
