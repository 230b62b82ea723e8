"""The sandbox's ToAPIs behaves as sections 4 to 6 and 11 of the wire contract say."""

import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from PIL import Image

from prefect_storyboard.sandbox import Clock, Pace, running
from prefect_storyboard.sandbox.toapis.models import parse, task_of

PACE = Pace(queue_seconds=10, render_seconds=40, character_seconds=5, clip_scale=0.25)
KEY = {"Authorization": "Bearer sk-sandbox"}
GENERATIONS = "/v1/videos/generations"
ERROR_400 = {
    "error": {
        "code": 400,
        "message": "请求参数无效：timestamps 时间范围必须在 1-3 秒之间",
        "type": "invalid_request_error",
    }
}
ERROR_404 = {"error": {"code": 404, "message": "任务不存在", "type": "not_found_error"}}
# The appendix of the contract: bodies of POST /v1/videos/generations.
REQUESTS = """
{"model": "sora-2", "url": "https://example.com/character-video.mp4", "timestamps": "1,3"}
{"model": "sora-2", "from_task": "task_01KBYT59JDHB4A3KDDR9N9JVWP", "timestamps": "1,3"}
{"model": "sora-2", "prompt": "A golden retriever running on grass, sunny day", "duration": 10, "aspect_ratio": "16:9"}
{"model": "sora-2", "prompt": "The dog turns its head", "image_urls": ["https://files.toapis.com/uploads/123/a.jpg"], "duration": 10, "aspect_ratio": "16:9"}
{"model": "sora-2", "prompt": "@duksvfkf.turbo_whis is dancing in the rain"}
{"model": "sora-2", "prompt": "A cute cat is dancing in the rain", "character_url": "task_01KC0JZCMTMQ70D68XTM56Q5D0"}
{"model": "sora-2", "prompt": "A cute cat is dancing in the rain", "duration": 10, "metadata": {"character_url": "https://example.com/character-video.mp4", "character_timestamps": "1,3"}}
{"model": "sora-2-vvip", "prompt": "A fox in the snow", "duration": 4, "aspect_ratio": "16:9", "metadata": {"style": "anime", "watermark": false, "n": 2}}
{"model": "sora-2-official", "prompt": "A fox in the snow", "duration": 12, "aspect_ratio": "16:9"}
{"model": "seedance-2-mini", "client_business_id": "order_20260616_001", "prompt": "Keep the character from image 1 in the same outfit", "duration": 10, "aspect_ratio": "16:9", "resolution": "480p", "image_with_roles": [{"url": "https://example.com/1.jpg", "role": "reference_image"}], "video_with_roles": [{"url": "https://example.com/1.mp4", "role": "reference_video"}], "audio_with_roles": [{"url": "https://example.com/1.mp3", "role": "reference_audio"}]}
"""
REMIXES = [
    {"model": "sora-2", "prompt": "Add a puppy playing in the scene", "duration": 15, "aspect_ratio": "16:9"},
    {"model": "sora-2-official", "prompt": "Add a puppy playing in the scene"},
]


@dataclass
class ToApis:
    http: httpx.Client
    clock: Clock
    base: str

    def submit(self, path: str = GENERATIONS, **body: Any) -> dict[str, Any]:
        reply = self.http.post(path, json={"model": "sora-2", **body})
        assert reply.status_code == 200, reply.text
        return dict(reply.json())

    def refused(self, path: str = GENERATIONS, **body: Any) -> httpx.Response:
        return self.http.post(path, json={"model": "sora-2", **body})

    def told(self, task: dict[str, Any]) -> dict[str, Any]:
        path = "/v1/characters_tasks" if task["id"].startswith("task_") else GENERATIONS
        return dict(self.http.get(f"{path}/{task['id']}").json())

    def ended(self, path: str = GENERATIONS, **body: Any) -> dict[str, Any]:
        task = self.submit(path, **body)
        self.clock.advance(60)
        return self.told(task)

    def failure(self, **body: Any) -> str:
        told = self.ended(**body)
        assert (told["status"], told["error"]["code"]) == ("failed", "generation_failed")
        return str(told["error"]["message"])

    def upload(self, kind: str, name: str, data: bytes) -> str:
        reply = self.http.post(f"/v1/uploads/{kind}", files={"file": (name, data)})
        assert reply.status_code == 200, reply.text
        return str(reply.json()["data"]["url"])

    def born(self, colour: str = "teal", name: str = "mara.mp4") -> dict[str, Any]:
        url = self.upload("videos", name, clip(colour=colour))
        return self.ended(url=url, timestamps="1,3")

    def meter(self) -> dict[str, Any]:
        return dict(self.http.get(f"{self.base}/sandbox/meter").json())

    def shown(self, task: dict[str, Any]) -> Image.Image:
        data = self.http.get(task["result"]["data"][0]["url"], headers={"Authorization": ""}).content
        with av.open(io.BytesIO(data)) as container:
            frame: Any = next(container.decode(video=0))
            return frame.to_image()


