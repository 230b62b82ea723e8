"""How ToAPIs' models are told who is meant, where a prompt or a cast is unusual."""

from typing import Any

import httpx
import pytest

from prefect_storyboard.providers.errors import InvalidRequest
from prefect_storyboard.providers.protocol import Reference, SceneRequest
from prefect_storyboard.providers.table import model
from prefect_storyboard.providers.toapis.adapter import ToApis
from prefect_storyboard.storyboards import Casting

MARA = Casting(character="Mara", id="ch_1", mention="@duksvfkf.turbo_whis")
TURBO = Casting(character="Turbo", id="ch_2", mention="@hfspn.mara")


def body(family: str, prompt: str, **facts: Any) -> dict[str, Any]:
    sold = model("toapis", family)
    request = SceneRequest(
        model=sold, prompt=prompt, seconds=sold.seconds[0], aspect="16:9", resolution="720p", **facts
    )
    return ToApis(httpx.AsyncClient(), api_key="sk-0123456789", api_url="https://toapis.com").scene_order(request).body


@pytest.mark.parametrize(
    ("prompt", "sent"),
    [
        ("@Mara climbs", "@duksvfkf.turbo_whis climbs"),
        ("@mara's lamp, @Turbo.", "@duksvfkf.turbo_whis's lamp, @hfspn.mara."),
        ("Mara and Turbo", "@duksvfkf.turbo_whis and @hfspn.mara"),
        ("@duksvfkf.turbo_whis waves to Turbo", "@duksvfkf.turbo_whis waves to @hfspn.mara"),
        ("@mara.kim waves to Mara", "@mara.kim waves to @duksvfkf.turbo_whis"),
        ("Write to joe@mara.com", "Write to joe@mara.com"),
        ("Maraは歩く", "@duksvfkf.turbo_whis は歩く"),
    ],
)
def test_a_name_becomes_one_username_and_other_handles_stay(prompt: str, sent: str) -> None:
    assert body("sora-2", prompt, castings=(MARA, TURBO))["prompt"] == sent


def test_a_name_may_be_written_like_a_handle_or_like_a_pattern() -> None:
    cast = (Casting(character="@fox", id="ch_1", mention="@a.b"), Casting(character="Dr. X+ (2)", mention="@c.d"))
    assert body("sora-2", "@Fox meets Dr. X+ (2)", castings=cast)["prompt"] == "@a.b meets @c.d"


def test_a_picture_is_cited_without_the_at_sign_of_its_name() -> None:
    mara = Reference(character="Mara", image_urls=("https://example.com/mara.png",))
    assert body("seedance-2", "@Mara climbs", references=(mara,))["prompt"] == "image 1 climbs"


def test_a_fourth_clip_is_refused_before_anything_is_sent() -> None:
    clips = tuple(Reference(character=f"No{n}", clip_url=f"https://example.com/{n}.mp4") for n in range(4))
    assert len(body("seedance-2", "p", references=clips[:3])["video_with_roles"]) == 3
    with pytest.raises(InvalidRequest, match="3 clips"):
        body("seedance-2", "p", references=clips)
