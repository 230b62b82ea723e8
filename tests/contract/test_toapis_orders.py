"""What is ordered from ToAPIs, where the contract's canonical bodies do not say it."""

from typing import Any

import httpx
import pytest

from prefect_storyboard.providers.errors import InvalidRequest
from prefect_storyboard.providers.protocol import CharacterRequest, Reference, SceneRequest
from prefect_storyboard.providers.table import model, models
from prefect_storyboard.providers.toapis.adapter import ToApis
from prefect_storyboard.storyboards import Casting

CLIP = "https://files.toapis.com/uploads/1/mara.mp4"
PICTURE = "https://files.toapis.com/uploads/1/dawn.png"
MARA = Casting(character="Mara", id="ch_1", mention="@mara.ab")
OTTO = Casting(character="Otto", id="ch_2", mention="@otto.cd")
LOOKS = Reference(character="Mara", image_urls=(f"{CLIP}.1.png", f"{CLIP}.2.png"))
MOVES = Reference(character="Otto", clip_url=CLIP)

adapter = ToApis(httpx.AsyncClient(), api_key="sk-key", api_url="https://toapis.com")


def body(family: str = "sora-2", **facts: Any) -> dict[str, Any]:
    wanted = {"prompt": "Mara climbs the stairs.", "seconds": 10, "aspect": "16:9", "resolution": "720p"}
    return adapter.scene_order(SceneRequest(model=model("toapis", family), **{**wanted, **facts})).body


def character(**facts: Any) -> dict[str, Any]:
    wanted = {"name": "Mara", "clip_url": CLIP, "start": 0.0, "end": 3.0}
    return adapter.character_order(CharacterRequest(model=model("toapis", "sora-2"), **{**wanted, **facts})).body


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (0.0, 3.0, "0,3"),
        (0.0, 1.0, "0,1"),
        (0.0, 2.96, "0,2"),
        (0.0, 12.5, "0,3"),
        (1.0, 3.0, "1,3"),
        (0.4, 2.9, "1,2"),
        (7.0, 60.0, "7,10"),
    ],
)
def test_a_character_is_made_of_whole_seconds_within_the_wanted_ones(start: float, end: float, said: str) -> None:
    assert character(start=start, end=end)["timestamps"] == said


@pytest.mark.parametrize(("start", "end"), [(0.0, 0.0), (0.0, 0.9), (0.5, 1.4), (0.2, 1.9), (3.0, 1.0)])
def test_less_than_a_whole_second_makes_no_character(start: float, end: float) -> None:
    with pytest.raises(InvalidRequest, match="whole seconds") as error:
        character(start=start, end=end)
    assert (error.value.field, error.value.sent, error.value.charged) == ("timestamps", False, False)


@pytest.mark.parametrize("sources", [{"clip_url": None}, {"video_id": "task_1"}], ids=["neither", "both"])
def test_a_character_has_one_source(sources: Any) -> None:
    with pytest.raises(InvalidRequest, match="either a clip or a finished video"):
        character(**sources)


def test_a_character_has_no_prompt_which_would_make_it_a_video() -> None:
    made = character()
    assert set(made) == {"model", "timestamps", "url"}
    assert character(clip_url=None, video_id="task_1")["from_task"] == "task_1"


@pytest.mark.parametrize("family", models()["toapis"])
def test_a_job_is_named_as_we_name_it_or_not_at_all(family: str) -> None:
    start = {} if "text" in model("toapis", family).endpoints else {"image_url": PICTURE}
    assert body(family, job_key="ab12", **start)["client_business_id"] == "ab12"
    assert "client_business_id" not in body(family, **start)


@pytest.mark.parametrize("family", models()["toapis"])
def test_seconds_are_a_number_and_nothing_is_null(family: str) -> None:
    made = body(family, image_url=PICTURE)
    chosen = -1 if family == "seedance-2.5" else 10  # beside a frame, 2.5 chooses its length itself
    assert (type(made["duration"]), made["duration"]) == (int, chosen)
    assert None not in made.values()


def test_each_name_becomes_the_username_of_its_bearer() -> None:
    made = body(prompt="Mara finds Otto. Otto's dog barks at Mara.", castings=(MARA, OTTO))
    assert made["prompt"] == "@mara.ab finds @otto.cd. @otto.cd's dog barks at @mara.ab."
    assert body(castings=(Casting(character="Mara", id="ch_1"),))["prompt"] == "Mara climbs the stairs."


def test_high_definition_is_asked_for_and_nothing_else_of_the_metadata() -> None:
    assert body("sora-2-pro", seconds=15, resolution="1080p")["metadata"] == {"hd": True}
    assert "metadata" not in body("sora-2-pro", seconds=25)
    assert "metadata" not in body()


@pytest.mark.parametrize("remix_of", [None, "video_1"])
def test_high_definition_of_25_seconds_is_refused_before_anything_is_sent(remix_of: str | None) -> None:
    with pytest.raises(InvalidRequest, match="no 1080p of 25 s") as error:
        body("sora-2-pro", seconds=25, resolution="1080p", remix_of=remix_of)
    assert (error.value.field, error.value.sent) == ("resolution", False)


def test_a_video_of_any_name_can_be_remixed() -> None:
    wanted = SceneRequest(
        model=model("toapis", "sora-2"), prompt="p", seconds=10, aspect="16:9", resolution="720p", remix_of="a/b?c"
    )
    assert adapter.scene_order(wanted).endpoint == "v1/videos/a%2Fb%3Fc/remix"


def test_a_first_frame_alone_is_seedances_first_frame() -> None:
    made = body("seedance-2", image_url=PICTURE)
    assert made["image_with_roles"] == [{"url": PICTURE, "role": "first_frame"}]
    assert made["prompt"] == "Mara climbs the stairs."


def test_a_first_frame_beside_characters_is_one_more_reference() -> None:
    made = body("seedance-2", prompt="Mara follows Otto.", references=(LOOKS, MOVES), image_url=PICTURE)
    assert made["prompt"].splitlines() == [
        "image 1 follows video 1.",
        "image 2 shows the same character as image 1.",
        "The video begins with image 3 as its first frame.",
    ]
    assert made["image_with_roles"] == [{"url": url, "role": "reference_image"} for url in (*LOOKS.image_urls, PICTURE)]
    assert made["video_with_roles"] == [{"url": CLIP, "role": "reference_video"}]


def test_a_scene_of_nobody_carries_no_media() -> None:
    made = body("seedance-2")
    assert set(made) == {"model", "prompt", "duration", "aspect_ratio", "resolution", "generate_audio"}
    assert made["generate_audio"] is True