@contextmanager
def serving(folder: Path, clock: Clock) -> Iterator[ToApis]:
    with running(folder, clock=clock, pace=PACE) as base, httpx.Client(base_url=f"{base}/toapis", headers=KEY) as http:
        yield ToApis(http, clock, base)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToApis]:
    with serving(tmp_path_factory.mktemp("sandbox"), Clock()) as api:
        yield api


@pytest.fixture
def api(server: ToApis) -> ToApis:
    server.clock.advance(1000)
    return server


def clip(*, colour: str = "teal", seconds: int = 3, sound: bool = True) -> bytes:
    target = io.BytesIO()
    with av.open(target, "w", format="mp4") as file:
        picture = file.add_stream("libx264", rate=4, options={"preset": "ultrafast"})
        picture.width, picture.height, picture.pix_fmt = 320, 180, "yuv420p"
        voice = file.add_stream("aac", rate=48_000, layout="mono") if sound else None
        for number in range(4 * seconds):
            frame = av.VideoFrame.from_image(Image.new("RGB", (320, 180), colour))
            frame.pts = number
            file.mux(picture.encode(frame))
        file.mux(picture.encode(None))
        if voice is not None:
            samples = av.AudioFrame("fltp", "mono", 48_000 * seconds)
            samples.sample_rate = 48_000
            samples.planes[0].update(bytes(samples.planes[0].buffer_size))
            file.mux(voice.encode(samples))
            file.mux(voice.encode(None))
    return target.getvalue()


def picture(width: int, height: int, colour: str = "teal") -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(target, "png")
    return target.getvalue()


def keys(document: Any) -> Any:
    """The shape of a document: its keys, through all levels."""
    if isinstance(document, dict):
        return {key: keys(value) for key, value in document.items()}
    return [keys(each) for each in document] if isinstance(document, list) else type(document)


def like(document: Any, sample: str) -> bool:
    return bool(keys(document) == keys(json.loads(sample)))


# --- the contract's own requests


@pytest.mark.parametrize("body", REQUESTS.strip().splitlines())
def test_the_contracts_requests_are_well_formed(body: str) -> None:
    assert parse(json.loads(body), task_of(json.loads(body)))


@pytest.mark.parametrize("body", REMIXES)
def test_the_contracts_remixes_are_well_formed(body: dict[str, Any]) -> None:
    assert parse({**body, "video_id": "video_1"}, "remix")


# --- one task from submit to result


def test_a_submit_answers_like_the_contract(api: ToApis) -> None:
    sample = """{"id": "video_01K8SGYNNNVBQTXNR4MM964S7K", "object": "generation.task", "model": "sora-2",
        "status": "queued", "progress": 0, "created_at": 1768380224, "metadata": {"size": "720x720"}}"""
    assert like(api.submit(prompt="p"), sample)


def test_the_official_model_also_tells_its_seconds(api: ToApis) -> None:
    assert api.submit(model="sora-2-official", prompt="p")["metadata"] == {"size": "720x1280", "seconds": "4"}


def test_ids_are_ulids(api: ToApis) -> None:
    assert re.fullmatch(r"video_[0-9A-HJKMNP-TV-Z]{26}", api.submit(prompt="p")["id"])
    assert api.submit(model="seedance-2", prompt="p")["id"].startswith("tsk_vid_")


