"""The official client of WaveSpeedAI works against the sandbox, with its own habits: proof of the sandbox's protocol.

It sleeps between two polls; its clock is the sandbox's, so that nobody waits.
"""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
import requests
import wavespeed
from wavespeed.api import client as official

from prefect_storyboard.sandbox import Clock, Pace, running

T2V, CHARACTERS = "openai/sora-2/text-to-video", "openai/sora-2/characters"


@dataclass
class Sandbox:
    base: str
    clock: Clock
    slept: list[float] = field(default_factory=list)
    sent: list[requests.PreparedRequest] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        """What the client calls `time.sleep`."""
        self.slept.append(seconds)
        self.clock.advance(10)

    def time(self) -> float:
        return self.clock()

    def meter(self) -> dict[str, Any]:
        return dict(httpx.get(f"{self.base}/sandbox/meter").json())

    def rule(self, fault: str, route: str, **more: Any) -> None:
        rule = {"fault": fault, "match": {"route": route}, **more}
        assert httpx.post(f"{self.base}/sandbox/faults", json=[rule]).status_code == 200


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    clock = Clock()
    pace = Pace(queue_seconds=10, render_seconds=40, character_seconds=5, clip_scale=0.25)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("WAVESPEED_CLIENT_NAME", raising=False)
    with running(tmp_path / "sandbox", clock=clock, pace=pace) as base:
        sandbox = Sandbox(base, clock)
        send = requests.Session.send

        def watched(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
            sandbox.sent.append(request)
            return send(session, request, **options)

        monkeypatch.setattr(official, "time", sandbox)
        monkeypatch.setattr(requests.Session, "send", watched)
        yield sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> wavespeed.Client:
    return wavespeed.Client(api_key="sandbox", base_url=f"{sandbox.base}/wavespeed/")


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "joe.mp4"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        file.mux(stream.encode(av.VideoFrame(1280, 720, "yuv420p")))
        file.mux(stream.encode(None))
    return path


# --- files


def test_it_uploads_a_file(sandbox: Sandbox, client: wavespeed.Client, clip: Path) -> None:
    url = client.upload(str(clip))
    assert httpx.get(url).content == clip.read_bytes()
    assert (sandbox.meter()["uploads"], sandbox.meter()["leaks"]) == (1, 0)


def test_its_upload_is_what_the_contract_says(sandbox: Sandbox, client: wavespeed.Client, clip: Path) -> None:
    client.upload(str(clip))
    ticket, put = sandbox.sent
    assert (ticket.method, ticket.path_url) == ("POST", "/wavespeed/api/v3/media/uploads")
    size = clip.stat().st_size
    assert json.loads(ticket.body or b"") == {"filename": "joe.mp4", "size": size, "content_type": "video/mp4"}
    assert (put.method, "Authorization" in put.headers) == ("PUT", False)
    assert (put.headers["Content-Type"], put.headers["If-None-Match"]) == ("video/mp4", "*")
    assert put.headers["Content-Length"] == str(size)


def test_it_uploads_a_stream_whose_type_it_does_not_know(sandbox: Sandbox, client: wavespeed.Client) -> None:
    with pytest.raises(RuntimeError, match="Upload failed: invalid file type"):
        client.upload(io.BytesIO(b"bytes"))
    assert json.loads(sandbox.sent[0].body or b"") == {"filename": "upload", "size": 5}


def test_an_upload_that_fails_is_an_error(sandbox: Sandbox, client: wavespeed.Client, clip: Path) -> None:
    for fault, error in (("upload_quota", "HTTP 429"), ("upload_failed", "invalid file type")):
        sandbox.rule(fault, "upload", times=1)
        with pytest.raises(RuntimeError, match=error):
            client.upload(str(clip))


# --- predictions


def test_a_clip_becomes_a_character_and_the_character_a_scene(
    sandbox: Sandbox, client: wavespeed.Client, clip: Path
) -> None:
    (made,) = client.run(CHARACTERS, {"video": client.upload(str(clip)), "name": "Joe"})["outputs"]
    assert (made["name"], made["id"][:5]) == ("Joe", "char_")
    scene = {"prompt": "Joe walks on a beach.", "size": "1280*720", "duration": 8, "characters": [made["id"]]}
    (url,) = client.run(T2V, scene)["outputs"]
    assert httpx.get(url).content[4:8] == b"ftyp"
    meter = sandbox.meter()
    assert (meter["jobs_accepted"], meter["characters"], meter["videos"], meter["usd"]) == (2, 1, 1, 0.801)


def test_its_submit_is_what_the_contract_says(sandbox: Sandbox, client: wavespeed.Client) -> None:
    client.run(T2V, {"prompt": "A fox walks in the rain"})
    submit, poll = sandbox.sent[:2]
    assert (submit.method, submit.path_url) == ("POST", f"/wavespeed/api/v3/{T2V}")
    assert json.loads(submit.body or b"") == {"prompt": "A fox walks in the rain"}
    expected = {
        "Content-Type": "application/json",
        "Authorization": "Bearer sandbox",
        "X-Client-Name": "wavespeed-python",
        "X-Client-Version": wavespeed.__version__,
        "X-Client-OS": "linux",
    }
    for request in (submit, poll):  # a GET too says that it sends JSON
        assert {**request.headers, **expected} == {**request.headers}
    assert poll.path_url.startswith("/wavespeed/api/v3/predictions/")
    assert poll.path_url.endswith("/result")


def test_it_polls_until_the_end_whatever_words_it_hears(sandbox: Sandbox, client: wavespeed.Client) -> None:
    sandbox.rule("unknown_status", "status", times=2)
    assert client.run(T2V, {"prompt": "p"}, poll_interval=2.0)["outputs"]
    assert set(sandbox.slept) == {2.0}
    assert len(sandbox.slept) == 5


def test_it_retries_polls_that_go_wrong(sandbox: Sandbox, client: wavespeed.Client) -> None:
    for fault in ("rate_limited", "internal_error", "nginx_502", "drop_after"):
        sandbox.rule(fault, "status", times=1)
    assert client.run(T2V, {"prompt": "p"})["outputs"]
    assert sandbox.slept[:4] == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("policy_refusal", "Prediction failed .*Content Moderation"),
        ("task_timeout", "Prediction timeout .*timed out"),
        ("task_cancelled", "Prediction cancelled"),
        ("task_deleted", "Prediction deleted"),
    ],
)
def test_a_task_that_fails_is_an_error(sandbox: Sandbox, client: wavespeed.Client, fault: str, error: str) -> None:
    sandbox.rule(fault, "submit")
    with pytest.raises(RuntimeError, match=error):
        client.run(T2V, {"prompt": "p"}, max_retries=1)
    assert (sandbox.meter()["jobs_accepted"], sandbox.meter()["usd"]) == (1, 0)


