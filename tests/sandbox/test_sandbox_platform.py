"""The sandbox's Platform API tells what a client needs to check prices and to reconcile."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from prefect_storyboard.sandbox import Clock, Pace, running

T2V = "fal-ai/sora-2/text-to-video"
ITEM = {"request_id", "endpoint_id", "started_at", "sent_at", "ended_at", "status_code", "duration"}
EVENT = {
    "request_id",
    "endpoint_id",
    "timestamp",
    "output_units",
    "unit_price",
    "percent_discount",
    "cost_subtotal",
    "cost_discount",
    "cost_total",
    "cost_estimate_nano_usd",
}
PAGE = {"next_cursor": None, "has_more": False}


@dataclass
class Platform:
    http: httpx.Client
    clock: Clock
    base: str

    def submit(self, body: dict[str, Any], key: str = "sandbox", **headers: str) -> str:
        headers = {"Authorization": f"Key {key}:sandbox", **headers}
        reply = httpx.post(f"{self.base}/fal/queue/{T2V}", json=body, headers=headers)
        return str(reply.json()["request_id"])

    def listed(self, **query: Any) -> dict[str, Any]:
        reply = self.http.get("/models/requests/by-endpoint", params={"endpoint_id": T2V, **query})
        assert reply.status_code == 200, reply.text
        return dict(reply.json())

    def ids(self, **query: Any) -> list[str]:
        return [item["request_id"] for item in self.listed(**query)["items"]]

    def now(self) -> str:
        return datetime.fromtimestamp(self.clock.now, UTC).isoformat()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    clock = Clock()
    pace = Pace(queue_seconds=10, render_seconds=40, clip_scale=0.25)
    with running(tmp_path_factory.mktemp("sandbox"), clock=clock, pace=pace) as base:
        key = {"Authorization": "Key sandbox:sandbox"}
        with httpx.Client(base_url=f"{base}/fal/v1", headers=key) as http:
            yield Platform(http, clock, base)


@pytest.fixture
def platform(server: Platform) -> Platform:
    server.clock.advance(200_000)  # earlier tests' requests fall out of the default window
    httpx.delete(f"{server.base}/sandbox/faults")
    return server


def test_a_model_is_active(platform: Platform) -> None:
    reply = httpx.get(f"{platform.base}/fal/v1/models", params={"endpoint_id": T2V})
    model = {"endpoint_id": T2V, "metadata": {"status": "active"}}
    assert reply.json() == {"models": [model], **PAGE}


def test_a_model_can_be_declared_deprecated(platform: Platform) -> None:
    httpx.post(f"{platform.base}/sandbox/faults", json=[{"fault": "deprecated", "match": {"endpoint": "sora-2"}}])
    reply = platform.http.get("/models", params={"endpoint_id": T2V})
    assert reply.json()["models"][0]["metadata"]["status"] == "deprecated"


def test_a_models_schema_can_be_asked_for(platform: Platform) -> None:
    reply = platform.http.get("/models", params={"endpoint_id": T2V, "expand": "openapi-3.0"})
    schema = reply.json()["models"][0]["openapi"]["components"]["schemas"]["Input"]
    assert schema["properties"]["duration"]["enum"] == [4, 8, 12, 16, 20]


@pytest.mark.parametrize("path", ["/models", "/models/pricing", "/models/requests/by-endpoint"])
def test_an_unknown_endpoint_is_not_found(platform: Platform, path: str) -> None:
    reply = platform.http.get(path, params={"endpoint_id": "fal-ai/none"})
    assert reply.status_code == 404
    assert reply.json() == {"error": {"type": "not_found", "message": "Endpoint not found"}}


def test_prices_are_listed_per_second_and_an_unknown_one_is_left_out(platform: Platform) -> None:
    reply = platform.http.get("/models/pricing", params={"endpoint_id": f"{T2V},{T2V}/pro,fal-ai/sora-2/characters"})
    prices = [(price["endpoint_id"], price["unit_price"], price["unit"]) for price in reply.json()["prices"]]
    assert prices == [(T2V, 0.1, "second"), (f"{T2V}/pro", 0.5, "second")]


def test_a_price_is_estimated(platform: Platform) -> None:
    body = {"estimate_type": "unit_price", "endpoints": {T2V: {"unit_quantity": 8}}}
    reply = platform.http.post("/models/pricing/estimate", json=body)
    assert reply.json() == {"estimate_type": "unit_price", "total_cost": 0.8, "currency": "USD"}


def test_the_balance_is_for_admin_keys(platform: Platform) -> None:
    reply = platform.http.get("/account/billing", params={"expand": "credits"})
    assert set(reply.json()) == {"username", "credits"}
    plain = platform.http.get("/account/billing", headers={"Authorization": "Key plain:secret"})
    assert (plain.status_code, plain.json()["error"]["type"]) == (403, "authorization_error")


def test_billing_events_name_what_was_charged(platform: Platform) -> None:
    request_id = platform.submit({"prompt": "p", "duration": 8})
    platform.clock.advance(60)
    (event,) = platform.http.get("/models/billing-events", params={"request_id": request_id}).json()["billing_events"]
    assert set(event) == EVENT
    assert (event["output_units"], event["unit_price"], event["cost_total"]) == (8, 0.1, 0.8)


def test_a_request_is_listed_while_it_runs(platform: Platform) -> None:
    request_id = platform.submit({"prompt": "p"})
    (item,) = platform.listed(expand="payloads")["items"]
    assert set(item) == ITEM | {"json_input", "json_output"}
    assert (item["request_id"], item["ended_at"], item["status_code"]) == (request_id, None, None)
    assert item["json_input"] == {"prompt": "p"}


def test_payloads_are_told_only_if_asked_for(platform: Platform) -> None:
    platform.submit({"prompt": "p"})
    assert set(platform.listed()["items"][0]) == ITEM


def test_a_completed_request_is_listed_with_its_output(platform: Platform) -> None:
    platform.submit({"prompt": "p"})
    platform.clock.advance(60)
    (item,) = platform.listed(expand="payloads")["items"]
    assert (item["status_code"], item["duration"]) == (200, 40)
    assert item["json_output"]["video"]["url"].endswith("/out.mp4")


def test_payloads_that_were_not_stored_are_null(platform: Platform) -> None:
    platform.submit({"prompt": "p"}, **{"X-Fal-Store-IO": "0"})
    assert platform.listed(expand="payloads")["items"][0]["json_input"] is None


def test_requests_of_another_key_are_not_listed(platform: Platform) -> None:
    platform.submit({"prompt": "p"}, key="other")
    assert platform.ids() == []


def test_the_list_is_cut_by_time(platform: Platform) -> None:
    early = platform.submit({"prompt": "p"})
    platform.clock.advance(3600)
    start = platform.now()
    platform.clock.advance(1)
    late = platform.submit({"prompt": "p"})
    assert platform.ids(start=start) == [late]
    assert platform.ids(end=start) == [early]
    assert set(platform.ids()) == {early, late}


def test_only_one_day_is_listed_unless_a_request_is_named(platform: Platform) -> None:
    request_id = platform.submit({"prompt": "p"})
    platform.clock.advance(100_000)
    assert (platform.ids(), platform.ids(request_id=request_id)) == ([], [request_id])


def test_the_list_is_filtered_by_how_requests_ended(platform: Platform) -> None:
    good, bad = platform.submit({"prompt": "p"}), platform.submit({"prompt": 7})
    platform.clock.advance(60)
    assert (platform.ids(status="success"), platform.ids(status="user_error"), platform.ids(status="error")) == (
        [good],
        [bad],
        [],
    )


def test_the_list_comes_in_pages(platform: Platform) -> None:
    ids = {platform.submit({"prompt": str(number)}) for number in range(5)}
    seen, cursor = [], {}
    for _ in range(3):
        page = platform.listed(limit=2, **cursor)
        seen += [item["request_id"] for item in page["items"]]
        cursor = {"cursor": page["next_cursor"]}
    assert (set(seen), len(seen), page["has_more"]) == (ids, 5, False)


@pytest.mark.parametrize(
    "query", [{"limit": 101}, {"limit": "x"}, {"start": "yesterday"}, {"start": "2026-01-01"}, {"status": "ok"}]
)
def test_a_wrong_filter_is_a_validation_error(platform: Platform, query: dict[str, Any]) -> None:
    reply = platform.http.get("/models/requests/by-endpoint", params={"endpoint_id": T2V, **query})
    assert (reply.status_code, reply.json()["error"]["type"]) == (400, "validation_error")


def test_the_list_may_hide_running_requests_or_lag_behind(platform: Platform) -> None:
    request_id = platform.submit({"prompt": "p"})
    httpx.post(f"{platform.base}/sandbox/faults", json=[{"fault": "list_hides_running", "times": 1}])
    httpx.post(f"{platform.base}/sandbox/faults", json=[{"fault": "list_lags", "seconds": 30, "times": 2}])
    assert (platform.ids(), platform.ids()) == ([], [])
    platform.clock.advance(30)
    assert platform.ids() == [request_id]
