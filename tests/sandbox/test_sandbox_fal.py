"""The sandbox's queue behaves as section 5 to 7 of the wire contract say."""

import base64
import io
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from PIL import Image

from prefect_storyboard.sandbox import Clock, Pace, running

T2V = "fal-ai/sora-2/text-to-video"
CONTRACT_FIELDS = {
    "submit": {"status", "request_id", "response_url", "status_url", "cancel_url", "logs", "metrics", "queue_position"},
    "in_queue": {"status", "request_id", "queue_position", "response_url", "status_url", "cancel_url"},
    "in_progress": {"status", "request_id", "response_url", "status_url", "cancel_url", "logs"},
    "completed": {"status", "request_id", "response_url", "status_url", "cancel_url", "logs", "metrics"},
    "log": {"message", "timestamp", "level", "source"},
    "video": {"url", "content_type", "file_name", "file_size", "width", "height", "fps", "duration", "num_frames"},
    "result": {"video", "video_id", "thumbnail", "spritesheet"},
    "thumbnail": {"url", "content_type", "file_name", "file_size", "width", "height"},
    "literal_error": {"type", "loc", "msg", "input", "ctx"},
    "missing": {"type", "loc", "msg", "input"},
    "policy": {"loc", "msg", "type", "url", "input", "ctx"},
}


@dataclass
class Fal:
    http: httpx.Client
    clock: Clock
    base: str

    def submit(self, endpoint: str = T2V, headers: dict[str, str] | None = None, **body: Any) -> dict[str, Any]:
        reply = self.http.post(f"/queue/{endpoint}", json=body, headers=headers)
        assert reply.status_code == 200, reply.text
        return dict(reply.json())

    def result(self, job: dict[str, Any]) -> httpx.Response:
        self.clock.advance(60)
        return self.http.get(job["response_url"])

    def made(self, endpoint: str = T2V, **body: Any) -> dict[str, Any]:
        reply = self.result(self.submit(endpoint, **body))
        assert reply.status_code == 200, reply.text
        return dict(reply.json())

    def refused(self, endpoint: str = T2V, **body: Any) -> dict[str, Any]:
        reply = self.result(self.submit(endpoint, **body))
        assert reply.status_code == 422, reply.text
        return dict(reply.json()["detail"][0])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fal]:
    clock = Clock()
    pace = Pace(queue_seconds=10, render_seconds=40, character_seconds=5, clip_scale=0.25)
    key = {"Authorization": "Key sandbox:sandbox"}
    folder = tmp_path_factory.mktemp("sandbox")
    with running(folder, clock=clock, pace=pace) as base, httpx.Client(base_url=f"{base}/fal", headers=key) as http:
        yield Fal(http, clock, base)


@pytest.fixture
def fal(server: Fal) -> Fal:
    server.clock.advance(100_000)  # whatever earlier tests have queued is over
    return server


