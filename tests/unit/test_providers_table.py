"""The model table: every entry is complete, and says what it costs, what it takes and when it ends."""

from datetime import date

import pytest

from prefect_storyboard.providers.table import model, models
from prefect_storyboard.storyboards import Model

ALL = [entry for families in models().values() for entry in families.values()]


def test_soras_entries_are_those_of_the_contract() -> None:
    sora, pro = model("fal", "sora-2"), model("fal", "sora-2-pro")
    for entry in (sora, pro):
        assert entry.seconds == (4, 8, 12, 16, 20)
        assert entry.aspects == ("16:9", "9:16")
        assert (entry.max_characters, entry.casting, entry.names_in_prompt) == (2, "sora-2", True)
        assert (entry.retires_on, entry.successor) == (date(2026, 9, 24), "seedance-2")
        assert (entry.reference.containers, entry.reference.min_short_side, entry.reference.max_aspect) == (
            ("mp4",),
            720,
            2.67,
        )
        assert entry.endpoints["remix"] == "fal-ai/sora-2/video-to-video/remix"
        assert entry.endpoints["character"] == "fal-ai/sora-2/characters"
    assert (sora.endpoints["text"], sora.endpoints["image"]) == (
        "fal-ai/sora-2/text-to-video",
        "fal-ai/sora-2/image-to-video",
    )
    assert (pro.endpoints["text"], pro.endpoints["image"]) == (
        "fal-ai/sora-2/text-to-video/pro",
        "fal-ai/sora-2/image-to-video/pro",
    )
    assert (sora.resolutions, set(pro.resolutions)) == (("720p",), {"1080p", "720p", "true_1080p"})


@pytest.mark.parametrize(
    ("family", "operation", "resolution", "usd"),
    [
        ("sora-2", "text", "720p", 0.8),
        ("sora-2", "image", "720p", 0.8),
        ("sora-2", "remix", "720p", None),
        ("sora-2", "character", "720p", None),
        ("sora-2-pro", "text", "720p", 2.4),
        ("sora-2-pro", "image", "1080p", 4.0),
        ("sora-2-pro", "text", "true_1080p", None),
    ],
)
def test_eight_seconds_cost(family: str, operation: str, resolution: str, usd: float | None) -> None:
    assert model("fal", family).price(operation, 8, resolution) == usd  # type: ignore[arg-type]


@pytest.mark.parametrize("entry", ALL, ids=lambda entry: f"{entry.provider}/{entry.name}")
def test_every_entry_is_complete(entry: Model) -> None:
    assert entry.endpoints
    assert entry.seconds == tuple(sorted(set(entry.seconds)))
    assert entry.aspects
    assert entry.resolutions
    assert set(entry.usd_per_second) <= {*entry.resolutions, *entry.frame_resolutions}
    assert all(price > 0 for price in entry.usd_per_second.values())
    assert (entry.casting is None) or entry.max_characters > 0
    assert entry.successor is None or entry.retires_on
    assert entry.successor is None or entry.successor in models()[entry.provider]
    assert bool(entry.casting) == ("character" in entry.endpoints)
    assert not (entry.casting and entry.references)
    assert set(entry.usd_per_clip) <= set(entry.resolutions)
    assert {seconds for prices in entry.usd_per_clip.values() for seconds in prices} <= set(entry.seconds)
    if entry.references:
        least, most = entry.references.each
        assert 1 <= least <= most
        assert entry.references.images >= least * entry.max_characters


@pytest.mark.parametrize(
    ("provider", "family", "seconds", "resolution", "clip_seconds", "usd"),
    [
        ("fal", "seedance-2", 4, "720p", 0, 1.2096),
        ("fal", "seedance-2", 4, "720p", 6, 1.814),
        ("fal", "seedance-2", 4, "1080p", 0, 2.728),
        ("fal", "kling-o3", 5, "1080p", 0, 0.7),
        ("fal", "veo-3.1", 8, "720p", 0, 3.2),
        ("kie", "sora-2", 10, "720p", 0, 0.15),
        ("kie", "sora-2", 15, "720p", 0, None),
        ("kie", "sora-2-pro", 15, "1080p", 0, 3.15),
        ("kie", "seedance-2", 4, "720p", 0, 0.82),
        ("kie", "seedance-2", 4, "720p", 4, 1.0),
        ("toapis", "sora-2", 10, "720p", 0, None),
        ("wavespeed", "sora-2", 8, "720p", 0, 0.8),
        ("wavespeed", "sora-2-pro", 8, "1080p", 0, None),
        ("wavespeed", "seedance-2", 5, "720p", 0, None),
    ],
)
def test_a_scene_costs_what_its_provider_publishes(
    provider: str, family: str, seconds: int, resolution: str, clip_seconds: float, usd: float | None
) -> None:
    assert model(provider, family).price("text", seconds, resolution, clip_seconds) == usd


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("sora2", "did you mean sora-2?"),
        ("Sora-2-Pro", "did you mean sora-2-pro?"),
        ("sora_2_pro", "did you mean sora-2-pro?"),
        ("", "it has sora-2, sora-2-pro"),
        ("hunyuan", "it has sora-2, sora-2-pro"),
    ],
)
def test_a_model_that_is_not_in_the_table_is_told_with_what_is(name: str, hint: str) -> None:
    with pytest.raises(KeyError) as error:
        model("fal", name)
    assert error.value.args[0].startswith(f"{name} is not a known model of fal; ")
    assert hint in error.value.args[0]


def test_a_provider_that_is_not_in_the_table_is_told_with_those_that_are() -> None:
    with pytest.raises(KeyError, match="fall is not a known provider; choose from fal"):
        model("fall", "sora-2")
