"""fal's reference models on the sandbox: Seedance 2.0, Kling O3 and Veo 3.1, as section 11 of the wire contract has them."""

import base64
import io
import json
import uuid
import wave
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
from prefect_storyboard.sandbox.catalogue.files import BadFile, Measured, check_together
from prefect_storyboard.sandbox.catalogue.orders import Wanted
from prefect_storyboard.sandbox.catalogue.rows import Files
from prefect_storyboard.sandbox.documents import Clip
from prefect_storyboard.sandbox.fal.models import ENDPOINTS
from prefect_storyboard.sandbox.fal.schema import parse
from prefect_storyboard.sandbox.state import State
from tests.sandbox.still_clips import still_clip

SEEDANCE, FAST, MINI = (f"bytedance/seedance-2.0/{tier}reference-to-video" for tier in ("", "fast/", "mini/"))
STANDARD, PRO, ULTRA = (f"fal-ai/kling-video/o3/{tier}/reference-to-video" for tier in ("standard", "pro", "4k"))
VEO = "fal-ai/veo3.1/reference-to-video"
SORA = "fal-ai/sora-2/text-to-video"
FIXTURES = Path(__file__).parents[1] / "contract" / "fixtures" / "fal"


def data_url(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def picture(
    width: int = 400, height: int = 400, colour: str = "teal", form: str = "png", padding: int = 0, mode: str = "RGB"
) -> str:
    target = io.BytesIO()
    Image.new(mode, (width, height), colour).save(target, form)
    return data_url(target.getvalue() + bytes(padding), f"image/{form}")


def clip(seconds: int = 2, size: tuple[int, int] = (864, 480), colour: str = "teal", container: str = "mp4") -> str:
    return data_url(still_clip(seconds, size, colour, fps=4, container=container), "video/mp4")


def sound(seconds: int = 2) -> str:
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(1000)
        file.writeframes(bytes(1000 * seconds))
    return data_url(target.getvalue(), "audio/wav")


FACE, SHORT_CLIP = picture(), clip()
ELEMENT = {"frontal_image_url": FACE}
BODIES: dict[str, dict[str, Any]] = {
    SEEDANCE: {"prompt": "@Image1 waves", "image_urls": [FACE], "duration": "4"},
    FAST: {"prompt": "@Image1 waves", "image_urls": [FACE], "duration": "4"},
    MINI: {"prompt": "@Image1 waves", "image_urls": [FACE], "duration": "4"},
    STANDARD: {"prompt": "@Element1 waves", "elements": [ELEMENT], "duration": "3"},
    PRO: {"prompt": "@Element1 waves", "elements": [ELEMENT], "duration": "3"},
    ULTRA: {"prompt": "@Element1 waves", "elements": [ELEMENT], "duration": "3"},
    VEO: {"prompt": "A woman waves", "image_urls": [FACE]},
}


@dataclass
class Fal:
    http: httpx.Client
    clock: Clock
    folder: Path

    def submit(self, endpoint: str, **body: Any) -> dict[str, Any]:
        """Order with a body that is fine but for what is said here; None takes a field away."""
        whole = {key: value for key, value in {**BODIES.get(endpoint, {}), **body}.items() if value is not None}
        reply = self.http.post(f"/queue/{endpoint}", json=whole)
        assert reply.status_code == 200, reply.text
        self.clock.advance(60)
        return dict(reply.json())

    def result(self, endpoint: str, **body: Any) -> httpx.Response:
        return self.http.get(self.submit(endpoint, **body)["response_url"])

    def made(self, endpoint: str, **body: Any) -> dict[str, Any]:
        reply = self.result(endpoint, **body)
        assert reply.status_code == 200, reply.text
        return dict(reply.json())

    def refused(self, endpoint: str, **body: Any) -> dict[str, Any]:
        reply = self.result(endpoint, **body)
        assert (reply.status_code, reply.headers["x-fal-billable-units"]) == (422, "0"), reply.text
        return dict(reply.json()["detail"][0])

    def event(self, endpoint: str, **body: Any) -> dict[str, Any]:
        """What the job is billed; nothing is rendered for it."""
        query = {"request_id": self.submit(endpoint, **body)["request_id"]}
        (event,) = self.http.get("/v1/models/billing-events", params=query).json()["billing_events"]
        return dict(event)

    def clip(self, endpoint: str, **body: Any) -> Clip:
        """What the job renders, by the sandbox's own records."""
        request_id = self.event(endpoint, **body)["request_id"]
        state = State(self.folder)
        job = state.job(request_id)
        state.close()
        assert job is not None
        assert job.outcome is not None
        assert job.outcome.clip is not None
        return job.outcome.clip


@contextmanager
def serving(folder: Path, clock: Clock) -> Iterator[Fal]:
    headers = {"Authorization": "Key sandbox:sandbox"}
    pace = Pace(queue_seconds=10, render_seconds=40, clip_scale=0.25)
    with running(folder, clock=clock, pace=pace) as base, httpx.Client(base_url=f"{base}/fal", headers=headers) as http:
        yield Fal(http, clock, folder)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fal]:
    with serving(tmp_path_factory.mktemp("sandbox"), Clock()) as fal:
        yield fal


