"""A draft: the cheapest tier and size of a model's family that renders the scene, at a price that is published."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

from prefect_storyboard.storyboards.model import Model
from prefect_storyboard.storyboards.nouns import Scene, Storyboard

TITLE_WORD = "draft"
_LONGEST = 120  # characters of a title


class Draft(NamedTuple):
    """With what a draft of a scene is rendered."""

    model: Model
    resolution: str


Attempt = Callable[[Model, str], float | None]  # what the scene costs there; None where it is not sold or not priced


def cheapest(model: Model, table: Callable[[str], Model], cost: Attempt) -> Draft | None:
    """The cheapest of the family; of equal prices the model's own, in its smaller size. None without a known price."""
    found: list[tuple[float, Draft]] = []
    for tier in _family(model, table):
        for resolution in reversed(tier.resolutions):
            usd = cost(tier, resolution)
            if usd is not None:
                found.append((usd, Draft(tier, resolution)))
    return min(found, key=lambda each: each[0])[1] if found else None


def with_draft_title(board: Storyboard) -> Storyboard:
    """The storyboard of a draft under a title of its own: its reel lies beside the final one."""
    if board.quality != "draft" or board.title.endswith(f" {TITLE_WORD}"):
        return board
    short = board.title[: _LONGEST - len(TITLE_WORD) - 1].rstrip()
    return board.model_copy(update={"title": f"{short} {TITLE_WORD}"})


def is_draft(board: Storyboard, scene: Scene) -> bool:
    """Whether the scene is rendered as a draft; a remix is what its origin is."""
    while scene.remixes:
        scene = board.scene(scene.remixes)
    return (scene.quality or board.quality) == "draft"


def _family(model: Model, table: Callable[[str], Model]) -> Iterator[Model]:
    yield model
    for name in model.tiers:
        with suppress(KeyError):
            yield table(name)