def test_a_task_that_failed_upstream_is_bought_again_if_it_may(sandbox: Sandbox, client: wavespeed.Client) -> None:
    sandbox.rule("task_failed_without_code", "submit", times=1)
    assert client.run(T2V, {"prompt": "p"}, max_retries=1)["outputs"]
    assert sandbox.meter()["jobs_accepted"] == 2


def test_sync_mode_gives_up_and_the_result_can_be_had_later(sandbox: Sandbox, client: wavespeed.Client) -> None:
    told = client.run_no_throw(T2V, {"prompt": "p"}, enable_sync_mode=True)
    assert (told["status"], "Sync mode timed out" in told["error"]) == ("processing", True)
    sandbox.clock.advance(60)
    assert client.get_result(told["task_id"])["data"]["status"] == "completed"


@pytest.mark.parametrize(
    ("key", "body", "error"),
    [
        ("bad", {"prompt": "p"}, "HTTP 401"),
        ("empty", {"prompt": "p"}, "HTTP 400.*1407"),
        ("sandbox", {"prompt": "p", "seconds": 4}, "HTTP 400.*1401"),
        ("sandbox", {}, "HTTP 400.*1400"),
    ],
)
def test_a_submit_that_is_refused_is_an_error(sandbox: Sandbox, key: str, body: dict[str, Any], error: str) -> None:
    client = wavespeed.Client(api_key=key, base_url=f"{sandbox.base}/wavespeed")
    with pytest.raises(RuntimeError, match=error):
        client.run(T2V, body)
    assert sandbox.meter()["jobs_accepted"] == 0


# --- what it costs when replies are lost


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        ({"fault": "drop_after"}, "may already have been created"),
        ({"fault": "nginx_504", "accept": True}, "HTTP 504"),
        ({"fault": "missing_id"}, "No request ID"),
    ],
)
def test_a_lost_reply_costs_one_job_and_no_second(
    sandbox: Sandbox, client: wavespeed.Client, rule: dict[str, Any], error: str
) -> None:
    sandbox.rule(**rule, route="submit")
    with pytest.raises(RuntimeError, match=error):
        client.run(T2V, {"prompt": "once, please"}, max_retries=3)
    assert (sandbox.meter()["posts"], sandbox.meter()["jobs_accepted"]) == (1, 1)


def test_a_lost_job_can_be_found_in_the_list(sandbox: Sandbox, client: wavespeed.Client) -> None:
    sandbox.rule("drop_after", "submit")
    with pytest.raises(RuntimeError):
        client.run(T2V, {"prompt": "once, please"})
    asked = {"page": 1, "page_size": 100, "model": T2V, "include_inputs": True}
    headers = {"Authorization": "Bearer sandbox"}
    reply = httpx.post(f"{sandbox.base}/wavespeed/api/v3/predictions", json=asked, headers=headers)
    (item,) = reply.json()["data"]["items"]
    assert item["input"] == {"prompt": "once, please"}
    sandbox.clock.advance(60)
    assert client.get_result(item["id"])["data"]["outputs"]