def data_url(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def picture(width: int, height: int) -> str:
    target = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(target, "png")
    return data_url(target.getvalue(), "image/png")


def clip(width: int = 1280, height: int = 720, container: str = "mp4", colour: str = "teal") -> str:
    target = io.BytesIO()
    with av.open(target, "w", format=container) as file:
        stream = file.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for _ in range(3):
            file.mux(stream.encode(av.VideoFrame.from_image(Image.new("RGB", (width, height), colour))))
        file.mux(stream.encode(None))
    return data_url(target.getvalue(), "video/mp4")


# --- one job from submit to result


def test_submit_answers_the_eight_keys(fal: Fal) -> None:
    assert set(fal.submit(prompt="p")) == CONTRACT_FIELDS["submit"]


def test_the_three_addresses_lie_under_owner_and_app_only(fal: Fal) -> None:
    job = fal.submit("fal-ai/sora-2/text-to-video/pro", prompt="p")
    address = f"{fal.base}/fal/queue/fal-ai/sora-2/requests/{job['request_id']}"
    assert (job["response_url"], job["status_url"], job["cancel_url"]) == (
        address,
        f"{address}/status",
        f"{address}/cancel",
    )


def test_the_request_id_is_a_uuid_and_a_header(fal: Fal) -> None:
    reply = fal.http.post(f"/queue/{T2V}", json={"prompt": "p"})
    assert str(uuid.UUID(reply.headers["x-fal-request-id"])) == reply.json()["request_id"]


def test_a_job_waits_then_runs_then_is_complete(fal: Fal) -> None:
    job = fal.submit(prompt="p")
    seen = []
    for seconds in (0, 10, 40):
        fal.clock.advance(seconds)
        reply = fal.http.get(job["status_url"])
        seen.append((reply.status_code, reply.json()["status"]))
    assert seen == [(202, "IN_QUEUE"), (202, "IN_PROGRESS"), (200, "COMPLETED")]


def test_each_status_has_the_contracts_fields_and_no_others(fal: Fal) -> None:
    job = fal.submit(prompt="p")
    for seconds, name in ((0, "in_queue"), (10, "in_progress"), (40, "completed")):
        fal.clock.advance(seconds)
        assert set(fal.http.get(job["status_url"]).json()) == CONTRACT_FIELDS[name]


def test_the_queue_position_counts_who_waits_in_front(fal: Fal) -> None:
    for expected in range(3):
        fal.clock.advance(0.5)
        assert fal.submit(prompt="p")["queue_position"] == expected


@pytest.mark.parametrize(("asked", "told"), [("1", "list"), ("true", "list"), ("0", "NoneType"), ("false", "NoneType")])
def test_logs_come_only_if_asked_for_but_their_key_always(fal: Fal, asked: str, told: str) -> None:
    job = fal.submit(prompt="p")
    fal.clock.advance(30)
    logs = fal.http.get(job["status_url"], params={"logs": asked}).json()["logs"]
    assert type(logs).__name__ == told
    assert not logs or set(logs[0]) == CONTRACT_FIELDS["log"]


def test_polled_logs_are_cumulative(fal: Fal) -> None:
    job = fal.submit(prompt="p")
    fal.clock.advance(11)
    few = fal.http.get(job["status_url"], params={"logs": "1"}).json()["logs"]
    fal.clock.advance(60)
    assert fal.http.get(job["status_url"], params={"logs": "1"}).json()["logs"][: len(few)] == few


def test_a_result_before_completion_is_a_400(fal: Fal) -> None:
    reply = fal.http.get(fal.submit(prompt="p")["response_url"])
    assert (reply.status_code, reply.json()) == (400, {"detail": "Request is still in progress"})


def test_a_result_has_the_contracts_fields_and_no_envelope(fal: Fal) -> None:
    result = fal.made(prompt="p")
    assert set(result) == CONTRACT_FIELDS["result"]
    assert set(result["video"]) == CONTRACT_FIELDS["video"]
    assert set(result["thumbnail"]) == CONTRACT_FIELDS["thumbnail"]


def test_a_result_tells_its_billable_units(fal: Fal) -> None:
    assert fal.result(fal.submit(prompt="p", duration=12)).headers["x-fal-billable-units"] == "12"


def test_the_response_suffix_is_served_too(fal: Fal) -> None:
    job = fal.submit(prompt="p")
    fal.clock.advance(60)
    assert fal.http.get(f"{job['response_url']}/response").status_code == 200


def test_an_unknown_id_is_not_found_everywhere(fal: Fal) -> None:
    address = f"/queue/fal-ai/sora-2/requests/{uuid.uuid4()}"
    replies = [fal.http.get(address), fal.http.get(f"{address}/status"), fal.http.put(f"{address}/cancel")]
    assert [(reply.status_code, reply.json()) for reply in replies] == [(404, {"status": "NOT_FOUND"})] * 3


def test_an_unknown_endpoint_is_refused_at_submit(fal: Fal) -> None:
    reply = fal.http.post("/queue/fal-ai/sora-3/text-to-video", json={"prompt": "p"})
    assert (reply.status_code, "not found" in reply.json()["detail"]) == (404, True)


def test_the_stream_tells_every_status_and_each_log_line_once(fal: Fal) -> None:
    job = fal.submit(prompt="p")
    events = []
    with fal.http.stream("GET", f"{job['status_url']}/stream", params={"logs": "1"}) as reply:
        for line in reply.iter_lines():
            if line:
                events.append(json.loads(line.removeprefix("data: ")))
                fal.clock.advance(25)
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert [event["status"] for event in events][-1] == "COMPLETED"
    messages = [entry["message"] for event in events for entry in event.get("logs") or []]
    assert len(messages) == len(set(messages)) == 5


def test_without_payload_storage_a_result_is_gone_after_an_hour(fal: Fal) -> None:
    job = fal.submit(prompt="p", headers={"X-Fal-Store-IO": "0"})
    assert fal.result(job).status_code == 200
    fal.clock.advance(3600)
    assert fal.http.get(job["response_url"]).json() == {"status": "NOT_FOUND"}


def test_a_start_deadline_shorter_than_the_queue_ends_the_job(fal: Fal) -> None:
    job = fal.submit(prompt="p", headers={"X-Fal-Request-Timeout": "2.0"})
    fal.clock.advance(3)
    status = fal.http.get(job["status_url"]).json()
    reply = fal.http.get(job["response_url"])
    assert (status["error_type"], reply.status_code) == ("request_timeout", 504)
    assert reply.headers["X-Fal-Request-Timeout-Type"] == "user"


def test_a_full_queue_refuses_whoever_sets_a_limit(fal: Fal) -> None:
    fal.submit(prompt="a")
    assert fal.http.post(f"/queue/{T2V}?fal_max_queue_length=0", json={"prompt": "b"}).status_code == 429


# --- keys


@pytest.mark.parametrize(
    ("header", "status", "text"),
    [
        (None, 401, "Authorization header is required"),
        ("sandbox:sandbox", 401, "Invalid Key Authorization header format"),
        ("Key sandbox", 401, "Invalid Key Authorization header format"),
        ("Bearer sandbox:sandbox", 401, "Invalid Key Authorization header format"),
        ("Key bad:secret", 401, "No user found for Key ID and Secret"),
        ("Key empty:secret", 403, "User is locked. Reason: Exhausted balance"),
    ],
)
def test_a_wrong_key_is_refused_in_fals_words(fal: Fal, header: str | None, status: int, text: str) -> None:
    headers = {"Authorization": header} if header else {}
    reply = httpx.post(f"{fal.base}/fal/queue/{T2V}", json={"prompt": "p"}, headers=headers)
    assert (reply.status_code, reply.json()["detail"].startswith(text)) == (status, True)


# --- inputs are checked when the job runs, not at submit


def test_a_bad_input_is_accepted_completes_and_fails_at_the_result(fal: Fal) -> None:
    job = fal.submit(prompt="p", duration=5)
    fal.clock.advance(60)
    status = fal.http.get(job["status_url"])
    assert (status.status_code, set(status.json())) == (200, CONTRACT_FIELDS["completed"])
    reply = fal.http.get(job["response_url"])
    assert (reply.status_code, reply.headers["x-fal-billable-units"]) == (422, "0")


def test_a_quoted_duration_is_a_literal_error(fal: Fal) -> None:
    reason = fal.refused(prompt="p", duration="4")
    assert set(reason) == CONTRACT_FIELDS["literal_error"]
    assert (reason["loc"], reason["msg"]) == (["body", "duration"], "Input should be 4, 8, 12, 16 or 20")


def test_an_input_in_an_envelope_misses_its_prompt(fal: Fal) -> None:
    reason = fal.refused(input={"prompt": "p"})
    assert set(reason) == CONTRACT_FIELDS["missing"]
    assert (reason["type"], reason["loc"], reason["msg"]) == ("missing", ["body", "prompt"], "Field required")


@pytest.mark.parametrize(
    ("endpoint", "body", "kind", "field"),
    [
        (T2V, {"prompt": 7}, "string_type", "prompt"),
        (T2V, {"prompt": "p", "seconds": 4}, "extra_forbidden", "seconds"),
        (T2V, {"prompt": "p", "resolution": "1080p"}, "literal_error", "resolution"),
        (T2V, {"prompt": "p", "aspect_ratio": "auto"}, "literal_error", "aspect_ratio"),
        (T2V, {"prompt": "p", "delete_video": "false"}, "bool_type", "delete_video"),
        (T2V, {"prompt": "p", "character_ids": ["a", "b", "c"]}, "sequence_too_long", "character_ids"),
        (T2V, {"prompt": "p", "character_ids": ["char_123"]}, "value_error", "character_ids"),
        (f"{T2V}/pro", {"prompt": "p", "model": "sora-2"}, "extra_forbidden", "model"),
        ("fal-ai/sora-2/image-to-video", {"prompt": "p"}, "missing", "image_url"),
        (
            "fal-ai/sora-2/image-to-video",
            {"prompt": "p", "image_url": "file:///etc/passwd"},
            "file_download_error",
            "image_url",
        ),
        (
            "fal-ai/sora-2/image-to-video",
            {"prompt": "p", "image_url": "http://127.0.0.1:9/a.png"},
            "file_download_error",
            "image_url",
        ),
        ("fal-ai/sora-2/image-to-video", {"prompt": "p", "image_url": "data:,hello"}, "image_load_error", "image_url"),
        ("fal-ai/sora-2/video-to-video/remix", {"prompt": "p", "video_id": "video_123"}, "value_error", "video_id"),
        ("fal-ai/sora-2/video-to-video/remix", {"prompt": "p", "video_url": "x"}, "missing", "video_id"),
        ("fal-ai/sora-2/characters", {"video_url": "data:,x", "name": ""}, "string_too_short", "name"),
        ("fal-ai/sora-2/characters", {"video_url": "data:,x", "name": "J"}, "unsupported_video_format", "video_url"),
    ],
)
def test_what_the_model_refuses(fal: Fal, endpoint: str, body: dict[str, Any], kind: str, field: str) -> None:
    reason = fal.refused(endpoint, **body)
    assert (reason["type"], reason["loc"][:2]) == (kind, ["body", field])


def test_a_body_that_is_no_json_fails_at_the_result(fal: Fal) -> None:
    job = fal.http.post(f"/queue/{T2V}", content=b"{prompt").json()
    assert fal.result(job).json()["detail"][0]["type"] == "json_invalid"


@pytest.mark.parametrize(
    ("endpoint", "body", "size"),
    [
        (T2V, {}, (1280, 720)),
        (T2V, {"aspect_ratio": "9:16"}, (720, 1280)),
        (f"{T2V}/pro", {}, (1792, 1024)),
        (f"{T2V}/pro", {"resolution": "720p"}, (1280, 720)),
        (f"{T2V}/pro", {"resolution": "true_1080p", "aspect_ratio": "9:16"}, (1080, 1920)),
        ("fal-ai/sora-2/image-to-video", {"image_url": picture(300, 400)}, (720, 1280)),
        ("fal-ai/sora-2/image-to-video", {"image_url": picture(300, 400), "aspect_ratio": "16:9"}, (1280, 720)),
        ("fal-ai/sora-2/image-to-video/pro", {"image_url": picture(1920, 1080)}, (1792, 1024)),
    ],
)
def test_a_clip_has_the_size_that_was_bought(
    fal: Fal, endpoint: str, body: dict[str, Any], size: tuple[int, int]
) -> None:
    video = fal.made(endpoint, prompt="p", **body)["video"]
    assert (video["width"] * 4, video["height"] * 4) == size


# --- characters and remixes


def test_a_character_is_made_and_used(fal: Fal) -> None:
    made = fal.made("fal-ai/sora-2/characters", video_url=clip(), name="Joe")
    assert set(made) == {"id", "name"}
    assert made["id"].startswith("char_")
    assert fal.made(prompt="Joe waves", character_ids=[made["id"]])["video"]


def test_every_clip_shows_the_character_of_the_reference_clip_even_after_a_restart(tmp_path: Path) -> None:
    shown, pace = [], Pace(queue_seconds=10, render_seconds=40, character_seconds=5, clip_scale=0.25)
    ids: list[str] = []
    for life in range(2):
        clock = Clock()
        clock.advance(life * 1000)
        headers = {"Authorization": "Key sandbox:sandbox"}
        with (
            running(tmp_path, clock=clock, pace=pace) as base,
            httpx.Client(base_url=f"{base}/fal", headers=headers) as http,
        ):
            fal = Fal(http, clock, base)
            ids = ids or [
                fal.made("fal-ai/sora-2/characters", video_url=clip(colour=colour), name="Joe")["id"]
                for colour in ("red", "blue")
            ]
            for each in ids:
                video = http.get(fal.made(prompt="Joe waves", character_ids=[each])["video"]["url"]).content
                with av.open(io.BytesIO(video)) as container:
                    red, _, blue = next(container.decode(video=0)).to_image().getpixel((248, 86))
                shown.append("red" if red > blue + 150 else "blue" if blue > red + 150 else "neither")
    assert shown == ["red", "blue", "red", "blue"]


def test_a_character_that_is_still_being_made_cannot_be_used(fal: Fal) -> None:
    job = fal.submit("fal-ai/sora-2/characters", video_url=clip(), name="Joe")
    assert (
        fal.refused(prompt="p", character_ids=[f"char_{job['request_id'].replace('-', '')}"])["type"] == "value_error"
    )


@pytest.mark.parametrize(
    ("video", "kind"),
    [
        (clip(640, 360), "value_error"),
        (clip(2400, 720), "value_error"),
        (clip(container="matroska"), "unsupported_video_format"),
        (picture(1280, 720), "unsupported_video_format"),
    ],
)
def test_a_reference_clip_must_be_an_mp4_of_720p_and_not_too_wide(fal: Fal, video: str, kind: str) -> None:
    assert fal.refused("fal-ai/sora-2/characters", video_url=video, name="Joe")["type"] == kind


def test_a_remix_keeps_size_and_length_of_a_video_that_was_not_deleted(fal: Fal) -> None:
    source = fal.made(prompt="day", duration=8, aspect_ratio="9:16", delete_video=False)
    remix = fal.made("fal-ai/sora-2/video-to-video/remix", prompt="night", video_id=source["video_id"])
    keys = ("width", "height", "duration")
    assert [remix["video"][key] for key in keys] == [source["video"][key] for key in keys]
    assert remix["video_id"] != source["video_id"]


def test_a_deleted_video_cannot_be_remixed(fal: Fal) -> None:
    source = fal.made(prompt="day")
    reason = fal.refused("fal-ai/sora-2/video-to-video/remix", prompt="night", video_id=source["video_id"])
    assert reason["loc"] == ["body", "video_id"]


# --- cancel


def test_a_waiting_job_is_cancelled_at_once(fal: Fal) -> None:
    job = fal.submit(prompt="p")
    reply = fal.http.put(job["cancel_url"])
    assert (reply.status_code, reply.json()) == (200, {"status": "OK"})


def test_a_running_job_is_asked_to_stop(fal: Fal) -> None:
    job = fal.submit(prompt="p")
    fal.clock.advance(20)
    reply = fal.http.put(job["cancel_url"])
    assert (reply.status_code, reply.json()) == (202, {"status": "CANCELLATION_REQUESTED"})


def test_a_complete_job_cannot_be_cancelled(fal: Fal) -> None:
    job = fal.submit(prompt="p")
    fal.clock.advance(60)
    reply = fal.http.put(job["cancel_url"])
    assert (reply.status_code, reply.json()) == (400, {"status": "ALREADY_COMPLETED"})


def test_a_cancelled_job_is_complete_with_a_499(fal: Fal) -> None:
    job = fal.submit(prompt="p")
    fal.http.put(job["cancel_url"])
    status, reply = fal.http.get(job["status_url"]), fal.http.get(job["response_url"])
    assert (status.json()["status"], status.json()["error_type"]) == ("COMPLETED", "client_cancelled")
    assert (reply.status_code, reply.json()) == (499, {"detail": "Request cancelled", "error_type": "client_cancelled"})


# --- outputs


def test_an_output_is_an_mp4_of_the_told_size_readable_without_a_key(fal: Fal) -> None:
    video = fal.made(prompt="p")["video"]
    reply = httpx.get(video["url"])
    assert (reply.headers["content-type"], len(reply.content)) == ("video/mp4", video["file_size"])
    assert reply.headers["etag"]


def test_an_output_can_be_fetched_in_ranges(fal: Fal) -> None:
    reply = httpx.get(fal.made(prompt="p")["video"]["url"], headers={"Range": "bytes=4-7"})
    assert (reply.status_code, reply.content) == (206, b"ftyp")


def test_thumbnail_and_spritesheet_are_pictures(fal: Fal) -> None:
    result = fal.made(prompt="p")
    for name, kind in (("thumbnail", "WEBP"), ("spritesheet", "JPEG")):
        assert Image.open(io.BytesIO(httpx.get(result[name]["url"]).content)).format == kind


def test_there_is_no_output_before_completion(fal: Fal) -> None:
    job = fal.submit(prompt="p")
    assert fal.http.get(f"/cdn/files/b/{job['request_id']}/out.mp4").status_code == 404


def test_an_output_with_a_lifetime_disappears(fal: Fal) -> None:
    job = fal.submit(prompt="p", headers={"X-Fal-Object-Lifecycle-Preference": '{"expiration_duration_seconds": 100}'})
    url = fal.result(job).json()["video"]["url"]
    assert httpx.get(url).status_code == 200
    fal.clock.advance(101)
    assert httpx.get(url).status_code == 404