def test_a_video_waits_then_runs_then_is_complete(api: ToApis) -> None:
    task, seen = api.submit(prompt="p"), []
    for seconds in (0, 10, 20, 20):
        api.clock.advance(seconds)
        told = api.told(task)
        seen.append((told["status"], told["progress"]))
    assert seen == [("queued", 0), ("in_progress", 1), ("in_progress", 50), ("completed", 100)]


def test_each_state_has_the_contracts_fields_and_no_others(api: ToApis) -> None:
    pending = """{"id": "video_7", "object": "generation.task", "model": "sora-2", "status": "queued", "progress": 0,
        "created_at": 1768380222}"""
    done = """{"id": "video_7", "object": "generation.task", "model": "sora-2", "status": "completed",
        "progress": 100, "created_at": 1768380222, "completed_at": 1768380514, "expires_at": 1768466914,
        "result": {"type": "video", "data": [{"url": "https://files.dashlyai.cc/sora/7.mp4", "format": "mp4"}]}}"""
    task = api.submit(prompt="p")
    for seconds, sample in ((0, pending), (10, pending), (40, done)):
        api.clock.advance(seconds)
        assert like(api.told(task), sample)


def test_a_result_and_its_address_end_after_a_day(api: ToApis) -> None:
    told = api.ended(prompt="p")
    assert told["expires_at"] == told["completed_at"] + 86_400
    address = told["result"]["data"][0]["url"]
    assert httpx.get(address).headers["content-type"] == "video/mp4"
    api.clock.advance(86_400)
    assert httpx.get(address).status_code == 404


def test_a_thumbnail_comes_if_asked_for(api: ToApis) -> None:
    (item,) = api.ended(prompt="p", thumbnail=True)["result"]["data"]
    assert Image.open(io.BytesIO(httpx.get(item["thumbnail_url"]).content)).format == "WEBP"


def test_several_takes_have_an_address_and_a_price_each(api: ToApis) -> None:
    items = api.ended(model="sora-2-vvip", prompt="p", metadata={"n": 2})["result"]["data"]
    assert [httpx.get(item["url"]).status_code for item in items] == [200, 200]
    assert api.meter()["billed"][-1]["usd"] == 0.80


def test_the_callers_own_id_comes_back(api: ToApis) -> None:
    task = api.submit(prompt="p", client_business_id="order_1")
    assert (task["client_business_id"], api.told(task)["client_business_id"]) == ("order_1", "order_1")


@pytest.mark.parametrize("path", [GENERATIONS, "/v1/characters_tasks"])
def test_an_unknown_task_is_not_found(api: ToApis, path: str) -> None:
    reply = api.http.get(f"{path}/task_01KC0JZCMTMQ70D68XTM56Q5D0")
    assert (reply.status_code, reply.json()) == (404, ERROR_404)


