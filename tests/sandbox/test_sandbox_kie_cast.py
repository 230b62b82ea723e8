"""Who plays in the clips of the sandbox's Kie: characters of Sora, and the references of Seedance."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from PIL import Image

from prefect_storyboard.sandbox import Clock, Pace, running
from prefect_storyboard.sandbox.portraits import square
from tests.sandbox.still_clips import still_clip

FIXTURES = Path(__file__).parents[1] / "contract" / "fixtures" / "kie"
T2V, FROM_CLIP, FROM_TASK = "sora-2-text-to-video", "sora-2-characters", "sora-2-characters-pro"
SEEDANCE = "bytedance/seedance-2"
CUT = {"timestamps": "0,2", "character_prompt": "c"}
PACE = Pace(queue_seconds=10, render_seconds=40, character_seconds=5, clip_scale=0.25)


@dataclass
class Kie:
    http: httpx.Client
    clock: Clock
    base: str
    uploads: int = 0

    def create(self, model: str = T2V, **given: Any) -> dict[str, Any]:
        return dict(self.http.post("/api/api/v1/jobs/createTask", json={"model": model, "input": given}).json())

    def task(self, model: str = T2V, **given: Any) -> str:
        reply = self.create(model, **given)
        assert reply["code"] == 200, reply
        return str(reply["data"]["taskId"])

    def record(self, task: str, after: float = 60) -> dict[str, Any]:
        self.clock.advance(after)
        return dict(self.http.get("/api/api/v1/jobs/recordInfo", params={"taskId": task}).json()["data"])

    def made(self, model: str = T2V, **given: Any) -> dict[str, Any]:
        record = self.record(self.task(model, **given))
        assert record["state"] == "success", record
        return dict(json.loads(record["resultJson"]))

    def failed(self, model: str = T2V, **given: Any) -> str:
        record = self.record(self.task(model, **given))
        assert (record["state"], record["failCode"]) == ("fail", "422"), record
        return str(record["failMsg"])

    def file(self, data: bytes, ending: str = "mp4") -> str:
        self.uploads += 1
        form = {"uploadPath": "clips", "fileName": f"{self.uploads}.{ending}"}
        reply = self.http.post("/upload/api/file-stream-upload", files={"file": ("a", data)}, data=form)
        return str(reply.json()["data"]["downloadUrl"])

    def character(self, **looks: Any) -> dict[str, Any]:
        return dict(self.made(FROM_CLIP, character_file_url=[self.file(clip(**looks))])["resultObject"])

    def shown(self, model: str = T2V, at: tuple[int, int] = (248, 86), **given: Any) -> str:
        """The colour of the portrait in the clip."""
        return colour(httpx.get(self.made(model, **given)["resultUrls"][0]).content, at)


def colour(video: bytes, at: tuple[int, int]) -> str:
    with av.open(io.BytesIO(video)) as container:
        red, _, blue = next(container.decode(video=0)).to_image().getpixel(at)
    return "red" if red > blue + 150 else "blue" if blue > red + 150 else "neither"


def clip(seconds: float = 2, colour: str = "red", container: str = "mp4", size: tuple[int, int] = (854, 480)) -> bytes:
    return still_clip(seconds, size, colour, container=container)


def tone(seconds: float) -> bytes:
    target = io.BytesIO()
    with av.open(target, "w", format="wav") as file:
        stream = file.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame(format="s16", layout="mono", samples=round(8000 * seconds))
        frame.sample_rate = 8000
        frame.planes[0].update(bytes(frame.planes[0].buffer_size))
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return target.getvalue()


def picture(colour: str = "red", size: tuple[int, int] = (300, 400)) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", size, colour).save(target, "png")
    return target.getvalue()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kie]:
    clock = Clock()
    with (
        running(tmp_path_factory.mktemp("sandbox"), clock=clock, pace=PACE) as base,
        httpx.Client(base_url=f"{base}/kie", headers={"Authorization": "Bearer sandbox"}) as http,
    ):
        yield Kie(http, clock, base)


@pytest.fixture
def kie(server: Kie) -> Kie:
    server.clock.advance(100_000)
    return server


# --- characters


def test_a_clip_becomes_a_character_told_as_the_contract_tells_it(kie: Kie) -> None:
    record = kie.record(kie.task(FROM_CLIP, character_file_url=[kie.file(clip())], character_prompt="A fox"))
    wanted = json.loads((FIXTURES / "record-character-nested.response.json").read_text())["data"]
    result, other = json.loads(record["resultJson"]), json.loads(wanted["resultJson"])
    assert set(record) == {*wanted, "creditsConsumed"}
    assert (set(result), set(result["resultObject"])) == (set(other), set(other["resultObject"]))
    assert result["resultObject"]["remark"] == other["resultObject"]["remark"]


def test_a_listed_character_is_in_the_clip(kie: Kie) -> None:
    for each in ("red", "blue"):
        made = kie.character(colour=each)
        assert kie.shown(prompt="walks", character_id_list=[made["character_id"]]) == each


def test_a_character_that_the_prompt_calls_by_its_handle_is_in_the_clip(kie: Kie) -> None:
    handle = kie.character(colour="blue")["character_user_name"]
    assert kie.shown(prompt=f"Rain falls on @{handle}.") == "blue"
    assert kie.shown(prompt=f"Rain falls on {handle}.") == "neither"


def test_a_character_that_is_listed_and_called_plays_once(kie: Kie) -> None:
    made = kie.character(colour="blue")
    prompt = f"@{made['character_user_name']} and @somebody.famous walk"
    assert kie.shown(prompt=prompt, character_id_list=[made["character_id"]]) == "blue"


def test_the_scenes_of_a_storyboard_may_call_characters(kie: Kie) -> None:
    handle = kie.character(colour="red")["character_user_name"]
    shots = [{"Scene": "Dawn", "duration": 2}, {"Scene": f"@{handle} wakes", "duration": 8}]
    assert kie.shown("sora-2-pro-storyboard", n_frames="10", shots=shots) == "red"


def test_a_character_that_nobody_made_or_that_is_still_being_made_fails_the_task(kie: Kie) -> None:
    video, running_task = kie.task(prompt="p"), kie.task(FROM_CLIP, character_file_url=[kie.file(clip())])
    early = kie.task(
        prompt="p", character_id_list=[f"character_{kie.task(FROM_CLIP, character_file_url=['http://x'])}"]
    )
    kie.clock.advance(60)
    assert kie.record(early)["state"] == "fail"
    for each in ("character_1", "somebody", f"character_{video}", running_task):
        assert each in kie.failed(prompt="p", character_id_list=[each])


@pytest.mark.parametrize(
    ("looks", "text"),
    [
        ({"seconds": 0.5}, "1 to 4 seconds"),
        ({"seconds": 5}, "1 to 4 seconds"),
        ({"container": "mpegts"}, "mp4, webm or avi"),
    ],
)
def test_a_reference_clip_has_a_form_and_a_length(kie: Kie, looks: dict[str, Any], text: str) -> None:
    assert text in kie.failed(FROM_CLIP, character_file_url=[kie.file(clip(**looks))])


def test_a_reference_clip_is_a_clip_of_10_megabytes_at_most(kie: Kie) -> None:
    assert "10 MB" in kie.failed(FROM_CLIP, character_file_url=[kie.file(bytes(10 * 1024 * 1024 + 1))])
    assert "mp4" in kie.failed(FROM_CLIP, character_file_url=[kie.file(picture())])
    assert "downloaded" in kie.failed(FROM_CLIP, character_file_url=["http://127.0.0.1:9/a.mp4"])


def test_an_avi_is_a_clip_too(kie: Kie) -> None:
    assert kie.character(container="avi")["character_id"]


def test_a_part_of_a_finished_video_becomes_a_character_of_the_wanted_name(kie: Kie) -> None:
    video = kie.task(prompt="A fox")
    kie.clock.advance(60)
    wish = {"character_prompt": "A fox", "character_user_name": "my_fox", "timestamps": "7.5,10"}
    made = kie.made(FROM_TASK, origin_task_id=video, **wish)["resultObject"]
    assert made["character_user_name"] == "my_fox"
    assert kie.made(prompt="@my_fox runs")["resultUrls"]
    assert "is taken" in kie.failed(FROM_TASK, origin_task_id=video, **wish)


def test_a_character_is_cut_out_of_a_finished_video_of_sora_only(kie: Kie) -> None:
    share = "https://sora.chatgpt.com/p/s_68e83bd7eee88191be79d2ba7158516f"
    fox = json.loads(kie.record(kie.task(FROM_CLIP, character_file_url=[kie.file(clip())]))["param"])["input"]
    origins = [
        kie.task(SEEDANCE, prompt="pan", duration=4),
        kie.task(FROM_CLIP, **fox),
        kie.task("sora-watermark-remover", video_url=share),
        "7118f712c1f35c9b8bf2ad1af68ad482",
    ]
    kie.clock.advance(60)
    assert "no finished" in kie.failed(FROM_TASK, origin_task_id=kie.task(prompt="p"), **CUT)
    for each in origins:
        assert "no finished" in kie.failed(FROM_TASK, origin_task_id=each, **CUT)


def test_timestamps_end_before_the_video_does(kie: Kie) -> None:
    video = kie.task(prompt="A fox")
    kie.clock.advance(60)
    given = {"origin_task_id": video, "timestamps": "9,10.5", "character_prompt": "c"}
    assert "lasts 10 seconds" in kie.failed(FROM_TASK, **given)


def test_a_second_purchase_is_not_hidden_by_new_characters(kie: Kie) -> None:
    data = clip(colour="green")
    before = len(kie.http.get(f"{kie.base}/sandbox/meter").json()["duplicates"])
    for _ in range(2):
        made = kie.made(FROM_CLIP, character_file_url=[kie.file(data)], character_prompt="twice")["resultObject"]
        handle = made["character_user_name"]
        kie.task(prompt=f"@{handle} sings twice", character_id_list=[made["character_id"]])
    assert len(kie.http.get(f"{kie.base}/sandbox/meter").json()["duplicates"]) == before + 2


# --- Seedance


def test_a_cited_picture_plays_in_the_clip(kie: Kie) -> None:
    pictures = [kie.file(picture(each), "png") for each in ("blue", "red")]
    given = {"reference_image_urls": pictures, "duration": 4}
    assert kie.shown(SEEDANCE, prompt="@Image2 waves", **given) == "red"
    assert kie.shown(SEEDANCE, prompt="nobody waves", **given) == "neither"


def test_a_cited_clip_plays_in_the_clip_and_makes_a_second_cheaper(kie: Kie) -> None:
    given = {"reference_video_urls": [kie.file(clip(colour="blue"))], "prompt": "@Video1 waves", "duration": 4}
    task = kie.task(SEEDANCE, **given)
    assert kie.record(task)["creditsConsumed"] == 150  # the seconds of the clip are billed too
    assert kie.shown(SEEDANCE, **given) == "blue"


def test_whoever_is_cited_is_drawn_as_a_square_still() -> None:
    with Image.open(io.BytesIO(square(picture(size=(640, 200))))) as face:
        assert (face.size, face.format) == ((480, 480), "JPEG")


@pytest.mark.parametrize(
    ("given", "size"),
    [
        ({}, (1280, 720)),
        ({"resolution": "480p", "aspect_ratio": "9:16"}, (480, 852)),
        ({"resolution": "480p", "aspect_ratio": "1:1"}, (480, 480)),
        ({"resolution": "480p", "aspect_ratio": "adaptive", "first_frame_url": (300, 400)}, (480, 640)),
        ({"resolution": "480p", "aspect_ratio": "adaptive", "first_frame_url": (900, 380)}, (1120, 480)),
        ({"resolution": "480p", "aspect_ratio": "adaptive"}, (852, 480)),
    ],
)
def test_a_clip_has_the_shape_that_was_bought(kie: Kie, given: dict[str, Any], size: tuple[int, int]) -> None:
    if "first_frame_url" in given:
        given = given | {"first_frame_url": kie.file(picture(size=given["first_frame_url"]), "png")}
    url = kie.made(SEEDANCE, prompt="pan", duration=4, **given)["resultUrls"][0]
    with av.open(io.BytesIO(httpx.get(url).content)) as container:
        stream = container.streams.video[0]
        assert stream.width / stream.height == pytest.approx(size[0] / size[1], abs=0.02)
        assert min(stream.width, stream.height) == max(min(size) // 4, 128)


URL = "https://example.com/a"


@pytest.mark.parametrize(
    "given",
    [
        {"prompt": "pan", "reference_image_urls": [URL] * 10},
        {"prompt": "pan", "reference_video_urls": [URL] * 4},
        {"prompt": "pan", "reference_audio_urls": [URL] * 4},
        {"prompt": "pan", "reference_image_urls": [URL], "first_frame_url": URL},
        {"prompt": "pan", "reference_audio_urls": [URL], "last_frame_url": URL},
        {"prompt": "@Image2 waves", "reference_image_urls": [URL]},
        {"prompt": "@Video1 waves", "reference_image_urls": [URL]},
        {"prompt": "pan", "duration": "5"},
        {"prompt": "pan", "duration": 16},
        {"prompt": "pan", "resolution": "1440p"},
        {"prompt": "pan", "aspect_ratio": "landscape"},
        {"prompt": "pan", "generate_audio": 1},
        {"prompt": "pan", "image_urls": [URL]},
    ],
)
@pytest.mark.parametrize("model", [SEEDANCE, f"{SEEDANCE}-fast", f"{SEEDANCE}-mini"])
def test_what_seedance_refuses_at_once(kie: Kie, model: str, given: dict[str, Any]) -> None:
    assert kie.create(model, **given)["code"] == 422


@pytest.mark.parametrize(
    ("field", "files", "text"),
    [
        ("reference_video_urls", [clip(8), clip(7.5)], "15 seconds in total"),
        ("reference_video_urls", [clip(size=(320, 180))], "480p to 720p"),
        ("reference_video_urls", [clip(container="avi")], "mp4 or mov"),
        ("reference_video_urls", [picture()], "mp4 or mov"),
        ("reference_image_urls", [clip()], "could not be read"),
        ("reference_audio_urls", [tone(8), tone(8)], "15 seconds in total"),
        ("reference_audio_urls", [clip()], "could not be read"),
        ("reference_audio_urls", [b"noise"], "could not be read"),
    ],
)
def test_files_that_seedance_does_not_take_fail_the_task(kie: Kie, field: str, files: list[bytes], text: str) -> None:
    assert text in kie.failed(SEEDANCE, prompt="pan", **{field: [kie.file(each) for each in files]})


def test_files_that_seedance_takes(kie: Kie) -> None:
    given = {"reference_video_urls": [kie.file(clip(7.5)), kie.file(clip(7.5))]}
    given |= {"reference_audio_urls": [kie.file(tone(15))], "reference_image_urls": [kie.file(picture(), "png")] * 9}
    assert kie.made(f"{SEEDANCE}-mini", prompt="pan", duration=4, **given)
    assert kie.made(SEEDANCE, prompt="pan", duration=4, first_frame_url=kie.file(picture(), "png"))


def test_an_asset_that_nobody_keeps_cannot_be_downloaded(kie: Kie) -> None:
    assert "downloaded" in kie.failed(SEEDANCE, prompt="pan", reference_image_urls=["asset://a1"])


def test_a_seedance_record_tells_no_progress(kie: Kie) -> None:
    assert "progress" not in kie.record(kie.task(SEEDANCE, prompt="pan"), 20)
