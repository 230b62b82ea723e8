"""What fal's models are asked where a prompt, a cast or a first frame is unusual."""

from typing import Any

import httpx
import pytest

from prefect_storyboard.providers.errors import InvalidRequest
from prefect_storyboard.providers.fal.adapter import Fal
from prefect_storyboard.providers.protocol import Reference, SceneRequest
from prefect_storyboard.providers.table import model
from prefect_storyboard.storyboards import Casting

FRAME = "https://example.com/frame.png"
HOSTS = {
    "queue_url": "https://queue.fal.run",
    "rest_url": "https://rest.fal.ai",
    "platform_url": "https://api.fal.ai/v1",
}


def body(family: str, prompt: str = "Mara climbs", **facts: Any) -> dict[str, Any]:
    sold = model("fal", family)
    request = SceneRequest(model=sold, prompt=prompt, seconds=8, aspect="16:9", resolution=sold.resolutions[0], **facts)
    return Fal(httpx.AsyncClient(), api_key="kid:ksec", **HOSTS).scene_order(request).body


def pictures(name: str, count: int = 1) -> Reference:
    return Reference(character=name, image_urls=tuple(f"https://example.com/{name}{n}.png" for n in range(count)))


def clips(count: int) -> tuple[Reference, ...]:
    return tuple(Reference(character=f"No{n}", clip_url=f"https://example.com/{n}.mp4") for n in range(count))


@pytest.mark.parametrize(
    ("prompt", "sent"),
    [
        ("@mara climbs; MARA rests", "Mara climbs; Mara rests"),
        ("MARA'S lamp, not marabou", "Mara'S lamp, not marabou"),
        ("Mara hears the word mara", "Mara hears the word mara"),
    ],
)
def test_sora_reads_a_character_s_name_in_its_own_letters_at_least_once(prompt: str, sent: str) -> None:
    assert body("sora-2", prompt, castings=(Casting(character="Mara", id="char_1"),))["prompt"] == sent


@pytest.mark.parametrize("family", ["seedance-2", "kling-o3"])
def test_an_at_sign_before_a_name_is_not_sent_twice(family: str) -> None:
    sent = body(family, "@Mara and Mara's dog", references=(pictures("Mara", 2),))["prompt"].splitlines()[0]
    mention = {"seedance-2": "@Image1", "kling-o3": "@Element1"}[family]
    assert sent == f"{mention} and {mention}'s dog"


def test_a_fourth_clip_is_refused_before_anything_is_sent() -> None:
    assert len(body("seedance-2", references=clips(3))["video_urls"]) == 3
    with pytest.raises(InvalidRequest, match="3 clips") as error:
        body("seedance-2", references=clips(4))
    assert (error.value.sent, error.value.charged, error.value.field) == (False, False, "characters")


@pytest.mark.parametrize(("family", "most"), [("seedance-2", 9), ("veo-3.1", 3)])
def test_a_first_frame_takes_the_seat_of_a_picture(family: str, most: int) -> None:
    cast = tuple(pictures(f"No{n}") for n in range(most))
    assert len(body(family, references=cast)["image_urls"]) == most
    assert len(body(family, references=cast[1:], image_url=FRAME)["image_urls"]) == most
    with pytest.raises(InvalidRequest, match="first frame"):
        body(family, references=cast, image_url=FRAME)


@pytest.mark.parametrize(("family", "too_few"), [("seedance-2", 0), ("veo-3.1", 0), ("kling-o3", 1)])
def test_a_character_is_not_left_without_its_pictures(family: str, too_few: int) -> None:
    with pytest.raises(InvalidRequest, match="of each character"):
        body(family, references=(pictures("Mara", too_few),))