@pytest.mark.parametrize(
    ("body", "size"),
    [
        ({}, (1280, 720, 10)),
        ({"aspect_ratio": "9:16", "duration": 15}, (720, 1280, 15)),
        ({"model": "sora-2-pro", "metadata": {"hd": True}}, (1792, 1024, 15)),
        ({"model": "sora-2-vvip", "duration": 8}, (1280, 720, 8)),
        ({"model": "seedance-2-fast"}, (1280, 720, 5)),
        ({"model": "seedance-2", "resolution": "1080p", "aspect_ratio": "3:4", "duration": 4}, (1080, 1440, 4)),
    ],
)
def test_a_clip_has_the_size_and_length_that_were_bought(api: ToApis, body: dict[str, Any], size: tuple[int]) -> None:
    data = httpx.get(api.ended(prompt="p", **body)["result"]["data"][0]["url"]).content
    with av.open(io.BytesIO(data)) as container:
        video: Any = container.streams.video[0]
        assert (video.width * 4, video.height * 4, round((container.duration or 0) / 1e6)) == size


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"prompt": ""},
        {"prompt": "p", "duration": "10"},
        {"prompt": "p", "duration": 4},
        {"prompt": "p", "model": "sora-2-pro", "duration": 10},
        {"prompt": "p", "model": "sora-2-vip", "duration": 25},
        {"prompt": "p", "model": "sora-2-vvip", "duration": 10},
        {"prompt": "p", "model": "sora-2-official", "duration": 16},
        {"prompt": "p", "model": "seedance-2", "duration": 16},
        {"prompt": "p", "aspect_ratio": "1:1"},
        {"prompt": "p", "resolution": "720p"},
        {"prompt": "p", "seconds": 10},
        {"prompt": "p", "timestamps": "1,3"},
        {"prompt": "p", "video_id": "video_1"},
        {"prompt": "p", "image_urls": ["data:image/png;base64,AAAA"]},
        {"prompt": "p", "character_url": "https://example.com/a.mp4"},
        {"prompt": "p", "metadata": {"character_url": "task_01KC0JZCMTMQ70D68XTM56Q5D0"}},
        {"prompt": "p", "metadata": {"character_timestamps": "1,4"}},
        {"prompt": "p", "metadata": {"n": 5}},
        {"prompt": "p", "metadata": {"style": "noir"}},
        {"prompt": "p", "metadata": {"hd": True}},
        {"prompt": "p", "metadata": {"size": "720x720"}},
        {"prompt": "p", "model": "sora-2-pro", "duration": 25, "metadata": {"hd": True}},
        {"prompt": "p", "model": "seedance-2", "metadata": {}},
        {"prompt": "p", "model": "seedance-2", "image_with_roles": [{"url": "https://a.b/1.png", "role": "hero"}]},
        {
            "prompt": "p",
            "model": "seedance-2",
            "image_with_roles": [{"url": "https://a.b/1.png", "role": "reference_image"}] * 10,
        },
        {
            "prompt": "p",
            "model": "seedance-2",
            "video_with_roles": [{"url": "https://a.b/1.mp4", "role": "reference_video"}] * 4,
        },
        {"prompt": "p", "model": 7},
    ],
)
def test_what_is_refused_at_once(api: ToApis, body: dict[str, Any]) -> None:
    reply = api.refused(**body)
    assert (reply.status_code, reply.json()["error"]["type"]) == (400, "invalid_request_error")


def test_a_body_that_is_no_json_object_is_refused(api: ToApis) -> None:
    assert [api.http.post(GENERATIONS, content=body).status_code for body in (b"{model", b"[1]")] == [400, 400]


def test_a_model_that_there_is_not_has_no_channel(api: ToApis) -> None:
    reply = api.refused(model="sora-3", prompt="p")
    assert (reply.status_code, reply.json()["error"]["code"]) == (503, "model_not_found")


def test_a_file_that_cannot_be_read_fails_the_task(api: ToApis) -> None:
    assert "download" in api.failure(prompt="p", image_urls=["http://127.0.0.1:9/a.png"])
    text = api.upload("videos", "a.mp4", clip())
    assert "decoded" in api.failure(prompt="p", image_urls=[text])


@pytest.mark.parametrize(("size", "status"), [((1280, 720), "completed"), ((1280, 721), "failed")])
def test_the_official_model_takes_images_of_two_sizes(api: ToApis, size: tuple[int, int], status: str) -> None:
    url = api.upload("images", "a.png", picture(*size))
    assert api.ended(model="sora-2-official", prompt="p", image_urls=[url])["status"] == status


# --- characters


def test_a_character_is_submitted_like_a_video_and_polled_elsewhere(api: ToApis) -> None:
    url = api.upload("videos", "mara.mp4", clip())
    task = api.submit(url=url, timestamps="1,3")
    head = """"id": "task_01", "object": "generation.task", "model": "sora-2", "status": "queued","""
    pending = f"""{{{head} "progress": 0, "created_at": 1703884800, "metadata": {{}}}}"""
    assert like(task, pending)
    assert like(api.told(task), pending)
    api.clock.advance(60)
    done = f"""{{{head} "progress": 100, "created_at": 1765251461, "completed_at": 1765251507, "result": {{
        "type": "character", "data": {{"characters": [{{"id": "ch_6937", "display_name": "Turbo Whiskers",
        "profile_picture_url": "https://upload.toapis.com/f/a.jpg", "username": "duksvfkf.turbo_whis"}}]}}}},
        "metadata": {{}}}}"""
    assert like(api.told(task), done)