@pytest.fixture
def fal(server: Fal) -> Iterator[Fal]:
    server.clock.advance(100_000)  # whatever earlier tests have queued is over
    yield server
    server.http.delete(str(server.http.base_url).replace("/fal/", "/sandbox/faults"))


def rule(fal: Fal, fault: str, route: str, **match: str) -> None:
    rules = [{"fault": fault, "match": {"route": route, **match}}]
    assert fal.http.post(str(fal.http.base_url).replace("/fal/", "/sandbox/faults"), json=rules).status_code == 200


# --- one queue, many apps


@pytest.mark.parametrize(
    ("endpoint", "app"),
    [
        (SEEDANCE, "bytedance/seedance-2.0"),
        (FAST, "bytedance/seedance-2.0"),
        (PRO, "fal-ai/kling-video"),
        (VEO, "fal-ai/veo3.1"),
        (SORA, "fal-ai/sora-2"),
    ],
)
def test_a_job_lives_under_owner_and_app_of_its_endpoint(fal: Fal, endpoint: str, app: str) -> None:
    job = fal.submit(endpoint, prompt="p")
    address = str(fal.http.base_url.join(f"queue/{app}/requests/{job['request_id']}"))
    assert [job[f"{each}_url"] for each in ("response", "status", "cancel")] == [
        address,
        f"{address}/status",
        f"{address}/cancel",
    ]
    assert fal.http.get(job["status_url"]).json()["response_url"] == address


@pytest.mark.parametrize("app", ["fal-ai/sora-2", "fal-ai/veo3.1", "bytedance/kling-video", "fal-ai/none"])
def test_a_job_is_unknown_under_another_app(fal: Fal, app: str) -> None:
    address = f"/queue/{app}/requests/{fal.submit(PRO)['request_id']}"
    replies = [fal.http.get(f"{address}{part}") for part in ("", "/response", "/status", "/status/stream")]
    replies.append(fal.http.put(f"{address}/cancel"))
    assert [(reply.status_code, reply.json()) for reply in replies] == [(404, {"status": "NOT_FOUND"})] * 5


def test_a_job_of_sora_is_unknown_under_kling(fal: Fal) -> None:
    address = f"/queue/fal-ai/kling-video/requests/{fal.submit(SORA, prompt='p')['request_id']}"
    assert fal.http.get(f"{address}/status").status_code == 404


def test_a_waiting_job_can_be_cancelled(fal: Fal) -> None:
    job = fal.http.post(f"/queue/{PRO}", json=BODIES[PRO]).json()
    assert fal.http.put(job["cancel_url"]).json() == {"status": "OK"}


def test_an_id_that_nobody_gave_out_is_not_found(fal: Fal) -> None:
    assert fal.http.get(f"/queue/fal-ai/kling-video/requests/{uuid.uuid4()}").json() == {"status": "NOT_FOUND"}


# --- outputs


def test_seedance_answers_a_file_and_a_seed(fal: Fal) -> None:
    result = fal.made(SEEDANCE)
    assert set(result) == {"video", "seed"}
    assert set(result["video"]) == {"url", "content_type", "file_name", "file_size"}
    assert type(result["seed"]) is int
    assert len(fal.http.get(result["video"]["url"], headers={"Authorization": ""}).content) > 10_000


