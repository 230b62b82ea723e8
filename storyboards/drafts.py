"""Drafts: the cheapest tier and size of a model's family that renders the scene at a published price."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

from prefect_storyboard.storyboards.model import Model
from prefect_storyboard.storyboards.nouns import Scene, Storyboard

TITLE_WORD = "draft"
_LONGEST = 120  # characters of a title


class Draft(NamedTuple):
    """The model and resolution of a draft."""

    model: Model
    resolution: str


Attempt = Callable[
    [Model, str], float | None
]  # the scene's price there; None if it is not sold or has no published price


def cheapest(model: Model, table: Callable[[str], Model], cost: Attempt) -> Draft | None:
    """The cheapest of the family; at equal prices the model itself, in its smaller size. None without a known price."""
    found: list[tuple[float, Draft]] = []
    for tier in _family(model, table):
        for resolution in reversed(tier.resolutions):
            usd = cost(tier, resolution)
            if usd is not None:
                found.append((usd, Draft(tier, resolution)))
    return min(found, key=lambda each: each[0])[1] if found else None


def with_draft_title(board: Storyboard) -> Storyboard:
    """The draft's storyboard with a title of its own, so that its reel lies beside the final one."""
    if board.quality != "draft" or board.title.endswith(f" {TITLE_WORD}"):
        return board
    short = board.title[: _LONGEST - len(TITLE_WORD) - 1].rstrip()
    return board.model_copy(update={"title": f"{short} {TITLE_WORD}"})


def is_draft(board: Storyboard, scene: Scene) -> bool:
    """Whether the scene is rendered as a draft; a remix follows its origin."""
    while scene.remixes:
        scene = board.scene(scene.remixes)
    return (scene.quality or board.quality) == "draft"


def _family(model: Model, table: Callable[[str], Model]) -> Iterator[Model]:
    yield model
    for name in model.tiers:
        with suppress(KeyError):
            yield table(name)
