"""The sandbox's WaveSpeedAI behaves as sections 3 to 7 and 11 of the wire contract say."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from PIL import Image

from prefect_storyboard.sandbox import Clock, Pace, running
from prefect_storyboard.sandbox.state import State
from prefect_storyboard.sandbox.wavespeed.models import MODELS, frame, parse, price

CHARACTERS, T2V, I2V = (f"openai/sora-2/{name}" for name in ("characters", "text-to-video", "image-to-video"))
SEEDANCE, ELEMENTS = "bytedance/seedance-2.0/text-to-video", "kwaivgi/kling-elements-advanced"
KLING = "kwaivgi/kling-video-o3-pro/image-to-video"
COMMON = {"id", "model", "outputs", "urls", "status", "created_at", "error", "timings"}
CANONICAL = [
    (CHARACTERS, {"video": "https://cdn.wavespeed.ai/uploads/joe.mp4", "name": "Joe"}),
    (T2V, {"prompt": "A fox walks in the rain"}),
    (
        T2V,
        {
            "prompt": "Joe walks on a beach at sunset.",
            "size": "1280*720",
            "duration": 8,
            "characters": ["char_e9bd70c8fadc8191958144ce7c9d3810"],
        },
    ),
    ("openai/sora-2/text-to-video-pro", {"prompt": "A fox walks in the rain", "size": "1920*1080", "duration": 4}),
    ("openai/sora-2-pro/text-to-video", {"prompt": "A fox walks in the rain", "size": "1920*1080", "duration": 4}),
    (I2V, {"image": "https://cdn.wavespeed.ai/uploads/a.png", "prompt": "The fox turns around", "duration": 4}),
    *(
        (
            name,
            {
                "image": "https://cdn.wavespeed.ai/uploads/a.png",
                "prompt": "The fox turns around",
                "resolution": "720p",
                "duration": 4,
            },
        )
        for name in ("openai/sora-2/image-to-video-pro", "openai/sora-2-pro/image-to-video")
    ),
    (T2V, {"prompt": "A fox walks in the rain", "enable_sync_mode": True}),
    (
        ELEMENTS,
        {
            "name": "handsome man",
            "description": "a cool guy",
            "reference_type": "image_refer",
            "frontal_image": "https://example.com/front.png",
            "refer_images": ["https://example.com/side.png"],
        },
    ),
    (
        KLING,
        {
            "prompt": "He walks away",
            "image": "https://example.com/a.png",
            "element_list": [{"element_id": "307212335131305"}],
            "duration": 5,
            "sound": True,
        },
    ),
    (
        SEEDANCE,
        {
            "prompt": "The fox runs",
            "aspect_ratio": "16:9",
            "duration": 5,
            "resolution": "720p",
            "reference_images": ["https://example.com/a.png"],
        },
    ),
]


@dataclass
class WaveSpeed:
    http: httpx.Client
    clock: Clock
    base: str

    def post(self, model: str = T2V, key: str | None = None, **body: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key}"} if key else None
        return self.http.post(f"/api/v3/{model}", json=body, headers=headers)

    def submit(self, model: str = T2V, key: str | None = None, **body: Any) -> dict[str, Any]:
        reply = self.post(model, key, **body)
        assert (reply.status_code, reply.json()["code"]) == (200, 200), reply.text
        return dict(reply.json()["data"])

    def get(self, job_id: str) -> dict[str, Any]:
        reply = self.http.get(f"/api/v3/predictions/{job_id}/result")
        assert reply.json()["code"] == 200, reply.text
        return dict(reply.json()["data"])

    def ended(self, model: str = T2V, **body: Any) -> dict[str, Any]:
        job = self.submit(model, **body)
        self.clock.advance(60)
        return self.get(job["id"])

    def made(self, model: str = T2V, **body: Any) -> Any:
        data = self.ended(model, **body)
        assert data["status"] == "completed", data
        return data["outputs"][0]

    def failed(self, model: str, **body: Any) -> tuple[int, str]:
        data = self.ended(model, **body)
        assert data["status"] == "failed", data
        return data["code"], data["error"]

    def upload(self, data: bytes, name: str) -> str:
        part = {"file": (name, data)}
        reply = self.http.post("/api/v3/media/upload/binary", files=part)
        assert reply.status_code == 200, reply.text
        return str(reply.json()["data"]["download_url"])


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
    server.clock.advance(100_000)  # whatever earlier tests have queued is over
    return server


def picture(width: int = 640, height: int = 480, colour: str = "teal") -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(target, "png")
    return target.getvalue()


def clip(
    width: int = 1280, height: int = 720, container: str = "mp4", colour: str = "teal", seconds: float = 0.25
) -> bytes:
    target = io.BytesIO()
    with av.open(target, "w", format=container) as file:
        stream = file.add_stream("libx264", rate=8, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        frame = av.VideoFrame.from_image(Image.new("RGB", (width, height), colour)).reformat(format="yuv420p")
        for number in range(int(seconds * 8)):
            frame.pts, frame.time_base = number, Fraction(1, 8)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return target.getvalue()


def sound(seconds: int) -> bytes:
    target = io.BytesIO()
    with av.open(target, "w", format="wav") as file:
        stream = file.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame("s16", "mono", 8000 * seconds)
        frame.sample_rate = 8000
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return target.getvalue()


def seen_at(video: bytes, across: float, down: float) -> str:
    """The colour of the portrait at this share of width and height, once a first frame has given way to it."""
    with av.open(io.BytesIO(video)) as container:
        image = next(islice(container.decode(video=0), 12, None)).to_image()
    red, green, blue = image.getpixel((int(image.width * across), int(image.height * down)))
    return "red" if red > max(green, blue) + 100 else "blue" if blue > max(red, green) + 100 else "neither"


# --- one prediction from submit to result


@pytest.mark.parametrize(("model", "body"), CANONICAL)
def test_every_canonical_request_is_accepted(model: str, body: dict[str, Any]) -> None:
    assert parse(MODELS[model], body)


def test_submit_answers_the_canonical_fields(wave: WaveSpeed) -> None:
    data = wave.submit(prompt="p")
    assert set(data) == COMMON | {"has_nsfw_contents"}
    assert re.fullmatch(r"[0-9a-f]{32}", data["id"])
    assert data["urls"]["get"] == f"{wave.base}/wavespeed/api/v3/predictions/{data['id']}/result"
    empty = {"outputs": [], "has_nsfw_contents": [], "status": "created", "error": "", "timings": {"inference": 0}}
    assert {name: data[name] for name in empty} == empty


def test_times_have_nine_digits(wave: WaveSpeed) -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", wave.submit(prompt="p")["created_at"])


def test_a_prediction_is_created_then_processing_then_completed(wave: WaveSpeed) -> None:
    job, seen = wave.submit(prompt="p"), []
    for seconds in (0, 10, 40):
        wave.clock.advance(seconds)
        seen.append(wave.get(job["id"])["status"])
    assert seen == ["created", "processing", "completed"]


def test_each_state_has_the_canonical_fields_and_no_others(wave: WaveSpeed) -> None:
    job = wave.submit(prompt="p")
    assert set(wave.get(job["id"])) == COMMON | {"executionTime"}
    wave.clock.advance(60)
    done = wave.get(job["id"])
    assert set(done) == COMMON | {"executionTime", "has_nsfw_contents"}
    assert (done["has_nsfw_contents"], done["executionTime"], done["timings"]) == (
        [False],
        50_000,
        {"inference": 40_000},
    )
    failed = wave.ended(T2V, prompt="p", characters=["char_unknown"])
    assert set(failed) == COMMON | {"code"}


def test_the_output_is_an_mp4_readable_without_a_key(wave: WaveSpeed) -> None:
    reply = httpx.get(wave.made(prompt="p"))
    assert (reply.headers["content-type"], reply.content[4:8]) == ("video/mp4", b"ftyp")


def test_results_and_outputs_are_gone_after_seven_days(wave: WaveSpeed) -> None:
    done = wave.ended(prompt="p")
    wave.clock.advance(7 * 86_400)
    reply = wave.http.get(f"/api/v3/predictions/{done['id']}/result")
    assert (reply.status_code, reply.json()) == (404, {"code": 404, "message": "Prediction not found"})
    assert httpx.get(done["outputs"][0]).status_code == 404


def test_sync_mode_answers_that_it_gave_up(wave: WaveSpeed) -> None:
    data = wave.submit(prompt="p", enable_sync_mode=True)
    assert set(data) == {"id", "status", "code", "error", "outputs", "urls"}
    assert (data["status"], data["code"]) == ("processing", 5004)
    assert data["error"].startswith("Sync mode timed out after 90 seconds.")
    wave.clock.advance(60)
    assert wave.get(data["id"])["status"] == "completed"


# --- refusals at submit


@pytest.mark.parametrize(
    ("model", "body", "code"),
    [
        (T2V, {}, 1400),
        (T2V, {"prompt": ""}, 1401),
        (T2V, {"prompt": "p", "seconds": 4}, 1401),
        (T2V, {"prompt": "p", "duration": "4"}, 1401),
        (T2V, {"prompt": "p", "duration": 5}, 1401),
        (T2V, {"prompt": "p", "size": "1280x720"}, 1401),
        (T2V, {"prompt": "p", "size": "1920*1080"}, 1401),
        (T2V, {"prompt": "p", "characters": [{"id": "char_1"}]}, 1401),
        (T2V, {"prompt": "p", "characters": ["a", "b", "c"]}, 1401),
        (T2V, {"prompt": "p", "character_ids": ["char_1"]}, 1401),
        (T2V, {"prompt": "p", "image": "https://a.b/c.png"}, 1401),
        ("openai/sora-2/text-to-video-pro", {"prompt": "p", "characters": ["char_1"]}, 1401),
        (I2V, {"prompt": "p"}, 1400),
        (I2V, {"prompt": "p", "image": "https://a.b/c.png", "characters": ["char_1"]}, 1401),
        (I2V, {"prompt": "p", "image": "https://a.b/c.png", "resolution": "720p"}, 1401),
        (CHARACTERS, {}, 1400),
        (CHARACTERS, {"video": "https://a.b/c.mp4", "name": "x" * 81}, 1401),
        (SEEDANCE, {"prompt": "p", "duration": 16}, 1401),
        (ELEMENTS, {"name": "x" * 21, "description": "d"}, 1401),
        (ELEMENTS, {"name": "n", "description": "d", "frontal_image": "https://a.b/c.png"}, 1400),
        (ELEMENTS, {"name": "n", "description": "d", "reference_type": "video_refer"}, 1400),
        (KLING, {"prompt": "p", "image": "https://a.b/c.png", "element_list": [{"element_id": 1}]}, 1401),
        (KLING, {"prompt": "p", "image": "https://a.b/c.png", "element_list": [{"element_id": "1"}] * 4}, 1401),
    ],
)
def test_what_is_missing_is_1400_and_what_is_wrong_is_1401(
    wave: WaveSpeed, model: str, body: dict[str, Any], code: int
) -> None:
    reply = wave.post(model, **body)
    assert (reply.status_code, reply.json()["code"], set(reply.json())) == (400, code, {"code", "message"})


@pytest.mark.parametrize("body", [b"{", b"[]", b""])
def test_a_body_that_is_no_document_is_a_400(wave: WaveSpeed, body: bytes) -> None:
    reply = wave.http.post(f"/api/v3/{T2V}", content=body)
    assert (reply.status_code, reply.json()) == (400, {"code": 400, "message": "invalid parameter"})


def test_an_unknown_model_is_a_404(wave: WaveSpeed) -> None:
    assert wave.post("openai/sora-3/text-to-video", prompt="p").status_code == 404


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        (None, 401, 401),
        ("sandbox", 401, 401),
        ("Key a", 401, 401),
        ("Bearer bad-key", 401, 401),
        ("Bearer empty", 400, 1407),
    ],
)
def test_a_wrong_or_empty_account_is_refused(wave: WaveSpeed, header: str | None, status: int, code: int) -> None:
    headers = {"Authorization": header} if header else {}
    reply = httpx.post(f"{wave.base}/wavespeed/api/v3/{T2V}", json={"prompt": "p"}, headers=headers)
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert code != 1407 or reply.json() == {"code": 1407, "message": "insufficient credits"}


def test_the_first_level_sells_five_videos_a_minute(wave: WaveSpeed) -> None:
    wave.clock.now = wave.clock.now // 60 * 60
    replies = [wave.post(key="limited-a", prompt="p") for _ in range(6)]
    assert [reply.status_code for reply in replies] == [200] * 5 + [429]
    assert replies[-1].json() == {"code": 429, "message": "Too Many Requests"}
    assert wave.post(key="limited-b", prompt="p").status_code == 200
    wave.clock.advance(60)
    assert wave.post(key="limited-a", prompt="p").status_code == 200


def test_on_the_first_level_the_fourth_task_waits(wave: WaveSpeed) -> None:
    jobs = [wave.submit(key="limited-c", prompt="p")["id"] for _ in range(4)]
    seen = []
    for seconds in (11, 40, 40):
        wave.clock.advance(seconds)
        seen.append([wave.get(job)["status"] for job in jobs])
    assert seen == [
        ["processing"] * 3 + ["created"],
        ["completed"] * 3 + ["processing"],
        ["completed"] * 4,
    ]


# --- characters, first frames, references


def test_a_character_is_an_object_and_is_cited_by_its_id(wave: WaveSpeed) -> None:
    done = wave.ended(CHARACTERS, video=wave.upload(clip(), "joe.mp4"), name="Joe")
    assert set(done) == COMMON
    (made,) = done["outputs"]
    assert made == {"id": f"char_{done['id']}", "name": "Joe"}
    assert wave.made(prompt="Joe waves", characters=[made["id"]]).endswith("/out.mp4")


def test_every_clip_shows_its_character_even_after_a_restart(tmp_path: Path) -> None:
    shown, ids = [], []
    pace = Pace(queue_seconds=1, render_seconds=4, character_seconds=1, clip_scale=0.25)
    for life in range(2):
        clock = Clock(1_795_000_000.0 + life * 1000)
        headers = {"Authorization": "Bearer sandbox"}
        with (
            running(tmp_path, clock=clock, pace=pace) as base,
            httpx.Client(base_url=f"{base}/wavespeed", headers=headers) as http,
        ):
            wave = WaveSpeed(http, clock, base)
            for colour in ("red", "blue") if life == 0 else ():
                made = wave.made(CHARACTERS, video=wave.upload(clip(colour=colour), "joe.mp4"), name="Joe")
                ids.append(made["id"])
            for each in ids:
                url = wave.made(prompt="Joe waves", characters=[each], size="1280*720")
                shown.append(seen_at(httpx.get(url).content, 248 / 320, 86 / 180))
    assert shown == ["red", "blue", "red", "blue"]


def test_a_character_that_is_still_being_made_cannot_be_used(wave: WaveSpeed) -> None:
    job = wave.submit(CHARACTERS, video=wave.upload(clip(), "joe.mp4"), name="Joe")
    assert wave.failed(T2V, prompt="p", characters=[f"char_{job['id']}x"])[0] == 1401


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (clip(640, 360), "a.mp4"),
        (clip(2400, 720), "a.mp4"),
        (clip(container="matroska"), "a.mkv"),
        (picture(), "a.png"),
    ],
)
def test_a_reference_clip_is_an_mp4_of_720p_and_not_too_wide(wave: WaveSpeed, data: bytes, name: str) -> None:
    assert wave.failed(CHARACTERS, video=wave.upload(data, name), name="Joe")[0] == 1401


def test_a_file_that_cannot_be_fetched_fails_with_1402(wave: WaveSpeed) -> None:
    text = "Failed to download image from the provided URL."
    assert wave.failed(I2V, prompt="p", image="http://127.0.0.1:9/a.png") == (1402, text)
    assert wave.failed(CHARACTERS, video="file:///etc/passwd", name="Joe")[0] == 1402


def test_a_file_that_is_no_picture_clip_or_sound_fails(wave: WaveSpeed) -> None:
    assert wave.failed(I2V, prompt="p", image="data:,hello")[0] == 1401
    for field in ("reference_images", "reference_videos", "reference_audios"):
        assert wave.failed(SEEDANCE, prompt="p", **{field: ["data:,hello"]})[0] == 1401


@pytest.mark.parametrize(
    ("model", "body", "image", "size", "usd"),
    [
        (T2V, {}, None, (720, 1280), 0.4),
        (T2V, {"size": "1280*720", "duration": 8}, None, (1280, 720), 0.8),
        ("openai/sora-2/text-to-video-pro", {"size": "1792*1024"}, None, (1792, 1024), 2.0),
        ("openai/sora-2-pro/text-to-video", {"size": "1080*1920"}, None, (1080, 1920), 2.8),
        (I2V, {"image": ""}, (300, 400), (720, 1280), 0.4),
        ("openai/sora-2/image-to-video-pro", {"image": "", "resolution": "1080p"}, (16, 9), (1920, 1080), 2.8),
        ("openai/sora-2-pro/image-to-video", {"image": ""}, (16, 9), (1280, 720), 1.2),
    ],
)
def test_size_and_price_of_each_model(
    model: str, body: dict[str, Any], image: tuple[int, int] | None, size: tuple[int, int], usd: float | None
) -> None:
    given = parse(MODELS[model], {"prompt": "p", **body})
    assert (frame(given, image), price(MODELS[model], given)) == (size, usd)


@pytest.mark.parametrize(
    ("prompt", "cast"),
    [
        ("They dance.", ["Image1", "Image2", "Video1"]),
        ("@Video1 waves at @Image2.", ["Video1", "Image2"]),
        ("@Image9 is nobody.", ["Image1", "Image2", "Video1"]),
    ],
)
def test_a_seedance_clip_shows_the_references_that_are_cited_or_else_all(
    tmp_path: Path, prompt: str, cast: list[str]
) -> None:
    pace, clock = Pace(queue_seconds=1, render_seconds=4, clip_scale=0.25), Clock()
    with (
        running(tmp_path, clock=clock, pace=pace) as base,
        httpx.Client(base_url=f"{base}/wavespeed", headers={"Authorization": "Bearer sandbox"}) as http,
    ):
        wave = WaveSpeed(http, clock, base)
        pictures = [wave.upload(picture(colour=colour), "a.png") for colour in ("red", "blue")]
        video, voice = wave.upload(clip(), "a.mp4"), wave.upload(sound(1), "a.wav")
        references = {"reference_images": pictures, "reference_videos": [video], "reference_audios": [voice]}
        url = wave.made(SEEDANCE, prompt=prompt, **references)
        assert httpx.get(url).status_code == 200
    state = State(tmp_path)
    (job,) = state.jobs()
    state.close()
    assert job.outcome
    shown = job.outcome.clip
    assert shown
    assert ([*shown.cast], all(shown.portraits)) == (cast, True)


def test_seedance_listens_to_fifteen_seconds_of_references(wave: WaveSpeed) -> None:
    long = wave.upload(clip(128, 72, seconds=8), "a.mp4")
    assert wave.failed(SEEDANCE, prompt="p", reference_videos=[long, long])[0] == 1401
    assert wave.failed(SEEDANCE, prompt="p", reference_audios=[wave.upload(sound(16), "a.wav")])[0] == 1401
    assert wave.failed(SEEDANCE, prompt="p", reference_audios=[long])[0] == 1401


def test_a_kling_element_has_a_number_and_is_cited_by_it_as_text(wave: WaveSpeed) -> None:
    red = wave.upload(picture(400, 400, "red"), "a.png")
    made = wave.made(ELEMENTS, name="Otto", description="a keeper", frontal_image=red, refer_images=[red])
    assert made == {
        "element_id": made["element_id"],
        "element_name": "Otto",
        "element_type": "image_refer",
        "element_description": "a keeper",
    }
    assert re.fullmatch(r"\d{15}", str(made["element_id"]))
    image = wave.upload(picture(1280, 720), "b.png")
    element = [{"element_id": str(made["element_id"])}]
    url = wave.made(KLING, prompt="Otto walks", image=image, element_list=element)
    assert seen_at(httpx.get(url).content, 0.8, 0.68) == "red"
    assert wave.failed(KLING, prompt="p", image=image, element_list=[{"element_id": "1"}])[0] == 1401


def test_a_kling_element_may_come_from_a_clip(wave: WaveSpeed) -> None:
    videos = [wave.upload(clip(), "a.mp4")]
    body = {"name": "Otto", "description": "a keeper", "reference_type": "video_refer", "element_video_list": videos}
    assert wave.made(ELEMENTS, **body)["element_type"] == "video_refer"