@pytest.mark.parametrize("endpoint", [STANDARD, VEO])
def test_the_others_answer_a_file_and_nothing_else(fal: Fal, endpoint: str) -> None:
    assert set(fal.made(endpoint)) == {"video"}


def test_a_minimal_result_keeps_what_is_required(fal: Fal) -> None:
    rule(fal, "minimal_result", "result")
    assert [set(fal.made(each)) for each in (SEEDANCE, STANDARD)] == [{"video", "seed"}, {"video"}]


def test_no_thumbnail_is_missed_where_there_is_none(fal: Fal) -> None:
    rule(fal, "missing_thumbnail", "result")
    assert set(fal.made(STANDARD)) == {"video"}


def test_a_policy_refusal_is_fals_own(fal: Fal) -> None:
    rule(fal, "policy_refusal", "submit", endpoint="seedance")
    assert fal.refused(SEEDANCE)["ctx"] == {"extra_info": {"reason": "partner_validation_failed"}}


@pytest.mark.parametrize(
    ("endpoint", "body", "size", "seconds"),
    [
        (SEEDANCE, {}, (960, 960), 4),  # auto: as the first picture
        (SEEDANCE, {"image_urls": [picture(300, 500)]}, (720, 1280), 4),
        (SEEDANCE, {"aspect_ratio": "21:9", "duration": "auto"}, (1464, 632), 5),
        (SEEDANCE, {"image_urls": None, "prompt": "p", "resolution": "4k"}, (3840, 2160), 4),
        (FAST, {"resolution": "480p", "aspect_ratio": "16:9"}, (856, 480), 4),
        (STANDARD, {}, (1280, 720), 3),
        (PRO, {"aspect_ratio": "9:16", "duration": "15"}, (1080, 1920), 15),
        (ULTRA, {"aspect_ratio": "1:1"}, (2880, 2880), 3),
        (PRO, {"prompt": None, "multi_prompt": [{"prompt": "a"}, {"prompt": "b", "duration": "1"}]}, (1920, 1080), 6),
        (VEO, {"resolution": "1080p", "aspect_ratio": "9:16"}, (1080, 1920), 8),
    ],
)
def test_a_clip_is_as_large_and_as_long_as_ordered(
    fal: Fal, endpoint: str, body: dict[str, Any], size: tuple[int, int], seconds: int
) -> None:
    made = fal.clip(endpoint, **body)
    assert (made.width * 4, made.height * 4, made.seconds) == (*size, seconds)


# --- strict inputs


def test_every_canonical_body_is_accepted() -> None:
    bodies = json.loads((FIXTURES / "reference-models.requests.json").read_text())
    known = [endpoint for endpoint in bodies if endpoint in ENDPOINTS]
    assert known == list(bodies)
    assert all(parse(ENDPOINTS[endpoint], bodies[endpoint]) for endpoint in known)


@pytest.mark.parametrize(
    ("endpoint", "durations"),
    [(SEEDANCE, (5, "3", "16", "5s")), (PRO, (5, "2", "16", "auto")), (VEO, (8, "8", "9s"))],
)
def test_a_duration_in_the_wrong_form_is_a_literal_error(fal: Fal, endpoint: str, durations: tuple[Any, ...]) -> None:
    for duration in durations:
        reason = fal.refused(endpoint, duration=duration)
        assert (reason["type"], reason["loc"], reason["input"]) == ("literal_error", ["body", "duration"], duration)


def test_a_literal_error_is_worded_as_fal_does(fal: Fal) -> None:
    assert fal.refused(VEO, duration="4") == {
        "type": "literal_error",
        "loc": ["body", "duration"],
        "msg": "Input should be '8s'",
        "input": "4",
        "ctx": {"expected": "'8s'"},
    }
    assert fal.refused(SEEDANCE, duration=4)["msg"].startswith("Input should be 'auto', '4', '5'")


