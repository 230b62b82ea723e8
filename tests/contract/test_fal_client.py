"""The official client of fal works against the sandbox, with its own habits: proof that the sandbox speaks the protocol.

fal-client has no switch for plain http, so its module globals are pointed at the sandbox.
"""

import hashlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fal_client
import httpx
import pytest
from fal_client import client as official

from prefect_storyboard.sandbox import Clock, Pace, running
from prefect_storyboard.sandbox.pictures import described

T2V = "fal-ai/sora-2/text-to-video"
KEY = "sandbox:sandbox"


@dataclass
class Sandbox:
    base: str
    clock: Clock

    def meter(self) -> dict[str, Any]:
        return dict(httpx.get(f"{self.base}/sandbox/meter").json())

    def rule(self, fault: str, route: str, **more: Any) -> None:
        rule = {"fault": fault, "match": {"route": route}, **more}
        assert httpx.post(f"{self.base}/sandbox/faults", json=[rule]).status_code == 200


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    clock = Clock()
    with running(tmp_path, clock=clock, pace=Pace(queue_seconds=10, render_seconds=40, clip_scale=0.25)) as base:
        monkeypatch.setattr(official, "QUEUE_URL_FORMAT", f"{base}/fal/queue/")
        monkeypatch.setattr(official, "REST_URL", f"{base}/fal/rest")
        monkeypatch.setattr(official, "CDN_URL", f"{base}/fal/cdn")
        monkeypatch.setattr(official, "_get_retry_delay", lambda *_: 0.0)
        yield Sandbox(base, clock)


