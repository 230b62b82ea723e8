"""The webhooks of the sandbox's ToAPIs, as section 8 of the wire contract says."""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from prefect_storyboard.sandbox import Clock, Pace, running
from prefect_storyboard.sandbox.toapis.webhooks import signature
from tests.sandbox.listening import Event, Listener, listening

PACE = Pace(queue_seconds=10, render_seconds=40, clip_scale=0.25)
KEY = {"Authorization": "Bearer sk-sandbox"}


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as here:
        yield here


def signed(event: Event, secret: str) -> str:
    """What an event is signed with by somebody who knows the secret."""
    parts = (event.headers["x-toapis-webhook-id"], event.headers["x-toapis-webhook-timestamp"], event.raw.decode())
    return "v1=" + hmac.new(secret.encode(), ".".join(parts).encode(), hashlib.sha256).hexdigest()


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
        yield ToApis(base, clock, f"{listener.url}toapis?series=1")


def test_the_contracts_test_vector() -> None:
    raw = b'{"id":"evt_01TEST","type":"generation.completed"}'
    expected = "48470ea4b450d202d5ccdd99d38e18df10d1dc0fa7fd69612785792b9a1491cb"
    assert signature("test_signing_secret", "evt_01TEST", "1765251507", raw) == expected


def test_a_finished_task_is_announced_with_the_same_result_as_in_its_status(api: ToApis, listener: Listener) -> None:
    task = api.post(client_business_id="order_1").json()["id"]
    api.clock.advance(60)
    event = listener.wait()
    told = api.told(task)
    assert event.target == "/toapis?series=1"
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
    event = listener.wait()
    assert event.headers["x-toapis-webhook-signature"] == signed(event, "sandbox_secret")
    assert event.headers["x-toapis-webhook-id"] == event.body["id"]
    assert event.headers["x-toapis-webhook-timestamp"] == str(int(api.clock.now))
    assert event.headers["user-agent"] == "ToAPIs-Webhook/1.0"
    assert "authorization" not in event.headers


def test_a_failed_task_is_announced_with_its_error(api: ToApis, listener: Listener) -> None:
    task = api.post(image_urls=["http://127.0.0.1:9/a.png"]).json()["id"]
    api.clock.advance(60)
    data = listener.wait().body["data"]
    assert (data["status"], data["result"], data["error"]) == ("failed", None, api.told(task)["error"])


def test_nothing_is_announced_before_the_end_or_unasked(api: ToApis, listener: Listener) -> None:
    first = api.post().json()["id"]
    api.clock.advance(49)
    httpx.post(
        f"{api.base}/toapis/v1/videos/generations", json={"model": "sora-2", "prompt": "quiet"}, headers=KEY
    ).raise_for_status()
    assert listener.heard.empty()
    api.clock.advance(60)
    assert listener.wait().body["data"]["task_id"] == first
    assert listener.heard.empty()


def test_an_event_that_nobody_took_comes_again_later(api: ToApis, listener: Listener) -> None:
    listener.answers = [500, 302]
    api.post()
    ids = []
    for seconds in (50, 10, 30):
        api.clock.advance(seconds)
        ids.append(listener.wait().body["id"])
    assert len(set(ids)) == 1


def test_an_event_can_come_twice(api: ToApis, listener: Listener) -> None:
    api.rule("webhook_duplicate")
    api.post()
    api.clock.advance(60)
    assert listener.wait().raw == listener.wait().raw


@pytest.mark.parametrize(
    ("fault", "valid"),
    [("webhook_unsigned", []), ("webhook_badly_signed", [False]), ("webhook_rotated", [False, True])],
)
def test_signatures_can_be_missing_wrong_or_two(api: ToApis, listener: Listener, fault: str, valid: list[bool]) -> None:
    api.rule(fault)
    api.post()
    api.clock.advance(60)
    event = listener.wait()
    found = event.headers.get("x-toapis-webhook-signature", "").split(",")
    assert [each == signed(event, "sandbox_secret") for each in found if each] == valid


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