def test_a_character_has_the_name_of_its_file_and_a_face_for_a_day(api: ToApis) -> None:
    (made,) = api.born("red", "turbo-whiskers.mp4")["result"]["data"]["characters"]
    assert made["display_name"] == "Turbo Whiskers"
    assert re.fullmatch(r"[a-z]{8}\.turbo_whis", made["username"])
    assert re.fullmatch(r"ch_[0-9a-f]{32}", made["id"])
    face = Image.open(io.BytesIO(httpx.get(made["profile_picture_url"]).content))
    assert (face.size, face.getpixel((240, 240))[0] > 200) == ((480, 480), True)  # type: ignore[index]
    api.clock.advance(86_400)
    assert httpx.get(made["profile_picture_url"]).status_code == 404


def test_each_kind_of_task_is_known_at_its_own_address_only(api: ToApis) -> None:
    character, video = api.born()["id"], api.submit(prompt="p")["id"]
    paths = [f"{GENERATIONS}/{character}", f"/v1/characters_tasks/{video}"]
    assert [api.http.get(path).json() for path in paths] == [ERROR_404, ERROR_404]


@pytest.mark.parametrize("timestamps", ["1,4.5", "3,1", "1,1.5", "1-3", "1", "", "-1,1"])
def test_a_segment_of_one_to_three_seconds(api: ToApis, timestamps: str) -> None:
    reply = api.refused(url="https://example.com/a.mp4", timestamps=timestamps)
    assert (reply.status_code, reply.json()) == (400, ERROR_400)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": "https://example.com/a.mp4", "from_task": "video_1"},
        {"url": "ftp://example.com/a.mp4"},
        {"url": "https://example.com/a.mp4", "name": "Mara"},
        {"url": "https://example.com/a.mp4", "client_business_id": "1"},
        {"url": "https://example.com/a.mp4", "model": "sora-2-vvip"},
        {"url": "https://example.com/a.mp4", "model": "seedance-2"},
    ],
)
def test_which_characters_are_refused(api: ToApis, body: dict[str, Any]) -> None:
    assert api.refused(timestamps="1,3", **body).status_code == 400


def test_a_clip_needs_sound_and_the_segment(api: ToApis) -> None:
    silent, short = api.upload("videos", "a.mp4", clip(sound=False)), api.upload("videos", "a.mp4", clip(seconds=2))
    assert api.failure(url=silent, timestamps="1,3") == "The clip has no audio track"
    assert "beyond the end" in api.failure(url=short, timestamps="1,3")
    assert "download" in api.failure(url="http://127.0.0.1:9/a.mp4", timestamps="1,3")


def test_a_failed_character_is_told_like_the_contracts(api: ToApis) -> None:
    sample = """{"id": "task_01", "object": "generation.task", "model": "sora-2", "status": "failed", "progress": 0,
        "created_at": 1765251461, "error": {"code": "generation_failed", "message": "x"}, "metadata": {}}"""
    assert like(api.ended(url="http://127.0.0.1:9/a.mp4", timestamps="1,3"), sample)


def test_a_character_from_a_finished_task(api: ToApis) -> None:
    video = api.submit(prompt="p", model="sora-2-vvip")
    assert api.refused(from_task=video["id"], timestamps="1,3").status_code == 400
    assert api.refused(from_task="video_none", timestamps="1,3").json() == ERROR_404
    api.clock.advance(60)
    made = api.ended(from_task=video["id"], timestamps="1,3")
    assert made["result"]["data"]["characters"][0]["display_name"] == "Guest"
    assert api.refused(from_task=made["id"], timestamps="1,3").status_code == 400


# --- who plays


def medallion(image: Image.Image) -> str:
    red, _, blue = image.getpixel((248, 86))  # type: ignore[misc]
    return "red" if red > blue + 150 else "blue" if blue > red + 150 else "neither"


