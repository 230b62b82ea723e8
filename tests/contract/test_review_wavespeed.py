"""What WaveSpeed's models are asked where a prompt or a cast is unusual."""

from typing import Any

import httpx
import pytest

from prefect_storyboard.providers.errors import InvalidRequest
from prefect_storyboard.providers.protocol import Reference, SceneRequest
from prefect_storyboard.providers.table import model
from prefect_storyboard.providers.wavespeed.adapter import WaveSpeed
from prefect_storyboard.storyboards import Casting


def body(family: str, prompt: str, **facts: Any) -> dict[str, Any]:
    sold = model("wavespeed", family)
    request = SceneRequest(model=sold, prompt=prompt, seconds=8, aspect="16:9", resolution="720p", **facts)
    return WaveSpeed(httpx.AsyncClient(), api_key="ksec", api_url="https://api.wavespeed.ai").scene_order(request).body


@pytest.mark.parametrize(
    ("names", "prompt", "sent"),
    [
        (("Otto Junior", "Otto"), "OTTO JUNIOR meets @otto.", "Otto Junior meets Otto."),
        (("Otto", "J. R. (Jo)"), "OTTO and J. R. (JO) meet.", "Otto and J. R. (Jo) meet."),
    ],
)
def test_sora_reads_a_character_s_name_in_its_own_letters(names: tuple[str, str], prompt: str, sent: str) -> None:
    cast = tuple(Casting(character=name, id=f"char_{name}") for name in names)
    assert body("sora-2", prompt, castings=cast)["prompt"] == sent


def test_an_at_sign_before_a_name_is_not_sent_twice() -> None:
    mara = Reference(character="Mara", image_urls=("https://example.com/mara.png",))
    assert body("seedance-2", "@Mara climbs.", references=(mara,))["prompt"] == "@Image1 climbs."


def test_a_fourth_clip_is_refused_before_anything_is_sent() -> None:
    clips = tuple(Reference(character=f"No{n}", clip_url=f"https://example.com/{n}.mp4") for n in range(4))
    assert len(body("seedance-2", "p", references=clips[:3])["reference_videos"]) == 3
    with pytest.raises(InvalidRequest, match="3 clips"):
        body("seedance-2", "p", references=clips)