@pytest.mark.parametrize(
    ("endpoint", "body", "kind", "where"),
    [
        (SEEDANCE, {"video_url": SHORT_CLIP}, "extra_forbidden", ["video_url"]),
        (SEEDANCE, {"character_ids": ["char_1"]}, "extra_forbidden", ["character_ids"]),
        (SEEDANCE, {"image_urls": FACE}, "list_type", ["image_urls"]),
        (SEEDANCE, {"prompt": None}, "missing", ["prompt"]),
        (SEEDANCE, {"generate_audio": "true"}, "bool_type", ["generate_audio"]),
        (FAST, {"resolution": "1080p"}, "literal_error", ["resolution"]),
        (MINI, {"resolution": "4k"}, "literal_error", ["resolution"]),
        (SEEDANCE, {"image_urls": [FACE] * 10}, "sequence_too_long", ["image_urls"]),
        (SEEDANCE, {"video_urls": [SHORT_CLIP] * 4}, "sequence_too_long", ["video_urls"]),
        (
            SEEDANCE,
            {"image_urls": [FACE] * 9, "video_urls": [SHORT_CLIP] * 3, "audio_urls": [sound()]},
            "value_error",
            [],
        ),
        (SEEDANCE, {"prompt": "p", "image_urls": None, "audio_urls": [sound()]}, "value_error", ["audio_urls"]),
        (PRO, {"prompt": None}, "value_error", ["prompt"]),
        (PRO, {"multi_prompt": [{"prompt": "p", "duration": "5"}]}, "value_error", ["prompt"]),
        (PRO, {"prompt": "p" * 2501}, "string_too_long", ["prompt"]),
        (PRO, {"prompt": None, "multi_prompt": []}, "sequence_too_short", ["multi_prompt"]),
        (PRO, {"prompt": None, "multi_prompt": [{"prompt": "p", "duration": "2"}]}, "value_error", ["multi_prompt"]),
        (
            PRO,
            {"prompt": None, "multi_prompt": [{"prompt": "p", "duration": 5}]},
            "literal_error",
            ["multi_prompt", 0, "duration"],
        ),
        (PRO, {"prompt": "p", "elements": [{}]}, "value_error", ["elements", 0]),
        (PRO, {"elements": [{"reference_image_urls": [FACE]}]}, "value_error", ["elements", 0]),
        (PRO, {"elements": [{"image_url": FACE}]}, "extra_forbidden", ["elements", 0, "image_url"]),
        (
            PRO,
            {"elements": [{**ELEMENT, "reference_image_urls": []}]},
            "sequence_too_short",
            ["elements", 0, "reference_image_urls"],
        ),
        (
            PRO,
            {"elements": [{**ELEMENT, "reference_image_urls": [FACE] * 4}]},
            "sequence_too_long",
            ["elements", 0, "reference_image_urls"],
        ),
        (PRO, {"elements": [{"video_url": SHORT_CLIP}] * 2}, "value_error", ["elements", 1, "video_url"]),
        (PRO, {"elements": [ELEMENT] * 5, "image_urls": [FACE] * 3}, "value_error", ["elements"]),
        (PRO, {"elements": [{"video_url": SHORT_CLIP}], "image_urls": [FACE] * 4}, "value_error", ["elements"]),
        (PRO, {"resolution": "720p"}, "extra_forbidden", ["resolution"]),
        (VEO, {"image_urls": None}, "missing", ["image_urls"]),
        (VEO, {"image_urls": []}, "sequence_too_short", ["image_urls"]),
        (VEO, {"image_urls": [FACE] * 4}, "sequence_too_long", ["image_urls"]),
        (VEO, {"safety_tolerance": 4}, "literal_error", ["safety_tolerance"]),
    ],
)
def test_what_a_schema_refuses(fal: Fal, endpoint: str, body: dict[str, Any], kind: str, where: list[Any]) -> None:
    reason = fal.refused(endpoint, **body)
    assert (reason["type"], reason["loc"]) == (kind, ["body", *where])


def test_kling_4k_takes_seven_and_four_beside_a_video(fal: Fal) -> None:
    assert fal.event(ULTRA, image_urls=[FACE] * 6)  # and the element
    assert fal.event(ULTRA, elements=[{"video_url": SHORT_CLIP}], image_urls=[FACE] * 3)