def test_both_ways_to_name_a_character_show_its_face_even_after_a_restart(tmp_path: Path) -> None:
    shown, tasks, clock = [], [], Clock()
    for _ in range(2):
        with serving(tmp_path, clock) as api:
            tasks = tasks or [api.born(colour) for colour in ("red", "blue")]
            for each in tasks:
                handle = each["result"]["data"]["characters"][0]["username"]
                called = api.ended(prompt=f"@{handle} waves.")
                named = api.ended(prompt="Someone waves.", character_url=each["id"])
                shown += [medallion(api.shown(called)), medallion(api.shown(named))]
    assert shown == ["red", "red", "blue", "blue"] * 2


def test_an_unknown_handle_is_ignored(api: ToApis) -> None:
    assert api.ended(prompt="@nobody.at_all waves")["status"] == "completed"


def test_a_character_that_is_not_made_yet_cannot_play(api: ToApis) -> None:
    task = api.submit(url=api.upload("videos", "mara.mp4", clip()), timestamps="1,3")
    assert api.refused(prompt="p", character_url=task["id"]).status_code == 400
    assert api.refused(prompt="p", character_url="task_none").json() == ERROR_404


def test_a_reference_clip_plays_and_shortens_the_video_by_a_second(api: ToApis) -> None:
    url = api.upload("videos", "mara.mp4", clip(colour="red"))
    told = api.ended(prompt="p", metadata={"character_url": url, "character_timestamps": "1,3"})
    assert (medallion(api.shown(told)), api.meter()["billed"][-1]["seconds"]) == ("red", 9)


def test_a_finished_task_can_lend_its_character(api: ToApis) -> None:
    video = api.ended(prompt="p", model="sora-2-vvip")
    told = api.ended(prompt="p", metadata={"character_from_task": video["id"]})
    assert told["status"] == "completed"


@pytest.mark.parametrize("cite", ["@Image1", "@Video1", "image 1"])
def test_seedance_shows_the_references_that_the_prompt_cites(api: ToApis, cite: str) -> None:
    image, video = api.upload("images", "mara.png", picture(90, 160, "red")), api.upload("videos", "a.mp4", clip())
    red = api.upload("videos", "mara.mp4", clip(colour="red"))
    references = {
        "image_with_roles": [{"url": image, "role": "reference_image"}],
        "video_with_roles": [{"url": red, "role": "reference_video"}],
        "audio_with_roles": [{"url": video, "role": "reference_audio"}],
    }
    told = api.ended(model="seedance-2", prompt=f"Keep {cite}, and @Image9.", duration=4, **references)
    assert medallion(api.shown(told)) == "red"


def test_seedance_reads_every_reference_and_has_no_library(api: ToApis) -> None:
    lost = [{"url": "asset://ASSET_1", "role": "reference_audio"}]
    assert "download" in api.failure(model="seedance-2", prompt="p", audio_with_roles=lost)


def test_a_small_seedance_is_drawn_too(api: ToApis) -> None:
    told = api.ended(model="seedance-2-mini", prompt="p", resolution="480p", duration=4)
    assert api.shown(told).size == (284, 160)


def test_seedance_begins_with_its_first_frame(api: ToApis) -> None:
    first = [{"url": api.upload("images", "a.png", picture(160, 90)), "role": "first_frame"}]
    assert api.ended(model="seedance-2", prompt="p", image_with_roles=first)["status"] == "completed"


# --- remixes


def test_a_remix_keeps_size_and_length_unless_told_otherwise(api: ToApis) -> None:
    source = api.ended(prompt="day", duration=15, aspect_ratio="9:16")
    path = f"/v1/videos/{source['id']}/remix"
    assert api.submit(path, prompt="night")["metadata"] == {"size": "720x1280"}
    assert api.submit(path, prompt="night", aspect_ratio="1:1", duration=10)["metadata"] == {"size": "720x720"}
    api.clock.advance(60)
    assert [bill["seconds"] for bill in api.meter()["billed"][-2:]] == [15, 10]


