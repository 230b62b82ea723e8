"""What Kie's and ToAPIs' living models take beyond their canonical bodies: counts, lengths and sizes of the contract."""

from typing import Any

import httpx
import pytest

from prefect_storyboard.providers.citations import tokens
from prefect_storyboard.providers.errors import InvalidRequest
from prefect_storyboard.providers.kie.adapter import Kie
from prefect_storyboard.providers.protocol import Order, Reference, SceneRequest
from prefect_storyboard.providers.table import model
from prefect_storyboard.providers.toapis.adapter import ToApis
from prefect_storyboard.storyboards import Source, shots, validate

HOST = "https://example.com"
FRAMES = {"image_url": f"{HOST}/first.png", "last_frame_url": f"{HOST}/last.png"}
MARA = Reference(character="Mara", image_urls=(f"{HOST}/mara.png",))
SOUNDS = [f"{HOST}/line{number}.mp3" for number in range(11)]

kie = Kie(httpx.AsyncClient(), api_key="key", api_url="https://api.kie.ai", upload_url="https://up.kie.ai")
toapis = ToApis(httpx.AsyncClient(), api_key="sk-key", api_url="https://toapis.com")


def order(provider: str, family: str, *cast: Reference, **facts: Any) -> Order:
    wanted = {"prompt": "Mara waves", "seconds": 8, "aspect": "16:9", "resolution": "720p", "references": cast, **facts}
    adapter = kie if provider == "kie" else toapis
    return adapter.scene_order(SceneRequest(model=model(provider, family), **wanted))


@pytest.mark.parametrize(("family", "most"), [("seedance-2", 3), ("seedance-2.5", 10)])
def test_seedance_takes_as_many_sounds_as_its_version(family: str, most: int) -> None:
    body = order("kie", family, MARA, fields={"reference_audio_urls": SOUNDS[:most]}).body
    assert body["input"]["reference_audio_urls"] == SOUNDS[:most]  # type: ignore[index, call-overload]
    with pytest.raises(InvalidRequest, match=f"may have {most} at most") as error:
        order("kie", family, MARA, fields={"reference_audio_urls": SOUNDS[: most + 1]})
    assert not error.value.sent


@pytest.mark.parametrize(
    ("provider", "field"),
    [
        ("kie", {"reference_audio_urls": SOUNDS[:1]}),
        ("toapis", {"audio_with_roles": [{"url": SOUNDS[0], "role": "reference_audio"}]}),
    ],
)
@pytest.mark.parametrize("family", ["seedance-2", "seedance-2-fast", "seedance-2.5"])
def test_seedance_takes_no_sound_beside_a_frame(provider: str, field: dict[str, Any], family: str) -> None:
    with pytest.raises(InvalidRequest, match="is not an input of") as error:
        order(provider, family, **FRAMES, fields=field)
    assert not error.value.sent


def test_only_the_small_seedance_returns_no_last_frame() -> None:
    asked = {"return_last_frame": True}
    for family in ("seedance-2", "seedance-2-fast", "seedance-2.5"):
        assert order("kie", family, fields=asked).body["input"]["return_last_frame"] is True  # type: ignore[index, call-overload]
    with pytest.raises(InvalidRequest, match="is not an input of seedance-2-mini"):
        order("kie", "seedance-2-mini", fields=asked)


def test_only_seedance_2_5_chooses_its_container() -> None:
    with pytest.raises(InvalidRequest, match="is not one of mp4, mov"):
        order("kie", "seedance-2.5", fields={"output_format": "webm"})


def test_a_negative_prompt_of_kling_at_toapis_is_in_the_metadata() -> None:
    body = order("toapis", "kling-v3", MARA, negative="blur").body
    assert body["metadata"] == {"negative_prompt": "blur"}
    assert "metadata" not in order("toapis", "kling-v3", MARA).body


def test_omni_1_1_renders_360p_at_a_price_that_nobody_has_published() -> None:
    omni = model("kie", "gemini-omni-flash")
    assert order("kie", "gemini-omni-flash", resolution="360p").body["input"]["resolution"] == "360p"  # type: ignore[index, call-overload]
    assert "360p" in omni.resolutions
    assert omni.price("text", 8, "360p") is None
    assert omni.price("text", 8, "720p") == 0.525


def test_a_name_in_a_prompt_is_no_longer_than_pixverse_takes() -> None:
    long = "The Last Lighthouse Keeper of the Northern Isles"
    named = tokens([long, f"{long} the Younger", "Mara", "灯台守", "灯台"])
    assert max(map(len, named.values())) <= 30
    assert len({*named.values()}) == 5
    assert named["Mara"] == "mara"


# --- what a plan refuses, and what it costs


@pytest.mark.parametrize("provider", ["kie", "wavespeed"])
@pytest.mark.parametrize(
    ("seconds", "clip", "refusal"),
    [
        (15, 14.7, None),
        (30, 0.0, None),
        (16, 14.7, "wan-3 at {} takes 30 s of reference clips and of the scene together, and its clips last 14.7 s"),
    ],
)
def test_wan_3_takes_clips_and_scene_of_thirty_seconds_together(
    provider: str, seconds: int, clip: float, refusal: str | None
) -> None:
    board = validate(
        {"title": "T", "model": "wan-3", "scenes": [{"id": "s01", "prompt": "A boat.", "seconds": seconds}]}
    )
    shot = shots(board, lambda name: model(provider, name), Source("t"))[0]
    assert (shot.excess(clip) or "").split(":")[0] == (refusal or "").format(provider)


def test_the_seconds_of_clips_are_paid_for_where_kie_bills_them() -> None:
    wan, omni = model("kie", "wan-3"), model("kie", "gemini-omni-flash")
    assert wan.price("text", 10, "720p", 3.0, mode="references") == 1.04
    assert model("kie", "wan-3-prime").price("text", 10, "480p", 3.0, mode="references") == 0.793
    assert [omni.price("text", seconds, "4k") for seconds in (4, 6, 8, 10)] == [0.735, 0.84, 0.945, 1.05]
