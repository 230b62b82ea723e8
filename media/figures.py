"""What each dollar of a reel bought, and when its clips were stored: the figures of the reel's page."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from prefect_storyboard.storyboards import Clip
from prefect_storyboard.storyboards.money import price

_STEPS = 100  # of a bar


class Spent(NamedTuple):
    """What a scene's takes, or the characters, cost: `usd` without the jobs of unknown price, which are counted."""

    subject: str
    takes: int
    usd: float
    unpriced: int
    share: int

    @property
    def cost(self) -> str:
        """The price in words; one that nobody has published is unknown, and not nothing."""
        unknown = f"{self.unpriced} of unknown price"
        if not self.unpriced:
            return price(self.usd)
        return f"{price(self.usd)} and {unknown}" if self.usd else unknown


class Difference(NamedTuple):
    """A scene that is not of the storyboard as it is: in which state, why, and what a new take costs."""

    scene: str
    state: str
    why: str
    remedy: str = ""
    usd: float | None = None


def total(differences: Sequence[Difference]) -> str:
    """What all of them cost; those without a published price are counted."""
    unknown = sum(each.usd is None for each in differences)
    known = price(sum(each.usd or 0.0 for each in differences))
    return known if not unknown else f"{known} and {unknown} of unknown price"


class Moment(NamedTuple):
    """When a clip was stored, and where that is between the first and the last one: 0 to 100."""

    clip: Clip
    at: datetime
    place: float


def bill(clips: Sequence[Clip], total: float) -> list[Spent]:
    """The cost of every scene with all its takes; then what the rest of the reel's cost went to: its characters."""
    scenes: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        scenes[clip.scene].append(clip)
    spent = {scene: sum(clip.cost_usd or 0.0 for clip in takes) for scene, takes in scenes.items()}
    shown = sum(spent.values())
    rest = round(total - shown, 6)
    whole = max(shown, total) or 1.0
    rows = [
        Spent(
            scene,
            len(takes),
            round(spent[scene], 6),
            sum(clip.cost_usd is None for clip in takes),
            round(_STEPS * spent[scene] / whole),
        )
        for scene, takes in scenes.items()
    ]
    return [*rows, Spent("characters", 0, rest, 0, round(_STEPS * rest / whole))] if rest > 0 else rows


def timeline(clips: Sequence[Clip]) -> list[Moment]:
    """The clips in the order in which they were stored."""
    ordered = sorted(clips, key=lambda clip: (clip.stored_at, clip.scene, clip.take))
    if not ordered:
        return []
    first, last = ordered[0].stored_at, ordered[-1].stored_at
    length = (last - first).total_seconds() or 1.0
    return [
        Moment(clip, clip.stored_at, round(_STEPS * (clip.stored_at - first).total_seconds() / length, 2))
        for clip in ordered
    ]
