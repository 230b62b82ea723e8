"""A draft: the cheapest tier and size of the model's family that renders the scene, at a known price."""

from typing import Any

import pytest

from prefect_storyboard.providers.table import model, models
from prefect_storyboard.storyboards import Model, Shot, Source, StoryboardError, shots, validate
from prefect_storyboard.storyboards.drafts import with_draft_title
from prefect_storyboard.storyboards.single import single_shot

GRAND = Model(
    name="grand",
    provider="nowhere",
    endpoints={"text": "g", "image": "i", "remix": "r"},
    seconds=(4, 8),
    aspects=("16:9",),
    resolutions=("1080p", "480p"),
    usd_per_second={"1080p": 0.4, "480p": 0.2},
    tiers=("small", "gone"),
)
SMALL = GRAND.model_copy(
    update={"name": "small", "endpoints": {"text": "s", "remix": "r"}, "usd_per_second": {"1080p": 0.1}, "tiers": ()}
)
UNPRICED = GRAND.model_copy(update={"name": "unpriced", "usd_per_second": {}, "tiers": ()})
TABLE = {each.name: each for each in (GRAND, SMALL, UNPRICED)}


def taken(*scenes: dict[str, Any], **facts: Any) -> list[tuple[str, str, float | None]]:
    return [(shot.model.name, shot.resolution, shot.usd) for shot in made(*scenes, **facts)]


def made(*scenes: dict[str, Any], **facts: Any) -> tuple[Shot, ...]:
    written = [{"id": f"s{number:02d}", "prompt": "The sea.", **scene} for number, scene in enumerate(scenes, 1)]
    board = validate({"title": "T", "model": "grand", "scenes": written, **facts})
    return shots(board, TABLE.__getitem__, Source())


def test_a_draft_is_the_cheapest_tier_and_size_that_is_priced_whatever_size_the_final_has() -> None:
    assert taken({}, quality="draft", resolution="1080p") == [("small", "1080p", 0.4)]
    assert taken({}, resolution="1080p") == [("grand", "1080p", 1.6)]


def test_a_tier_that_cannot_render_the_scene_is_passed_over() -> None:
    assert taken({"image": "a.png"}, quality="draft") == [("grand", "480p", 0.8)]


def test_a_scene_may_be_the_only_draft_and_the_only_final() -> None:
    assert [name for name, *_ in taken({"quality": "draft"}, {})] == ["small", "grand"]
    assert [name for name, *_ in taken({}, {"quality": "final"}, quality="draft")] == ["small", "grand"]


def test_a_remix_is_rendered_with_what_its_origin_was() -> None:
    first, second = made({"quality": "draft"}, {"remixes": "s01"})
    assert (first.model, first.resolution) == (second.model, second.resolution)


def test_without_a_published_price_a_draft_is_refused_or_rendered_as_final_and_told() -> None:
    with pytest.raises(StoryboardError, match="quality: unpriced at nowhere has no draft with a published price; "):
        made({}, model="unpriced", quality="draft")
    (shot,) = made({}, model="unpriced", quality="draft", fit="nearest")
    assert shot.resolution == "1080p"
    assert "unpriced at nowhere has no draft with a published price; it is rendered as final" in shot.remarks


def test_the_reel_of_a_draft_lies_beside_the_final_one() -> None:
    board = validate({"title": "The Lighthouse", "scenes": [{"id": "s", "prompt": "p"}]})
    assert with_draft_title(board) == board
    draft = with_draft_title(board.model_copy(update={"quality": "draft"}))
    assert (draft.title, draft.slug) == ("The Lighthouse draft", "the-lighthouse-draft")
    assert with_draft_title(draft) == draft
    assert len(with_draft_title(draft.model_copy(update={"title": "x" * 120})).title) <= 120


def test_a_task_renders_the_same_draft() -> None:
    shot = single_shot("The sea.", GRAND, TABLE.__getitem__, quality="draft")
    assert (shot.model.name, shot.resolution) == ("small", "1080p")


def test_every_tier_is_a_model_of_the_same_gateway() -> None:
    for provider, sold in models().items():
        assert {name for each in sold.values() for name in each.tiers} <= sold.keys(), provider
    assert model("fal", "seedance-2").tiers == ("seedance-2-fast", "seedance-2-mini")