@pytest.mark.parametrize(
    ("endpoint", "body", "where"),
    [
        (SEEDANCE, {"prompt": "@Image3 waves", "image_urls": [FACE, FACE]}, ["prompt"]),
        (SEEDANCE, {"prompt": "@Image0 waves"}, ["prompt"]),
        (SEEDANCE, {"prompt": "@Image12 waves"}, ["prompt"]),
        (SEEDANCE, {"prompt": "as in @Video1"}, ["prompt"]),
        (SEEDANCE, {"prompt": "@Element1 waves"}, ["prompt"]),
        (PRO, {"prompt": "@Element1 and @Element2 wave"}, ["prompt"]),
        (PRO, {"prompt": "@Image1 waves"}, ["prompt"]),
        (
            PRO,
            {"prompt": None, "multi_prompt": [{"prompt": "@Element1"}, {"prompt": "@Element2"}]},
            ["multi_prompt", 1, "prompt"],
        ),
    ],
)
def test_a_citation_of_nothing_is_refused(fal: Fal, endpoint: str, body: dict[str, Any], where: list[Any]) -> None:
    reason = fal.refused(endpoint, **body)
    assert (reason["type"], reason["loc"]) == ("value_error", ["body", *where])


# --- files


@pytest.mark.parametrize(
    ("endpoint", "body", "kind", "where"),
    [
        (SEEDANCE, {"image_urls": ["http://127.0.0.1:9/a.png"]}, "file_download_error", ["image_urls", 0]),
        (SEEDANCE, {"image_urls": ["data:,hello"]}, "image_load_error", ["image_urls", 0]),
        (SEEDANCE, {"image_urls": [FACE, picture(form="gif")]}, "unsupported_image_format", ["image_urls", 1]),
        (SEEDANCE, {"video_urls": [clip(container="matroska")]}, "unsupported_video_format", ["video_urls", 0]),
        (SEEDANCE, {"video_urls": [FACE]}, "unsupported_video_format", ["video_urls", 0]),
        (SEEDANCE, {"video_urls": [clip(size=(640, 360))]}, "value_error", ["video_urls", 0]),
        (SEEDANCE, {"video_urls": [clip(size=(1920, 1080))]}, "value_error", ["video_urls", 0]),
        (SEEDANCE, {"video_urls": [clip(1)]}, "video_duration_too_short", ["video_urls"]),
        (SEEDANCE, {"video_urls": [clip(8), clip(8)]}, "video_duration_too_long", ["video_urls"]),
        (SEEDANCE, {"audio_urls": [FACE]}, "unsupported_audio_format", ["audio_urls", 0]),
        (SEEDANCE, {"audio_urls": ["data:,x"]}, "unsupported_audio_format", ["audio_urls", 0]),
        (SEEDANCE, {"audio_urls": [sound(8), sound(8)]}, "audio_duration_too_long", ["audio_urls"]),
        (PRO, {"elements": [{"frontal_image_url": picture(299, 400)}]}, "image_too_small", [0, "frontal_image_url"]),
        (PRO, {"elements": [{"frontal_image_url": picture(300, 751)}]}, "value_error", [0, "frontal_image_url"]),
        (PRO, {"elements": [{"frontal_image_url": picture(751, 300)}]}, "value_error", [0, "frontal_image_url"]),
        (
            PRO,
            {"elements": [{"frontal_image_url": picture(padding=10_000_000)}]},
            "file_too_large",
            [0, "frontal_image_url"],
        ),
        (
            PRO,
            {"elements": [{**ELEMENT, "reference_image_urls": [FACE, picture(200, 200)]}]},
            "image_too_small",
            [0, "reference_image_urls", 1],
        ),
        (PRO, {"elements": [{"video_url": FACE}]}, "unsupported_video_format", [0, "video_url"]),
        (PRO, {"start_image_url": "data:,x"}, "image_load_error", ["start_image_url"]),
        (PRO, {"end_image_url": "data:,x"}, "image_load_error", ["end_image_url"]),
        (VEO, {"image_urls": [picture(padding=8_000_000)]}, "file_too_large", ["image_urls", 0]),
    ],
)
def test_what_a_file_is_refused_for(fal: Fal, endpoint: str, body: dict[str, Any], kind: str, where: list[Any]) -> None:
    reason = fal.refused(endpoint, **body)
    whole = ["elements", *where] if where[0] == 0 else where
    assert (reason["type"], reason["loc"]) == (kind, ["body", *whole])


