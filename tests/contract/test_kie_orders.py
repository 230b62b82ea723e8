"""What is ordered from Kie beyond the canonical bodies: characters of videos, shots of a storyboard, references."""

from typing import Any

import httpx
import pytest

from prefect_storyboard.providers.errors import InvalidRequest
from prefect_storyboard.providers.kie.adapter import Kie
from prefect_storyboard.providers.protocol import CharacterRequest, Reference, SceneRequest
from prefect_storyboard.providers.table import model
from prefect_storyboard.storyboards import Casting

FRAME = "https://example.com/a.png"
FOX = Reference(character="Fox", image_urls=("https://example.com/fox.png", "https://example.com/side.png"))
OTTO = Reference(character="Otto", clip_url="https://example.com/otto.mp4")


@pytest.fixture
def kie() -> Kie:
    return Kie(httpx.AsyncClient(), api_key="ksec", api_url="https://api.kie.ai", upload_url="https://up.kie.ai")


def scene(family: str = "sora-2", **facts: Any) -> SceneRequest:
    wanted = {"prompt": "Fox walks in the rain", "seconds": 10, "aspect": "16:9", "resolution": "720p"}
    return SceneRequest(model=model("kie", family), **{**wanted, **facts})


def wanted(kie: Kie, request: SceneRequest) -> Any:
    return kie.scene_order(request).body["input"]


# --- characters


def test_a_character_without_a_description_is_its_clip_alone(kie: Kie) -> None:
    request = CharacterRequest(model=model("kie", "sora-2"), name="Fox", clip_url="https://example.com/fox.mp4")
    order = kie.character_order(request)
    assert order.endpoint == "sora-2-characters"
    assert order.body["input"] == {"character_file_url": ["https://example.com/fox.mp4"]}


@pytest.mark.parametrize(
    ("start", "end", "timestamps"), [(0.0, 4.0, "0,4"), (3.55, 5.55, "3.55,5.55"), (20.125, 24.0, "20.125,24")]
)
def test_a_character_of_a_video_is_described_by_its_name_at_least(
    kie: Kie, start: float, end: float, timestamps: str
) -> None:
    request = CharacterRequest(model=model("kie", "sora-2-pro"), name="Fox", video_id="task_1", start=start, end=end)
    order = kie.character_order(request)
    assert order.endpoint == "sora-2-characters-pro"
    assert order.body["input"] == {"origin_task_id": "task_1", "timestamps": timestamps, "character_prompt": "Fox"}


def test_a_character_of_nothing_is_not_ordered(kie: Kie) -> None:
    with pytest.raises(InvalidRequest) as error:
        kie.character_order(CharacterRequest(model=model("kie", "sora-2"), name="Fox"))
    assert (error.value.sent, error.value.charged) == (False, False)


# --- scenes


def test_every_character_goes_along_by_its_id_and_those_with_a_mention_are_called_by_it(kie: Kie) -> None:
    castings = (Casting(character="Fox", id="ch_1", mention="@fox.ab"), Casting(character="Otto", id="ch_2"))
    body = wanted(kie, scene(prompt="Fox greets Otto. FOX leaves the Foxes.", castings=castings))
    assert body["prompt"] == "@fox.ab greets Otto. @fox.ab leaves the Foxes."
    assert body["character_id_list"] == ["ch_1", "ch_2"]


@pytest.mark.parametrize(("resolution", "size"), [("720p", "standard"), ("1080p", "high")])
def test_only_pro_has_a_size(kie: Kie, resolution: str, size: str) -> None:
    assert wanted(kie, scene("sora-2-pro", resolution=resolution))["size"] == size
    assert "size" not in wanted(kie, scene("sora-2", image_url=FRAME))
    assert "size" not in wanted(kie, scene("sora-2-stable"))


def test_numbers_are_text_for_sora_and_numbers_for_seedance(kie: Kie) -> None:
    assert wanted(kie, scene(seconds=15))["n_frames"] == "15"
    assert wanted(kie, scene("seedance-2", seconds=15))["duration"] == 15


@pytest.mark.parametrize("seconds", [10, 15, 25])
@pytest.mark.parametrize("lines", range(1, 11))
def test_the_shots_of_a_storyboard_share_its_seconds(kie: Kie, seconds: int, lines: int) -> None:
    prompt = "\n\n".join(f"  Shot {number}. " for number in range(lines))
    body = wanted(kie, scene("sora-2-pro-storyboard", prompt=prompt, seconds=seconds, resolution="1080p"))
    lengths = [shot["duration"] for shot in body["shots"]]
    assert [shot["Scene"] for shot in body["shots"]] == [f"Shot {number}." for number in range(lines)]
    assert len(set(lengths)) == 1
    assert sum(lengths) <= seconds
    assert sum(lengths) > min(seconds, 15) - 0.1
    assert 0.1 <= lengths[0] <= 15
    assert "image_urls" not in body


def test_the_style_holds_for_every_shot_and_is_none_itself(kie: Kie) -> None:
    shots = [f"Shot {number}." for number in range(10)]
    prompt = "\n".join([*shots, "Style: ink and wash"])
    body = wanted(kie, scene("sora-2-pro-storyboard", prompt=prompt, aspect="9:16", resolution="1080p"))
    assert [shot["Scene"] for shot in body["shots"]] == [f"{shot} Style: ink and wash" for shot in shots]
    assert body["aspect_ratio"] == "portrait"
    alone = wanted(kie, scene("sora-2-pro-storyboard", prompt="Style: ink", resolution="1080p"))
    assert [shot["Scene"] for shot in alone["shots"]] == ["Style: ink"]


def test_a_storyboard_of_too_many_shots_is_refused_before_anything_is_sent(kie: Kie) -> None:
    prompt = "\n".join([*(f"Shot {number}." for number in range(11)), "Style: ink"])
    with pytest.raises(InvalidRequest, match="there are 11, and Kie takes at most 10") as error:
        kie.scene_order(scene("sora-2-pro-storyboard", prompt=prompt, resolution="1080p"))
    assert (error.value.field, error.value.sent, error.value.charged) == ("prompt", False, False)


def test_references_are_cited_in_the_prompt_and_go_along(kie: Kie) -> None:
    body = wanted(kie, scene("seedance-2", prompt="Fox greets Otto", seconds=8, references=(FOX, OTTO)))
    assert body["prompt"] == "@Image1 greets @Video1\n@Image2 shows the same character as @Image1."
    assert body["reference_image_urls"] == [*FOX.image_urls]
    assert body["reference_video_urls"] == [OTTO.clip_url]
    assert (body["duration"], body["aspect_ratio"], body["generate_audio"]) == (8, "16:9", True)


def test_a_first_frame_and_references_are_never_sent_together(kie: Kie) -> None:
    alone = wanted(kie, scene("seedance-2", image_url=FRAME))
    assert (alone["first_frame_url"], alone["prompt"]) == (FRAME, "Fox walks in the rain")
    assert "reference_image_urls" not in alone
    along = wanted(kie, scene("seedance-2", image_url=FRAME, references=(FOX,)))
    assert along["reference_image_urls"] == [*FOX.image_urls, FRAME]
    assert "first_frame_url" not in along
    assert {"first_frame_url", "reference_image_urls"}.isdisjoint(wanted(kie, scene("seedance-2")))