@pytest.fixture
def sync(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[fal_client.SyncClient]:
    client = fal_client.SyncClient(key=KEY)
    opened: list[httpx.Client] = []
    make = official.SyncClient._get_cdn_client

    def remembered(self: fal_client.SyncClient) -> httpx.Client:
        opened.append(make(self))
        return opened[-1]

    monkeypatch.setattr(official.SyncClient, "_get_cdn_client", remembered)  # it never closes them itself
    yield client
    for each in [client._client, *opened]:
        each.close()


@pytest.fixture
async def aio(sandbox: Sandbox) -> AsyncIterator[fal_client.AsyncClient]:
    client = fal_client.AsyncClient(key=KEY)
    yield client
    await (await client._client).aclose()


def download(url: str) -> bytes:
    return httpx.get(url).content


class Patience:
    """Called between two polls: lets the sandbox's time pass."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.seen: list[Any] = []
        self._clock = sandbox.clock

    def __call__(self, status: Any) -> None:
        self.seen.append(type(status))
        self._clock.advance(20)


# --- a job from submit to result


def test_it_submits_polls_with_logs_and_gets_the_result(sandbox: Sandbox, sync: fal_client.SyncClient) -> None:
    patience, logs = Patience(sandbox), []
    handle = sync.submit(T2V, {"prompt": "p", "duration": 4})
    for status in handle.iter_events(with_logs=True, interval=0.001):
        patience(status)
        logs.append(getattr(status, "logs", None))
    assert patience.seen == [fal_client.Queued, fal_client.InProgress, fal_client.InProgress, fal_client.Completed]
    assert next(entry["message"] for entry in logs[-1]) == "Generating"
    assert handle.get()["video"]["url"].endswith("/out.mp4")


async def test_it_does_so_without_blocking_too(sandbox: Sandbox, aio: fal_client.AsyncClient) -> None:
    handle = await aio.submit(T2V, {"prompt": "p"})
    patience = Patience(sandbox)
    async for status in handle.iter_events(with_logs=True, interval=0.001):
        patience(status)
    assert patience.seen[0] is fal_client.Queued
    assert patience.seen[-1] is fal_client.Completed
    assert (await handle.get())["video_id"].startswith("video_")


def test_subscribe_waits_for_the_result(sandbox: Sandbox, sync: fal_client.SyncClient) -> None:
    result = sync.subscribe(T2V, {"prompt": "p"}, on_queue_update=Patience(sandbox), with_logs=True)
    assert result["video"]["duration"] == 4


def test_a_handle_is_made_again_from_the_request_id(sandbox: Sandbox, sync: fal_client.SyncClient) -> None:
    request_id = sync.submit(f"{T2V}/pro", {"prompt": "p"}).request_id
    sandbox.clock.advance(60)
    assert isinstance(sync.status(f"{T2V}/pro", request_id), fal_client.Completed)
    assert sync.result(f"{T2V}/pro", request_id)["video"]["width"] == 448


def test_a_refusal_arrives_as_its_error_with_the_reasons(sandbox: Sandbox, sync: fal_client.SyncClient) -> None:
    handle = sync.submit(T2V, {"prompt": "p", "duration": "4"})
    sandbox.clock.advance(60)
    with pytest.raises(fal_client.FalClientHTTPError) as caught:
        handle.get()
    assert (caught.value.status_code, caught.value.message[0]["type"]) == (422, "literal_error")


def test_an_infrastructure_error_arrives_with_its_type(sandbox: Sandbox, sync: fal_client.SyncClient) -> None:
    sandbox.rule("infra_error", "submit")
    handle = sync.submit(T2V, {"prompt": "p"})
    sandbox.clock.advance(60)
    assert handle.status().error_type == "runner_disconnected"
    with pytest.raises(fal_client.FalClientHTTPError) as caught:
        handle.get()
    assert (caught.value.status_code, caught.value.error_type) == (503, "runner_disconnected")


def test_it_orders_a_picture_from_a_picture_that_it_uploads(sandbox: Sandbox, sync: fal_client.SyncClient) -> None:
    words = {"prompt": "Character sheet of MARA", "aspect_ratio": "16:9", "resolution": "1K"}
    sheet = sync.subscribe("google/nano-banana-2.1", words, on_queue_update=Patience(sandbox))
    again = sync.upload(download(sheet["images"][0]["url"]), "image/png", "mara.png")
    order = {"prompt": "Image 1 is MARA. She waits.", "image_urls": [again], "aspect_ratio": "16:9"}
    still = sync.subscribe("google/nano-banana-2.1/edit", order, on_queue_update=Patience(sandbox))
    assert described(download(still["images"][0]["url"]))["shows"] == ["person MARA"]
    assert [each["references"] for each in sandbox.meter()["billed"]] == [0, 1]


def test_it_cancels(sandbox: Sandbox, sync: fal_client.SyncClient) -> None:
    handle = sync.submit(T2V, {"prompt": "p"})
    handle.cancel()
    assert handle.status().error_type == "client_cancelled"
    with pytest.raises(fal_client.FalClientHTTPError) as caught:
        handle.get()
    assert caught.value.status_code == 499


async def test_it_cancels_without_blocking_too(sandbox: Sandbox, aio: fal_client.AsyncClient) -> None:
    handle = await aio.submit(T2V, {"prompt": "p"})
    await handle.cancel()
    assert (await handle.status()).error_type == "client_cancelled"


def test_an_unknown_status_word_is_beyond_it(sandbox: Sandbox, sync: fal_client.SyncClient) -> None:
    sandbox.rule("unknown_status", "status")
    with pytest.raises(ValueError, match="PAUSED"):
        sync.submit(T2V, {"prompt": "p"}).status()


def test_its_headers_are_understood(sandbox: Sandbox, sync: fal_client.SyncClient) -> None:
    options: dict[str, Any] = {
        "priority": "low",
        "hint": "a",
        "start_timeout": 30,
        "webhook_url": "https://a.b/c?d=e&f",
    }
    assert sync.submit(T2V, {"prompt": "p"}, **options, headers={"X-Fal-Store-IO": "0"}).request_id


# --- uploads


def test_it_uploads_with_one_post(sandbox: Sandbox, sync: fal_client.SyncClient) -> None:
    url = sync.upload(b"bytes", "video/mp4", "a.mp4", repository="fal_v3", fallback_repository=[])
    assert download(url) == b"bytes"


async def test_it_uploads_without_blocking_too(sandbox: Sandbox, aio: fal_client.AsyncClient) -> None:
    url = await aio.upload(b"bytes", "video/mp4", "a.mp4", repository="fal_v3", fallback_repository=[])
    assert download(url) == b"bytes"


def test_it_uploads_a_file_in_parts(
    sandbox: Sandbox, sync: fal_client.SyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(official, "MULTIPART_THRESHOLD", 1_000_000)
    monkeypatch.setattr(official, "MULTIPART_CHUNK_SIZE", 300_000)
    data = b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(50_000))
    assert httpx.get(sync.upload(data, "video/mp4", "big.mp4")).content == data
    assert sandbox.meter()["uploads"] == 1


async def test_it_uploads_a_file_in_parts_without_blocking_too(
    sandbox: Sandbox, aio: fal_client.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(official, "MULTIPART_THRESHOLD", 1_000_000)
    monkeypatch.setattr(official, "MULTIPART_CHUNK_SIZE", 300_000)
    data = b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(50_000))
    assert download(await aio.upload(data, "video/mp4", "big.mp4")) == data


def test_its_fallback_leaks_the_key_to_the_presigned_host_and_is_refused(
    sandbox: Sandbox, sync: fal_client.SyncClient
) -> None:
    with pytest.raises(fal_client.FalClientHTTPError, match="no Authorization header"):
        sync.upload(b"bytes", "video/mp4", "a.mp4", repository="fal", fallback_repository=[])
    assert (sandbox.meter()["leaks"], sandbox.meter()["uploads"]) == (1, 0)


async def test_its_fallback_leaks_without_blocking_too(sandbox: Sandbox, aio: fal_client.AsyncClient) -> None:
    with pytest.raises(fal_client.FalClientHTTPError, match="no Authorization header"):
        await aio.upload(b"bytes", "video/mp4", "a.mp4", repository="fal", fallback_repository=[])
    assert sandbox.meter()["leaks"] == 1


# --- what it costs when replies are lost


def test_one_lost_reply_and_it_buys_the_scene_twice(sandbox: Sandbox, sync: fal_client.SyncClient) -> None:
    sandbox.rule("drop_after", "submit", times=1)
    sync.submit(T2V, {"prompt": "once, please"})
    sandbox.clock.advance(60)
    meter = sandbox.meter()
    assert (meter["posts"], meter["jobs_accepted"], meter["usd"]) == (2, 2, 0.8)
    assert [order["jobs"] for order in meter["duplicates"]] == [2]


async def test_the_one_that_does_not_block_does_the_same(sandbox: Sandbox, aio: fal_client.AsyncClient) -> None:
    sandbox.rule("drop_after", "submit", times=2)
    await aio.submit(T2V, {"prompt": "once, please"})
    assert (sandbox.meter()["posts"], sandbox.meter()["jobs_accepted"]) == (3, 3)


def test_if_every_reply_is_lost_it_buys_ten_and_knows_of_none(sandbox: Sandbox, sync: fal_client.SyncClient) -> None:
    sandbox.rule("drop_after", "submit")
    with pytest.raises(httpx.TransportError):
        sync.submit(T2V, {"prompt": "once, please"})
    sandbox.clock.advance(60)
    assert (sandbox.meter()["jobs_accepted"], sandbox.meter()["usd"]) == (10, 4.0)


def test_an_ingress_page_makes_it_buy_again(sandbox: Sandbox, sync: fal_client.SyncClient) -> None:
    sandbox.rule("nginx_504", "submit", times=3, accept=True)
    sync.submit(T2V, {"prompt": "once, please"})
    assert sandbox.meter()["jobs_accepted"] == 4


def test_a_drop_before_acceptance_costs_nothing(sandbox: Sandbox, sync: fal_client.SyncClient) -> None:
    sandbox.rule("drop_before", "submit", times=3)
    sync.submit(T2V, {"prompt": "p"})
    assert (sandbox.meter()["posts"], sandbox.meter()["jobs_accepted"]) == (4, 1)


def test_a_refusal_with_a_request_id_is_not_sent_again(sandbox: Sandbox, sync: fal_client.SyncClient) -> None:
    sandbox.rule("refused_503", "submit")
    with pytest.raises(fal_client.FalClientHTTPError):
        sync.submit(T2V, {"prompt": "p"})
    assert (sandbox.meter()["posts"], sandbox.meter()["jobs_accepted"]) == (1, 0)