def test_a_refusal_tells_the_limits(fal: Fal) -> None:
    small = fal.refused(PRO, elements=[{"frontal_image_url": picture(299, 400)}])
    short = fal.refused(SEEDANCE, video_urls=[clip(1)])
    format_ = fal.refused(SEEDANCE, image_urls=[picture(form="gif")])
    assert small["ctx"] == {"min_width": 300, "min_height": 300}
    assert short["ctx"] == {"min_duration": 2, "provided_duration": 1.0}
    assert format_["ctx"] == {"supported_formats": ["jpeg", "png", "webp"]}


def test_files_together_may_be_too_large() -> None:
    wanted = Wanted(("video_urls", 0), "", Files(kind="video", together=(2, 15), megabytes_together=12))
    check_together([Measured(wanted, bytes(6), seconds=3)] * 2, megabyte=1)
    with pytest.raises(BadFile) as refused:
        check_together([Measured(wanted, bytes(7), seconds=3)] * 2, megabyte=1)
    assert refused.value.problem == "too large"


@pytest.mark.parametrize("image", [picture(form="jpeg"), picture(form="webp"), picture(mode="RGBA")])
def test_jpeg_png_and_webp_are_fine(fal: Fal, image: str) -> None:
    assert fal.event(SEEDANCE, image_urls=[image])


# --- who is in the picture


@pytest.mark.parametrize(
    ("endpoint", "body", "cast"),
    [
        (SEEDANCE, {"prompt": "@Image2 waves", "image_urls": [FACE, FACE]}, ("Image 2",)),
        (
            SEEDANCE,
            {"prompt": "@Video1, @Image1, @Image1", "video_urls": [SHORT_CLIP]},
            ("Image 1", "Video 1"),
        ),
        (SEEDANCE, {"prompt": "@Image1 says @Audio1", "audio_urls": [sound()]}, ("Image 1",)),
        (PRO, {"prompt": "two", "elements": [ELEMENT, ELEMENT]}, ("Element 1", "Element 2")),
        (PRO, {"prompt": "as @Image2", "image_urls": [FACE, FACE]}, ("Element 1", "Image 2")),
        (PRO, {"elements": [{"video_url": SHORT_CLIP}]}, ("Element 1",)),
        (PRO, {"elements": [{**ELEMENT, "video_url": SHORT_CLIP, "reference_image_urls": [FACE]}]}, ("Element 1",)),
        (VEO, {"image_urls": [FACE, FACE]}, ("Image 1", "Image 2")),
    ],
)
def test_the_clip_shows_its_cast(fal: Fal, endpoint: str, body: dict[str, Any], cast: tuple[str, ...]) -> None:
    made = fal.clip(endpoint, **body)
    assert made.cast == cast
    assert all((fal.folder / "files" / str(portrait)).exists() for portrait in made.portraits)


@pytest.mark.parametrize(
    "body",
    [
        {"elements": [{"frontal_image_url": "PICTURE"}]},
        {"elements": [{"video_url": "CLIP"}]},
        {"elements": None, "prompt": "@Image1 waves", "image_urls": ["PICTURE"]},
    ],
)
def test_a_portrait_has_the_colour_of_its_file(fal: Fal, body: dict[str, Any]) -> None:
    shown = []
    for colour in ("red", "blue"):
        text = json.dumps(body).replace("PICTURE", picture(600, 300, colour)).replace("CLIP", clip(colour=colour))
        video = fal.made(STANDARD, **json.loads(text))["video"]
        with av.open(io.BytesIO(fal.http.get(video["url"], headers={"Authorization": ""}).content)) as container:
            red, _, blue = next(container.decode(video=0)).to_image().getpixel((248, 86))
        shown.append("red" if red > blue + 150 else "blue" if blue > red + 150 else "neither")
    assert shown == ["red", "blue"]


def test_a_first_frame_is_shown_and_is_nobody(fal: Fal) -> None:
    made = fal.clip(PRO, start_image_url=picture(640, 360), end_image_url=FACE)
    assert made.cast == ("Element 1",)
    assert made.image


def test_jobs_and_portraits_survive_a_restart(tmp_path: Path) -> None:
    clock = Clock()
    with serving(tmp_path, clock) as fal:
        job = fal.submit(STANDARD)
        path = job["response_url"].split("/fal/")[1]
        first = fal.http.get(path).json()
    with serving(tmp_path, clock) as fal:
        again = fal.http.get(path).json()
        assert fal.http.get(f"cdn/files/b/{job['request_id']}/out.mp4", headers={"Authorization": ""}).is_success
    assert first["video"]["file_size"] == again["video"]["file_size"]