def test_the_official_remix_answers_like_openai(api: ToApis) -> None:
    source = api.ended(model="sora-2-official", prompt="p", duration=8)
    sample = """{"id": "video_1", "object": "video", "model": "sora-2-official", "status": "queued", "progress": 0,
        "created_at": 1768380224, "remixed_from_video_id": "video_0", "seconds": "8", "size": "1280x720"}"""
    path = f"/v1/videos/{source['id']}/remix"
    task = api.submit(path, model="sora-2-official", prompt="q")
    assert like(task, sample)
    assert (task["remixed_from_video_id"], task["seconds"], task["size"]) == (source["id"], "8", "720x1280")
    assert api.told(task)["object"] == "generation.task"
    assert api.refused(path, model="sora-2-official", prompt="q", duration=8).status_code == 400


@pytest.mark.parametrize("more", [{"model": "sora-2-vvip"}, {"duration": 4}, {"video_id": "x"}, {"metadata": {}}])
def test_which_remixes_are_refused(api: ToApis, more: dict[str, Any]) -> None:
    path = f"/v1/videos/{api.ended(prompt='p')['id']}/remix"
    assert api.refused(path, prompt="q", **more).status_code == 400


def test_only_a_finished_and_public_video_is_remixed(api: ToApis) -> None:
    waiting = api.submit(prompt="p")
    private = api.submit(prompt="p", metadata={"private": True})
    assert api.refused(f"/v1/videos/{waiting['id']}/remix", prompt="q").status_code == 400
    api.clock.advance(60)
    replies = [api.refused(f"/v1/videos/{each}/remix", prompt="q") for each in (private["id"], "video_none")]
    assert [reply.status_code for reply in replies] == [400, 404]
    assert api.refused(from_task=private["id"], timestamps="1,3").status_code == 400


# --- the meter


def test_a_video_costs_ten_cents_a_second_and_a_character_nothing(api: ToApis) -> None:
    before = api.meter()
    api.born()
    api.ended(prompt="p")
    after = api.meter()
    assert [after[name] - before[name] for name in ("characters", "videos")] == [1, 1]
    assert round(after["usd"] - before["usd"], 2) == 1.00


def test_a_second_purchase_is_not_hidden_by_a_new_upload_character_or_source(api: ToApis) -> None:
    before = len(api.meter()["duplicates"])
    data = clip(colour="orange")
    for _ in range(2):
        made = api.ended(url=api.upload("videos", "otto.mp4", data), timestamps="0,2")
        handle = made["result"]["data"]["characters"][0]["username"]
        video = api.ended(prompt=f"@{handle} walks")
        api.ended(f"/v1/videos/{video['id']}/remix", prompt=f"@{handle} runs")
        api.ended(prompt="Otto sleeps", character_url=made["id"])
    assert len(api.meter()["duplicates"]) - before == 4


def test_remixes_of_two_videos_in_the_same_words_are_two_orders(api: ToApis) -> None:
    before = len(api.meter()["duplicates"])
    for prompt in ("Shore one", "Shore two"):
        api.ended(f"/v1/videos/{api.ended(prompt=prompt)['id']}/remix", prompt="Make it night")
    assert len(api.meter()["duplicates"]) == before


def test_tasks_survive_a_restart(tmp_path: Path) -> None:
    clock = Clock()
    with serving(tmp_path, clock) as api:
        url = api.upload("videos", "a.mp4", clip())
        path = url.removeprefix(api.base)
        tasks = [api.submit(url=url, timestamps="1,3"), api.submit(prompt="p", client_business_id="order_1")]
    clock.advance(60)
    with serving(tmp_path, clock) as api:
        assert [api.told(task)["status"] for task in tasks] == ["completed", "completed"]
        assert httpx.get(api.base + path).status_code == 200
        assert (api.meter()["jobs_accepted"], api.meter()["usd"]) == (2, 1.0)


def test_neither_log_nor_files_hold_the_key(tmp_path: Path) -> None:
    with running(tmp_path, clock=Clock(), pace=PACE) as base:
        httpx.post(f"{base}/toapis{GENERATIONS}", json={"model": "sora-2", "prompt": "p"}, headers=KEY)
        log = httpx.get(f"{base}/sandbox/requests").text + httpx.get(f"{base}/sandbox/meter").text
    assert "sk-sandbox" not in log
    assert not any(b"sk-sandbox" in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