# --- money


@pytest.mark.parametrize(
    ("endpoint", "body", "usd", "units"),
    [
        (SEEDANCE, {}, 1.2096, 4),
        (SEEDANCE, {"duration": "auto", "generate_audio": False}, 1.512, 5),
        (SEEDANCE, {"resolution": "480p"}, 0.536, 1.7725),
        (SEEDANCE, {"resolution": "1080p"}, 2.728, 9.0212),
        (SEEDANCE, {"resolution": "4k"}, 10.8864, 36),
        (SEEDANCE, {"video_urls": [clip(6)]}, 1.8144, 6),  # 0.1814 for each of 4 + 6 seconds
        (FAST, {}, 0.9676, 4),
        (MINI, {}, 0, 4),  # nobody knows
        (STANDARD, {}, 0.252, 3),
        (STANDARD, {"generate_audio": True}, 0.336, 4),
        (PRO, {"duration": "5"}, 0.56, 5),
        (PRO, {"duration": "5", "generate_audio": True}, 0.7, 6.25),
        (PRO, {"elements": [{"video_url": SHORT_CLIP}]}, 0.336, 3),
        (ULTRA, {"generate_audio": True}, 1.26, 3),
        (VEO, {}, 3.2, 16),
        (VEO, {"generate_audio": False}, 1.6, 8),
        (VEO, {"resolution": "4k"}, 4.8, 24),
        (VEO, {"resolution": "4k", "generate_audio": False}, 3.2, 16),
    ],
)
def test_what_a_job_costs(fal: Fal, endpoint: str, body: dict[str, Any], usd: float, units: float) -> None:
    event = fal.event(endpoint, **body)
    assert (event["cost_total"], event["output_units"]) == (usd, units)


def test_units_times_price_is_the_cost(fal: Fal) -> None:
    reply = fal.result(STANDARD, generate_audio=True)
    (price,) = fal.http.get("/v1/models/pricing", params={"endpoint_id": STANDARD}).json()["prices"]
    assert reply.headers["x-fal-billable-units"] == "4"
    assert 4 * price["unit_price"] == pytest.approx(0.336)


def test_prices_are_listed_and_an_unknown_one_is_left_out(fal: Fal) -> None:
    wanted = ",".join(BODIES)
    prices = fal.http.get("/v1/models/pricing", params={"endpoint_id": wanted}).json()["prices"]
    assert {price["endpoint_id"]: price["unit_price"] for price in prices} == {
        SEEDANCE: 0.3024,
        FAST: 0.2419,
        STANDARD: 0.084,
        PRO: 0.112,
        ULTRA: 0.42,
        VEO: 0.2,
    }


# --- the Platform API knows them


def test_the_reference_models_are_active_while_sora_is_deprecated(fal: Fal) -> None:
    rule(fal, "deprecated", "platform", endpoint="sora-2")
    models = fal.http.get("/v1/models", params={"endpoint_id": f"{SORA},{SEEDANCE},{PRO},{VEO}"}).json()["models"]
    assert [model["metadata"]["status"] for model in models] == ["deprecated", "active", "active", "active"]


def test_the_list_of_all_models_has_them(fal: Fal) -> None:
    models = fal.http.get("/v1/models").json()["models"]
    active = {model["endpoint_id"] for model in models if model["metadata"]["status"] == "active"}
    assert set(BODIES) <= active


def test_a_schema_can_be_asked_for(fal: Fal) -> None:
    query = {"endpoint_id": PRO, "expand": "openapi-3.0"}
    schema = fal.http.get("/v1/models", params=query).json()["models"][0]["openapi"]["components"]["schemas"]["Input"]
    assert schema["properties"]["duration"]["enum"] == [str(each) for each in range(3, 16)]


def test_a_request_is_found_again_with_its_payloads(fal: Fal) -> None:
    job = fal.submit(STANDARD)
    query = {"endpoint_id": STANDARD, "request_id": job["request_id"], "expand": "payloads"}
    (item,) = fal.http.get("/v1/models/requests/by-endpoint", params=query).json()["items"]
    assert item["json_input"] == BODIES[STANDARD]
    assert set(item["json_output"]) == {"video"}
